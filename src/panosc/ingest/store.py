"""The SQL of ingest: what is known of places already, what waits, and the quarantine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from panosc.catalogue.intake import arrival, awaited, quarantine
from panosc.catalogue.tables import dataset, group, location


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A place that an earlier run has seen: registered, waiting, or else quarantined."""

    size: int
    mtime_ns: int
    pids: frozenset[str] = frozenset()
    tier: str = "online"
    waits: bool = False
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A group with experiments: how its beam time was given, and when the last one ended."""

    access_type: str
    ends: datetime | None


@dataclass(slots=True, kw_only=True)
class Waiting:
    """A place whose files have been read and that is not complete."""

    key: str
    """URL of the place; `base` is that of the folder from which names are counted."""
    rule: str
    base: str
    files: int
    newest: datetime


def proposal(connection: sa.Connection, name: str) -> Proposal | None:
    """Return a proposal by its name; None if there is none, or a group that is not one."""
    query = sa.select(group.c.access_type, group.c.ends).where(
        group.c.name == name, group.c.access_type.is_not(None)
    )
    row = connection.execute(query).first()
    return None if row is None else Proposal(access_type=row.access_type, ends=row.ends)


def groups(connection: sa.Connection, names: Iterable[str]) -> set[str]:
    """Return those of `names` that are groups of this node."""
    return set(connection.scalars(sa.select(group.c.name).where(group.c.name == _any(names))))


def known(connection: sa.Connection, urls: Sequence[str]) -> dict[str, Known]:
    """Return what is known of `urls`; a quarantine counts more than what lay there before."""
    wanted = _any(urls)
    places = (
        sa.select(
            location.c.url,
            location.c.size,
            location.c.mtime_ns,
            location.c.tier,
            sa.func.array_agg(dataset.c.pid).label("pids"),
        )
        .join(dataset, dataset.c.id == location.c.dataset_id)
        .where(location.c.url == wanted)
        .group_by(location.c.url, location.c.size, location.c.mtime_ns, location.c.tier)
    )
    found = {
        row.url: Known(
            size=row.size, mtime_ns=row.mtime_ns, pids=frozenset(row.pids), tier=row.tier
        )
        for row in connection.execute(places)
    }
    for table in (arrival, quarantine):
        columns = table.c
        query = sa.select(table).where(columns.url == wanted)
        if table is arrival:
            query = query.where(columns.registered.is_(sa.false()))
        for row in connection.execute(query):
            is_bad = table is quarantine
            found[row.url] = Known(
                size=row.size,
                mtime_ns=row.mtime_ns,
                waits=not is_bad,
                tier="online" if is_bad else row.tier,
                reason=row.reason if is_bad else "",
                detail=row.detail if is_bad else "",
            )
    return found


def pids_at(connection: sa.Connection, urls: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return (URL, part) → PID of the dataset that lies there now."""
    query = (
        sa.select(location.c.url, location.c.part, dataset.c.pid)
        .join(dataset, dataset.c.id == location.c.dataset_id)
        .where(location.c.url == _any(urls))
    )
    return {(row.url, row.part): row.pid for row in connection.execute(query)}


def existing(connection: sa.Connection, pids: Iterable[str]) -> set[str]:
    """Return those of `pids` that are datasets of the catalogue."""
    return set(connection.scalars(sa.select(dataset.c.pid).where(dataset.c.pid == _any(pids))))


def below(connection: sa.Connection, folder_url: str) -> Iterator[Any]:
    """Yield url, size, mtime_ns, tier of the places below a folder that are not removed."""
    # "0" comes after "/" in the order of code points: a range of the index
    query = (
        sa.select(location.c.url, location.c.size, location.c.mtime_ns, location.c.tier)
        .where(location.c.url > folder_url + "/", location.c.url < folder_url + "0")
        .where(location.c.tier != "removed")
        .order_by(location.c.url)
        .distinct()
    )
    yield from connection.execute(query.execution_options(yield_per=5000))


def retier(connection: sa.Connection, tiers: Sequence[tuple[str, str]]) -> list[int]:
    """Note that files have moved between disk and tape; return the datasets concerned."""
    if not tiers:
        return []
    urls, names = ([pair[place] for pair in tiers] for place in (0, 1))
    given = (
        sa.func.unnest(sa.literal(urls, ARRAY(sa.Text)), sa.literal(names, ARRAY(sa.Text)))
        .table_valued("url", "tier")
        .render_derived()
    )
    statement = (
        sa.update(location)
        .values(tier=given.c.tier)
        .where(location.c.url == given.c.url, location.c.tier != given.c.tier)
        .returning(location.c.dataset_id)
    )
    return sorted(set(connection.scalars(statement)))


def forget_parts(connection: sa.Connection, kept: Iterable[tuple[str, str]]) -> None:
    """Forget at the URLs of `kept` every other part: the file has it no more."""
    urls, parts = zip(*kept, strict=True)
    given = (
        sa.func.unnest(
            sa.literal(list(urls), ARRAY(sa.Text)), sa.literal(list(parts), ARRAY(sa.Text))
        )
        .table_valued("url", "part")
        .render_derived()
    )
    is_kept = sa.exists(
        sa.select(given.c.url).where(given.c.url == location.c.url, given.c.part == location.c.part)
    )
    connection.execute(sa.delete(location).where(location.c.url == _any(urls), ~is_kept))


