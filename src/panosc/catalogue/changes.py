"""The feed of changes: which record changed, numbered in the order of the commits.

A writer appends as the last thing before its commit. It holds one advisory lock from then to
the end of the transaction, and numbers are drawn under that lock; so whoever sees a number sees
every smaller one that will ever be. What has changed in a record is not told.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from panosc.catalogue.tables import changes, changes_number, follower
from panosc.domain.errors import Conflict

LOCK = 0x6368616E676573
"""Key of the advisory lock of those who append."""
PRUNING_LOCK = LOCK + 1
BATCH = 10_000

_PRUNED = "(pruned)"
"""Stands among the followers for the highest number that was deleted."""
# made once: it is asked with every question
_LAST = sa.select(
    sa.func.coalesce(
        sa.select(sa.func.max(changes.c.number)).scalar_subquery(),
        sa.select(follower.c.done).where(follower.c.name == _PRUNED).scalar_subquery(),
        0,
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One record that was written or deleted."""

    number: int
    model: str
    pid: str
    deleted: bool
    at: datetime


def append(
    connection: sa.Connection, rows: Iterable[tuple[str, str]], *, deleted: bool = False
) -> int:
    """Append (model, pid) rows in their order and return how many; commit at once afterwards."""
    appended = 0
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        models, pids = ([pair[place] for pair in batch] for place in (0, 1))
        given = (
            sa.func.unnest(sa.literal(models, ARRAY(sa.Text)), sa.literal(pids, ARRAY(sa.Text)))
            .table_valued("model", "pid")
            .render_derived()
        )
        select = sa.select(given.c.model, given.c.pid)
        appended += append_select(connection, select, deleted=deleted)
    return appended


def append_select(
    connection: sa.Connection, rows: "sa.Select[tuple[str, str]]", *, deleted: bool = False
) -> int:
    """Append the (model, pid) rows of a query in its order; otherwise like `append`."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    model, pid = rows.subquery().columns
    number = changes_number.next_value()
    numbered = sa.select(number, model, pid, sa.literal(deleted, sa.Boolean))
    statement = sa.insert(changes).from_select(["number", "model", "pid", "deleted"], numbered)
    return connection.execute(statement.execution_options(preserve_rowcount=True)).rowcount


def last(connection: sa.Connection) -> int:
    """Return the newest number, even if it has been pruned; 0 before the first change."""
    return int(connection.execute(_LAST).scalar_one())


def since(connection: sa.Connection, number: int, *, limit: int) -> Sequence[Change]:
    """Return the changes after a number, in order, at most `limit` of them."""
    rows = connection.execute(
        sa.select(changes.c.number, changes.c.model, changes.c.pid, changes.c.deleted, changes.c.at)
        .where(changes.c.number > number)
        .order_by(changes.c.number)
        .limit(limit)
    )
    return [
        Change(number=row.number, model=row.model, pid=row.pid, deleted=row.deleted, at=row.at)
        for row in rows
    ]


class Follower:
    """One that follows the feed and remembers how far it is; it may be killed at any time.

    One that has never started (`position` is None) first takes up everything there is::

        with engine.begin() as connection:
            number = last(connection)  # before anything else is read
            ...  # take up every record
            follower.start(connection, number)

    Then it goes on in batches; a change of the first reading may come again.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def position(self, connection: sa.Connection) -> int | None:
        """Return the last number done, None if this follower has never started."""
        return connection.execute(
            sa.select(follower.c.done).where(follower.c.name == self.name)
        ).scalar()

    def start(self, connection: sa.Connection, number: int) -> None:
        """Remember that everything up to a number is done, whatever was known before.

        Raises
        ------
        Conflict
            If changes after that number have been pruned since it was read.
        """
        _lock_pruning(connection)
        pruned = Follower(_PRUNED).position(connection) or 0
        if number < pruned:
            raise Conflict(
                f"The feed was pruned up to {pruned} while {self.name!r} read from {number}",
                hint="Read everything again",
            )
        _remember(connection, self.name, number)

    @contextmanager
    def batch(
        self, engine: sa.Engine, *, limit: int = 1000
    ) -> Iterator[tuple[sa.Connection, Sequence[Change]]]:
        """Give the next changes; they are done when the block ends without an exception.

        What the block writes over the connection is committed together with the position.

        Raises
        ------
        Conflict
            If this follower has never started.
        """
        with engine.begin() as connection:
            done = connection.execute(
                sa.select(follower.c.done).where(follower.c.name == self.name).with_for_update()
            ).scalar()
            if done is None:
                raise Conflict(
                    f"The follower {self.name!r} has never started",
                    hint="Take up everything there is first, then call start",
                )
            found = since(connection, done, limit=limit)
            yield connection, found
            if found:
                _remember(connection, self.name, found[-1].number)

    def forget(self, connection: sa.Connection) -> None:
        """Never follow again, so that pruning need not wait."""
        connection.execute(sa.delete(follower).where(follower.c.name == self.name))


def prune(connection: sa.Connection, *, before: datetime) -> int:
    """Delete the changes from before a time that every follower has done; return how many."""
    _lock_pruning(connection)
    slowest = connection.execute(
        sa.select(sa.func.min(follower.c.done)).where(follower.c.name != _PRUNED)
    ).scalar()
    is_old = changes.c.at < before
    if slowest is not None:
        is_old = sa.and_(is_old, changes.c.number <= slowest)
    gone = sa.delete(changes).where(is_old).returning(changes.c.number).cte("gone")
    count, newest = connection.execute(sa.select(sa.func.count(), sa.func.max(gone.c.number))).one()
    if newest is not None:
        _remember(connection, _PRUNED, newest)
    return int(count)


def _remember(connection: sa.Connection, name: str, number: int) -> None:
    given = insert(follower).values(name=name, done=number)
    connection.execute(
        given.on_conflict_do_update(
            index_elements=["name"], set_={"done": number, "at": sa.func.now()}
        )
    )


def _lock_pruning(connection: sa.Connection) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(PRUNING_LOCK)))
