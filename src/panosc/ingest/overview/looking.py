"""The SQL of the overview."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.intake import announcement, arrival, quarantine, run_record
from panosc.catalogue.intake import run as runs
from panosc.catalogue.tables import dataset, instrument
from panosc.ingest.messages.register import from_row
from panosc.ingest.overview.told import Announced, Chosen, Effect, Place, Sought, Touched
from panosc.ingest.runs.entries import SetAside
from panosc.ingest.runs.journal import SILENT
from panosc.ingest.walking import url_of

_FILE = "file://"

Waits = Mapping[tuple[str, str], tuple[str, ...]]
"""(profile, rule) → what its datasets wait for."""


def numbers(
    connection: sa.Connection,
    chosen: Chosen,
    *,
    before: int | None,
    limit: int,
    now: datetime,
) -> list[int]:
    """Return the newest runs that fit, below `before`."""
    columns, is_silent = runs.c, runs.c.beat < now - SILENT
    query = sa.select(columns.id).order_by(columns.id.desc()).limit(limit)
    if before is not None:
        query = query.where(columns.id < before)
    if chosen.kind:
        query = query.where(columns.kind == chosen.kind)
    if chosen.who:
        query = query.where(columns.who == chosen.who)
    if chosen.state == "running":
        query = query.where(columns.state == "running", ~is_silent)
    elif chosen.state == "stopped":
        # one that was killed could not say so
        killed = sa.and_(columns.state == "running", is_silent)
        query = query.where(sa.or_(columns.state == "stopped", killed))
    elif chosen.state:
        query = query.where(columns.state == chosen.state)
    if chosen.since is not None:
        query = query.where(columns.started >= chosen.since)
    if chosen.until is not None:
        query = query.where(columns.started < chosen.until)
    return list(connection.scalars(query))


def places(connection: sa.Connection, waits: Waits, *, limit: int) -> tuple[int, list[Place]]:
    """Return how many places wait, and those that wait the longest."""
    columns = arrival.c
    names = (columns.profile, columns.place, columns.rule, columns.base)
    query = (
        sa.select(
            *names,
            sa.func.count().label("files"),
            sa.func.sum(columns.size).label("size"),
            sa.func.min(columns.seen).label("since"),
            sa.func.max(columns.seen).label("newest"),
            sa.func.count().over().label("total"),
        )
        .where(columns.registered.is_(sa.false()))
        .group_by(*names)
        .order_by(sa.literal_column("since"), columns.place)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    found = [
        Place(
            base=row.base,
            key=row.place,
            rule=row.rule,
            profile=row.profile,
            files=row.files,
            size=int(row.size),
            since=row.since,
            newest=row.newest,
            waits_for=waits.get((row.profile, row.rule), ()),
        )
        for row in rows
    ]
    return (rows[0].total if rows else 0), found


def reasons(connection: sa.Connection) -> list[tuple[str, int]]:
    """Return how many files are set aside for each reason, the most frequent first."""
    count = sa.func.count()
    query = sa.select(quarantine.c.reason, count).group_by(quarantine.c.reason)
    rows = connection.execute(query.order_by(count.desc(), quarantine.c.reason))
    return [(row[0], row[1]) for row in rows]


def _fits(sought: Sought) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if sought.reason:
        found.append(quarantine.c.reason == sought.reason)
    if sought.text:
        # somebody may have copied a path, or the URL that stands for it
        is_url = sought.text.startswith(_FILE)
        piece = (sought.text if is_url else url_of(sought.text)).removeprefix(_FILE)
        found.append(quarantine.c.url.icontains(piece, autoescape=True))
    return found


def set_aside(
    connection: sa.Connection, sought: Sought, *, after: str, limit: int
) -> tuple[int, list[SetAside]]:
    """Return how many files set aside fit, and those whose URLs come after `after`."""
    count = sa.select(sa.func.count()).select_from(quarantine).where(*_fits(sought))
    names = ("url", "reason", "detail", "size", "seen")
    query = (
        sa.select(*(quarantine.c[name] for name in names))
        .where(quarantine.c.url > after, *_fits(sought))
        .order_by(quarantine.c.url)
        .limit(limit)
    )
    rows = connection.execute(query).mappings().all()
    return int(connection.scalar(count) or 0), [SetAside(**row) for row in rows]


def urls(connection: sa.Connection, sought: Sought) -> list[str]:
    """Return all files set aside that fit."""
    return list(connection.scalars(sa.select(quarantine.c.url).where(*_fits(sought))))


def announced(connection: sa.Connection, *, limit: int) -> Announced:
    """Return the numbers of announcements, and the newest of those not done, the failed first."""
    columns = announcement.c
    counted = sa.select(columns.state, sa.func.count()).group_by(columns.state)
    counts: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
    query = (
        sa.select(announcement)
        .where(columns.state != "done")
        .order_by(columns.state, columns.at.desc(), columns.id)
        .limit(limit)
    )
    return Announced(
        waiting=counts.get("waiting", 0),
        failed=counts.get("failed", 0),
        done=counts.get("done", 0),
        newest=tuple(from_row(row) for row in connection.execute(query)),
    )


def effects(connection: sa.Connection, run: int) -> list[Effect]:
    """Return what undoing a run would do, class by class."""
    was_there = run_record.c.before.is_not(None)
    query = (
        sa.select(
            run_record.c.model,
            sa.func.count().filter(~was_there).label("go"),
            sa.func.count().filter(was_there).label("come_back"),
        )
        .where(run_record.c.run_id == run)
        .group_by(run_record.c.model)
        .order_by(run_record.c.model)
    )
    rows = connection.execute(query)
    return [Effect(model=row.model, go=row.go, come_back=row.come_back) for row in rows]


def touched(connection: sa.Connection, run: int, *, skip: int, limit: int) -> Sequence[Touched]:
    """Return datasets of a run, in the order in which it came to them."""
    columns: Any = run_record.c
    query = (
        sa.select(
            columns.pid,
            dataset.c.title,
            dataset.c.id.is_not(None).label("is_there"),
            columns.before.is_not(None).label("was_there"),
        )
        .outerjoin(dataset, sa.and_(dataset.c.pid == columns.pid, dataset.c.mark != "erased"))
        .where(columns.run_id == run, columns.model == "Dataset")
        .order_by(columns.number)
        .offset(skip)
        .limit(limit)
    )
    return [Touched(**row) for row in connection.execute(query).mappings()]


def instruments(connection: sa.Connection, names: Sequence[str]) -> dict[str, str]:
    """Return name → PID of instruments; of several with one name the first."""
    wanted = sa.any_(sa.literal(list(names), sa.ARRAY(sa.Text)))
    query = sa.select(instrument.c.name, sa.func.min(instrument.c.pid)).group_by(instrument.c.name)
    return {row[0]: row[1] for row in connection.execute(query.where(instrument.c.name == wanted))}
