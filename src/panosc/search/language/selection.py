"""The portal's URL as a question: ``facility=ESS&technique=PaNET01189&wavelength=0.4..0.8 nm``.

Repeated keys mean any of them, different keys all of them. `parse` never fails: what it
cannot use is left out and explained in `Selection.problems`, so that a page can still be
shown. `Selection.params` is the one canonical spelling, `Selection.query` the question.

It answers nothing itself (`search.service`) and knows nothing of pages.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import MAXYEAR, UTC, datetime
from difflib import get_close_matches
from math import isfinite

from panosc.domain.query import And, Clause, Compare, Or, Order, Query, Related
from panosc.search.language.words import read_words

FACETS = ("facility", "instrument", "technique", "kind", "access", "year")
"""Keys that choose among values which `SearchService.facets` counts."""
SIZES = (25, 50, 100)
LAST_PAGE = 100
SORTS: dict[str, str] = {
    "created": "creationDate",
    "released": "releaseDate",
    "title": "title",
    "size": "size",
    "pid": "pid",
}
"""Values of ``sort``, each also with ``-`` before it for descending → property."""
STATES = ("open", "embargoed", "closed")

_MOST_VALUES = 50
_LONGEST = 300
_MOST_DIGITS = 9
_SHORT = 40
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})?(?P<dots>\.\.)?(?P<high>(?<=\.\.){_NUMBER})?(?P<unit>\s+\S.*|[^\d\s.+-].*)?"
)
_SINGLE = re.compile(rf"(?P<low>{_NUMBER})(?P<unit>\s+\S.*|[^\d\s.+-].*)?")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_YEARS = re.compile(r"(?P<low>\d{1,4})?(?P<dots>\.\.)?(?P<high>\d{1,4})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A condition on a parameter: a range with open ends, in `unit` or as stored."""

    name: str
    low: float | None = None
    high: float | None = None
    unit: str | None = None

    @property
    def text(self) -> str:
        """The value as the URL spells it."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.low == self.high:
            return f"{number(self.low)}{unit}"
        low = "" if self.low is None else number(self.low)
        high = "" if self.high is None else number(self.high)
        return f"{low}..{high}{unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """A condition on a parameter whose value is a text: any of `values`, whatever the case."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a visitor has chosen on the search page."""

    words: str = ""
    facility: tuple[str, ...] = ()
    instrument: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    ranges: tuple[Between, ...] = ()
    texts: tuple[Matching, ...] = ()
    sort: str = ""
    """One of `SORTS`, with ``-`` for descending; empty: relevance, or newest without words."""
    page: int = 1
    size: int = SIZES[0]
    problems: tuple[str, ...] = ()
    """What could not be used, and why, in sentences."""

    def without(self, name: str) -> "Selection":
        """Return the same with nothing chosen for one key (a facet or a parameter)."""
        if name in FACETS:
            return replace(self, **{name: ()}, page=1)  # type: ignore[arg-type]
        if name == "q":
            return replace(self, words="", page=1)
        return replace(
            self,
            ranges=tuple(item for item in self.ranges if item.name != name),
            texts=tuple(item for item in self.texts if item.name != name),
            page=1,
        )

    def chosen(self, name: str) -> tuple[str, ...]:
        """Return the values chosen for a facet."""
        values: tuple[str, ...] = getattr(self, name) if name in FACETS else ()
        return values

    def params(self) -> list[tuple[str, str]]:
        """Return the canonical key and value pairs; defaults are left out."""
        pairs = [("q", self.words)] if self.words else []
        pairs += [(name, value) for name in FACETS for value in self.chosen(name)]
        pairs += [(item.name, item.text) for item in self.ranges]
        pairs += [(item.name, value) for item in self.texts for value in item.values]
        if self.sort:
            pairs.append(("sort", self.sort))
        if self.page != 1:
            pairs.append(("page", str(self.page)))
        if self.size != SIZES[0]:
            pairs.append(("size", str(self.size)))
        return pairs

    def query(self) -> Query:
        """Return the question: the page `page` of the datasets that fit."""
        order: tuple[Order, ...] = ()
        # words rank what they find; without them the newest comes first
        sort = self.sort or ("" if self.words else "-created")
        if sort:
            key = sort.removeprefix("-")
            order = (Order(property=SORTS[key], descending=sort.startswith("-")),)
        return Query(
            model="Dataset",
            where=And(tuple(_clauses(self))),
            order=order,
            limit=self.size,
            skip=(self.page - 1) * self.size,
            words=read_words(self.words, plain="all"),
        )


