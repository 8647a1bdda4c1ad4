"""Making overviews beside a node that serves: one thread of one process, after everybody else.

It takes up every dataset once, then follows the feed of changes. What is done is known by the
position in the feed and by the files themselves, so it may be killed at any time. What goes
wrong - no database, no space - is told and tried again.
"""

import errno
import fcntl
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.changes import Follower, last, since
from panosc.catalogue.database import LAST
from panosc.catalogue.tables import dataset
from panosc.data.overviews.drawing import AGAIN_S, PASSING, PRELOAD, Painter
from panosc.data.overviews.keeping import VERSION, OverviewStore
from panosc.data.overviews.subjects import Subject, of_pids, subjects
from panosc.domain.errors import Conflict, PanoscError
from panosc.files.storage.places import modules_for, stores_of
from panosc.files.tiers import Neighbours, neighbours_of
from panosc.files.workers import Pool
from panosc.settings import Settings

LOOK_S = 0.5
"""How often the end of the feed is looked at."""
LONGEST_WAIT_S = 60.0
BATCH = 100
PATIENCE = 5
"""How many times as long as others a reader may take that gets the processor last."""
IDLE_ROUNDS = 120
"""After so many looks without work the worker process ends."""
MOST_AGAIN = 1000
"""Failures that are remembered in order to try again."""
MARK = "complete"
"""A file that says that every dataset was taken up, by a version of what is kept."""
_log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


@contextmanager
def overviewing(engine: sa.Engine, settings: Settings, clock: Clock) -> Iterator[None]:
    """Make the overviews of the node beside whatever the block does.

    Where another process does it already this one stands by, and goes on when that one ends.
    """
    keeper = Keeper(engine, settings, clock)
    thread = threading.Thread(target=keeper.run, name="overviews", daemon=True)
    thread.start()
    try:
        yield
    finally:
        keeper.stop()
        thread.join()


class Interrupted(Exception):
    """The node stops."""


