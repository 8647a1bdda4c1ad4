"""Work beside a node that serves: one thread of one process does it, until the node stops.

Which process it is a lock of the database says, which ends with it; the others stand by. What
goes wrong is told in the log and tried again, after longer and longer waits.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.domain.errors import PanoscError

LOOK_S = 1.0
LONGEST_WAIT_S = 60.0
_log = logging.getLogger(__name__)


class Work(Protocol):
    """What the leader does again and again."""

    def step(self, goes_on: Callable[[], bool]) -> bool:
        """Do a part of it; return whether there is more to do at once.

        A long part asks `goes_on` now and then, and ends when it is false.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A piece of work that one process of a node has."""

    name: str
    """As the log says it, such as ``registering DOIs``."""
    lock: int
    """Key of the advisory lock of the one that does it."""


class Keeper:
    """Does the work while it leads; `run` returns after `stop`."""

    def __init__(
        self, engine: sa.Engine, post: Post, work: Work, *, look_s: float = LOOK_S
    ) -> None:
        self._engine = engine
        self._post = post
        self._work = work
        self._look_s = look_s
        self._ends = threading.Event()
        self._failures = 0

    def stop(self) -> None:
        """Let `run` return soon: after the part that is at hand."""
        self._ends.set()

    def run(self) -> None:
        """Work, whatever happens."""
        while not self._ends.is_set():
            try:
                self._lead()
            except (PanoscError, SQLAlchemyError, OSError) as error:
                self._failures += 1
                _log.warning("%s was interrupted and goes on: %s", self._named, error)
            except Exception:
                self._failures += 1
                _log.exception("%s was interrupted by a fault; it goes on", self._named)
            self._ends.wait(min(LONGEST_WAIT_S, self._look_s * 2 ** min(10, self._failures)))

    @property
    def _named(self) -> str:
        return self._post.name[:1].upper() + self._post.name[1:]

    def _lead(self) -> None:
        """Work for as long as this process holds the lock."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

        def goes_on() -> bool:
            # fails when the connection is gone, and the lock with it
            connection.execute(sa.select(1))
            return not self._ends.is_set()

        try:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._post.lock))):
                return
            while goes_on():
                has_more = self._work.step(goes_on)
                self._failures = 0
                if not has_more:
                    self._ends.wait(self._look_s)
        finally:
            with suppress(SQLAlchemyError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
            with suppress(SQLAlchemyError):
                connection.close()


@contextmanager
def in_thread(run: Callable[[], None], stop: Callable[[], None], *, name: str) -> Iterator[None]:
    """Have something run beside whatever the block does, until `stop` tells it to end."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()


@contextmanager
def beside(engine: sa.Engine, post: Post, work: Work, *, look_s: float = LOOK_S) -> Iterator[None]:
    """Have the work done beside whatever the block does."""
    keeper = Keeper(engine, post, work, look_s=look_s)
    with in_thread(keeper.run, keeper.stop, name=post.name):
        yield


def is_led(connection: sa.Connection, post: Post) -> bool:
    """Whether some process does the work now."""
    held = sa.text(
        "select exists (select from pg_locks where locktype = 'advisory' and granted and "
        "(classid::bigint << 32) + objid::bigint = :key "
        "and database = (select oid from pg_database where datname = current_database()))"
    )
    return bool(connection.scalar(held, {"key": post.lock}))
