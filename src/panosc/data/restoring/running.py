"""Bringing files back beside a node that serves: one thread of one process.

Which process it is a lock of the database says, which ends with it; the others stand by.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.beside import leading
from panosc.catalogue.beside.leading import Post
from panosc.data.restoring import store
from panosc.data.restoring.rounds import Rounds, Terms
from panosc.data.restoring.tapes import Stopped, Tape, tape_of
from panosc.domain.errors import PanoscError
from panosc.settings import Settings

POST = Post(name="bringing files back", lock=store.LOCK + 1)
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
    engine: sa.Engine, tape: Tape, terms: Terms, clock: Clock, *, look_s: float = leading.LOOK_S
) -> Iterator[None]:
    """Bring files back by a tape system beside whatever the block does."""
    work = _Restoring(Rounds(engine, tape, terms, clock))
    with leading.beside(engine, POST, work, look_s=look_s):
        yield


class _Restoring:
    """Does rounds, one a look."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds

    def step(self, _goes_on: Callable[[], bool]) -> bool:
        """Do a round; the next one comes after a pause."""
        # the tape system was closed in the middle of it: the node stops
        with suppress(Stopped):
            self._rounds.round()
        return False