class Keeper:
    """Makes overviews; `run` returns after `stop`.

    It reads with a worker of its own, unless it is given a pool of others.
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Clock, *, pool: Pool | None = None
    ) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._store = OverviewStore(settings.home)
        self._stores = stores_of(settings)
        self._follower = Follower("overviews")
        self._ends = threading.Event()
        self._failures = 0
        self._again: dict[str, tuple[float, float]] = {}
        """When to try again, and after how long a wait."""
        self._given = pool
        self._pool: Pool | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Let `run` return soon, also out of the middle of a file."""
        self._ends.set()
        self._end_pool()

    def run(self) -> None:
        """Make overviews, whatever happens; those who ask go first."""
        if sys.platform == "linux":
            # a thread has a priority of its own there, and what it starts has the same
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
        try:
            while not self._ends.is_set():
                self._ends.wait(self._seconds_after_a_try())
        finally:
            self._end_pool()

    def catch_up(self) -> None:
        """Do all there is to do now, in this thread; another process must not be at it."""
        try:
            self._take_up()
            while self._follow():
                pass
        finally:
            self._end_pool()

    def _seconds_after_a_try(self) -> float:
        try:
            with _only_one(self._store.path) as is_ours:
                if is_ours:
                    self._keep()
        except Interrupted:
            return 0.0
        except Exception as error:
            # whatever it is: a node goes on without new overviews
            return 0.0 if self._ends.is_set() else self._failed(error)
        return LOOK_S

    def _keep(self) -> None:
        self._store.clear()
        self._take_up()
        idle = 0
        # ends when somebody deletes the folder, and all is made anew
        while not self._ends.is_set() and self._is_marked():
            done = self._follow() or self._retry()
            self._failures = 0
            idle = 0 if done else idle + 1
            if idle == IDLE_ROUNDS:
                self._end_pool()
            if not done:
                self._ends.wait(LOOK_S)

    # taking up everything

    def _take_up(self) -> None:
        """Go through all datasets once, unless that has been done."""
        with self._engine.connect() as connection:
            position, newest = self._follower.position(connection), last(connection)
        if position is not None and self._is_marked():
            return
        self._prune()
        after = None
        while found := self._next(after):
            self._make(found)
            after = found[-1].id
        with self._engine.begin() as connection:
            self._follower.start(connection, newest)
        self._store.path.mkdir(parents=True, exist_ok=True)
        (self._store.path / MARK).write_text(f"{VERSION}\n", "ascii")

    def _next(self, after: int | None) -> list[Subject]:
        conditions: list[sa.ColumnElement[bool]] = [dataset.c.default_plot.is_not(None)]
        if after is not None:
            conditions.append(dataset.c.id > after)
        with self._engine.connect() as connection:
            return subjects(connection, *conditions, limit=BATCH)

    def _prune(self) -> None:
        """Delete what belongs to no dataset."""
        files = list(self._store.all())
        for begin in range(0, len(files), BATCH):
            some = files[begin : begin + BATCH]
            named = {path: self._store.pid_of(path) for path in some}
            with self._engine.connect() as connection:
                there = self._existing(connection, [pid for pid in named.values() if pid])
            for path, pid in named.items():
                if pid not in there:
                    path.unlink(missing_ok=True)
            self._check()

    @staticmethod
    def _existing(connection: sa.Connection, pids: Sequence[str]) -> set[str]:
        query = sa.select(dataset.c.pid).where(of_pids(pids))
        return set(connection.execute(query).scalars())

    def _is_marked(self) -> bool:
        try:
            return (self._store.path / MARK).read_text("ascii").strip() == str(VERSION)
        except (OSError, UnicodeDecodeError):
            return False

    # following

    def _follow(self) -> bool:
        """Do the next changes; return whether there were any."""
        with self._engine.connect() as connection:
            position = self._follower.position(connection)
            if position is None:
                raise Conflict("The follower of the overviews was forgotten", hint="Restart.")
            changes = since(connection, position, limit=BATCH)
            pids = list({change.pid: None for change in changes if change.model == "Dataset"})
            found = subjects(connection, of_pids(pids)) if pids else []
        if not changes:
            return False
        for pid in set(pids) - {subject.pid for subject in found}:
            self._store.remove(pid)
        self._make(found)
        with self._engine.begin() as connection:
            self._follower.start(connection, changes[-1].number)
        return True

    def _make(self, found: Sequence[Subject]) -> None:
        for subject in found:
            self._check()
            result = self._painter().make(subject)
            if result == "failed":
                self._note(subject.pid)

    def _note(self, pid: str) -> None:
        """Tell of a failure, and remember when to try again if it may have been the machine's."""
        failure = getattr(self._store.look(pid), "failure", None)
        _log.info("No overview of %s: %s", pid, failure)
        if failure is not None and failure[0] in PASSING and len(self._again) < MOST_AGAIN:
            wait_s = 2 * self._again[pid][1] if pid in self._again else AGAIN_S
            self._again[pid] = time.monotonic() + wait_s, wait_s

    def _retry(self) -> bool:
        """Try one of those again whose time has come; return whether there was one."""
        now = time.monotonic()
        pid = next((pid for pid, (due, _) in self._again.items() if due <= now), None)
        if pid is None:
            return False
        before = self._again[pid]
        with self._engine.connect() as connection:
            found = subjects(connection, of_pids([pid]))
        for subject in found:
            if self._painter().make(subject, anew=True) == "failed":
                self._note(pid)
        if self._again[pid] == before:
            del self._again[pid]
        return True

    def _painter(self) -> Painter:
        limit_s = self._settings.file_time_limit_s
        with self._lock:
            self._check()
            pool = self._given or self._pool
            if pool is None:
                pool = self._pool = Pool(
                    workers=1,
                    memory_mb=self._settings.file_memory_mb,
                    time_limit_s=limit_s * PATIENCE,
                    preload=[*PRELOAD, *modules_for(self._stores)],
                )
            return Painter(
                self._store,
                pool,
                self._clock,
                near=self._near,
                limit_s=limit_s,
                stores=self._stores,
            )

    def _near(self, subject: Subject, name: str) -> Neighbours:
        with self._engine.connect() as connection:
            return neighbours_of(connection, subject.id, name, stores=self._stores)

    def _end_pool(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    def _check(self) -> None:
        if self._ends.is_set():
            raise Interrupted

    def _failed(self, error: Exception) -> float:
        """Tell what went wrong; return after how many seconds to try again, longer each time."""
        self._failures += 1
        self._end_pool()
        wait_s = min(2.0 ** (self._failures - 1), LONGEST_WAIT_S)
        words = _explained(error, self._store.path)
        _log.error(
            "Overviews cannot be made: %s It is tried again in %s s.",
            words or f"{type(error).__name__}: {error}",
            wait_s,
            # what can be said in words needs no trace
            exc_info=None if words else error,
        )
        return wait_s


def _explained(error: Exception, folder: Path) -> str | None:
    if isinstance(error, PanoscError):
        return error.detail
    if isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return f"The catalogue cannot be read: {cause}"
    if isinstance(error, OSError):
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk of {folder} is full. Free some space; they then come by themselves."
        return f"{folder} cannot be written: {error.strerror}."
    return None


@contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    """Be the one who writes, for a block of code; False if another process is."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            # the kernel lets go of it when the process ends, however it ends
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(descriptor)
