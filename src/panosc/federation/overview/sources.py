"""Who told of a record: its sources, and why several records are one here."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector, told

_c = told.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One catalogue's word on a record."""

    name: str
    """Of the catalogue."""
    title: str
    own_pid: str
    """What the record is called by what this catalogue alone says."""
    external_id: str
    home: str | None
    """Its page there."""
    is_shown: bool
    """Whether the record here says what this catalogue says."""
    keys: tuple[str, ...]
    evidence: Mapping[str, Any]
    fetched: datetime


def tellings(
    connection: sa.Connection, model: str, pids: Collection[str]
) -> dict[str, list[Telling]]:
    """Return who told of these records, whoever is shown first."""
    if not pids:
        return {}
    statement = (
        sa.select(told, connector.c.title)
        .join(connector, connector.c.name == _c.connector)
        .where(_c.model == model, _c.pid.in_(pids))
        .order_by(_c.pid, _c.is_shown.desc(), _c.connector)
    )
    found: dict[str, list[Telling]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.pid, []).append(_telling(row))
    return found


def _telling(row: "sa.Row[Any]") -> Telling:
    return Telling(
        name=row.connector,
        title=row.title,
        own_pid=row.own_pid,
        external_id=row.external_id,
        home=row.home if (row.home or "").startswith(("https://", "http://")) else None,
        is_shown=row.is_shown,
        keys=tuple(row.keys),
        evidence=row.evidence,
        fetched=row.fetched,
    )
