"""Puts questions to other catalogues from any thread, and hands over answers as they come."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from panosc.domain.query import Query
from panosc.federation.live.calls.flights import Flights
from panosc.federation.live.calls.tallying import EVERY_S, Tally
from panosc.federation.live.listing import Listed
from panosc.federation.live.looping import Loop
from panosc.federation.live.records.taking import Brought
from panosc.settings import Settings

_READERS = 2
_CLOSING_S = 10.0

_log = logging.getLogger(__name__)


class Post:
    """What comes back for one question: what each catalogue brought, or what this node found.

    Parameters
    ----------
    deadline_s : float
        How long others are waited for.
    patience_s : float
        How much longer the answers that are `needed` are: this node's own.
    """

    def __init__(self, deadline_s: float, patience_s: float = 0.0) -> None:
        self._posted: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._end = time.monotonic() + deadline_s
        self._latest = self._end + patience_s
        self._waiting = 0
        self._needed: set[str] = set()

    def need(self, name: str) -> None:
        """Know of an answer that will come, and is waited for beyond the deadline."""
        self._needed.add(name)
        self.expect()

    def expect(self, count: int = 1) -> None:
        """Know of answers that will come."""
        self._waiting += count

    def put(self, name: str, answer: Any) -> None:
        """Hand over an answer, from any thread; an exception is raised where it is received."""
        self._posted.put((name, answer))

    def received(self) -> Iterator[tuple[str, Any]]:
        """Yield names and answers as they come; end when all are there, or at the deadline."""
        while self._waiting:
            left = (self._latest if self._needed else self._end) - time.monotonic()
            try:
                # what is there already is taken even then
                name, answer = (
                    self._posted.get(timeout=left) if left > 0 else self._posted.get_nowait()
                )
            except queue.Empty:
                return
            self._waiting -= 1
            self._needed.discard(name)
            if isinstance(answer, BaseException):
                raise answer
            yield name, answer


class Posting:
    """Puts questions; nothing runs before the first one."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self._settings = settings
        self._tally = tally
        self._loop = Loop("asking other catalogues")
        self._lock = threading.Lock()
        self._flights: Flights | None = None
        self._readers = ThreadPoolExecutor(_READERS, "reading answers")

    def put(self, some: Sequence[Listed], query: Query, post: Post) -> None:
        """Put a question to some catalogues; what they bring comes by `post`."""
        if some:
            post.expect(len(some))
            self._loop.run(self._all(some, query, post))

    def close(self) -> None:
        """Give up what is on its way."""
        if self._loop.is_running:
            self._loop.run(self._closed()).result(timeout=_CLOSING_S)
            self._loop.close()
        self._readers.shutdown()
        self._tally.write()

    async def _all(self, some: Sequence[Listed], query: Query, post: Post) -> None:
        if self._flights is None:
            self._flights = Flights(self._settings, self._tally, self._readers)
            self._writing = asyncio.create_task(self._written())
        flights = self._flights

        async def ask(listed: Listed) -> None:
            try:
                post.put(listed.name, await flights.ask(listed, query))
            except Exception as error:
                _log.exception("%s was not asked", listed.name)
                message = f"{listed.title} was not asked: {type(error).__name__}."
                post.put(listed.name, Brought(fared="failed", message=message))

        await asyncio.gather(*map(ask, some))

    async def _written(self) -> None:
        """Write now and then what was counted."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await asyncio.to_thread(self._tally.write)
            except Exception:
                # counts of some seconds are lost; questions go on
                _log.exception("the health of other catalogues was not written")

    async def _closed(self) -> None:
        if self._flights is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
            await self._flights.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
