"""The loop of a watcher: look, take, let go, settle, give a sign of life, wait.

It takes no more at a time than it can hold, waits for a database that is away, and leaves nothing
out: what could not be written is kept and tried again. A file that brings the intake down is set
apart from the others, never the others with it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from panosc.catalogue.database import explained
from panosc.domain.access import Who
from panosc.domain.errors import Busy, Conflict, Unavailable
from panosc.ingest.report import printable
from panosc.ingest.walking import Found
from panosc.ingest.watching import heartbeat
from panosc.ingest.watching.folders import Folders
from panosc.ingest.watching.locks import RootLocks
from panosc.ingest.watching.missing import missing
from panosc.policy import audit

BATCH = 400
"""About as many files are taken at a time."""
GONE = 500
SETTLE_S = 4.0
"""How long places that may be complete wait at most while files come without end."""
SHARE = 2.0
"""Settling pauses this many times as long as it took: many places wait for hours."""
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0
HELD_S = 120.0
"""How long a lock that was lost is asked for again: the server may not know of it yet."""
TROUBLES = 20
_log = logging.getLogger(__name__)


class Takes(Protocol):
    """Whoever makes records of files."""

    registered: int
    quarantined: int

    def take(self, files: Sequence[Found]) -> None:
        """Read and register what is new or has changed."""

    def settle(self) -> int:
        """Register the datasets that are complete by now; return how many places wait."""

    def vanish(self, urls: Sequence[str]) -> None:
        """Note that files are no longer where they were."""

    def tend(self) -> None:
        """Do what has to be done now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one batch did, for whoever looks on."""

    at: datetime
    files: int
    gone: int
    registered: int
    quarantined: int
    waiting: int
    backlog: int
    lag_s: float


class Watcher:
    """Watches folders until it is stopped.

    Parameters
    ----------
    name : str
        Of its row among the watchers.
    file : Path, optional
        Where its signs of life are written, too.
    tell : callable
        Told of each batch.
    """

    def __init__(  # noqa: PLR0913 - what it brings together
        self,
        engine: sa.Engine,
        folders: Folders,
        intake: Takes,
        *,
        name: str,
        who: Who,
        clock: Callable[[], datetime],
        profile: str = "plain",
        file: Path | None = None,
        tell: Callable[[Done], None] = lambda _: None,
    ) -> None:
        self._engine, self._folders, self._intake = engine, folders, intake
        self._name, self._who, self._clock = name, who, clock
        self._profile, self._file, self._tell = profile, file, tell
        self._locks = RootLocks(engine, folders.paths)
        self._ends = threading.Event()
        self._left: list[Found] = []
        self._left_gone: list[str] = []
        self._checked: set[str] = set()
        self._troubles: list[str] = []
        self._started = clock()
        self._looked = self._settled = self._beaten = float("-inf")
        self._settle_pause = 0.0
        self._ticks = self._taken = self._gone = self._waiting = 0

    def stop(self) -> None:
        """Let `run` end after the batch that it is at."""
        self._ends.set()

    @property
    def paths(self) -> list[str]:
        """The roots."""
        return self._folders.paths

    def acquire(self) -> str | None:
        """Lock the roots; return the first that another watcher has."""
        return self._locks.acquire()

    def run(self) -> None:
        """Watch until `stop`; the locks have been acquired.

        Raises
        ------
        Conflict
            If another watcher took the roots while the database was away.
        """
        self._write_down("watch.started")
        failures = 0
        try:
            while not self._ends.is_set():
                begun = time.monotonic()
                try:
                    if failures and not self._regain():
                        break
                    self._round()
                    failures = 0
                except Exception as error:
                    if not is_lost(error):
                        raise
                    failures += 1
                    self._wait(error, failures)
                    continue
                if not self._backlog:
                    spent = time.monotonic() - begun
                    self._ends.wait(max(0.05, self._folders.pace.every_s - spent))
            self._say_that_it_ends(is_away=failures > 0)
        finally:
            self._locks.release()
            self._folders.close()

    # -- one round -----------------------------------------------------------------------------

    @property
    def _backlog(self) -> int:
        return len(self._left) + len(self._left_gone) + self._folders.backlog

    def _round(self) -> None:
        now = time.monotonic()
        if now - self._looked >= self._folders.pace.every_s:
            self._folders.look(patience_s=self._folders.pace.every_s)
            self._looked = now
            self._ticks += 1
        before = self._counts()
        taken = self._take()
        gone = self._let_go()
        self._settle()
        self._intake.tend()
        self._beat("watching")
        after = self._counts()
        if taken or gone or after != before:
            self._tell(
                Done(
                    at=self._clock(),
                    files=taken,
                    gone=gone,
                    registered=after[0] - before[0],
                    quarantined=after[1] - before[1],
                    waiting=self._waiting,
                    backlog=self._backlog,
                    lag_s=self._folders.lag_s,
                )
            )

    def _counts(self) -> tuple[int, int]:
        return self._intake.registered, self._intake.quarantined

    def _take(self) -> int:
        if not self._left:
            self._left = self._folders.found(BATCH)
        count = len(self._left)
        if count:
            self._hand_over(self._left)
            self._left = []
            self._taken += count
        return count

    def _hand_over(self, files: Sequence[Found]) -> None:
        """Have files taken; of those that cannot be, find the one that is to blame."""
        try:
            self._intake.take(files)
        except Exception as error:
            if is_lost(error):
                raise
            if len(files) == 1:
                _log.exception("A file could not be taken")
                self._trouble(f"{files[0].path}: {type(error).__name__}")
                return
            middle = len(files) // 2
            self._hand_over(files[:middle])
            self._hand_over(files[middle:])

    def _let_go(self) -> int:
        """Let files vanish, once nothing waits that may be where they have moved to."""
        if self._left or self._folders.waits:
            return 0
        if not self._left_gone:
            self._left_gone = self._folders.gone(GONE) or self._missing()
        count = len(self._left_gone)
        if count:
            self._attempt("letting files vanish", lambda: self._intake.vanish(self._left_gone))
            self._left_gone = []
            self._gone += count
        return count

    def _missing(self) -> list[str]:
        """Return what went below one root while nobody was watching, once it is known."""
        for path in self._folders.paths:
            if path not in self._checked and (tree := self._folders.tree_of(path)) is not None:
                self._checked.add(path)
                with self._engine.connect() as connection:
                    return list(missing(connection, tree))
        return []

    def _settle(self) -> None:
        now = time.monotonic()
        pause = max(self._settle_pause, SETTLE_S if self._backlog else 0.0)
        if now - self._settled < pause:
            return

        def settle() -> None:
            self._waiting = self._intake.settle()

        self._attempt("completing datasets", settle)
        self._settled = time.monotonic()
        self._settle_pause = SHARE * (self._settled - now)

    def _attempt(self, what: str, act: Callable[[], None]) -> None:
        """Do what concerns no single file: a fault in it is told, and stops nothing else."""
        try:
            act()
        except Exception as error:
            if is_lost(error):
                raise
            _log.exception("Failed: %s", what)
            self._trouble(f"{what}: {type(error).__name__}: {error}")

    def _trouble(self, text: str) -> None:
        self._troubles.append(f"{self._clock():%Y-%m-%d %H:%M:%S} {printable(text)}")
        del self._troubles[:-TROUBLES]

    # -- the database, and signs of life ---------------------------------------------------------

    def progress(self) -> None:
        """Give a sign of life in the middle of a long batch."""
        self._beat("watching")

    def _regain(self) -> bool:
        """Lock the roots again, for whoever lost the database has lost them; False when stopped."""
        until = time.monotonic() + HELD_S
        while (root := self._locks.acquire()) is not None:
            if time.monotonic() > until:
                raise Conflict(
                    f"Another watcher has taken {printable(root)} while the database was away.",
                    hint="One is enough. Stop the other one first to go on with this one.",
                )
            if self._ends.wait(1.0):
                return False
        return True

    def _wait(self, error: Exception, failures: int) -> None:
        pause = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(failures - 1, 10))
        _log.warning("The database is away (%s); tried again in %s s", type(error).__name__, pause)
        if failures == 1:
            self._trouble("the database was lost")
        self._write_file("waiting")
        self._ends.wait(pause)

    def _say_that_it_ends(self, *, is_away: bool) -> None:
        self._write_file("stopped")
        # without the database its silence tells
        with suppress(SQLAlchemyError):
            if not is_away or self._locks.acquire() is None:
                self._beat("stopped", is_due=True)
                self._write_down("watch.stopped")

    def _beat(self, state: str, *, is_due: bool = False) -> None:
        now = time.monotonic()
        if not is_due and now - self._beaten < min(1.0, self._folders.pace.every_s):
            return
        connection = self._locks.connection
        oldest = heartbeat.oldest_waiting(connection, self._profile)
        waits_s = 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())
        beat = self._sign(state, waits_s)
        heartbeat.write(connection, self._name, beat, started=self._started, now=self._clock())
        self._beaten = now
        self._write_file(state, beat)

    def _write_file(self, state: str, beat: heartbeat.Beat | None = None) -> None:
        if self._file is None:
            return
        try:
            sign = beat or self._sign(state, 0.0)
            heartbeat.write_file(self._file, sign, started=self._started, now=self._clock())
        except OSError as error:
            self._trouble(f"{self._file}: {error.strerror}")

    def _sign(self, state: str, waits_s: float) -> heartbeat.Beat:
        roots = tuple(self._folders.states())
        return heartbeat.Beat(
            state=state,
            every_s=self._folders.pace.every_s,
            ticks=self._ticks,
            files=sum(root.files for root in roots),
            taken=self._taken,
            registered=self._intake.registered,
            quarantined=self._intake.quarantined,
            waiting=self._waiting,
            oldest_waiting_s=round(waits_s, 1),
            backlog=self._backlog,
            lag_s=round(self._folders.lag_s, 1),
            roots=roots,
            troubles=tuple(self._troubles),
        )

    def _write_down(self, event: str) -> None:
        with self._engine.begin() as connection:
            audit.record(
                connection,
                self._who,
                event,
                now=self._clock(),
                subject=self._name,
                roots=[printable(path) for path in self._folders.paths],
            )


def is_lost(error: Exception) -> bool:
    """Whether it is the database, or those who read, that cannot be reached now."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(explained(error), Unavailable | Busy)
    return isinstance(error, Unavailable | Busy)
