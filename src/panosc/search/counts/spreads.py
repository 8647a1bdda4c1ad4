"""Parameters of what was found: which there are, and how their numbers are spread."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tantivy import Query

from panosc.domain.query import Query as Question
from panosc.domain.units import Scale, category_of, scale_of
from panosc.search.index.schema import slot
from panosc.search.index.searching import Moment
from panosc.search.language.selection import Selection
from panosc.search.reading import Reading

WIDE = 1000.0
"""Ratio of the greatest to the least number from which bins grow by a factor."""
MOST_UNITS = 20
_SAME = 1e-6
"""Relative: numbers so near are shown as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that datasets have; the most frequent unit comes first."""

    name: str
    count: int
    units: tuple[str, ...]
    is_least: bool = False
    """Whether there may be more: records came or changed just now, and are not counted yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many values of a parameter lie in each bin, `edges` in `unit` (none: as stored)."""

    name: str
    unit: str | None
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    is_log: bool
    unit_choices: tuple[str, ...]
    missing: int
    """Datasets without a number for it, or with one that is not to be seen."""
    is_least: bool = False
    """As of a parameter."""


def parameters(reading: Reading, selection: Selection) -> list[Parameter]:
    """Return the parameters of the datasets selected, the most frequent first.

    Nothing without an index, or where it cannot answer the question.
    """
    moment, question = reading.moment, selection.query()
    filters = None if moment is None else moment.filters(question)
    if moment is None or filters is None:
        return []
    return _parameters(moment, moment.detailed(moment.query(question, filters)))


def units(moment: Moment, name: str) -> tuple[str, ...] | None:
    """Return the units of a parameter, the most frequent first; None where nobody has it."""
    found: Counter[str] = Counter()
    start = f"{name}\x1f"
    for model in ("Dataset", "Document"):
        query = moment.detailed(moment.query(Question(model=model), None))
        for term, number in moment.beginning(query, "parameter", start, limit=MOST_UNITS):
            found[term.removeprefix(start)] += number
    return tuple(unit for unit, _ in found.most_common() if unit) if found else None


def _parameters(moment: Moment, query: Query) -> list[Parameter]:
    units: dict[str, Counter[str]] = {}
    for spelt, number in moment.by_value(query, ["parameter"])["parameter"]:
        name, _, unit = str(spelt).partition("\x1f")
        units.setdefault(name, Counter())[unit] += number
    found = [
        Parameter(
            name=name,
            count=seen.total(),
            units=tuple(unit for unit, _ in seen.most_common() if unit),
            is_least=moment.is_behind("Dataset"),
        )
        for name, seen in units.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.name))


def histograms(
    reading: Reading, selection: Selection, wanted: Mapping[str, str | None], *, bins: int
) -> dict[str, Histogram]:
    """Return how parameters, each in a wanted unit, are spread over what is selected.

    All are counted in the same passes over the index. None without a number, or without an index.
    """
    moment, question = reading.moment, selection.query()
    filters = None if moment is None else moment.filters(question)
    if moment is None or filters is None:
        return {}
    query = moment.query(question, filters)
    known = {one.name: one.units for one in _parameters(moment, moment.detailed(query))}
    axes = {name: _Axis(name, unit, known[name]) for name, unit in wanted.items() if name in known}
    extents = moment.extents(query, [axis.path for axis in axes.values()])
    shown = {name: axis for name, axis in axes.items() if axis.path in extents}
    edges = {axis.path: _edges(*extents[axis.path], bins) for axis in shown.values()}
    asked = {
        path: [*ends[:-1], math.nextafter(ends[-1], math.inf)] for path, (ends, _) in edges.items()
    }
    counts = moment.spreads(query, asked)
    total = moment.count(query) if shown else 0
    return {
        name: axis.histogram(
            *edges[axis.path],
            counts[axis.path],
            missing=total - moment.count(moment.having(query, axis.path)),
            is_least=moment.is_behind("Dataset"),
        )
        for name, axis in shown.items()
    }


class _Axis:
    """A parameter in the unit in which it is shown."""

    def __init__(self, name: str, unit: str | None, seen: Sequence[str]) -> None:
        self._name, self._seen = name, seen
        self._unit, self._scale = _unit(name, unit, seen)
        si = None if self._scale is None else self._scale.si_unit
        self.path = f"plain.{slot(name)}" if si is None else f"si.{slot(name, si)}"
        """Where the index has its numbers."""

    def histogram(
        self,
        edges: Sequence[float],
        is_log: bool,
        counts: Sequence[int],
        *,
        missing: int,
        is_least: bool,
    ) -> Histogram:
        """Return counts between edges, which are as the index has them, in the unit shown."""
        scale = self._scale
        shown = list(edges) if scale is None else [scale.from_si(edge) for edge in edges]
        is_down = shown[0] > shown[-1]
        first = (self._unit,) if self._unit else ()
        return Histogram(
            name=self._name,
            unit=self._unit,
            edges=tuple(shown[::-1] if is_down else shown),
            counts=tuple(counts[::-1] if is_down else counts),
            is_log=is_log,
            unit_choices=tuple(dict.fromkeys((*first, *self._seen))),
            missing=missing,
            is_least=is_least,
        )


def _unit(name: str, unit: str | None, seen: Sequence[str]) -> tuple[str | None, Scale | None]:
    """Return the unit to show, the first that converts: the one asked for, those that are seen."""
    for one in (unit, *seen):
        scale = scale_of(one, category=category_of(name)) if one else None
        if scale is not None:
            return one, scale
    return None, None


def _edges(low: float, high: float, bins: int) -> tuple[list[float], bool]:
    if math.isclose(low, high, rel_tol=_SAME):
        width = abs(low) / 20 or 0.5
        return [low - width, high + width], False
    if low > 0 and high / low >= WIDE:
        start, step = math.log(low), (math.log(high) - math.log(low)) / bins
        inner = [math.exp(start + number * step) for number in range(1, bins)]
        return [low, *inner, high], True
    step = high / bins - low / bins
    return [low, *(low + number * step for number in range(1, bins)), high], False
