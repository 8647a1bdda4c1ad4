"""The SQL of ingest: what is known of places already, what waits, and the quarantine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
    place: str | None = None
    """The place that knows of it, where it is registered with others."""
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
    first: str
    last: str
    """The first and the last of the URLs of its files that wait."""

    def is_below(self, root: str) -> bool:
        """Whether the place, or one of these files, is at or below the URL of a root."""
        folder = root.rstrip("/") + "/"
        urls = (self.first, self.last, self.base)
        return any(url == root or url.startswith(folder) for url in urls)


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


def known(connection: sa.Connection, urls: Sequence[str], *, profile: str) -> dict[str, Known]:
    """Return what is known of `urls`; a quarantine counts more than what lay there before.

    What waits for a dataset by another profile is not known: that profile may be no more.
    """
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
    columns = arrival.c
    arrivals = sa.select(
        *(columns[name] for name in ("url", "profile", "place", "size", "mtime_ns", "tier")),
        columns.registered,
    ).where(columns.url == wanted)
    for row in connection.execute(arrivals):
        if row.registered:
            if row.url in found:
                found[row.url] = replace(found[row.url], place=row.place)
        elif row.profile == profile:
            found[row.url] = Known(size=row.size, mtime_ns=row.mtime_ns, waits=True, tier=row.tier)
    for row in connection.execute(sa.select(quarantine).where(quarantine.c.url == wanted)):
        found[row.url] = Known(
            size=row.size, mtime_ns=row.mtime_ns, reason=row.reason, detail=row.detail
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
    """Yield the URLs of the places below a folder that are not removed, and of files that wait."""
    places = sa.select(location.c.url).where(
        _is_below(location.c.url, folder_url), location.c.tier != "removed"
    )
    waits = sa.select(arrival.c.url).where(
        _is_below(arrival.c.url, folder_url), arrival.c.registered.is_(sa.false())
    )
    query = sa.union(places, waits).order_by("url")
    yield from connection.execute(query.execution_options(yield_per=5000))


def _is_below(column: "sa.Column[str]", folder_url: str) -> Any:
    # "0" comes after "/" in the order of code points: a range of the index
    folder = folder_url.rstrip("/")
    return sa.and_(column > folder + "/", column < folder + "0")


def retier(connection: sa.Connection, tiers: Sequence[tuple[str, str]]) -> list[int]:
    """Note that files have moved between disk and tape; return the datasets concerned."""
    if not tiers:
        return []
    # always in the same order, so that two runs never wait for each other in a circle
    urls, names = ([pair[place] for pair in sorted(tiers)] for place in (0, 1))
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
    waits = (
        sa.update(arrival)
        .values(tier=given.c.tier)
        .where(arrival.c.url == given.c.url, arrival.c.tier != given.c.tier)
    )
    connection.execute(waits)
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
    names = [column.name for column in arrival.c if column.name != "url"]
    _merge(connection, rows, names)


def place(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Let places know of files that are registered already."""
    _merge(connection, rows, ("profile", "rule", "place", "base", "name"))


def _merge(connection: sa.Connection, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    if not rows:
        return
    # once each, and always in the same order: two runs must not wait for each other in a circle
    by_url = {row["url"]: row for row in rows}
    ordered = [by_url[url] for url in sorted(by_url)]
    # one array a column: a statement with thousands of values would be put together each time
    arrays = (
        sa.literal([row[column.name] for row in ordered], ARRAY(_plain_type(column)))
        for column in arrival.c
    )
    given = sa.func.unnest(*arrays).table_valued(*arrival.c.keys()).render_derived()
    statement = insert(arrival).from_select(arrival.c.keys(), sa.select(*given.c))
    update = {name: statement.excluded[name] for name in names}
    connection.execute(statement.on_conflict_do_update(index_elements=["url"], set_=update))


def _plain_type(column: "sa.Column[Any]") -> Any:
    return sa.Text() if isinstance(column.type, sa.Text) else column.type


def waiting(connection: sa.Connection, profile: str, roots: Sequence[str] = ()) -> list[Waiting]:
    """Return the places of a profile that wait, by their names; with `roots`, those below them."""
    columns = arrival.c
    query = (
        sa.select(
            columns.place,
            columns.rule,
            columns.base,
            sa.func.count().label("files"),
            sa.func.max(columns.seen).label("newest"),
            sa.func.min(columns.url).label("first"),
            sa.func.max(columns.url).label("last"),
        )
        .where(columns.profile == profile, columns.registered.is_(sa.false()))
        .group_by(columns.place, columns.rule, columns.base)
        .order_by(columns.place, columns.rule, columns.base)
    )
    found = [
        Waiting(key=row.place, **{name: getattr(row, name) for name in _OF_PLACE})
        for row in connection.execute(query)
    ]
    return [item for item in found if not roots or any(map(item.is_below, roots))]


_OF_PLACE = ("rule", "base", "files", "newest", "first", "last")


def arrivals(connection: sa.Connection, profile: str, waits: Waiting) -> Sequence[Any]:
    """Return the files of a place, by name: those that wait and those that are registered.

    The latter also where another profile gathered them at the same place, as announcements do.
    """
    columns = arrival.c
    is_own = sa.and_(columns.profile == profile, columns.rule == waits.rule)
    is_others = sa.and_(columns.profile != profile, columns.registered)
    query = sa.select(arrival).where(
        columns.place == waits.key, columns.base == waits.base, sa.or_(is_own, is_others)
    )
    return connection.execute(query.order_by(columns.name)).all()


def settle(connection: sa.Connection, files: Iterable[tuple[str, int, int, str | None]]) -> None:
    """Note that files (URL, size, time of change, checksum) are registered, and let facts go.

    One that has changed since it was read still waits.
    """
    urls, sizes, times, sums = zip(*sorted(files, key=lambda file: file[0]), strict=True)
    names = ("url", "size", "mtime_ns", "sha256")
    kinds: tuple[Any, ...] = (sa.Text, sa.BigInteger, sa.BigInteger, sa.Text)
    columns = (
        sa.literal(list(values), ARRAY(kind))
        for values, kind in zip((urls, sizes, times, sums), kinds, strict=True)
    )
    given = sa.func.unnest(*columns).table_valued(*names).render_derived().c
    mine = arrival.c
    is_same = sa.and_(mine.size == given.size, mine.mtime_ns == given.mtime_ns)
    connection.execute(
        sa.update(arrival)
        .values(
            registered=True,
            facts=None,
            size=given.size,
            mtime_ns=given.mtime_ns,
            sha256=given.sha256,
        )
        .where(mine.url == given.url, sa.or_(is_same, mine.registered))
    )


def drop(connection: sa.Connection, urls: Sequence[str]) -> None:
    """Forget files of places: they are gone."""
    if urls:
        connection.execute(sa.delete(arrival).where(arrival.c.url == _any(urls)))


def withdraw(connection: sa.Connection, urls: Sequence[str]) -> None:
    """Forget what files said that wait and cannot be read any more as they are now."""
    if urls:
        is_waiting = arrival.c.registered.is_(sa.false())
        connection.execute(sa.delete(arrival).where(arrival.c.url == _any(urls), is_waiting))


def let_go(connection: sa.Connection, profile: str, waits: Waiting) -> Sequence[str]:
    """Forget the files of a place that wait; return their URLs."""
    columns = arrival.c
    statement = sa.delete(arrival).where(
        columns.profile == profile,
        columns.registered.is_(sa.false()),
        columns.place == waits.key,
        columns.rule == waits.rule,
        columns.base == waits.base,
    )
    return connection.scalars(statement.returning(columns.url)).all()


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