# ---- files that wait ----


def keep(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep files that have been read until their dataset is complete."""
    if not rows:
        return
    statement = insert(arrival).values(list(rows))
    names = [column.name for column in arrival.c if column.name != "url"]
    update = {name: statement.excluded[name] for name in names}
    connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=update))


def waiting(connection: sa.Connection, profile: str) -> list[Waiting]:
    """Return the places of a profile that wait, by their names."""
    columns = arrival.c
    query = (
        sa.select(
            columns.place,
            columns.rule,
            columns.base,
            sa.func.count().label("files"),
            sa.func.max(columns.seen).label("newest"),
        )
        .where(columns.profile == profile, columns.registered.is_(sa.false()))
        .group_by(columns.place, columns.rule, columns.base)
        .order_by(columns.place)
    )
    return [
        Waiting(key=row.place, rule=row.rule, base=row.base, files=row.files, newest=row.newest)
        for row in connection.execute(query)
    ]


def arrivals(connection: sa.Connection, profile: str, key: str) -> Sequence[Any]:
    """Return the files of a place, by name: those that wait and those that are registered."""
    columns = arrival.c
    query = sa.select(arrival).where(columns.profile == profile, columns.place == key)
    return connection.execute(query.order_by(columns.name)).all()


def settle(connection: sa.Connection, urls: Sequence[str]) -> None:
    """Note that files are registered; what they said is let go."""
    statement = sa.update(arrival).values(registered=True, facts=None)
    connection.execute(statement.where(arrival.c.url == _any(urls)))


def drop(connection: sa.Connection, urls: Sequence[str]) -> None:
    """Forget files of places: they are gone."""
    if urls:
        connection.execute(sa.delete(arrival).where(arrival.c.url == _any(urls)))


# ---- what was made from what ----


def expect(connection: sa.Connection, links: Sequence[dict[str, Any]]) -> None:
    """Remember what datasets were made from: dataset_id, url of a file or folder."""
    if links:
        connection.execute(insert(awaited).values(list(links)).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """That a dataset was made from another one, both of them there."""

    dataset_id: int
    pid: str
    url: str
    origin: str


def origins(connection: sa.Connection) -> list[Origin]:
    """Return what datasets were made from and is there by now, whichever of the two came first."""
    mine, origin = awaited.c, dataset.alias("origin")
    by_file = sa.select(mine.dataset_id, mine.url, location.c.dataset_id.label("origin")).join(
        location, location.c.url == mine.url
    )
    by_place = (
        sa.select(mine.dataset_id, mine.url, location.c.dataset_id.label("origin"))
        .join(arrival, sa.and_(arrival.c.place == mine.url + "/", arrival.c.registered))
        .join(location, location.c.url == arrival.c.url)
    )
    either = sa.union(by_file, by_place).subquery()
    found = (
        sa.select(either.c.dataset_id, dataset.c.pid, either.c.url, origin.c.pid.label("origin"))
        .join(origin, origin.c.id == either.c.origin)
        .join(dataset, dataset.c.id == either.c.dataset_id)
        .where(either.c.origin != either.c.dataset_id)
        .order_by(origin.c.pid)
    )
    return [Origin(**row) for row in connection.execute(found).mappings()]


def link(connection: sa.Connection, found: Sequence[Origin]) -> None:
    """Write down in datasets what they were made from."""
    pids: dict[int, set[str]] = {}
    for item in found:
        pids.setdefault(item.dataset_id, set()).add(item.origin)
    for key, new in pids.items():
        known = connection.scalar(sa.select(dataset.c.derived_from).where(dataset.c.id == key))
        merged = sorted({*(known or ()), *new})
        connection.execute(
            sa.update(dataset).values(derived_from=merged).where(dataset.c.id == key)
        )
    columns = awaited.c
    for item in found:
        is_it = sa.and_(columns.dataset_id == item.dataset_id, columns.url == item.url)
        connection.execute(sa.delete(awaited).where(is_it))


# ---- the quarantine ----


def set_aside(connection: sa.Connection, rows: Sequence[dict[str, Any]], *, now: datetime) -> None:
    """Remember files that cannot be read, until they change."""
    if not rows:
        return
    statement = insert(quarantine).values([{**row, "seen": now} for row in rows])
    update = {
        name: statement.excluded[name] for name in ("reason", "detail", "size", "mtime_ns", "seen")
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=update))


def release(connection: sa.Connection, urls: Sequence[str]) -> None:
    """Forget the quarantine of files that can be read now, or are gone."""
    if urls:
        connection.execute(sa.delete(quarantine).where(quarantine.c.url == _any(urls)))


def _any(values: Iterable[str]) -> Any:
    return sa.any_(sa.literal(list(values), ARRAY(sa.Text)))
