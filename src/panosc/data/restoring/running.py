"""Bringing files back beside a node that serves: one thread of one process.

Which process it is a lock of the database says, which ends with it; the others stand by.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.data.restoring import store
from panosc.data.restoring.rounds import Rounds, Terms
from panosc.data.restoring.tapes import Stopped, Tape, tape_of
from panosc.domain.errors import PanoscError
from panosc.settings import Settings

LEADER = store.LOCK + 1
"""Key of the lock of the one that brings files back."""
LOOK_S = 1.0
LONGEST_WAIT_S = 60.0
_log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


@contextmanager
def restoring(engine: sa.Engine, settings: Settings, clock: Clock) -> Iterator[None]:
    """Bring files back beside whatever the block does; a node without a tape system does not."""
    if settings.tape is None:
        yield
        return
    try:
        tape = tape_of(settings)
    except PanoscError as error:
        # a broken plug-in is told, and the node serves without it
        _log.error("No file is brought back from tape: %s %s", error.detail, error.hint or "")
        yield
        return
    with beside(engine, tape, Terms.of(settings), clock):
        try:
            yield
        finally:
            # whoever stops the node does not wait for an answer of the tape system
            tape.close()


@contextmanager
def beside(
    engine: sa.Engine, tape: Tape, terms: Terms, clock: Clock, *, look_s: float = LOOK_S
) -> Iterator[None]:
    """Bring files back by a tape system beside whatever the block does."""
    keeper = Keeper(engine, Rounds(engine, tape, terms, clock), look_s=look_s)
    thread = threading.Thread(target=keeper.run, name="restoring", daemon=True)
    thread.start()
    try:
        yield
    finally:
        keeper.stop()
        thread.join()


class Keeper:
    """Runs rounds while it leads; `run` returns after `stop`."""

    def __init__(self, engine: sa.Engine, rounds: Rounds, *, look_s: float = LOOK_S) -> None:
        self._engine = engine
        self._rounds = rounds
        self._look_s = look_s
        self._ends = threading.Event()
        self._failures = 0

    def stop(self) -> None:
        """Let `run` return soon: after the round."""
        self._ends.set()

    def run(self) -> None:
        """Bring files back, whatever happens."""
        while not self._ends.is_set():
            try:
                self._lead()
            except Stopped:
                return
            except (PanoscError, SQLAlchemyError, OSError) as error:
                self._failures += 1
                _log.warning("Bringing files back was interrupted and goes on: %s", error)
            except Exception:
                self._failures += 1
                _log.exception("Bringing files back was interrupted by a fault; it goes on")
            self._ends.wait(min(LONGEST_WAIT_S, self._look_s * 2 ** min(10, self._failures)))

    def _lead(self) -> None:
        """Do rounds for as long as this process holds the lock."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(LEADER))):
                return
            while not self._ends.is_set():
                # fails when the connection is gone, and the lock with it
                connection.execute(sa.select(1))
                self._rounds.round()
                self._failures = 0
                self._ends.wait(self._look_s)
        finally:
            with suppress(SQLAlchemyError):
                connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
            with suppress(SQLAlchemyError):
                connection.close()
