"""Asking ICAT+ live: datasets by its filters, and by the investigations that a text finds."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime

from panosc.domain.errors import Upstream
from panosc.domain.query import Query
from panosc.federation.connectors.icat_parts.making import Making
from panosc.federation.connectors.icat_parts.nesting import items, shows, together
from panosc.federation.connectors.icatplus_parts.asking import Plus, total
from panosc.federation.connectors.icatplus_parts.mapping import DATASET, FEED, INVESTIGATION
from panosc.federation.connectors.icatplus_parts.question import Asked, ask
from panosc.federation.connectors.icatplus_parts.whole import Reading
from panosc.federation.contract import Found, Mapped, Raw
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.federation.source import Source
from panosc.federation.values import Object, integer, mapping, objects, short

USUAL = 100
MOST = 1000
MOST_INVESTIGATIONS = 30
_ENOUGH = {"investigationIds", "datasetIds", "instrumentName", "startDate", "endDate"}
_EVER = "1970-01-01"


async def search(
    query: Query,
    *,
    plus: Plus,
    reading: Reading,
    source: Source,
    map_: Callable[[Raw], Mapped],
    now: datetime,
) -> Found:
    """Return what ICAT+ finds.

    Raises
    ------
    Upstream
    """
    searching = _Searching(plus, reading, source, min(query.limit or USUAL, MOST))
    if query.model == "Instrument":
        return await searching.instruments(query)
    asked = ask(query, Names(source))
    if query.model == "Document":
        records, count = await searching.documents(asked)
        kind = INVESTIGATION
    else:
        records, count = await searching.datasets(asked)
        kind = DATASET if plus.has_account else FEED
    found = []
    words = [asked.text] if asked.text else []
    for record in records:
        meant = map_(_raw(kind, record))
        above = mapping(record.get("investigation"))
        if kind == DATASET and integer(above.get("id")) is not None:
            meant = together(meant, map_(_raw(INVESTIGATION, above)))
        found += [
            item
            for item in items(meant, query.model, now)
            if shows(item, words, rests_on_detail="parameters" in asked.params)
        ]
    is_cut = len(records) >= searching.limit or (count or 0) > len(records)
    # what was found and is not shown must not be told by a number either
    tells = kind == DATASET and (bool(words) or "parameters" in asked.params)
    return Found(
        items=found[: searching.limit],
        total=None if tells else count,
        is_cut=tells or is_cut,
        unasked=frozenset(asked.unasked),
    )


def _raw(kind: str, record: Object) -> Raw:
    return Raw(kind=kind, external_id=str(integer(record.get("id"))), content=record)


class _Searching:
    def __init__(self, plus: Plus, reading: Reading, source: Source, limit: int) -> None:
        self.limit = limit
        self._plus = plus
        self._reading = reading
        self._source = source

    async def instruments(self, query: Query) -> Found:
        making = Making(source=self._source)
        for item in await self._plus.offered("catalogue/instruments"):
            making.instrument(item.get("name"))
        found = [dict(row) for _, row in making.rows]
        unasked = set(parts_of(query)) | ({WORDS} if query.words else set())
        return Found(items=found, total=len(found), unasked=frozenset(unasked))

    async def documents(self, asked: Asked) -> tuple[list[Object], int | None]:
        if not self._plus.has_account:
            raise Upstream(
                f"{self._source.name} tells of investigations only to whoever logs in.",
                provider=self._source.name,
                hint="Give the connector an account.",
            )
        params = dict(asked.params) | ({"search": asked.text} if asked.text else {})
        answers = await _together(
            self._investigations(params | word) for word in self._reading.words()
        )
        merged = _merged(answers)
        totals = [total(answer) for answer in answers]
        return merged, totals[0] if len(totals) == 1 else None

    async def datasets(self, asked: Asked) -> tuple[list[Object], int | None]:
        params = dict(asked.params)
        if not _ENOUGH & params.keys():
            # ICAT+ answers no question that limits nothing
            params["startDate"] = _EVER
        if asked.text is None:
            answers = [await self._datasets(params)]
        else:
            answers = await _together(
                (
                    self._datasets(params | {"search": asked.text}),
                    self._of_investigations(params, asked.text),
                )
            )
        # those of investigations first: they tell more
        records = await self._with_dates(_merged(answers[::-1]))
        return records, total(answers[0]) if asked.text is None else None

    async def _of_investigations(self, params: Mapping[str, str], words: str) -> list[Object]:
        """Return the datasets of investigations whose title, summary or name has the words."""
        if not self._plus.has_account or "investigationIds" in params:
            return []
        answers = await _together(
            self._investigations({"search": words} | word, MOST_INVESTIGATIONS)
            for word in self._reading.words()
        )
        by_id = {integer(item.get("id")): item for item in _merged(answers)[:MOST_INVESTIGATIONS]}
        if not by_id:
            return []
        ids = ",".join(map(str, by_id))
        found = await self._datasets({**params, "investigationIds": ids})
        # with all that was found of the investigation: it is why the dataset was
        return [{**record, "investigation": _above(record, by_id)} for record in found]

    async def _with_dates(self, records: list[Object]) -> list[Object]:
        """Add the release dates of investigations, where ICAT+ does not tell them at once."""
        dated = [record for record in records if not _release(record)]
        if not dated or not self._plus.has_account:
            return [self._reading.completed(record, {}, {}) for record in records]
        ids = sorted({integer(mapping(item.get("investigation")).get("id")) or 0 for item in dated})
        listed_ids = ",".join(map(str, ids[:200]))
        answer = await self._investigations({"ids": listed_ids}, len(ids))
        by_id = {integer(item.get("id")): item for item in answer}
        return [
            self._reading.completed(
                record, by_id.get(integer(mapping(record.get("investigation")).get("id")), {}), {}
            )
            for record in records
        ]

    async def _datasets(self, params: Mapping[str, str]) -> list[Object]:
        asked: dict[str, str | int] = {**params, "limit": self.limit, "skip": 0}
        return self._records(await self._plus.open("catalogue/datasets", asked))

    async def _investigations(
        self, params: Mapping[str, str], limit: int | None = None
    ) -> list[Object]:
        asked: dict[str, str | int] = {**params, "limit": limit or self.limit, "skip": 0}
        return self._records(await self._plus.inside("catalogue/{session}/investigation", asked))

    def _records(self, answer: object) -> list[Object]:
        if not isinstance(answer, list):
            raise Upstream(
                f"{self._source.name} answered a search with what is no list.",
                provider=self._source.name,
            )
        return [item for item in objects(answer, MOST) if integer(item.get("id")) is not None]


async def _together(
    calls: Iterable[Coroutine[None, None, list[Object]]],
) -> list[list[Object]]:
    """Return all answers; if one fails, no other call goes on."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _above(record: Object, by_id: Mapping[int | None, Object]) -> Object:
    light = mapping(record.get("investigation"))
    return {**by_id.get(integer(light.get("id")), {}), **light}


def _release(record: Object) -> str | None:
    return short(mapping(record.get("investigation")).get("releaseDate"))


def _merged(answers: list[list[Object]]) -> list[Object]:
    found: dict[int | None, Object] = {}
    for answer in answers:
        for record in answer:
            found.setdefault(integer(record.get("id")), record)
    return list(found.values())
