"""Bringing what the user office says into the database: sets, in the caller's transaction.

A group in the import has exactly the members of the import, so that who left a team is gone.
What this node gave (guests) and what logins gave is not the user office's and stays. The same
import again changes nothing and writes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.people import account, alias
from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.identity.groups.reading import Group, Member, OnePerson, Said
from panosc.policy import audit

BLOCK = 2000
_ONE_AT_A_TIME = 0x67726F757073
_FOUND = ("name", "title", "access_type", "starts", "ends", "document_pid", "extra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did."""

    groups: int = 0
    """Groups that it named."""
    members: int = 0
    changed: tuple[str, ...] = ()
    """Groups that are new or not what they were."""
    added: int = 0
    removed: int = 0
    names: int = 0
    """Names that were found to be another name of someone."""
    apart: tuple[tuple[str, str], ...] = ()
    """Names that are said to be one person and have an account each: left as they are."""


@dataclass(slots=True)
class _Counts:
    groups: int = 0
    members: int = 0
    names: int = 0
    apart: list[tuple[str, str]] = field(default_factory=list)


def take_over(
    connection: sa.Connection,
    said: Iterable[Said],
    *,
    who: Who,
    now: datetime,
    has_members: bool = False,
) -> Imported:
    """Bring groups, members and merged people into the caller's transaction.

    Parameters
    ----------
    has_members : bool
        Whether the import says all there is on members, even if it has none: a group without
        any then loses those that it had. It does anyway once one membership is seen, or for a
        group whose line lists its members.

    Raises
    ------
    Invalid
        If a membership names a group that is nowhere.
    """
    connection.exec_driver_sql(_STAGE)
    # one import at a time: two would undo each other's members
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    counts, rest = _Counts(), iter(said)
    while block := list(islice(rest, BLOCK)):
        _stage(connection, block, counts, now=now, who=who)
    if has_members or counts.members:
        connection.exec_driver_sql("update new_group set is_whole = true")
    _check(connection)
    changed = {row[0] for row in connection.exec_driver_sql(_UPSERT)}
    at = {"now": now, "person": who.person, "via": who.via}
    removed = connection.execute(sa.text(_REMOVE), at).scalar_one()
    added = connection.execute(sa.text(_ADD), at).scalar_one()
    touched = connection.exec_driver_sql("select name from new_touched").scalars()
    done = Imported(
        groups=counts.groups,
        members=counts.members,
        changed=tuple(sorted(changed | set(touched))),
        added=added,
        removed=removed,
        names=counts.names,
        apart=tuple(counts.apart),
    )
    connection.exec_driver_sql("drop table new_group, new_member, new_touched")
    if done.changed or done.names:
        audit.record(
            connection,
            who,
            "group.imported",
            now=now,
            groups=done.groups,
            changed=len(done.changed),
            added=done.added,
            removed=done.removed,
            names=done.names,
        )
    return done


def _stage(
    connection: sa.Connection, block: list[Said], counts: _Counts, *, now: datetime, who: Who
) -> None:
    groups: list[dict[str, Any]] = []
    members: list[Member] = []
    for item in block:
        if isinstance(item, Group):
            groups.append(_row(item))
            members += item.members or ()
        elif isinstance(item, Member):
            members.append(item)
            counts.members += 1
        else:
            _merge_names(connection, item, counts, now=now, who=who)
    counts.groups += len(groups)
    if groups:
        connection.execute(sa.insert(_new_group), groups)
    if members:
        connection.execute(sa.insert(_new_member), [asdict(item) for item in members])


def _row(item: Group) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in _FOUND if name != "extra"}
    return {
        **values,
        "extra": item.extra or None,
        "is_whole": item.members is not None,
        "place": item.place,
    }


def _check(connection: sa.Connection) -> None:
    twice = connection.exec_driver_sql(_TWICE).first()
    if twice is not None:
        raise Invalid(
            f"{twice.place}: the group {twice.name} is there twice.",
            field="name",
            hint="Nothing was taken over.",
        )
    lost = connection.exec_driver_sql(_LOST).first()
    if lost is not None:
        raise Invalid(
            f"{lost.place}: the group {lost.name} is nowhere.",
            field="group",
            hint="Nothing was taken over. Give the group a line of its own.",
        )


