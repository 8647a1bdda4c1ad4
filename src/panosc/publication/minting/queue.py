"""The SQL of DOIs: what is wanted of each, what DataCite has, and when to look again.

A row is due at a time, or not at all. Whoever changes what should be of a DOI makes it due; the
one worker (`rounds`) clears that only if nobody touched the row since it was read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from panosc.catalogue import changes
from panosc.catalogue.beside.leading import Post
from panosc.catalogue.publishing.tables import doi
from panosc.publication.minting.datacite import LONGEST_MESSAGE, State
from panosc.publication.minting.suffixes import Kind
from panosc.publication.record import Model

AT_ONCE: Final = 100
POST: Final = Post(name="registering DOIs", lock=0x646F69732E2E)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A DOI that somebody, or the policy, wants of a record."""

    doi: str
    model: Model
    pid: str
    kind: Kind = "version"
    wanted: State
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A DOI that is due, as it was when it was read."""

    doi: str
    model: Model
    pid: str
    kind: Kind
    wanted: State
    state: State | None
    sent: str | None
    tries: int
    asked: datetime
    seen: int
    """The transaction that wrote the row last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What DataCite has of a DOI, and a digest of what it was told."""

    state: State | None
    sent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A DOI as people are told of it."""

    doi: str
    model: Model
    pid: str
    kind: Kind
    wanted: State
    state: State | None
    tries: int
    due: datetime | None
    message: str | None
    by: str
    asked: datetime
    changed: datetime

    @property
    def is_waiting(self) -> bool:
        """Whether it is not yet what it shall be, and goes on by itself."""
        return self.due is not None and (self.state is None or self.tries > 0)

    @property
    def is_stuck(self) -> bool:
        """Whether a person has to look at it."""
        return self.due is None and self.message is not None


_SEEN: sa.ColumnElement[int] = sa.literal_column("doi.xmin::text::bigint", sa.BigInteger())
_TASK = [doi.c[name] for name in Task.__slots__ if name != "seen"]
_LINE = [doi.c[name] for name in Line.__slots__]


def want(connection: sa.Connection, wish: Wish, *, now: datetime) -> bool:
    """Queue a DOI, or another state of one; return whether it is new.

    Raises
    ------
    IntegrityError
        If another record has that DOI.
    """
    held = connection.execute(
        sa.select(doi.c.doi, doi.c.wanted)
        .where(doi.c.model == wish.model, doi.c.pid == wish.pid, doi.c.kind == wish.kind)
        .with_for_update()
    ).first()
    if held is None:
        row = {name: getattr(wish, name) for name in Wish.__slots__}
        given = insert(doi).values(**row, due=now, asked=now, changed=now)
        kept = given.on_conflict_do_nothing(index_elements=["pid", "model", "kind"])
        if connection.execute(kept).rowcount:
            return True
    connection.execute(
        sa.update(doi)
        .where(doi.c.model == wish.model, doi.c.pid == wish.pid, doi.c.kind == wish.kind)
        .values(wanted=wish.wanted, due=now, tries=0, message=None, by=wish.by)
    )
    return False


def want_many(connection: sa.Connection, wishes: Sequence[Wish], *, now: datetime) -> int:
    """Queue DOIs of records that have none; those that have one stay as they are."""
    if not wishes:
        return 0
    rows = [
        {name: getattr(wish, name) for name in Wish.__slots__}
        | {"due": now, "asked": now, "changed": now}
        for wish in wishes
    ]
    given = insert(doi).values(rows).on_conflict_do_nothing()
    return connection.execute(given.execution_options(preserve_rowcount=True)).rowcount


def due(connection: sa.Connection, now: datetime, *, limit: int = AT_ONCE) -> list[Task]:
    """Return what is to be done now, the longest due first."""
    rows = connection.execute(
        sa.select(*_TASK, _SEEN.label("seen"))
        .where(doi.c.due <= now)
        .order_by(doi.c.due, doi.c.doi)
        .limit(limit)
    )
    return [Task(**row) for row in rows.mappings()]


def done(
    connection: sa.Connection, task: Task, got: Got, *, now: datetime, look: datetime | None
) -> None:
    """Note what DataCite has; the record is looked at again at `look`, or when it changes.

    A new state is a change of the record, which the feed tells.
    """
    values: dict[str, Any] = {"state": got.state, "sent": got.sent, "tries": 0, "message": None}
    is_new = got.state != task.state
    if is_new or got.sent != task.sent:
        values["changed"] = now
    connection.execute(
        sa.update(doi)
        .where(doi.c.doi == task.doi)
        .values(**values, due=_unless_touched(task, look))
    )
    if is_new:
        changes.append(connection, [(task.model, task.pid)])


