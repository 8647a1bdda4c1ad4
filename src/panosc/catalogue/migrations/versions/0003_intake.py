"""Runs of ingest and what they changed, files on their way in, messages, what derives from what."""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CHANGED = """
alter table dataset
    add column derived_from text[] collate pg_c_utf8,
    add column default_file text collate pg_c_utf8;
alter table location
    add column part text collate pg_c_utf8 not null default '',
    drop constraint location_pkey,
    add constraint location_pkey primary key (url, part);
"""
_BACK = """
delete from location where part <> '';
alter table location
    drop constraint location_pkey, drop column part,
    add constraint location_pkey primary key (url);
alter table dataset drop column derived_from, drop column default_file;
"""
_TABLES = ("announcement", "arrival", "awaited", "run_record", "run", "watcher")


def _run(statements: str) -> None:
    op.get_bind().execution_options(no_parameters=True).exec_driver_sql(statements)


def upgrade() -> None:
    for statement in Path(__file__).with_suffix(".sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            _run(statement)
    _run(_CHANGED)


def downgrade() -> None:
    """Forget the runs and whatever waits; datasets that are an NXentry lose their place."""
    for name in _TABLES:
        _run(f"drop table {name}")
    _run(_BACK)