def number(value: float) -> str:
    """Return the shortest spelling that reads back as the same number."""
    text = repr(float(value))
    return text.removesuffix(".0")


def parse(
    pairs: Iterable[tuple[str, str]], *, parameters: Collection[str] | None = None
) -> Selection:
    """Return the selection that the query part of a URL spells.

    Parameters
    ----------
    pairs : iterable of (key, value)
        As the URL gives them, decoded.
    parameters : collection of str, optional
        Names of the parameters that the catalogue knows. Without it any name will do for
        a range, and no name for a text.
    """
    reader = _Reader(parameters)
    for key, value in pairs:
        reader.read(key, value.strip())
    return reader.selection()


class _Reader:
    """Takes pairs one by one; `selection` is what came together."""

    def __init__(self, parameters: Collection[str] | None) -> None:
        self._parameters = parameters
        self._values: dict[str, list[str]] = {name: [] for name in FACETS}
        self._ranges: list[Between] = []
        self._texts: dict[str, list[str]] = {}
        self._single: dict[str, str] = {}
        self._problems: list[str] = []

    def read(self, key: str, value: str) -> None:
        if not value or key == "view":
            return
        if "\0" in value or not _encodable(value) or len(value) > _LONGEST:
            self._problem(f"A value of {_short(key)} is too long or not text; it was left out.")
        elif key in {"q", "sort", "page", "size"}:
            self._once(key, value)
        elif key in FACETS:
            self._choose(key, value)
        else:
            self._parameter(key, value)

    def selection(self) -> Selection:
        chosen = {name: tuple(values) for name, values in self._values.items()}
        return Selection(
            words=" ".join(self._single.get("q", "").split()),
            facility=chosen["facility"],
            instrument=chosen["instrument"],
            technique=chosen["technique"],
            kind=chosen["kind"],
            access=chosen["access"],
            year=chosen["year"],
            ranges=tuple(self._ranges),
            texts=tuple(
                Matching(name=name, values=tuple(values)) for name, values in self._texts.items()
            ),
            sort=self._single.get("sort", ""),
            page=int(self._single.get("page", "1")),
            size=int(self._single.get("size", str(SIZES[0]))),
            problems=tuple(self._problems),
        )

    def _problem(self, sentence: str) -> None:
        if sentence not in self._problems and len(self._problems) < _MOST_VALUES:
            self._problems.append(sentence)

    def _once(self, key: str, value: str) -> None:
        if key in self._single:
            self._problem(f"{key} was given twice; the first one counts.")
        elif key == "sort" and value.removeprefix("-") not in SORTS:
            names = ", ".join(SORTS)
            self._problem(
                f"Results cannot be sorted by “{_short(value)}”; use {names}, or - before one."
            )
        elif key == "page" and not (_natural(value) and 1 <= int(value) <= LAST_PAGE):
            self._problem(f"Pages go from 1 to {LAST_PAGE}; choose more filters to narrow down.")
        elif key == "size" and not (_natural(value) and int(value) in SIZES):
            sizes = ", ".join(map(str, SIZES))
            self._problem(f"A page shows {sizes} results, not “{_short(value)}”.")
        else:
            self._single[key] = str(int(value)) if key in {"page", "size"} else value

    def _choose(self, key: str, value: str) -> None:
        if key == "access" and value not in STATES:
            self._problem(f"Access is one of {', '.join(STATES)}, not “{_short(value)}”.")
        elif key == "year" and years(value) is None:
            self._problem(f"“{_short(value)}” is no year; write 2020, 2020..2024 or 2020..")
        elif len(self._values[key]) >= _MOST_VALUES:
            self._problem(f"At most {_MOST_VALUES} values of {key} can be chosen at once.")
        elif value not in self._values[key]:
            self._values[key].append(value)

    def _parameter(self, key: str, value: str) -> None:
        known = self._parameters is None or key in self._parameters
        if not known or not _PARAMETER.fullmatch(key):
            self._problem(f"There is no filter “{_short(key)}”.{self._near(key)}")
            return
        between = _between(key, value)
        if between is not None:
            if len(self._ranges) >= _MOST_VALUES:
                self._problem(f"At most {_MOST_VALUES} ranges can be chosen at once.")
            elif between not in self._ranges:
                self._ranges.append(between)
        elif self._parameters is None:
            self._problem(
                f"There is no filter “{_short(key)}” with such a value; a parameter takes a range: "
                f"0.4..0.8 nm, 300.. K or ..80 K.{self._near(key)}"
            )
        elif sum(map(len, self._texts.values())) >= _MOST_VALUES:
            self._problem(f"At most {_MOST_VALUES} values of parameters can be chosen at once.")
        elif value not in self._texts.setdefault(key, []):
            self._texts[key].append(value)

    def _near(self, key: str) -> str:
        names = [*FACETS, "q", "sort", "page", "size", *(self._parameters or ())]
        near = get_close_matches(key[:100], names, n=1)
        return f" Did you mean {near[0]}?" if near else ""


