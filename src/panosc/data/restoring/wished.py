"""The SQL of wishes: which there are, for what, and how what is wanted stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.tables import location
from panosc.catalogue.tape.tables import recall, tape_mount, wish
from panosc.data.admitting import Located
from panosc.data.restoring import store
from panosc.data.restoring.estimating import Queue

LAST_MOUNTS = 20
_TOLD = ("asked", "queued", "staging", "online", "failed", "given up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The newest recall of a file, a row, and who wants it."""

    recall: Any
    people: int
    is_mine: bool


def queue(connection: sa.Connection, drives: int) -> Queue:
    """Return what is mounted and what waits, for `estimating`."""
    ended = (
        sa.select(tape_mount.c.started, tape_mount.c.ended)
        .where(tape_mount.c.state == "done")
        .order_by(tape_mount.c.ended.desc())
        .limit(LAST_MOUNTS)
    )
    lasted = [row.ended - row.started for row in connection.execute(ended)]
    live = store.mounts(connection, "live")
    waiting = connection.scalars(
        sa.select(recall.c.volume)
        .where(recall.c.state == "queued")
        .group_by(recall.c.volume)
        .order_by(sa.func.min(recall.c.asked), recall.c.volume)
    )
    return Queue(
        lasted=lasted,
        running={mount.volume: mount.started for mount in live},
        waiting=[name for name in waiting if name is not None],
        drives=drives,
    )


def already(connection: sa.Connection, person: str, keys: Sequence[int]) -> set[tuple[int, int]]:
    """Return the recalls, with the dataset, that a person wants already."""
    rows = connection.execute(
        sa.select(wish.c.recall_id, wish.c.dataset_id).where(
            wish.c.recall_id == store.any_key(keys),
            wish.c.account == person,
            wish.c.ended.is_(None),
        )
    )
    return {(row.recall_id, row.dataset_id) for row in rows}


def made(connection: sa.Connection, files: Sequence[Located], now: datetime) -> dict[str, int]:
    """Make recalls of files; return their keys by URL."""
    if not files:
        return {}
    rows = [
        {
            "url": file.url,
            "size": file.size,
            "mtime_ns": file.mtime_ns,
            "asked": now,
            "changed": now,
            "next_try": now,
        }
        for file in files
    ]
    made = connection.execute(sa.insert(recall).returning(recall.c.url, recall.c.id), rows)
    return {row.url: row.id for row in made}


def let_go(connection: sa.Connection, now: datetime) -> None:
    """Cancel what nobody wants any more, such as people who left; what is on disk goes back."""
    wanted = sa.select(wish.c.recall_id).where(
        wish.c.recall_id == recall.c.id, wish.c.ended.is_(None)
    )
    unwanted = ~wanted.exists()
    connection.execute(
        sa.update(recall)
        .where(unwanted, recall.c.state.in_(["asked", "queued"]))
        .values(state="cancelled", changed=now, message=None)
    )
    connection.execute(
        sa.update(recall)
        .where(unwanted, recall.c.state == "online", recall.c.until > now)
        .values(until=now)
    )


def told(connection: sa.Connection, dataset_id: int, person: str | None) -> dict[str, Told]:
    """Return the newest recall of each place of a dataset that is worth telling, by URL."""
    urls = sa.select(location.c.url).where(location.c.dataset_id == dataset_id)
    newest = sa.select(sa.func.max(recall.c.id)).where(recall.c.url.in_(urls))
    query = sa.select(recall).where(
        recall.c.id.in_(newest.group_by(recall.c.url)), recall.c.state.in_(_TOLD)
    )
    rows = connection.execute(query).all()
    wanted = _people(connection, [row.id for row in rows], person)
    found = {}
    for row in rows:
        people, is_mine = wanted.get(row.id, (0, False))
        found[row.url] = Told(recall=row, people=people, is_mine=is_mine)
    return found


def _people(
    connection: sa.Connection, keys: Sequence[int], person: str | None
) -> dict[int, tuple[int, bool]]:
    """Return how many people want recalls, and whether one of them is `person`."""
    is_mine = sa.func.bool_or(wish.c.account == (person or ""))
    rows = connection.execute(
        sa.select(
            wish.c.recall_id,
            sa.func.count(wish.c.account.distinct()).label("people"),
            is_mine.label("is_mine"),
        )
        .where(wish.c.recall_id == store.any_key(keys), wish.c.ended.is_(None))
        .group_by(wish.c.recall_id)
    )
    return {row.recall_id: (row.people, row.is_mine) for row in rows}
