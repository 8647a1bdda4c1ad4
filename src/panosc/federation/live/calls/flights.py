"""Questions on their way to other catalogues, within one event loop.

The same question asked by many at once is put once; its answer is kept for a while. A question that
takes longer than nearly all is put a second time. A catalogue that fails is spared (`breaker`), and
all together hold only so many bytes (`purse`).
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict, deque
from concurrent.futures import Executor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace

import httpx

from panosc.domain.errors import PanoscError, Unavailable
from panosc.domain.query import Query
from panosc.federation.calling import BadStatus, Caller
from panosc.federation.contract import Found
from panosc.federation.live.calls.breaker import Breaker
from panosc.federation.live.calls.pulse import Pulse
from panosc.federation.live.calls.purse import MOST, Purse, Share
from panosc.federation.live.calls.tallying import Tally
from panosc.federation.live.listing import Listed
from panosc.federation.live.records.spelling import spelt_for
from panosc.federation.live.records.taking import Brought, taken
from panosc.federation.source import Source
from panosc.identity.outbound import default_tls
from panosc.identity.outbound.beyond import Beyond, Bounds, Failed, beyond
from panosc.settings import Settings

PARTS = 4
"""One catalogue may hold this part of all bytes."""
AT_ONCE = 6
"""Questions put to one catalogue at a time: the others wait here, where it costs nothing."""
KEPT_S = 30.0
REFUSED_KEPT_S = 2.0
"""How long it is kept that a catalogue did not answer a question."""
KEPT_BYTES = 4_000_000
"""As JSON; in memory it is some five times as much."""
REMEMBERED = 100
HEDGED = 0.1
"""The part of all questions that may be put a second time."""
_FEW = 4
"""Questions under way; with more of them answers are scored in threads."""
_LIGHT = 200_000
"""Bytes of an answer that is scored in some milliseconds."""
_MEANT = 0.5
"""The part of the deadline for which a catalogue must have been asked to be held for late."""
_NEARLY_ALL = 0.9
_FEWEST = 20
_TOO_SOON_S = 0.02
_QUESTION_AT_FAULT = frozenset(range(400, 500)) - {401, 403, 404, 408, 425, 429}

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Line:
    """What is known of one catalogue in this process."""

    listed: Listed
    purse: Purse
    breaker: Breaker = field(default_factory=Breaker)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    times: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    """What the last calls took that were answered."""
    calls: int = 0
    hedges: int = 0

    def taken(self, part: float) -> float | None:
        """Return the time within which this part of all calls was answered, if enough were."""
        if len(self.times) < _FEWEST:
            return None
        ranked = sorted(self.times)
        return ranked[int(part * (len(ranked) - 1))]

    def patience(self) -> float | None:
        """Return after how long a second try is worth it, None while nobody knows."""
        seconds = self.taken(0.95)
        return None if seconds is None else max(_TOO_SOON_S, seconds)

    def may_hedge(self) -> bool:
        """Whether another second try is within bounds."""
        return self.hedges + 1 <= self.calls * HEDGED and not self.slots.locked()


@dataclass(slots=True)
class _Flight:
    """One question to one catalogue."""

    query: Query
    share: Share
    until: float
    called: float | None = None
    """When the first call was made; until then the question waits for its turn."""

    def had(self, now: float) -> float:
        """Return for how long the catalogue has been asked."""
        return 0.0 if self.called is None else now - self.called


@dataclass(frozen=True, slots=True)
class _Kept:
    brought: Brought
    until: float


class Flights:
    """Puts questions; made, used and closed within one event loop.

    Parameters
    ----------
    settings : Settings
        ``federation_deadline_s`` and ``federation_max_bytes`` bound each question.
    tally : Tally
        Is told of what became of each.
    working : Executor
        Threads in which answers are read.
    """

    def __init__(self, settings: Settings, tally: Tally, working: Executor) -> None:
        self._settings = settings
        self._tally = tally
        self._working = working
        self._purse = Purse(max(MOST, PARTS * settings.federation_max_bytes))
        self._lines: dict[str, Line] = {}
        self._pools: dict[str, Beyond] = {}
        self._stack = AsyncExitStack()
        self._tls = default_tls()
        self._flying: dict[bytes, asyncio.Task[Brought]] = {}
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._kept_bytes = 0
        self._pulse = Pulse()

    async def close(self) -> None:
        """Give up what is on its way, and end all connections."""
        await self._pulse.stop()
        for task in list(self._flying.values()):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._stack.aclose()

    async def ask(self, listed: Listed, query: Query) -> Brought:
        """Return what a question to one catalogue brings, whatever becomes of it."""
        if listed.source is None:
            return Brought(fared="failed", message=listed.problem)
        line = self._line(listed)
        key = hashlib.blake2b(repr((listed.source, query)).encode("utf-8", "replace")).digest()
        kept = self._kept.get(key)
        if kept is not None and asyncio.get_running_loop().time() < kept.until:
            return kept.brought
        flight = self._flying.get(key)
        if flight is None:
            if not line.breaker.admits():
                self._tally.note(listed.name, "down", 0.0)
                return Brought(fared="down", message=f"{listed.title} failed too often of late.")
            flight = asyncio.create_task(self._fly(line, query))
            self._flying[key] = flight
            flight.add_done_callback(lambda task: self._landed(key, task))
        return await asyncio.shield(flight)

    def _line(self, listed: Listed) -> Line:
        line = self._lines.get(listed.name)
        if line is None or line.listed.source != listed.source:
            line = self._lines[listed.name] = Line(
                listed, Purse(self._purse.most // PARTS, self._purse)
            )
        line.listed = listed
        return line

    def _landed(self, key: bytes, task: "asyncio.Task[Brought]") -> None:
        self._flying.pop(key, None)
        if task.cancelled() or task.exception() is not None:
            return
        brought, now = task.result(), asyncio.get_running_loop().time()
        before = self._kept.pop(key, None)
        if before is not None:
            self._kept_bytes -= before.brought.weight
        seconds = KEPT_S if brought.fared == "answered" else REFUSED_KEPT_S
        self._kept[key] = _Kept(brought, now + seconds)
        self._kept_bytes += brought.weight
        while self._kept and (
            self._kept_bytes > KEPT_BYTES or next(iter(self._kept.values())).until < now
        ):
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.brought.weight

    async def _fly(self, line: Line, query: Query) -> Brought:
        loop = asyncio.get_running_loop()
        limit, begun = self._settings.federation_deadline_s, loop.time()
        share = Share(line.purse, self._settings.federation_max_bytes)
        flight = _Flight(query, share, until=begun + limit)
        try:
            with share:
                async with asyncio.timeout(limit):
                    found = await self._hedged(line, flight)
                seconds = loop.time() - begun
                line.breaker.note(is_fine=True)
                self._tally.note(line.listed.name, "answered", seconds)
                if len(self._flying) <= _FEW and share.held <= _LIGHT:
                    # sooner done than handed over, where this loop has little else to hear
                    return taken(found, query, seconds=seconds)
                return await loop.run_in_executor(
                    self._working, lambda: taken(found, query, seconds=seconds)
                )
        except TimeoutError:
            message, is_late, is_fine = f"It did not answer within {limit:g} s.", True, False
        except PanoscError as error:
            message, is_late = error.detail, isinstance(error, Failed) and error.reason == "late"
            is_fine = isinstance(error, BadStatus) and error.answered in _QUESTION_AT_FAULT
        except Exception as error:
            # a connector's own fault must not take the others with it
            _log.exception("the connector of %s failed", line.listed.name)
            is_late, is_fine = False, False
            message = (
                f"What {line.listed.title} answered could not be read: {type(error).__name__}."
            )
        brought = Brought(
            fared="late" if is_late else "failed", seconds=loop.time() - begun, message=message
        )
        if is_late and (
            flight.had(loop.time()) < limit * _MEANT or self._pulse.is_slow(since=begun)
        ):
            # it had no time to answer, or did, and was not heard
            line.breaker.forget()
            return replace(brought, message="This node was too busy to hear it in time.")
        line.breaker.note(is_fine=is_fine)
        self._tally.note(line.listed.name, brought.fared, brought.seconds, message)
        return brought

    async def _hedged(self, line: Line, flight: _Flight) -> Found:
        """Return the first good answer of one call, or of two where the first takes long."""
        line.calls += 1
        calls = {asyncio.create_task(self._call(line, flight))}
        try:
            patience = line.patience()
            if patience is not None:
                done, _ = await asyncio.wait(calls, timeout=patience)
                if not done and line.may_hedge():
                    line.hedges += 1
                    calls.add(asyncio.create_task(self._call(line, flight)))
            waiting = set(calls)
            while True:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for call in done:
                    if call.exception() is None or not waiting:
                        return call.result()
        finally:
            for call in calls:
                call.cancel()
            # what they raise now nobody wants to know
            await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, line: Line, flight: _Flight) -> Found:
        listed = line.listed
        if listed.source is None or listed.connector is None:
            raise Unavailable(f"{listed.title} cannot be asked: {listed.problem}.")
        # one that finds its turn at once is always put: it is learnt anew what they take
        is_in_line = line.slots.locked()
        async with line.slots:
            called = asyncio.get_running_loop().time()
            usual = line.taken(_NEARLY_ALL) if is_in_line else None
            if usual is not None and called + usual > flight.until:
                # whoever asked would be gone: it is spared the work, and so are those who wait
                raise TimeoutError
            if flight.called is None:
                flight.called = called
            bounds = Bounds(
                seconds=self._settings.federation_deadline_s,
                limit=self._settings.federation_max_bytes,
                take=flight.share.take,
            )
            caller = Caller(await self._pool(listed.source), listed.source, bounds)
            connector = listed.connector(listed.source, caller)
            connector.features = listed.features
            found = await connector.search(spelt_for(flight.query, listed.source))
            line.times.append(asyncio.get_running_loop().time() - called)
            return found

    async def _pool(self, source: Source) -> Beyond:
        """Return the pool for a catalogue: leave to call a private host is for that one alone."""
        host = httpx.URL(source.url).host if source.is_private else ""
        if host not in self._pools:
            made = beyond(self._settings, trusted=[host] if host else (), tls=self._tls)
            self._pools[host] = await self._stack.enter_async_context(made)
        return self._pools[host]
