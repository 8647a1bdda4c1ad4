"""What one catalogue answered becomes hits: cleaned, filtered where it could not, scored here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from panosc.domain.query import Query
from panosc.federation.contract import Found
from panosc.federation.live.answer import Fared
from panosc.federation.live.records.applying import are_told, fits
from panosc.federation.live.records.cleaning import cleaned
from panosc.federation.parts import WORDS, parts_of
from panosc.search.scoring import Scorer, facts_of, forgiven, texts_of

Item = Mapping[str, Any]

FLOOR = 0.001
"""The score of a record that a catalogue holds for a hit, and in which the words are not seen: it
may have looked at what it did not send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record that a catalogue brought, and its score by our own measure."""

    item: Mapping[str, Any]
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of a question to one catalogue."""

    fared: Fared
    seconds: float = 0.0
    hits: Sequence[Hit] = ()
    total: int | None = None
    """How many fit there; None where that is not known."""
    is_cut: bool = False
    unasked: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    message: str | None = None
    weight: int = 0
    """Bytes of the hits, nearly."""


def taken(found: Found, query: Query, *, seconds: float) -> Brought:
    """Return what an answer to `query` brings."""
    read = found.items if found.is_clean else (cleaned(one, query.model) for one in found.items)
    fine = (one for one in read if one)
    most = query.limit or len(found.items)
    items = list(islice(fine, most))
    # whoever sends more than was asked for has no more of it read
    is_cut = found.is_cut or next(fine, None) is not None
    before = len(items)
    items, unasked, applied = _applied(items, found.unasked, query)
    hits = [Hit(item=one) for one in items]
    if query.words:
        hits = _scored(items, query, is_strict=WORDS in found.unasked)
        applied += [WORDS] if WORDS in found.unasked else []
    is_whole = len(hits) == before
    total = found.total if is_whole and not (applied or unasked) else None
    if total is None and not is_cut:
        total = len(hits)
    return Brought(
        fared="answered",
        seconds=seconds,
        hits=hits,
        total=None if total is None else max(total, len(hits)),
        is_cut=is_cut,
        unasked=tuple(unasked),
        applied=tuple(applied),
        weight=len(orjson.dumps([hit.item for hit in hits], default=str)),
    )


def _applied(
    items: list[dict[str, Any]], unasked: frozenset[str], query: Query
) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Return the records that fulfil what was not asked, and what could be looked at of it."""
    left, applied = [], []
    told = items
    for key, clause in parts_of(query).items():
        if key not in unasked:
            continue
        if told and not are_told(clause, query.model, told):
            left.append(key)
            continue
        applied.append(key)
        items = [one for one in items if fits(clause, query.model, one)]
    return items, left, applied


def _scored(items: Sequence[Item], query: Query, *, is_strict: bool) -> list[Hit]:
    """Return the hits with their scores, those without the words only where they were asked for."""
    texts = [texts_of(facts_of(query.model, one)) for one in items]
    scorer = Scorer(query.words, forgiven(query.words, texts))
    scores = [scorer.score(one) for one in texts]
    return [
        Hit(item=item, score=FLOOR if score is None else max(FLOOR, score))
        for item, score in zip(items, scores, strict=True)
        if score is not None or not is_strict
    ]
