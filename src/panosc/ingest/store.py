"""The SQL of ingest: what is known of places already, and the quarantine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.intake import quarantine
from panosc.catalogue.tables import dataset, group, location


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A place that an earlier run has seen; with a PID it is registered, else quarantined."""

    size: int
    mtime_ns: int
    pid: str | None = None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A group with experiments: how its beam time was given, and when the last one ended."""

    access_type: str
    ends: datetime | None


def proposal(connection: sa.Connection, name: str) -> Proposal | None:
    """Return a proposal by its name; None if there is none, or a group that is not one."""
    query = sa.select(group.c.access_type, group.c.ends).where(
        group.c.name == name, group.c.access_type.is_not(None)
    )
    row = connection.execute(query).first()
    return None if row is None else Proposal(access_type=row.access_type, ends=row.ends)


def known(connection: sa.Connection, urls: Sequence[str]) -> dict[str, Known]:
    """Return what is known of `urls`; a quarantine counts more than what lay there before."""
    wanted = sa.any_(sa.literal(list(urls)))
    places = (
        sa.select(location.c.url, location.c.size, location.c.mtime_ns, dataset.c.pid)
        .join(dataset, dataset.c.id == location.c.dataset_id)
        .where(location.c.url == wanted)
    )
    bad = sa.select(
        quarantine.c.url,
        quarantine.c.size,
        quarantine.c.mtime_ns,
        quarantine.c.reason,
        quarantine.c.detail,
    ).where(quarantine.c.url == wanted)
    found = {
        row.url: Known(size=row.size, mtime_ns=row.mtime_ns, pid=row.pid)
        for row in connection.execute(places)
    }
    for row in connection.execute(bad):
        found[row.url] = Known(
            size=row.size, mtime_ns=row.mtime_ns, reason=row.reason, detail=row.detail
        )
    return found


def pids_at(connection: sa.Connection, urls: Sequence[str]) -> dict[str, str]:
    """Return URL → PID of the dataset that lies there now."""
    query = (
        sa.select(location.c.url, dataset.c.pid)
        .join(dataset, dataset.c.id == location.c.dataset_id)
        .where(location.c.url == sa.any_(sa.literal(list(urls))))
    )
    return {row.url: row.pid for row in connection.execute(query)}


def existing(connection: sa.Connection, pids: Iterable[str]) -> set[str]:
    """Return those of `pids` that are datasets of the catalogue."""
    query = sa.select(dataset.c.pid).where(dataset.c.pid == sa.any_(sa.literal(list(pids))))
    return set(connection.scalars(query))


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
    """Forget the quarantine of files that can be read now."""
    if urls:
        wanted = sa.any_(sa.literal(list(urls)))
        connection.execute(sa.delete(quarantine).where(quarantine.c.url == wanted))
