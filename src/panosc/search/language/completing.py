"""What can come next in the search box: fields, their values, units, words.

What there is to suggest is asked of `Known`, which speaks for one person: it holds only what
that person may see.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from panosc.domain.units import display
from panosc.search.language.box import LONGEST, quoted
from panosc.search.language.cursor import token_at
from panosc.search.language.names import ALIASES, EVERYDAY, field_of
from panosc.search.language.selection import FACETS, FIELDS
from panosc.search.panet import Concept, ontology

MOST = 10
_SHORTEST = 2
"""Letters from which on values and words are suggested without their field."""
_NUMBER = re.compile(r"(?P<number>[<>=≤≥]{0,2}[\d.+-][\d.eE+<-]*?\d\.?)\s*(?P<unit>[^\d\s.<>].*)?")
ABOUT = {
    "facility": "where it was measured",
    "instrument": "instrument or beamline",
    "technique": "a technique of PaNET, with its narrower ones",
    "kind": "raw, reduced or simulated",
    "access": "open, embargoed or closed",
    "year": "year of the measurement",
    "title": "words in the title",
    "author": "name of a person",
    "sample": "name of a sample",
    "document": "PID of a proposal or publication",
    "pid": "PID of a dataset",
    "created": "day, month or year of the measurement",
    "released": "day, month or year of the release",
    "bytes": "total size",
}

Counted = tuple[str, str, int | None]
"""Value, label and number of datasets, where that is known."""


class Known(Protocol):
    """What one person may know of the catalogue."""

    def values(self, field: str, prefix: str, limit: int) -> Iterable[Counted]:
        """Return values of a facet that begin so, the most frequent first."""

    def parameters(self, prefix: str, limit: int) -> Iterable[Counted]:
        """Return names of parameters that begin so."""

    def units(self, parameter: str) -> Iterable[str]:
        """Return the units of a parameter, the most frequent first."""

    def words(self, prefix: str, limit: int) -> Iterable[Counted]:
        """Return words of the texts that begin so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One thing that can stand in the box instead of the letters from `start` to `end`."""

    text: str
    label: str
    kind: str
    """field, parameter, unit, word, or the field of a value."""
    count: int | None
    start: int
    end: int


def complete(text: str, cursor: int | None, known: Known) -> list[Suggestion]:
    """Return what can come next at `cursor`, by default the end; at most `MOST`."""
    if len(text) > LONGEST or "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        return []
    place = len(text) if cursor is None else min(max(cursor, 0), len(text))
    token = token_at(text, place)
    if token is None:
        return []
    found: dict[str, Suggestion] = {}
    offers = _values(token.name, token.written, known) if token.name else _any(token.written, known)
    for kind, written, label, count in offers:
        suggestion = Suggestion(
            text=written, label=label, kind=kind, count=count, start=token.start, end=token.end
        )
        found.setdefault(written, suggestion)
        if len(found) == MOST:
            break
    return list(found.values())


_Offer = tuple[str, str, str, int | None]


def _any(prefix: str, known: Known) -> Iterator[_Offer]:
    """Yield what begins so: fields, values that need no field before them, words."""
    yield from _fields(prefix)
    if prefix:
        yield from _parameters(prefix, known)
    if len(prefix) >= _SHORTEST:
        for name in ("technique", "facility", "instrument"):
            for _, written, label, count in islice(_values(name, prefix, known), 4):
                yield name, f"{name}:{written}", label, count
        for word, label, count in known.words(prefix, MOST):
            yield "word", quoted(word), label, count


def _parameters(prefix: str, known: Known) -> Iterator[_Offer]:
    """Yield names of parameters, also those that are meant by an everyday name."""
    meant = [EVERYDAY[name] for name in EVERYDAY if name.startswith(prefix.casefold())]
    for name, label, count in known.parameters(prefix, MOST):
        yield "parameter", f"{name}:", label, count
    for real in dict.fromkeys(name for names in meant for name in names):
        for name, label, count in known.parameters(real, 1):
            if name == real:
                yield "parameter", f"{name}:", label, count


def _fields(prefix: str) -> Iterator[_Offer]:
    lower = prefix.casefold()
    names = [name for name in FIELDS if name.startswith(lower)]
    names += [field for word, field in ALIASES.items() if lower and word.startswith(lower)]
    for name in dict.fromkeys(names):
        yield "field", f"{name}:", ABOUT[name], None


def _values(name: str, prefix: str, known: Known) -> Iterator[_Offer]:
    """Yield values of a field, or units of a parameter."""
    field = field_of(name) or ALIASES.get(name.casefold())
    if field is None:
        return _units(name, prefix, known)
    if field == "technique":
        return _techniques(prefix, known)
    if field in {"created", "released"}:
        return _counted(field, known.values("year", prefix, MOST))
    if field in FACETS:
        return _counted(field, known.values(field, prefix, MOST))
    return _counted(field, known.words(prefix, MOST) if prefix else ())


def _counted(field: str, values: Iterable[Counted]) -> Iterator[_Offer]:
    for value, label, count in values:
        # years are those of the measurement
        yield field, quoted(value), label, None if field == "released" else count


def _units(parameter: str, prefix: str, known: Known) -> Iterator[_Offer]:
    found = _NUMBER.fullmatch(prefix.strip())
    if found is None:
        return
    begun = (found["unit"] or "").casefold()
    for unit in islice(known.units(parameter), MOST * 5):
        shown = display(unit)
        if shown.casefold().startswith(begun) or unit.casefold().startswith(begun):
            yield "unit", quoted(f"{found['number']}{shown}"), f"{parameter} in {shown}", None


def _techniques(prefix: str, known: Known) -> Iterator[_Offer]:
    """Yield techniques by any of their names: those in use first."""
    counts: dict[str, Counted] = {item[0]: item for item in known.values("technique", "", 1000)}
    ranked = sorted(
        ((*_fit(concept, prefix), concept) for concept in ontology()),
        key=lambda item: (item[2].id not in counts, item[0], item[2].label),
    )
    for rank, name, concept in ranked:
        if rank < _NO_FIT:
            count = counts[concept.id][2] if concept.id in counts else None
            label = concept.label if name == concept.label else f"{name}: {concept.label}"
            yield "technique", quoted(name), label, count
    lower = prefix.casefold()
    for value, label, count in counts.values():
        if ontology().find(value) is None and label.casefold().startswith(lower):
            yield "technique", quoted(value), label, count


_NO_FIT = 9


def _fit(concept: Concept, prefix: str) -> tuple[int, str]:
    """Return how well a technique fits what was begun, and the name that does."""
    lower = prefix.casefold()
    best = (_NO_FIT, concept.label)
    for name in (*concept.names, concept.id):
        text = name.casefold()
        if text == lower:
            return 0, name
        rank = 1 if text.startswith(lower) else 2 if f" {lower}" in text else _NO_FIT
        if rank < best[0]:
            best = rank, name
    return best