def _unless_touched(task: Task, look: datetime | None) -> sa.ColumnElement[Any]:
    """Return when a DOI is looked at next; what was touched while it was worked on stays due."""
    is_untouched = _SEEN.in_([task.seen])
    return sa.case((is_untouched, sa.literal(look, doi.c.due.type)), else_=doi.c.due)


def again(connection: sa.Connection, task: Task, message: str, *, at: datetime) -> None:
    """Put a DOI off after a fault."""
    connection.execute(
        sa.update(doi)
        .where(doi.c.doi == task.doi)
        .values(tries=task.tries + 1, due=at, message=message[:LONGEST_MESSAGE])
    )


def park(connection: sa.Connection, task: Task, message: str) -> None:
    """Leave a DOI to a person, with what DataCite said."""
    connection.execute(
        sa.update(doi)
        .where(doi.c.doi == task.doi)
        .values(
            tries=task.tries + 1,
            due=_unless_touched(task, None),
            message=message[:LONGEST_MESSAGE],
        )
    )


def park_all(connection: sa.Connection, message: str, *, now: datetime) -> None:
    """Leave everything that is due to a person: nothing of it would be taken."""
    connection.execute(
        sa.update(doi).where(doi.c.due <= now).values(due=None, message=message[:LONGEST_MESSAGE])
    )


def touch(connection: sa.Connection, records: Iterable[tuple[str, str]], *, now: datetime) -> int:
    """Have the DOIs of (model, PID) looked at, for something of them has changed."""
    pairs = sorted(set(records))
    if not pairs:
        return 0
    given = (
        sa.func.unnest(
            sa.literal([model for model, _ in pairs], ARRAY(sa.Text)),
            sa.literal([pid for _, pid in pairs], ARRAY(sa.Text)),
        )
        .table_valued("model", "pid")
        .render_derived()
    )
    # what DataCite refused may be right now; what it was too busy for waits its time
    waits = sa.and_(doi.c.tries > 0, doi.c.due > now)
    statement = (
        sa.update(doi)
        .where(doi.c.model == given.c.model, doi.c.pid == given.c.pid)
        .values(due=sa.case((waits, doi.c.due), else_=sa.literal(now)))
    )
    return connection.execute(statement).rowcount


def retry(connection: sa.Connection, *, now: datetime) -> int:
    """Try everything again at once that waits after a fault, or for a person."""
    statement = sa.update(doi).where(doi.c.message.is_not(None)).values(due=now, tries=0)
    return connection.execute(statement).rowcount


def line_of(connection: sa.Connection, model: Model, pid: str) -> Line | None:
    """Return the DOI of a record."""
    row = connection.execute(
        sa.select(*_LINE).where(doi.c.model == model, doi.c.pid == pid, doi.c.kind == "version")
    ).first()
    return None if row is None else Line(**row._mapping)  # noqa: SLF001 - its API


def unfinished(connection: sa.Connection, *, limit: int, after: str = "") -> list[Line]:
    """Return DOIs that wait or are stuck, by name."""
    rows = connection.execute(
        sa.select(*_LINE)
        .where(
            doi.c.doi > after,
            sa.or_(
                doi.c.message.is_not(None), sa.and_(doi.c.due.is_not(None), doi.c.state.is_(None))
            ),
        )
        .order_by(doi.c.doi)
        .limit(limit)
    )
    return [Line(**row._mapping) for row in rows]  # noqa: SLF001 - its API


def counts(connection: sa.Connection) -> dict[str, int]:
    """Return how many DOIs there are by state, and how many wait or are stuck."""
    waiting = sa.and_(doi.c.due.is_not(None), sa.or_(doi.c.state.is_(None), doi.c.tries > 0))
    row = connection.execute(
        sa.select(
            *(
                sa.func.count().filter(doi.c.state == state).label(state)
                for state in ("draft", "registered", "findable")
            ),
            sa.func.count().filter(waiting).label("waiting"),
            sa.func.count().filter(doi.c.due.is_(None), doi.c.message.is_not(None)).label("stuck"),
        )
    ).one()
    return {name: int(value) for name, value in row._mapping.items()}  # noqa: SLF001 - its API