def _merge_names(
    connection: sa.Connection, item: OnePerson, counts: _Counts, *, now: datetime, who: Who
) -> None:
    """Let the names of one person lead to one place: their account, else the first name."""
    query = sa.select(alias.c.name, alias.c.person).where(alias.c.name.in_(item.names))
    known: Mapping[str, str] = {row.name: row.person for row in connection.execute(query)}
    leads = {name: known.get(name, name) for name in item.names}
    query_accounts = sa.select(account.c.id).where(account.c.id.in_(set(leads.values())))
    accounts = set(connection.execute(query_accounts).scalars())
    owned = [place for place in leads.values() if place in accounts]
    keep = owned[0] if owned else leads[item.names[0]]
    # a name with another account stays there: two accounts are never made one here
    apart = [name for name, place in leads.items() if place in accounts and place != keep]
    counts.apart += [(keep, name) for name in apart]
    moved = {
        other
        for name, place in leads.items()
        if name not in apart
        for other in (name, place)
        if other != keep and known.get(other) != keep
    }
    if not moved:
        return
    connection.execute(sa.update(alias).values(person=keep).where(alias.c.person.in_(moved)))
    added = pg.insert(alias).values([{"name": name, "person": keep} for name in sorted(moved)])
    connection.execute(added.on_conflict_do_update(index_elements=["name"], set_={"person": keep}))
    counts.names += len(moved)
    subject = keep if keep in accounts else None
    audit.record(connection, who, "person.merged", now=now, subject=subject, names=len(moved))


_new_group = sa.table(
    "new_group",
    *(sa.column(name) for name in (*_FOUND[:-1], "is_whole", "place")),
    sa.column("extra", pg.JSONB),
)
_new_member = sa.table(
    "new_member", *(sa.column(name) for name in ("group", "person", "role", "until", "place"))
)
_STAGE = """
create temporary table new_group on commit drop as
  select name, title, access_type, starts, ends, document_pid, extra, false as is_whole,
    '' as place
  from "group" with no data;
create temporary table new_member on commit drop as
  select "group", person, role, until, '' as place from group_member
  with no data;
create temporary table new_touched (name text collate pg_c_utf8) on commit drop;
"""
_TWICE = "select name, max(place) as place from new_group group by name having count(*) > 1 limit 1"
_LOST = """
select m."group" as name, m.place from new_member m
where not starts_with(m."group", 'instrument:')
  and not exists (select from new_group g where g.name = m."group")
  and not exists (select from "group" g where g.name = m."group") limit 1
"""
_UPSERT = """
insert into "group" as g (name, title, access_type, starts, ends, document_pid, extra)
  select name, title, access_type, starts, ends, document_pid, extra from new_group order by name
on conflict (name) do update set title = excluded.title, access_type = excluded.access_type,
  starts = excluded.starts, ends = excluded.ends, document_pid = excluded.document_pid,
  extra = excluded.extra, changed = now()
where (g.title, g.access_type, g.starts, g.ends, g.document_pid, g.extra) is distinct from
  (excluded.title, excluded.access_type, excluded.starts, excluded.ends, excluded.document_pid,
   excluded.extra)
returning name
"""
# the trail outlives an erasure: it has a person's account, never the name that the user office uses
_REMOVE = """
with whole as (
  select name from new_group where is_whole union select "group" from new_member
), gone as (
  delete from group_member old where source is null
  and "group" in (select name from whole)
  and not exists (select from new_member new where new."group" = old."group"
    and new.person = old.person and new.role = old.role)
  returning old."group", old.person as member, old.role, old.until
), noted as (insert into new_touched select distinct "group" from gone),
told as (
  insert into audit (at, person, via, event, subject, detail)
    select :now, :person, :via, 'member.removed', "group",
      jsonb_build_object('member', own.id, 'role', role, 'source', 'user office')
    from gone left join alias on alias.name = member
      left join account own on own.id = coalesce(alias.person, member)
)
select count(*) from gone
"""
_ADD = """
with latest as (
  select distinct on ("group", person, role) "group", person, role, until from new_member
  order by "group", person, role, until desc nulls first
), came as (
  insert into group_member as old ("group", person, role, until)
    select "group", person, role, until from latest
  on conflict ("group", person, role) do update set until = excluded.until, source = null
  where old.source is distinct from 'node'
    and (old.until is distinct from excluded.until or old.source is not null)
  returning "group", person as member, role, until, xmax = 0 as is_new
), noted as (insert into new_touched select distinct "group" from came),
told as (
  insert into audit (at, person, via, event, subject, detail)
    select :now, :person, :via, case when is_new then 'member.added' else 'member.changed' end,
      "group", jsonb_build_object('member', own.id, 'role', role, 'until', until,
        'source', 'user office')
    from came left join alias on alias.name = member
      left join account own on own.id = coalesce(alias.person, member)
)
select count(*) from came
"""
