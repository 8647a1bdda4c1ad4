"""The SQL of what brings files back: recalls and mounts. What people ask for is `wishes`.

Whoever writes holds one lock of the database first (`writing`), for the few milliseconds of a
transaction: so what is counted stays counted, and nobody waits in a circle.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.intake import arrival
from panosc.catalogue.tables import location
from panosc.catalogue.tape.tables import recall, tape_mount, wish
from panosc.data.restoring.tapes import LONGEST_MESSAGE, Place
from panosc.files.tiers import NEARLINE, ONLINE, REMOVED

LOCK = 0x726563616C6C
"""Key of the advisory lock of those who write."""
AT_ONCE = 1000
MOST_TRIES = 3
LONGEST_WAIT = 10
"""A volume is mounted after so many times the settling time, however many still ask for more."""
KEPT = timedelta(days=90)
"""How long what is over is kept."""
_OVER = ("failed", "given up", "cancelled", "released")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A file that is wanted from tape."""

    id: int
    url: str
    size: int
    mtime_ns: int
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume that is, or is to be, mounted for some files."""

    id: int
    request: str
    volume: str
    state: str
    started: datetime
    beat: datetime
    sent: int


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a transaction in which nobody else writes recalls."""
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        yield connection


def is_idle(connection: sa.Connection, now: datetime) -> bool:
    """Whether there is nothing to do, and nothing due to be released."""
    busy = sa.or_(
        recall.c.state.in_(["asked", "queued", "staging", "releasing"]),
        sa.and_(recall.c.state == "online", recall.c.until <= now),
    )
    mounted = tape_mount.c.state.in_(["live", "dropping"])
    either = sa.or_(
        sa.exists(sa.select(recall.c.id).where(busy)),
        sa.exists(sa.select(tape_mount.c.id).where(mounted)),
    )
    return not connection.scalar(sa.select(either))


# ---- recalls ----


def asked(connection: sa.Connection, now: datetime) -> list[Recall]:
    """Return files whose volume is to be found; not those that are just being released."""
    older = recall.alias()
    leaving = sa.select(older.c.id).where(older.c.url == recall.c.url, older.c.state == "releasing")
    return _recalls(
        connection,
        sa.and_(recall.c.state == "asked", recall.c.next_try <= now, ~leaving.exists()),
    )


def of_mount(connection: sa.Connection, mount_id: int) -> list[Recall]:
    """Return the files of a mount that have not come yet, in their order on the volume."""
    condition = sa.and_(recall.c.mount_id == mount_id, recall.c.state == "staging")
    return _recalls(connection, condition, limit=None)


def due(connection: sa.Connection, now: datetime) -> list[Recall]:
    """Return files whose time on disk is over, and those that are being released already."""
    is_over = sa.and_(recall.c.state == "online", recall.c.until <= now)
    return _recalls(
        connection, sa.or_(is_over, recall.c.state == "releasing"), recall.c.next_try <= now
    )


def _recalls(
    connection: sa.Connection, *conditions: sa.ColumnElement[bool], limit: int | None = AT_ONCE
) -> list[Recall]:
    names = ("id", "url", "size", "mtime_ns", "message")
    query = (
        sa.select(*(recall.c[name] for name in names))
        .where(*conditions)
        .order_by(recall.c.place.nulls_last(), recall.c.url)
        .limit(limit)
    )
    return [Recall(**row) for row in connection.execute(query).mappings()]


def where_now(connection: sa.Connection, urls: Sequence[str]) -> dict[str, str]:
    """Return in which tier files are now: the soonest of all that is known of a URL."""
    rows = connection.execute(
        sa.select(location.c.url, location.c.tier).where(location.c.url == any_text(urls))
    )
    order = {ONLINE: 0, NEARLINE: 1, REMOVED: 2}
    found: dict[str, str] = {}
    for row in rows:
        if row.url not in found or order[row.tier] < order[found[row.url]]:
            found[row.url] = row.tier
    return found


def queue(connection: sa.Connection, places: Mapping[int, Place], *, now: datetime) -> None:
    """Note on which volumes files lie."""
    for key, place in places.items():
        connection.execute(
            sa.update(recall)
            .where(recall.c.id == key, recall.c.state == "asked")
            .values(
                state="queued", volume=place.volume, place=place.order, message=None, changed=now
            )
        )


