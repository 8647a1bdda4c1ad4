"""Keeping the index up to date beside a node that serves: one thread of one process.

It builds the index where there is none that can be used, follows the feed of changes, and builds
a new one beside the old when `request_rebuild` asks for it. What goes wrong - no database, no
space - is told (`keeping.standing`) and tried again; the last good moment of the index serves on.
"""

import errno
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.beside.leading import in_thread
from panosc.catalogue.database import LAST
from panosc.domain.errors import PanoscError, Unavailable
from panosc.search.index.folder import Folder, Lock
from panosc.search.index.keeping.building import Interrupted, Tell, build, clear
from panosc.search.index.keeping.generation import BATCH, Generation
from panosc.search.index.keeping.standing import Telling, Told
from panosc.settings import Settings

LOOK_S = 0.2
"""How often the end of the feed is looked at."""
LONGEST_WAIT_S = 60.0
WANTED = "wanted"
"""A file in the folder of the index that asks the writer for a rebuild."""
DONE = "done"
_PROBE_BYTES = 1 << 20
_log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


@contextmanager
def following(engine: sa.Engine, settings: Settings, clock: Clock) -> Iterator[None]:
    """Keep the index of the node up to date beside whatever the block does.

    Where another process does it already this one stands by, and goes on when that one ends.
    """
    keeper = Keeper(engine, Folder(settings.home), clock)
    with in_thread(keeper.run, keeper.stop, name="index"):
        yield


def rebuild(engine: sa.Engine, settings: Settings, clock: Clock, *, tell: Tell) -> None:
    """Build the index of a node anew while the old one serves; return when the new one does.

    A running node does it itself when asked; otherwise this process does.

    Raises
    ------
    Unavailable
        If it cannot be built. The old one serves on.
    """
    folder = Folder(settings.home)
    try:
        while not Keeper(engine, folder, clock).rebuild(tell):
            if _answered(folder, request_rebuild(folder), tell):
                return
    except (OSError, ValueError, SQLAlchemyError) as error:
        raise explained(error, folder.path) from None


def _answered(folder: Folder, word: str, tell: Tell) -> bool:
    """Wait for the answer to a request; False if who was asked has ended."""
    telling = Telling(folder)
    while True:
        time.sleep(LOOK_S)
        told = telling.read()
        if told.asked == word:
            tell(told.done, told.total)
            if told.answer == DONE:
                return True
            if told.answer is not None:
                raise Unavailable(
                    told.answer, hint="The old index serves on. `panosc index status` tells more."
                )
        with folder.writing() as lock:
            if lock is not None:
                (folder.path / WANTED).unlink(missing_ok=True)
                return False


def request_rebuild(folder: Folder) -> str:
    """Ask the process that writes for a rebuild; return by what its answer is known."""
    word = secrets.token_hex(8)
    part = folder.path / f"{WANTED}.{word}"
    part.write_text(word, "ascii")
    part.rename(folder.path / WANTED)
    return word


