"""People, their groups, what was decided and shared, and the audit trail."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CHANGED = """
alter table "group"
    add column title text collate pg_c_utf8, add column access_type text collate pg_c_utf8,
    add column starts timestamptz, add column ends timestamptz,
    add column document_pid text collate pg_c_utf8,
    add column changed timestamptz not null default now();
update group_member set role = 'team' where role is null;
alter table group_member
    add column source text collate pg_c_utf8, alter column role set not null,
    drop constraint group_member_pkey,
    add constraint group_member_pkey primary key ("group", person, role);
create index group_member_person_ix on group_member (person);
"""
_TRAIL = """
create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE'
        and old.at < nullif(current_setting('panosc.prune_audit', true), '')::timestamptz
        and old.at < now() - interval '30 days'
    then
        return old;
    end if;
    raise exception 'the audit trail is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_append_only before update or delete on audit
    for each row execute function audit_is_append_only();
create trigger audit_no_truncate before truncate on audit
    for each statement execute function audit_is_append_only();
"""
_GUARDED = [
    (table, column) for table in ("dataset", "document") for column in ("core_at", "open_at")
]


# with the common number of samples, a rare word in a title is taken for a common one, and every
# title is read instead of the index
_GUARD = """
create index dataset_guard_ix on dataset (id)
    include (listed_at, opened_at, instrument_id, mark, owner_group);
drop index dataset_newest_ix;
create index dataset_newest_ix on dataset (creation_date desc nulls last)
    include (id, listed_at, opened_at, instrument_id, mark, owner_group);
alter table dataset alter column title set statistics 500;
alter table document alter column title set statistics 500;
"""
_UNGUARD = """
drop index dataset_guard_ix;
drop index dataset_newest_ix;
create index dataset_newest_ix on dataset (creation_date desc nulls last);
alter table dataset alter column title set statistics -1;
alter table document alter column title set statistics -1;
"""


def _made() -> list[str]:
    statements = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    return [statement for statement in statements.split(";\n") if statement.strip()]


def _run(statements: str) -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)


def upgrade() -> None:
    for statement in _made():
        _run(statement)
    _run(_CHANGED)
    _run(_TRAIL)
    for table, column in _GUARDED:
        _run(
            f"create index {table}_{column}_ix on {table} ({column})"
            f" where {column} > '0001-01-02 00:00:00+00'"
        )
    for table in ("dataset", "document"):
        _run(
            f"alter table {table} add column listed_at timestamptz generated always as"
            " (case when mark = 'normal' then least(core_at, open_at)"
            " else '9999-12-31 23:59:59.999999+00'::timestamptz end) stored,"
            " add column opened_at timestamptz generated always as"
            " (case when mark = 'normal' then open_at"
            " else '9999-12-31 23:59:59.999999+00'::timestamptz end) stored;"
            f"create index {table}_listed_at_ix on {table} (listed_at);"
            f"create index {table}_owner_group_listed_at_ix on {table} (owner_group, listed_at)"
        )
    _run(_GUARD)


def downgrade() -> None:
    """Forget every person and everything that was decided."""
    made = [line.split()[2] for line in "\n".join(_made()).splitlines() if "CREATE TABLE" in line]
    for name in reversed(made):
        _run(f"drop table {name}")
    _run("drop function audit_is_append_only")
    for table, column in _GUARDED:
        _run(f"drop index {table}_{column}_ix")
    _run(_UNGUARD)
    for table in ("dataset", "document"):
        _run(f"drop index {table}_owner_group_listed_at_ix")
        _run(f"alter table {table} drop column listed_at, drop column opened_at")
    _run(
        'alter table "group" drop column title, drop column access_type, drop column starts,'
        " drop column ends, drop column document_pid, drop column changed;"
        "drop index group_member_person_ix;"
        # one role a person is all that the older schema holds
        ' delete from group_member m using group_member o where m."group" = o."group"'
        " and m.person = o.person and m.role > o.role;"
        " alter table group_member drop constraint group_member_pkey, drop column source,"
        ' alter column role drop not null, add primary key ("group", person)'
    )
