"""A watcher put together, for the command line and for a node that watches beside serving."""

import hashlib
import logging
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.beside.leading import in_thread
from panosc.domain.access import OPERATOR
from panosc.domain.errors import PanoscError
from panosc.ingest.service import Request
from panosc.ingest.watching.folders import Folders
from panosc.ingest.watching.rounds import Rounds
from panosc.ingest.watching.tree import Pace
from panosc.ingest.watching.watcher import Done, Watcher
from panosc.settings import Settings

STAND_BY_S = 5.0
_log = logging.getLogger(__name__)


@contextmanager
def watcher_of(
    engine: sa.Engine,
    settings: Settings,
    request: Request,
    *,
    clock: Callable[[], datetime],
    file: Path | None = None,
    tell: Callable[[Done], None] = lambda _: None,
) -> Iterator[Watcher]:
    """Provide a watcher of the roots of a request, which has to `acquire` them and `run`.

    Raises
    ------
    Forbidden, Invalid
        As an ingest does; or if a root is no folder.
    """
    folders = Folders(request.roots, Pace(every_s=settings.watch_every_s))
    with Rounds(engine, settings, request, who=OPERATOR, clock=clock) as rounds:
        watcher = Watcher(
            engine,
            folders,
            rounds,
            name=name_of(folders.paths),
            who=OPERATOR,
            clock=clock,
            profile=rounds.profile,
            file=file,
            tell=tell,
        )
        rounds.pulse = watcher.progress
        yield watcher


def name_of(roots: list[str]) -> str:
    """Return what the watcher of some roots is called on this machine."""
    text = "\n".join(sorted(roots)).encode("utf-8", "surrogateescape")
    return f"{platform.node() or 'node'}-{hashlib.blake2b(text, digest_size=4).hexdigest()}"


@contextmanager
def watching(
    engine: sa.Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    stand_by_s: float = STAND_BY_S,
) -> Iterator[None]:
    """Watch the folders of the settings beside whatever the block does.

    Where another process has them it stands by, and goes on when that one ends.
    """
    if not settings.watch_roots:
        yield
        return
    side = _Beside(engine, settings, clock, stand_by_s)
    with in_thread(side.run, side.stop, name="watcher"):
        yield


class _Beside:
    """Watches in a thread, whatever happens."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        stand_by_s: float,
    ) -> None:
        self._engine, self._settings, self._clock = engine, settings, clock
        self._stand_by_s = stand_by_s
        self._ends = threading.Event()
        self._watcher: Watcher | None = None

    def stop(self) -> None:
        self._ends.set()
        if self._watcher is not None:
            self._watcher.stop()

    def run(self) -> None:
        request = Request(roots=self._settings.watch_roots, kind="watch")
        while not self._ends.is_set():
            try:
                self._watch(request)
            except (PanoscError, SQLAlchemyError):
                _log.exception("Watching was interrupted; it goes on in %s s", self._stand_by_s)
            self._ends.wait(self._stand_by_s)

    def _watch(self, request: Request) -> None:
        with watcher_of(self._engine, self._settings, request, clock=self._clock) as watcher:
            while watcher.acquire() is not None:
                if self._ends.wait(self._stand_by_s):
                    return
            self._watcher = watcher
            if self._ends.is_set():
                watcher.stop()
            watcher.run()