def move(
    connection: sa.Connection,
    found: Mapping[int, str | None],
    state: str,
    *,
    was: Sequence[str],
    now: datetime,
    **values: Any,
) -> set[int]:
    """Bring recalls from one state to another, each with its message; return which were moved."""
    if not found:
        return set()
    keys = sorted(found)
    words = [None if (text := found[key]) is None else text[:LONGEST_MESSAGE] for key in keys]
    given = (
        sa.func.unnest(sa.literal(keys, ARRAY(sa.BigInteger)), sa.literal(words, ARRAY(sa.Text)))
        .table_valued("id", "message")
        .render_derived()
    )
    statement = (
        sa.update(recall)
        .where(recall.c.id == given.c.id, recall.c.state.in_(was))
        .values(state=state, message=given.c.message, changed=now, **values)
        .returning(recall.c.id)
    )
    return set(connection.scalars(statement))


def tell(connection: sa.Connection, found: Mapping[int, str], *, now: datetime) -> None:
    """Note what is said of recalls that stay in their states."""
    for key, text in found.items():
        connection.execute(
            sa.update(recall).where(recall.c.id == key).values(message=text, changed=now)
        )


def put_off(
    connection: sa.Connection, keys: Sequence[int], message: str, *, until: datetime
) -> None:
    """Note why recalls could not go on, and when that is tried again."""
    connection.execute(
        sa.update(recall)
        .where(recall.c.id == any_key(keys))
        .values(message=message[:LONGEST_MESSAGE], next_try=until)
    )


def arrive(
    connection: sa.Connection, keys: Sequence[int], *, now: datetime, until: datetime
) -> set[tuple[str, int]]:
    """Make files that have come readable, and return the records that this changes.

    Those that are in the catalogue no more stay as they are. What nobody wants any longer is due
    to go back at once.
    """
    same = sa.and_(
        location.c.url == recall.c.url,
        location.c.size == recall.c.size,
        location.c.mtime_ns == recall.c.mtime_ns,
    )
    mine = recall.c.id == any_key(keys)
    touched = connection.scalars(
        sa.update(location)
        .where(mine, same, location.c.tier == NEARLINE)
        .values(tier=ONLINE)
        .returning(location.c.dataset_id)
    ).all()
    _note_arrivals(connection, mine, ONLINE)
    is_there = sa.select(location.c.url).where(same, location.c.tier == ONLINE).exists()
    there = set(connection.scalars(sa.select(recall.c.id).where(mine, is_there)))
    is_wanted = sa.select(wish.c.recall_id).where(
        wish.c.recall_id == recall.c.id, wish.c.ended.is_(None)
    )
    ends = sa.case((is_wanted.exists(), sa.literal(until)), else_=sa.literal(now))
    move(connection, dict.fromkeys(there), "online", was=["staging"], now=now, until=ends)
    return {("Dataset", key) for key in touched}


def leave(connection: sa.Connection, keys: Sequence[int], *, now: datetime) -> set[tuple[str, int]]:
    """Let nobody open files any more that are about to be released; return what this changes."""
    mine = recall.c.id == any_key(keys)
    touched = connection.scalars(
        sa.update(location)
        .where(mine, location.c.url == recall.c.url, location.c.tier == ONLINE)
        .values(tier=NEARLINE)
        .returning(location.c.dataset_id)
    ).all()
    _note_arrivals(connection, mine, NEARLINE)
    move(connection, dict.fromkeys(keys), "releasing", was=["online"], now=now)
    return {("Dataset", key) for key in touched}


def _note_arrivals(connection: sa.Connection, mine: sa.ColumnElement[bool], tier: str) -> None:
    # files of a place that waits for more of them
    connection.execute(
        sa.update(arrival)
        .where(mine, arrival.c.url == recall.c.url, arrival.c.registered)
        .values(tier=tier)
    )


# ---- mounts ----


def mounts(connection: sa.Connection, state: str) -> list[Mount]:
    """Return the mounts in a state, the oldest first."""
    names = ("id", "request", "volume", "state", "started", "beat", "sent")
    query = sa.select(*(tape_mount.c[name] for name in names)).where(tape_mount.c.state == state)
    rows = connection.execute(query.order_by(tape_mount.c.id))
    return [Mount(**row) for row in rows.mappings()]