def years(text: str) -> tuple[int | None, int | None] | None:
    """Return first and last year of ``2020``, ``2020..2024``, ``2020..`` or ``..2020``."""
    found = _YEARS.fullmatch(text)
    if found is None or not text.strip("."):
        return None
    low, high = (int(found[name]) if found[name] else None for name in ("low", "high"))
    if not found["dots"]:
        return None if found["high"] or not low else (low, low)
    return None if 0 in {low, high} else (low, high)


def _between(name: str, value: str) -> Between | None:
    found = (_RANGE if ".." in value else _SINGLE).fullmatch(value)
    if found is None:
        return None
    parts = found.groupdict()
    low = float(parts["low"]) if parts["low"] else None
    high = float(parts["high"]) if parts.get("high") else None
    if not parts.get("dots"):
        high = low
    ends = [end for end in (low, high) if end is not None]
    if not ends or not all(map(isfinite, ends)):
        return None
    unit = " ".join((parts["unit"] or "").split())
    return Between(name=name, low=low, high=high, unit=unit or None)


def _clauses(selection: Selection) -> Iterable[Clause]:
    if selection.facility:
        yield Related("instrument", _any_of("facility", selection.facility))
    if selection.instrument:
        yield Related("instrument", _any_of("pid", selection.instrument))
    if selection.technique:
        yield Related("techniques", _any_of("pid", selection.technique))
    if selection.kind:
        yield _any_of("kind", selection.kind)
    if selection.access:
        yield _any_of("access", selection.access)
    if selection.year:
        yield Or(tuple(_in_years(item) for item in selection.year))
    for between in selection.ranges:
        yield Related("parameters", And(tuple(_in_range(between))))
    for text in selection.texts:
        values = tuple(
            Compare(property="value", operator="ilike", operands=(_literal(value),))
            for value in text.values
        )
        name = Compare(property="name", operator="eq", operands=(text.name,))
        yield Related("parameters", And((name, Or(values))))


def _in_range(between: Between) -> Iterable[Clause]:
    yield Compare(property="name", operator="eq", operands=(between.name,))
    if between.low is not None and between.low == between.high:
        yield Compare(property="value", operator="eq", operands=(between.low,))
    else:
        if between.low is not None:
            yield Compare(property="value", operator="gte", operands=(between.low,))
        if between.high is not None:
            yield Compare(property="value", operator="lte", operands=(between.high,))
    if between.unit:
        yield Compare(property="unit", operator="eq", operands=(between.unit,))


def _in_years(text: str) -> Clause:
    low, high = years(text) or (None, None)
    clauses: list[Clause] = []
    if low is not None:
        start = datetime(low, 1, 1, tzinfo=UTC)
        clauses.append(Compare(property="creationDate", operator="gte", operands=(start,)))
    if high is not None and high < MAXYEAR:
        end = datetime(high + 1, 1, 1, tzinfo=UTC)
        clauses.append(Compare(property="creationDate", operator="lt", operands=(end,)))
    return And(tuple(clauses))


def _any_of(name: str, values: tuple[str, ...]) -> Clause:
    return Compare(property=name, operator="inq", operands=values)


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _natural(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _short(text: str) -> str:
    clean = "".join(letter for letter in text if letter.isprintable())
    return clean if len(clean) <= _SHORT else clean[: _SHORT - 1] + "…"
