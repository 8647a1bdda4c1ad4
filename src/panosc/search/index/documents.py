"""Records become documents of the index.

Core and detail stand in fields of their own. Technique tags stand with all that is broader, so that
a facet counts, and a word finds, the narrower with the broader.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson
from tantivy import Document

from panosc.search.index import analysis
from panosc.search.index.schema import (
    CORE_LEVELS,
    DETAIL_LEVELS,
    FIRST,
    LAST,
    SORTS,
    UNDER,
    build,
    slot,
)
from panosc.search.panet import PREFIX, ontology

LONGEST_TEXT = 20_000
"""Characters of one text that can be found as words."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LARGEST = 1.7976931348623157e308
SCHEMA = build()


@dataclass(frozen=True, slots=True)
class Tag:
    """One technique of a record, as the catalogue has it."""

    pid: str
    panet_id: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One parameter, as the catalogue has it."""

    name: str
    number: float | None
    text: str | None
    unit: str | None
    si: float | None
    si_unit: str | None


@dataclass(slots=True, kw_only=True)
class Facts:
    """All that the index has to know of one record."""

    model: str
    key: int
    pid: str
    mark: str
    listed_at: datetime
    opened_at: datetime
    owner_group: str | None
    title: str | None = None
    abstract: str | None = None
    kind: str | None = None
    created: datetime | None = None
    released: datetime | None = None
    size: int | None = None
    instruments: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """PID, name, facility."""
    tags: list[Tag] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)
    parameters: list[Measured] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    sharing: list[str] = field(default_factory=list)
    """Groups that an adopted catalogue gives access to, beside its own."""


def micros(time: datetime) -> int:
    """Return microseconds since 1970, exactly."""
    return (time - _EPOCH) // _MICROSECOND


def of_shared(model: str, key: int, said: Sequence[str | None]) -> Document:
    """Return the document that keeps a digest of what an instrument, sample … says."""
    return Document.from_dict({"model": model, "key": key, "digest": digest(said)}, SCHEMA)


def digest(said: Sequence[str | None]) -> int:
    """Return a number that is another one whenever the texts are others."""
    return int.from_bytes(blake2b(orjson.dumps(said), digest_size=7).digest(), "big")


def of_record(facts: Facts) -> Document:
    """Return the document of a dataset or a document."""
    found: dict[str, Any] = {
        "model": facts.model,
        "key": facts.key,
        "mark": [] if facts.mark == "normal" else facts.mark,
        "listed_at": micros(facts.listed_at),
        "opened_at": micros(facts.opened_at),
        "documents": facts.documents,
    }
    found |= _exact(facts)
    found |= _sorted_by(facts)
    found |= _measured(facts.parameters)
    found |= _words(facts)
    given = {name: value for name, value in found.items() if value != []}
    # not as JSON, whose numbers the index would round
    return Document.from_dict(given, SCHEMA)


def _exact(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = {
        "owner_group": [*_some(facts.owner_group), *facts.sharing],
        "kind": _some(facts.kind),
        "tag": sorted({spelt for tag in facts.tags for spelt in _spellings(tag)}),
        "tag_name": sorted({tag.name for tag in facts.tags if tag.name is not None}),
        "technique": sorted({value for tag in facts.tags for value in reach(tag)}),
        "year": [] if facts.created is None else facts.created.astimezone(UTC).year,
    }
    if facts.model == "Dataset" and facts.instruments:
        [(pid, name, facility)] = facts.instruments
        found |= {
            "instrument": pid,
            "instrument_name": _some(name),
            "facility": _some(facility),
        }
    return found


def _some(value: str | None) -> list[str]:
    return [] if value is None else [value]


@lru_cache(maxsize=5_000)
def _spellings(tag: Tag) -> frozenset[str]:
    """Return what finds a tag: its identifiers, and the techniques that it is of or narrower than.

    As the database does it, both identifiers count, in their two exact spellings.
    """
    panet, given = ontology(), {spelt for spelt in (tag.pid, tag.panet_id) if spelt}
    concepts = {
        concept.id
        for concept in map(panet.find, given)
        if concept is not None and not given.isdisjoint({concept.id, PREFIX + concept.id})
    }
    return frozenset({*given, *(UNDER + one for one in panet.ancestors(concepts))})


@lru_cache(maxsize=5_000)
def reach(tag: Tag) -> frozenset[str]:
    """Return under which values of the facet a technique counts: its own and the broader ones."""
    panet = ontology()
    concept = panet.find(tag.panet_id or "") or panet.find(tag.pid)
    if concept is None:
        return frozenset({tag.pid})
    return panet.ancestors([concept.id]) | {concept.id}


def _sorted_by(facts: Facts) -> dict[str, int]:
    given = (
        None if facts.created is None else micros(facts.created),
        None if facts.released is None else micros(facts.released),
        facts.size,
    )
    found: dict[str, int] = {}
    for name, value in zip(SORTS, given, strict=True):
        # beyond these no question is asked of the index, and the database sorts
        known = None if value is None else max(FIRST + 1, min(LAST - 1, value))
        found[f"{name}_up"] = LAST if known is None else known
        found[f"{name}_down"] = FIRST if known is None else known
    return found


def _measured(parameters: Iterable[Measured]) -> dict[str, Any]:
    si: defaultdict[str, list[float]] = defaultdict(list)
    plain: defaultdict[str, list[float]] = defaultdict(list)
    names: set[str] = set()
    for item in parameters:
        names.add(f"{item.name}\x1f{item.unit or ''}")
        _add(plain, slot(item.name), item.number)
        if item.si_unit is not None:
            _add(si, slot(item.name, item.si_unit), item.si)
    return {
        "parameter": sorted(names),
        "si": dict(si) or [],
        "plain": dict(plain) or [],
    }


def _add(to: dict[str, list[float]], where: str, value: float | None) -> None:
    if value is not None and not math.isnan(value):
        # JSON has no infinity: the largest number stands for it, in questions as well
        to[where].append(max(-_LARGEST, min(_LARGEST, float(value))))


@dataclass(frozen=True, slots=True)
class Said:
    """What a record says, by the fields of `analysis.WEIGHTS`; and which of them are read on."""

    texts: Mapping[str, Sequence[str]]
    in_order: tuple[str, ...]
    """Fields in which words stand beside one another."""
    formulas: tuple[str, ...]
    """Fields that may hold chemical formulas."""

    def lines(self) -> list[str]:
        """Return the stems of each text in their order, each text a value of its own."""
        return [
            # a stop word keeps its place
            " ".join(stem or "_" for stem in analysis.stems(text))
            for name in self.in_order
            for text in self.texts[name]
        ]

    def elements(self) -> set[str]:
        """Return the symbols of the elements in formulas."""
        texts = (text for name in self.formulas for text in self.texts[name])
        return {one for text in texts for one in analysis.elements(text)}


def said_by(facts: Facts) -> tuple[Said, Said]:
    """Return what a record says in core text, and in detail."""
    labels, broader = _technique_texts(tuple(facts.tags))
    core: dict[str, Sequence[str]] = {
        "title": _cut(_some(facts.title)),
        "abstract": _cut(_some(facts.abstract)),
        "technique": labels,
        "broader": broader,
        "instrument": [text for one in facts.instruments for text in one[1:] if text],
        "people": facts.people,
        "keywords": _cut(facts.keywords),
        "pid": [facts.pid],
    }
    detail: dict[str, Sequence[str]] = {
        "sample": _cut(facts.samples),
        "parameters": [
            text
            for item in facts.parameters
            for text in (item.name.replace("_", " "), (item.text or "")[:200])
            if text
        ],
        "files": facts.files,
    }
    return (
        Said(
            core,
            ("title", "abstract", "technique", "keywords", "people"),
            ("title", "abstract", "keywords"),
        ),
        Said(detail, ("sample", "parameters"), ("sample", "parameters")),
    )


def _words(facts: Facts) -> dict[str, Any]:
    core, detail = said_by(facts)
    found = _levels(CORE_LEVELS, core.texts) | _levels(DETAIL_LEVELS, detail.texts)
    found["core_text"], found["detail_text"] = core.lines(), detail.lines()
    found["core_elements"] = sorted(core.elements())
    found["detail_elements"] = sorted(detail.elements())
    titles = core.texts["title"]
    found["surface"] = sorted(analysis.surface_words(titles)) if facts.title else []
    return found


def _cut(texts: Iterable[str | None]) -> list[str]:
    return [text[:LONGEST_TEXT] for text in texts if text]


@lru_cache(maxsize=1_000)
def _technique_texts(tags: tuple[Tag, ...]) -> tuple[list[str], list[str]]:
    """Return what the techniques are called, and what the broader ones are."""
    labels: dict[str, None] = {}
    own, above = set[str](), set[str]()
    for tag in tags:
        names, concept, broader = _texts_of_one(tag)
        labels |= dict.fromkeys(names)
        own.update(concept)
        above |= broader
    panet = ontology()
    concepts = (panet.find(one) for one in sorted(above - own))
    return list(labels), [name for one in concepts if one is not None for name in one.names]


@lru_cache(maxsize=5_000)
def _texts_of_one(tag: Tag) -> tuple[tuple[str, ...], tuple[str, ...], frozenset[str]]:
    """Return what a technique is called, its concept if it is one, and the broader ones."""
    panet = ontology()
    names = (tag.name,) if tag.name else ()
    concept = panet.find(tag.panet_id or "") or panet.find(tag.pid)
    if concept is None:
        return names, (), frozenset()
    return (*names, *concept.names), (concept.id,), panet.ancestors([concept.id])


def _levels(fields: Sequence[str], texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        name: " ".join(sorted(found))
        for name, found in zip(fields, analysis.impacts(texts), strict=True)
        if found
    }
