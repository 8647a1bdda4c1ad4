"""The audit trail: who did what to what, when and why; the database refuses to change it.

Acts write here in the transaction that does them, so that there is none without its line.
Names stay out of it: a person is the id of an account.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from panosc.catalogue.people import audit
from panosc.domain.access import Who

BLOCK = 1000
_LONGEST = timedelta(days=1)
"""No transaction takes longer; and numbers of transactions begin anew after some years."""
_IS_SETTLED = sa.text("age(audit.xmin) > age(xid(pg_snapshot_xmin(pg_current_snapshot())))")
"""Every transaction that began before the one that wrote the line has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the trail; `subject` is a PID, an account, a group or a token."""

    number: int
    at: datetime
    person: str | None
    via: str | None
    event: str
    subject: str | None
    reason: str | None
    detail: dict[str, Any]

    def line(self) -> bytes:
        """Return it as a line of JSON, for a program that watches."""
        return orjson.dumps(self, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)


def record(
    connection: sa.Connection,
    who: Who,
    event: str,
    *,
    now: datetime,
    subject: str | None = None,
    reason: str | None = None,
    **detail: Any,
) -> None:
    """Add a line in the caller's transaction; `event` is like ``dataset.released``."""
    connection.execute(
        sa.insert(audit).values(
            at=now,
            person=who.person,
            via=who.via,
            event=event,
            subject=subject,
            reason=reason,
            detail=detail,
        )
    )


def read(
    connection: sa.Connection,
    *,
    after: int = 0,
    subject: str | None = None,
    person: str | None = None,
    event: str | None = None,
    limit: int = BLOCK,
) -> list[Event]:
    """Return lines with a number above `after`, oldest first; `event` may end in ``*``."""
    query = sa.select(audit).where(audit.c.number > after).order_by(audit.c.number).limit(limit)
    return _events(connection, _narrowed(query, subject, person, event))


def follow(
    connection: sa.Connection,
    *,
    after: int,
    subject: str | None = None,
    person: str | None = None,
    event: str | None = None,
    limit: int = BLOCK,
) -> list[Event]:
    """Return the same for whoever goes on with the last number that they have.

    Without lines below which another may still come, from a transaction that has taken its
    number and takes longer.
    """
    settled = sa.or_(audit.c.at < sa.func.now() - _LONGEST, _IS_SETTLED)
    query = sa.select(audit).where(audit.c.number > after, settled)
    query = query.order_by(audit.c.number).limit(limit)
    return _events(connection, _narrowed(query, subject, person, event))


def newest(
    connection: sa.Connection,
    *,
    before: int | None = None,
    subject: str | None = None,
    person: str | None = None,
    event: str | None = None,
    limit: int = 100,
) -> list[Event]:
    """Return the newest lines first, below the number `before`."""
    query = sa.select(audit).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.number < before)
    return _events(connection, _narrowed(query, subject, person, event))


def lines(connection: sa.Connection, *, after: int = 0) -> Iterator[bytes]:
    """Yield the trail as lines of JSON, block by block."""
    while found := follow(connection, after=after):
        yield from (event.line() for event in found)
        after = found[-1].number


def prune(connection: sa.Connection, *, before: datetime) -> int:
    """Delete lines from before a time; the database keeps those of the last 30 days anyway."""
    connection.execute(
        sa.select(
            sa.func.set_config("panosc.prune_audit", before.astimezone(UTC).isoformat(), True)
        )
    )
    is_old = sa.and_(
        audit.c.at < before, audit.c.at < sa.func.now() - sa.func.make_interval(0, 0, 0, 30)
    )
    return connection.execute(sa.delete(audit).where(is_old)).rowcount


def _narrowed(
    query: "sa.Select[Any]", subject: str | None, person: str | None, event: str | None
) -> "sa.Select[Any]":
    if subject:
        query = query.where(audit.c.subject == subject)
    if person:
        query = query.where(audit.c.person == person)
    if event and event.endswith("*"):
        query = query.where(audit.c.event.startswith(event[:-1], autoescape=True))
    elif event:
        query = query.where(audit.c.event == event)
    return query


def _events(connection: sa.Connection, query: "sa.Select[Any]") -> list[Event]:
    return [Event(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001 - its API
