"""Asking an ICAT live: its search engine for words where it has one, JPQL for everything else."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from panosc.domain.query import Query, Word
from panosc.federation.calling import BadStatus
from panosc.federation.connectors.icat_parts.entities import (
    DATASET,
    ENTITIES,
    INSTRUMENT,
    INVESTIGATION,
    includes,
)
from panosc.federation.connectors.icat_parts.jpql import Select, among
from panosc.federation.connectors.icat_parts.nesting import items, shows, together
from panosc.federation.connectors.icat_parts.question import Asking, Types, measured
from panosc.federation.connectors.icat_parts.rest import Icat, code_of
from panosc.federation.connectors.icat_parts.whole import raw_of
from panosc.federation.contract import Found, Mapped, Raw
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS
from panosc.federation.source import Source
from panosc.federation.values import Object, integer, mapping, short

USUAL = 100
MOST = 300
"""Records at once: their ids are part of an address."""
SIXTH = (6, 0)
"""From then on there is ``/search/documents``."""
_KINDS = {"Dataset": DATASET, "Document": INVESTIGATION, "Instrument": INSTRUMENT}
_NO_ENGINE = {"NOT_IMPLEMENTED", "BAD_PARAMETER", "INTERNAL", ""}


async def search(
    query: Query,
    *,
    icat: Icat,
    source: Source,
    map_: Callable[[Raw], Mapped],
    now: datetime,
    shows_undated: bool,
) -> Found:
    """Return what an ICAT finds.

    Raises
    ------
    Upstream
    """
    version, types = await _learnt(icat, measured(query))
    limit = min(query.limit or USUAL, MOST, max(1, icat.most - 1))
    asking = Asking(query, Names(source), version=version, types=types)
    ranked = await _ranked(query, icat, version)
    select = asking.ask(with_words=ranked is None)
    owner = "i" if query.model == "Dataset" else "e"
    if query.model != "Instrument" and not shows_undated:
        # what has no release date is shown to nobody here: it would only fill the answer
        select.where.append(f"{owner}.releaseDate IS NOT NULL")
    is_about_detail = bool(measured(query))
    if is_about_detail and query.model != "Instrument":
        # what is under embargo must not be found by what of it is not shown
        select.where.append(f"{owner}.releaseDate < CURRENT_TIMESTAMP")
    if ranked is not None:
        select.where.append(among("e.id", ranked))
        asking.unasked |= {WORDS} if _left_out(query.words) else set()
    records = await _records(icat, select, limit, ranked)
    words = [word.text for word in query.words] if ranked is not None else []
    found: list[dict[str, Any]] = []
    for record in records[:limit]:
        found += [
            item
            for item in items(_meaning(query.model, record, map_), query.model, now)
            if shows(item, words, rests_on_detail=is_about_detail)
        ]
    return Found(
        items=found[:limit],
        total=len(records) if len(records) <= limit and ranked is None else None,
        # what was found and is not shown must not be told by a number either
        is_cut=len(records) > limit or (ranked is not None and source.account is not None),
        unasked=frozenset(asking.unasked),
    )


def _meaning(model: str, record: Object, map_: Callable[[Raw], Mapped]) -> Mapped:
    meant = map_(raw_of(_KINDS[model], record))
    above = mapping(record.get("investigation"))
    if model != "Dataset" or integer(above.get("id")) is None:
        return meant
    return together(meant, map_(raw_of(INVESTIGATION, above)))


async def _learnt(icat: Icat, names: list[str]) -> tuple[tuple[int, int], Types]:
    """Return version and units, and note the limits: all at once, with logging in."""
    tasks = (
        asyncio.ensure_future(icat.version()),
        asyncio.ensure_future(_types(icat, names)),
        asyncio.ensure_future(icat.properties()),
    )
    try:
        version, types, _ = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return version, types


async def _types(icat: Icat, names: list[str]) -> Types:
    """Return in which units ICAT keeps some parameters."""
    types = Types()
    await icat.enter()
    if not names:
        return types
    select = Select(entity="ParameterType", alias="t", where=[among("t.name", names)])
    for row in await icat.query(select.text(what="t.name, t.units")):
        values = row if isinstance(row, list) and len(row) == 2 else [None, None]  # noqa: PLR2004
        name, unit = short(values[0]), short(values[1])
        if name and unit:
            types.units.setdefault(name, set()).add(unit)
    return types


async def _records(
    icat: Icat, select: Select, limit: int, ranked: list[int] | None
) -> list[Object]:
    """Return the records that fit, one more than wanted if there are more: best or newest first."""
    kind = next(kind for kind, entity in ENTITIES.items() if entity == select.entity)
    select.includes = includes(kind, await icat.version())
    count = limit + 1 if ranked is None else max(1, len(ranked))
    found = await icat.entities(select, order="e.id DESC", count=count)
    if ranked is None:
        return found
    rank = {number: place for place, number in enumerate(ranked)}
    return sorted(found, key=lambda record: rank.get(integer(record["id"]) or 0, len(rank)))


async def _ranked(query: Query, icat: Icat, version: tuple[int, int]) -> list[int] | None:
    """Return what the search engine finds for the words, None where it is not asked."""
    words = " ".join(_lucene(word) for word in query.words if word.kind != "elements")
    if not words.strip() or version < SIXTH or query.model == "Instrument":
        return None
    target = "Dataset" if query.model == "Dataset" else "Investigation"
    try:
        most = min(MOST, icat.most)
        return list(dict.fromkeys(await icat.documents({"target": target, "text": words}, most)))
    except BadStatus as error:
        if code_of(error) in _NO_ENGINE:
            return None
        raise


def _lucene(word: Word) -> str:
    """Return a word for Lucene, which obeys signs: only what is none is left of it."""
    is_plain = (letter if letter.isalnum() or letter in "_." else " " for letter in word.text)
    plain = "".join(is_plain).split()
    if not plain:
        return ""
    sign = {"all": "+", "not": "-", "any": ""}[word.occurs]
    return f'{sign}"{" ".join(plain)}"' if len(plain) > 1 else f"{sign}{plain[0]}"


def _left_out(words: tuple[Word, ...]) -> bool:
    return any(word.kind == "elements" or not _lucene(word) for word in words)
