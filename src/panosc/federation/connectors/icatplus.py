"""ICAT+, the catalogue of the ESRF: investigations, their datasets, or the open feed of datasets.

ICAT+ tells when data were measured, not when a record changed: what is recent is read again and
again, and everything once a week. It tells of no deletions: `sweep_ids` lists what there is.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import override

from panosc.domain.query import Query
from panosc.federation import contract
from panosc.federation.calling import Caller
from panosc.federation.connectors.icat_parts.making import Making
from panosc.federation.connectors.icatplus_parts import probing, searching
from panosc.federation.connectors.icatplus_parts.asking import Plus
from panosc.federation.connectors.icatplus_parts.mapping import (
    DATASET,
    FEED,
    INVESTIGATION,
    Meaning,
)
from panosc.federation.connectors.icatplus_parts.whole import Reading
from panosc.federation.contract import Batch, Cursor, Found, Mapped, Probed, Raw, Tried
from panosc.federation.source import Source
from panosc.federation.values import integer, mapping

MOST_IN_BATCH = 500
_FIRST = "2000-01-01"
_STEP = timedelta(days=30)


class PlusOptions(contract.Options):
    """What an administrator may say of an ICAT+."""

    plugin: str = Field(default="esrf", pattern=r"[\w.-]{1,40}")
    """How the account is checked there: ``esrf``, ``db`` …"""
    filters: str = Field(default="released,embargoed", pattern=r"[a-z]{1,30}(,[a-z]{1,30}){0,4}")
    """Which investigations: words of ICAT+'s filter; ``all``: whatever the account may see."""
    feed: bool = False
    """Read the open feed of datasets although there is an account."""
    feed_access: str = Field(default="closed", pattern="closed|open")
    """What the datasets of the feed are, which says nothing of access."""
    portal: str | None = Field(default=None, pattern=r"https?://\S{1,200}")
    """The data portal, for links to records without a DOI."""
    files: int = Field(default=0, ge=0, le=5000)
    """Most files of each dataset to ask for; 0: none, for each dataset takes a call."""
    window_days: int = Field(default=90, ge=1, le=3650)
    full_days: int = Field(default=7, ge=1, le=365)
    begin: date = date.fromisoformat(_FIRST)
    """Where the feed begins."""


class IcatPlusConnector(contract.Connector):
    """Speaks with an ICAT+."""

    kind: ClassVar[str] = "icatplus"
    title: ClassVar[str] = "ICAT+"
    mapping_version: ClassVar[int] = 1
    abilities: ClassVar[frozenset[contract.Ability]] = frozenset({"search", "changes", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="the mock of pyicat-plus 3.1, fed by its own client", how="its own mock"),
        Tried(what="answers checked by the models of icat-plus-client 5.7", how="documented"),
    )
    Options: ClassVar[type[contract.Options]] = PlusOptions
    clock: Callable[[], datetime] = staticmethod(lambda: datetime.now(UTC))

    options: PlusOptions

    def __init__(self, source: Source, caller: Caller) -> None:
        super().__init__(source, caller)
        self._plus = Plus(source, caller, self.options.plugin)
        self._reading = Reading(
            self._plus, filters=self.options.filters.split(","), files=self.options.files
        )

    @property
    def _is_feed(self) -> bool:
        return self.options.feed or not self._plus.has_account

    @override
    async def probe(self) -> Probed:
        return await probing.probe(self._plus, self._reading, self.source)

    @override
    def map(self, raw: Raw) -> Mapped:
        making = Making(source=self.source)
        number = integer(raw.external_id)
        content = mapping(raw.content)
        if number is None:
            making.warn(f"{raw.external_id[:40]!r} is no id of ICAT+.")
            return making.done()
        meaning = Meaning(making, self.options.portal, is_open=self.options.feed_access == "open")
        if raw.kind == INVESTIGATION:
            meaning.investigation(number, content)
        elif raw.kind in {DATASET, FEED}:
            meaning.dataset(number, content, is_feed=raw.kind == FEED)
        return making.done()

    @override
    async def search(self, query: Query) -> Found:
        return await searching.search(
            query,
            plus=self._plus,
            reading=self._reading,
            source=self.source,
            map_=self.map,
            now=self.clock(),
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        now = self.clock()
        state = _State(cursor or {}, now, self.options)
        run = self._fed(state) if self._is_feed else self._followed(state)
        async for batch in run:
            yield batch
        yield Batch(raws=(), cursor=state.ended())

    async def _followed(self, state: "_State") -> AsyncIterator[Batch]:
        """Yield investigation by investigation, in the order of their ids."""
        found = await self._reading.investigations(since=state.since)
        for number, investigation in sorted(found.items()):
            if state.done is not None and number <= state.done:
                continue
            raws: list[Raw] = []
            async for raw in self._reading.whole(number, investigation):
                raws.append(raw)
                if len(raws) == MOST_IN_BATCH:
                    yield Batch(raws=raws, cursor=state.at(state.done))
                    raws = []
            yield Batch(raws=raws, cursor=state.at(number))
            state.done = number

    async def _fed(self, state: "_State") -> AsyncIterator[Batch]:
        """Yield the open feed, month by month."""
        begin = max(state.since or self.options.begin, self.options.begin)
        today = state.now.date() + timedelta(days=1)
        if state.done is not None:
            begin += _STEP * state.done
        number = state.done or 0
        while begin <= today:
            end = begin + _STEP
            async for raws in self._reading.feed(begin, end):
                yield Batch(raws=raws, cursor=state.at(number))
            begin, number = end, number + 1
            yield Batch(raws=(), cursor=state.at(number))

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        if self._is_feed:
            async for batch in self._fed(_State({}, self.clock(), self.options)):
                yield [(raw.kind, raw.external_id) for raw in batch.raws]
            return
        found = await self._reading.investigations(since=None)
        for number in sorted(found):
            ids = [(INVESTIGATION, str(number))]
            ids += [
                (DATASET, raw.external_id)
                async for raw in self._reading.datasets(number, found[number], files=0)
            ]
            yield ids


class _State:
    """How far a run is: what it reads (`since`), and up to where it is done."""

    def __init__(self, cursor: Mapping[str, Any], now: datetime, options: PlusOptions) -> None:
        self.now = now
        self.done: int | None = None
        self._full = str(cursor.get("full") or "")
        if cursor.get("begun"):
            # a run that was broken off goes on with what it was about to read
            self._begun = str(cursor["begun"])
            self._since = str(cursor.get("since") or "")
            self.done = integer(cursor.get("done"))
            return
        oldest = (now - timedelta(days=options.full_days)).isoformat()
        self._begun = now.isoformat()
        is_full = not self._full or self._full < oldest
        window = (now - timedelta(days=options.window_days)).date()
        self._since = "" if is_full else window.isoformat()

    @property
    def since(self) -> date | None:
        """From which day on, None: everything."""
        return date.fromisoformat(self._since) if self._since else None

    def at(self, done: int | None) -> dict[str, Any]:
        """Return the cursor of a run that is done up to a place."""
        return {"full": self._full, "begun": self._begun, "since": self._since, "done": done}

    def ended(self) -> dict[str, Any]:
        """Return the cursor of a run that is through."""
        return {"full": self._full if self._since else self._begun}
