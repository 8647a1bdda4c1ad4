"""Speaks with providers of the PaNOSC search API, each of which does it in its own way.

A provider is asked only what its probe found to work; the standard has no time of change, so a
harvest reads everything, page by page, and what has not changed is known by its hash. What
providers do differently is read by `panosc.items`, what they do wrongly is found by
`panosc.probing`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar

from typing_extensions import override

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.query import Query
from panosc.federation.calling import BadStatus
from panosc.federation.connectors.panosc.asking import PATHS, Asking
from panosc.federation.connectors.panosc.canaries import pid_of
from panosc.federation.connectors.panosc.filters import restricted
from panosc.federation.connectors.panosc.items import Reader
from panosc.federation.connectors.panosc.probing import probe
from panosc.federation.connectors.panosc.rows import home_of, mapped
from panosc.federation.contract import (
    Ability,
    Batch,
    Connector,
    Cursor,
    Found,
    Mapped,
    Probed,
    Raw,
    Tried,
)
from panosc.federation.naming import Names

PAGE = 200
_FEW = 10
_PERSONS = [{"relation": "person"}, {"relation": "affiliation"}]
_INCLUDES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "Dataset": (
        {"relation": "instrument"},
        {"relation": "techniques"},
        {"relation": "samples"},
        {"relation": "parameters"},
    ),
    "Document": (
        {"relation": "members", "scope": {"include": _PERSONS}},
        {"relation": "datasets"},
        {"relation": "parameters"},
    ),
    "Instrument": (),
}


class PanoscConnector(Connector):
    """A provider of the PaNOSC search API."""

    kind = "panosc"
    title = "PaNOSC search API"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"search", "changes", "sweep"})
    tried: ClassVar[tuple[Tried, ...]] = (
        Tried(what="this software's own node", how="live"),
        Tried(what="a stand-in with the known differences of five providers", how="documented"),
    )
    base = ""
    page = PAGE

    @property
    def asking(self) -> Asking:
        """How its API is asked."""
        return Asking(self.source, self.caller, self.base)

    @override
    async def probe(self) -> Probed:
        return await probe(self.asking)

    @override
    def map(self, raw: Raw) -> Mapped:
        return mapped(self.source, raw)

    @override
    async def search(self, query: Query) -> Found:
        asked = restricted(query, self.features)
        listed = await self.asking.find(query.model, asked.filter)
        reader = Reader(names=Names(self.source))
        limit = len(listed.records) if query.limit is None else query.limit
        read = (reader.item(MODEL_BY_NAME[query.model], record) for record in listed.records)
        # of one that gives more than was asked for no more is read
        items = list(islice((item for item in read if item is not None), limit))
        for item in items:
            if home := home_of(item):
                item["home"] = home
        is_more = len(listed.records) > limit
        # whoever gives more has given all; whoever gives less, too
        total = len(listed.records) if is_more else listed.total
        is_cut = is_more or (len(items) == limit and total != limit)
        return Found(items=items, total=total, is_cut=is_cut, unasked=asked.unasked, is_clean=True)

    @override
    async def changes(self, cursor: Cursor | None) -> AsyncIterator[Batch]:
        models = list(PATHS)
        begin, skip = _place(cursor)
        for model in models[begin:]:
            includes = await self._includes(model)
            total = await self._count(model)
            async for records in self._pages(model, {"include": includes}, skip):
                skip += len(records)
                place = {"class": model, "skip": skip}
                yield Batch(raws=_raws(model, records), cursor=place, total=total)
            skip = 0
            later = models[models.index(model) + 1 :]
            yield Batch(raws=(), cursor={"class": later[0], "skip": 0} if later else {})

    @override
    async def sweep_ids(self) -> AsyncIterator[Sequence[tuple[str, str]]]:
        for model in PATHS:
            total = await self._count(model)
            seen: set[str] = set()
            async for records in self._pages(model, {"fields": ["pid"]}, 0):
                news = {str(pid_of(record)) for record in records} - seen
                seen |= news
                yield [(model, pid) for pid in sorted(news)]
            if total is not None and len(seen) < total:
                raise self.asking.wrong(
                    f"with {len(seen)} {PATHS[model]}, though it counts {total}"
                )

    async def _count(self, model: str) -> int | None:
        try:
            return await self.asking.count(model)
        except BadStatus:
            return None

    async def _includes(self, model: str) -> list[Mapping[str, Any]]:
        """Return the includes that bring what is related without hiding records."""
        wanted = list(_INCLUDES[model])
        if not wanted:
            return []
        plain = await self._few(model, [])
        if await self._is_fine(model, wanted, plain):
            return wanted
        return [item for item in wanted if await self._is_fine(model, [item], plain)]

    async def _is_fine(
        self, model: str, includes: Sequence[Mapping[str, Any]], plain: Sequence[str]
    ) -> bool:
        try:
            return await self._few(model, includes) == plain
        except BadStatus:
            return False

    async def _few(self, model: str, includes: Sequence[Mapping[str, Any]]) -> list[str]:
        written = {"order": ["pid ASC"], "limit": _FEW, "include": list(includes)}
        return [str(pid_of(one)) for one in (await self.asking.find(model, written)).records]

    async def _pages(
        self, model: str, asked: Mapping[str, Any], skip: int
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield all records, until a page brings nothing new.

        A provider that takes no notice of `skip` gives its first page again: then all are asked
        for at once. One of them gives its last record again, whatever is skipped.
        """
        before: list[str] = []
        while True:
            page = {**asked, "order": ["pid ASC"], "limit": self.page}
            records = await self._listed(model, page | ({"skip": skip} if skip else {}))
            pids = [str(pid_of(record)) for record in records]
            is_again = pids == before[-len(pids) :]
            if not records or (is_again and len(pids) < max(2, len(before))):
                return
            if is_again:
                records = await self._listed(model, asked)
            for begin in range(0, len(records), self.page):
                yield records[begin : begin + self.page]
            if is_again or len(records) > self.page:
                # it takes no notice of the limit, so this was all
                return
            skip += len(records)
            before = pids

    async def _listed(self, model: str, written: Mapping[str, Any]) -> list[dict[str, Any]]:
        given = {name: value for name, value in written.items() if value}
        records = list((await self.asking.find(model, given)).records)
        if any(pid_of(record) is None for record in records):
            raise self.asking.wrong(f"with {PATHS[model]} that have no identifier")
        return records


def _place(cursor: Cursor | None) -> tuple[int, int]:
    """Return the number of the class and how many of it to skip."""
    models = list(PATHS)
    name, skip = (cursor or {}).get("class"), (cursor or {}).get("skip")
    if name not in models or not isinstance(skip, int):
        return 0, 0
    return models.index(name), max(skip, 0)


def _raws(model: str, records: Sequence[dict[str, Any]]) -> list[Raw]:
    return [
        Raw(
            kind=model,
            external_id=str(pid_of(record)),
            content={name: value for name, value in record.items() if name != "score"},
        )
        for record in records
    ]