def begin(
    connection: sa.Connection, request: str, *, now: datetime, drives: int, settle: timedelta
) -> Mount | None:
    """Choose the volume that has been wanted longest, and all files that are wanted of it.

    None: no drive is free, or nothing has been wanted long enough.
    """
    held = sa.select(tape_mount.c.volume).where(tape_mount.c.state.in_(["live", "dropping"]))
    taken = list(connection.scalars(held))
    if len(taken) >= drives:
        return None
    waits = sa.and_(recall.c.state == "queued", recall.c.next_try <= now)
    first, last = sa.func.min(recall.c.asked), sa.func.max(recall.c.asked)
    volume = connection.scalar(
        sa.select(recall.c.volume)
        .where(waits, recall.c.volume.not_in(taken))
        .group_by(recall.c.volume)
        .having(sa.or_(last <= now - settle, first <= now - LONGEST_WAIT * settle))
        .order_by(first, recall.c.volume)
        .limit(1)
    )
    if volume is None:
        return None
    row = {
        "request": request,
        "volume": volume,
        "files": 0,
        "started": now,
        "beat": now,
    }
    key: int = connection.execute(
        sa.insert(tape_mount).values(row).returning(tape_mount.c.id)
    ).scalar_one()
    count = connection.execute(
        sa.update(recall)
        .where(waits, recall.c.volume == volume)
        .values(
            state="staging",
            mount_id=key,
            tries=recall.c.tries + 1,
            message=None,
            changed=now,
        )
    ).rowcount
    connection.execute(sa.update(tape_mount).where(tape_mount.c.id == key).values(files=count))
    return Mount(
        id=key, request=request, volume=volume, state="live", started=now, beat=now, sent=0
    )


def sent(connection: sa.Connection, mount_id: int) -> None:
    """Note that a request was sent, once more perhaps."""
    connection.execute(
        sa.update(tape_mount)
        .where(tape_mount.c.id == mount_id)
        .values(sent=tape_mount.c.sent + 1, message=None)
    )


def beat(connection: sa.Connection, mount_id: int, *, now: datetime) -> None:
    """Note that a mount gets on; it is done when none of its files is still to come."""
    left = sa.select(recall.c.id).where(recall.c.mount_id == mount_id, recall.c.state == "staging")
    is_left = connection.scalar(sa.select(left.exists()))
    ended = {} if is_left else {"state": "done", "ended": now}
    connection.execute(
        sa.update(tape_mount)
        .where(tape_mount.c.id == mount_id, tape_mount.c.state == "live")
        .values(beat=now, message=None, **ended)
    )


def complain(connection: sa.Connection, mount_id: int, message: str) -> None:
    """Note what is wrong with a mount."""
    connection.execute(
        sa.update(tape_mount)
        .where(tape_mount.c.id == mount_id)
        .values(message=message[:LONGEST_MESSAGE])
    )


def give_up(connection: sa.Connection, mount_id: int, *, now: datetime, next_try: datetime) -> None:
    """Stop to wait for a mount: its files are queued again, or given up after some tries."""
    mine = sa.and_(recall.c.mount_id == mount_id, recall.c.state == "staging")
    is_last = recall.c.tries >= MOST_TRIES
    connection.execute(
        sa.update(recall)
        .where(mine)
        .values(
            state=sa.case((is_last, "given up"), else_="queued"),
            message=sa.case(
                (is_last, f"It did not come in {MOST_TRIES} tries. Ask whoever runs this node."),
                else_="It did not come in time; it is tried again.",
            ),
            changed=now,
            next_try=next_try,
        )
    )
    connection.execute(
        sa.update(tape_mount)
        .where(tape_mount.c.id == mount_id, tape_mount.c.state == "live")
        .values(state="dropping", beat=now)
    )


def lose(connection: sa.Connection, mount_id: int, *, now: datetime) -> None:
    """Note that a mount that was given up is over for the tape system, too."""
    connection.execute(
        sa.update(tape_mount)
        .where(tape_mount.c.id == mount_id, tape_mount.c.state == "dropping")
        .values(state="lost", ended=now)
    )


def prune(connection: sa.Connection, *, now: datetime) -> None:
    """Forget what has been over for long."""
    before = now - KEPT
    connection.execute(
        sa.delete(recall).where(recall.c.state.in_(_OVER), recall.c.changed < before)
    )
    connection.execute(sa.delete(tape_mount).where(tape_mount.c.ended < before))


def any_text(texts: Sequence[str]) -> Any:
    """Return what a column is compared with to be one of many texts."""
    return sa.any_(sa.literal(list(texts), ARRAY(sa.Text)))


def any_key(keys: Sequence[int]) -> Any:
    """Return what a column is compared with to be one of many keys."""
    return sa.any_(sa.literal(list(keys), ARRAY(sa.BigInteger)))
