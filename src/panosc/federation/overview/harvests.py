"""What harvests brought, and what went wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.federating.tables import harvest, raw

SHOWN = 30
MOST_PROBLEMS = 20
_c = harvest.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """One run; `counts` are of records seen, new, changed, gone, refused."""

    id: int
    connector: str
    kind: str
    state: str
    started: datetime
    ended: datetime | None
    counts: Mapping[str, int]
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A record that could not be taken, and why."""

    external_id: str
    message: str


def newest(connection: sa.Connection, name: str, *, limit: int = SHOWN) -> list[Harvest]:
    """Return the last harvests of a catalogue, the newest first."""
    statement = sa.select(harvest).where(_c.connector == name).order_by(_c.id.desc()).limit(limit)
    return [_harvest(row) for row in connection.execute(statement)]


def last(connection: sa.Connection) -> dict[str, Harvest]:
    """Return the last harvest of each catalogue."""
    newest_ = sa.select(sa.func.max(_c.id)).group_by(_c.connector)
    statement = sa.select(harvest).where(_c.id.in_(newest_))
    return {row.connector: _harvest(row) for row in connection.execute(statement)}


def last_done(connection: sa.Connection) -> dict[str, datetime]:
    """Return when a harvest of each catalogue last came to its end."""
    statement = (
        sa.select(_c.connector, sa.func.max(_c.ended))
        .where(_c.state == "done")
        .group_by(_c.connector)
    )
    return {name: ended for name, ended in connection.execute(statement) if ended is not None}


def problems(connection: sa.Connection, name: str) -> list[Problem]:
    """Return records that could not be taken as they came last."""
    statement = (
        sa.select(raw.c.external_id, raw.c.problem)
        .where(raw.c.connector == name, raw.c.problem.is_not(None))
        .order_by(raw.c.kind, raw.c.external_id)
        .limit(MOST_PROBLEMS)
    )
    return [
        Problem(external_id=row.external_id, message=row.problem)
        for row in connection.execute(statement)
    ]


def _harvest(row: "sa.Row[Any]") -> Harvest:
    return Harvest(
        id=row.id,
        connector=row.connector,
        kind=row.kind,
        state=row.state,
        started=row.started,
        ended=row.ended,
        counts={key: value for key, value in row.counts.items() if isinstance(value, int)},
        message=row.message,
    )
