"""ICAT, by its REST interface and JPQL: instruments, investigations, datasets.

Nothing is written there, and what the account may not see is not seen here either.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from panosc.domain.query import Query
from panosc.federation import contract
from panosc.federation.calling import Caller
from panosc.federation.connectors.icat_parts import following, probing, searching
from panosc.federation.connectors.icat_parts.entities import (
    DATASET,
    INSTRUMENT,
    INVESTIGATION,
    Meaning,
)
from panosc.federation.connectors.icat_parts.making import Making
from panosc.federation.connectors.icat_parts.rest import Icat
from panosc.federation.connectors.icat_parts.whole import Whole
from panosc.federation.contract import Batch, Cursor, Found, Mapped, Probed, Raw, Tried
from panosc.federation.source import Source
from panosc.federation.values import integer, mapping


class IcatOptions(contract.Options):
    """What an administrator may say of an ICAT."""

    plugin: str | None = Field(default=None, pattern=r"[\w.-]{1,40}")
    """How it lets in: ``anon`` without an account, ``db`` with one, unless this says otherwise."""
    files: int = Field(default=1000, ge=0, le=5000)
    """Most files of each dataset."""
    full_days: int = Field(default=30, ge=1, le=3650)
    """How often everything is read anew, for parts that were deleted leave no trace."""
    undated: str = Field(default="closed", pattern="closed|open")
    """What a record is that anybody may see there and that has no release date."""


class IcatConnector(contract.Connector):
    """Speaks with an ICAT."""

    kind: ClassVar[str] = "icat"
    title: ClassVar[str] = "ICAT"
    mapping_version: ClassVar[int] = 1
    abilities: ClassVar[frozenset[contract.Ability]] = frozenset({"search", "changes", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(
            what="a stand-in that speaks a subset of JPQL, written from ICAT's source, with the "
            "example data of python-icat 1.7",
            how="documented",
        ),
    )
    Options: ClassVar[type[contract.Options]] = IcatOptions
    clock: Callable[[], datetime] = staticmethod(lambda: datetime.now(UTC))

    options: IcatOptions

    def __init__(self, source: Source, caller: Caller) -> None:
        super().__init__(source, caller)
        self._icat = Icat(source, caller, self.options.plugin)

    @property
    def _is_open(self) -> bool:
        # whom an account lets in sees more than anybody
        return self.options.undated == "open" and self.source.account is None

    @override
    async def probe(self) -> Probed:
        return await probing.probe(self._icat)

    @override
    def map(self, raw: Raw) -> Mapped:
        making = Making(source=self.source)
        number = integer(raw.external_id)
        if number is None:
            making.warn(f"{raw.external_id[:40]!r} is no id of ICAT.")
            return making.done()
        meaning = Meaning(making, is_open=self._is_open)
        mean = {
            INSTRUMENT: meaning.instrument,
            INVESTIGATION: meaning.investigation,
            DATASET: meaning.dataset,
        }.get(raw.kind)
        if mean is not None:
            mean(number, mapping(raw.content))
        return making.done()

    @override
    async def search(self, query: Query) -> Found:
        return await searching.search(
            query,
            icat=self._icat,
            source=self.source,
            map_=self.map,
            now=self.clock(),
            shows_undated=self._is_open,
        )

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        await self._icat.properties()
        run = following.Following(
            self._icat,
            Whole(self._icat, self.options.files),
            cursor,
            now=self.clock(),
            full_every=timedelta(days=self.options.full_days),
        )
        async for batch in run.batches():
            yield batch

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        await self._icat.properties()
        async for ids in following.sweep(self._icat):
            yield ids