class Keeper:
    """Keeps one index; `run` returns after `stop`."""

    def __init__(self, engine: sa.Engine, folder: Folder, clock: Clock) -> None:
        self._engine, self._folder, self._clock = engine, folder, clock
        self._telling = Telling(folder)
        self._told = Told()
        self._ends = threading.Event()
        self._failures = 0

    def stop(self) -> None:
        """Let `run` return soon: between two batches."""
        self._ends.set()

    def run(self) -> None:
        """Keep the index up to date, whatever happens; those who ask go first."""
        if sys.platform == "linux":
            # there a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)
        while not self._ends.is_set():
            self._ends.wait(self._seconds_after(self._write))

    def _write(self) -> None:
        with self._folder.writing() as lock:
            # also held while it rests after a failure: this process is still the one who writes
            while lock is not None and lock.holds() and not self._ends.is_set():
                self._rest(self._seconds_after(partial(self._keep, lock)))

    def _seconds_after(self, work: Callable[[], None]) -> float:
        """Do some work; return for how long to rest after it."""
        try:
            work()
        except Interrupted:
            return 0.0
        except Exception as error:
            # whatever it is: a node goes on without its index
            return self._failed(error)
        return LOOK_S

    def _rest(self, seconds: float) -> None:
        """Wait, but not for long if somebody asks for a rebuild."""
        end = time.monotonic() + seconds
        while not self._ends.wait(max(0.0, min(end - time.monotonic(), LOOK_S))):
            if time.monotonic() >= end or self._is_wanted():
                return

    def rebuild(self, tell: Tell) -> bool:
        """Build the index anew in this process; False if another one writes it."""
        with self._folder.writing() as lock:
            if lock is None:
                return False
            try:
                self._build(tell, lambda: None).close()
            finally:
                self._tell(state="stopped", done=0, total=0)
        return True

    def _keep(self, lock: Lock) -> None:
        clear(self._engine, self._folder)
        generation, fault = Generation.taken_up(self._engine, self._folder)
        if generation is None:
            level = logging.INFO if self._folder.current() is None else logging.WARNING
            _log.log(level, "The index in %s is built: %s", self._folder.path, fault)
            generation = self._build(self._progress, self._check)
        try:
            while self._is_valid(lock, generation):
                generation.check = self._check
                word = self._wanted()
                if word is not None:
                    old, generation = generation, self._replaced(generation, word)
                    old.close()
                done = generation.follow()
                self._succeeded()
                if done < BATCH:
                    # under load small changes are thus taken up together
                    self._ends.wait(LOOK_S)
        finally:
            generation.close()

    def _is_valid(self, lock: Lock, generation: Generation) -> bool:
        """Whether to go on: not at the end, nor when somebody deleted the folder."""
        return (
            not self._ends.is_set()
            and lock.holds()
            and self._folder.current() == generation.name
            and self._folder.mark(generation.name) is not None
        )

    # rebuilding

    def _is_wanted(self) -> bool:
        return (self._folder.path / WANTED).exists()

    def _wanted(self) -> str | None:
        path = self._folder.path / WANTED
        try:
            word = path.read_text("ascii")
            path.unlink()
        except (OSError, UnicodeDecodeError):
            return None
        return word

    def _replaced(self, old: Generation, word: str) -> Generation:
        """Return a new generation, or the old one if that failed."""

        def meanwhile() -> None:
            self._check()
            old.follow()

        self._tell(asked=word, answer=None)
        try:
            made = self._build(self._progress, meanwhile)
        except Interrupted:
            self._tell(answer="The node was stopped before the index was complete.")
            raise
        except Exception as error:
            self._tell(answer=explained(error, self._folder.path).detail)
            raise
        # who waits for the answer looks at the state next
        self._succeeded()
        self._tell(answer=DONE)
        return made

    def _build(self, tell: Tell, meanwhile: Callable[[], None]) -> Generation:
        clear(self._engine, self._folder)
        self._tell(state="building", done=0, total=0)
        return build(self._engine, self._folder, tell=tell, meanwhile=meanwhile)

    def _progress(self, done: int, total: int) -> None:
        self._tell(done=done, total=total)

    def _check(self) -> None:
        if self._ends.is_set():
            raise Interrupted

    # what is told

    def _tell(self, **values: object) -> None:
        self._told = replace(self._told, **values)  # type: ignore[arg-type]
        self._telling.write(self._told)

    def _succeeded(self) -> None:
        self._failures = 0
        if self._told.state != "following" or self._told.error is not None:
            self._tell(state="following", done=0, total=0, error=None, since=None)

    def _failed(self, error: Exception) -> float:
        """Tell what went wrong; return after how many seconds to try again, longer each time."""
        self._failures += 1
        wait_s = min(2.0 ** (self._failures - 1), LONGEST_WAIT_S)
        told = explained(error, self._folder.path)
        _log.error(
            "The index cannot be kept up to date: %s It is tried again in %s s. %s",
            told.detail,
            wait_s,
            told.hint or "",
            # what can be said in words needs no trace
            exc_info=None if told.hint else error,
        )
        now = self._clock().isoformat(timespec="seconds")
        word = self._wanted()
        if word is not None:
            self._tell(asked=word, answer=told.detail)
        self._tell(state="failing", error=told.detail, since=self._told.since or now)
        return wait_s


def explained(error: Exception, folder: Path) -> PanoscError:
    """Return what is wrong in words for who looks after the node."""
    if isinstance(error, PanoscError):
        return error
    if isinstance(error, SQLAlchemyError):
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return Unavailable(
            f"The catalogue cannot be read for the index: {cause}",
            hint="Is the database running?",
        )
    if not isinstance(error, OSError | ValueError):
        return Unavailable(f"A fault of the index in {folder}: {type(error).__name__}: {error}")
    found = error if isinstance(error, OSError) else _probe(folder)
    match found and found.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return Unavailable(
                f"The disk of {folder} is full: the index cannot be written.",
                hint="Free some space; the index then catches up by itself.",
            )
        case None:
            return Unavailable(f"The index in {folder} cannot be written: {error}")
        case _:
            return Unavailable(
                f"The index in {folder} cannot be written: {found and found.strerror}.",
                hint="Whoever runs the node has to be able to write there.",
            )


def _probe(folder: Path) -> OSError | None:
    """Return why nothing can be written to a folder: the library does not tell what it met."""
    path = folder / f"probe.{os.getpid()}"
    try:
        with path.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        with suppress(OSError):
            path.unlink()
    return None
