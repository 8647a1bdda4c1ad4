"""Ranges of parameters on the search page: fields, units, and how the datasets are spread."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from panosc.charts.histogram import Bins, draw_histogram, rows, told
from panosc.domain.access import Who
from panosc.domain.arguments import number
from panosc.domain.preferred import Units
from panosc.domain.units import canonical, category_of, display
from panosc.portal.facts import AS_STORED
from panosc.portal.pages.search.place import MOST_SHOWN, Place
from panosc.portal.words import words as in_words
from panosc.search.counts.spreads import Histogram, Parameter
from panosc.search.language.selection import Between
from panosc.search.service import SearchService

UNASKED = 2
"""Parameters whose spread is shown when none was asked for: those most datasets have."""
_TRIES = 4
_ALIKE = (
    ("angstrom", "nm"),
    ("1/angstrom", "1/nm"),
    ("K", "degC"),
    ("meV", "eV", "keV"),
    ("ms", "s"),
    ("um", "mm", "m"),
    ("kPa", "MPa", "bar"),
    ("mT", "T"),
)
"""Units that people of the field change between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """One parameter: its range as typed, its units, and its histogram if it has one."""

    name: str
    label: str
    low: str
    high: str
    unit: str
    units: Sequence[tuple[str, str]]
    """Units to choose from: as the URL spells them, and as people read them."""
    picture: Markup | None = None
    finding: str = ""
    rows: Sequence[tuple[str, int]] = ()
    missing: int = 0
    is_least: bool = False
    """Whether there may be more."""


def spreads(
    search: SearchService,
    who: Who,
    place: Place,
    offered: Sequence[Parameter],
    *,
    preferred: Units = AS_STORED,
) -> list[Spread]:
    """Return the parameters to show: those with a range, those asked for, the most frequent.

    Where the address names no unit it is the `preferred` one.
    """
    stored = {parameter.name: parameter.units for parameter in offered}
    first: dict[str, Between] = {}
    for item in place.selection.ranges:
        first.setdefault(item.name, item)
    shown = dict(place.shown)
    wanted: dict[str, str | None] = {}
    for name in [*first, *(name for name in shown if name not in first)][:MOST_SHOWN]:
        unit = (first[name].unit if name in first else shown[name]) or None
        if name not in first and unit is None:
            unit = preferred.first_for(name, stored.get(name, ()))
        wanted[name] = unit
    drawn = search.histograms(who, place.selection, wanted)
    found = [_spread(name, first.get(name), unit, drawn.get(name)) for name, unit in wanted.items()]
    rest = [one for one in offered[:_TRIES] if one.name not in first and one.name not in shown]
    while rest and len(found) < UNASKED:
        # those without a number make room for the next
        some, rest = rest[: UNASKED - len(found)], rest[UNASKED - len(found) :]
        units = {one.name: preferred.first_for(one.name, one.units) for one in some}
        drawn = search.histograms(who, place.selection, units)
        found += [_spread(name, None, units[name], one) for name, one in drawn.items()]
    return found


def _spread(
    name: str, between: Between | None, unit: str | None, found: Histogram | None
) -> Spread:
    shown_in = (found.unit if found else None) or unit or ""
    shown_in = canonical(shown_in, category=category_of(name)) or shown_in
    choices = _units(shown_in, found.unit_choices if found else (), category_of(name))
    label = in_words(name)
    low = between.low if between else None
    high = between.high if between else None
    spread = {
        "name": name,
        "label": label,
        "low": _end(low, ">" if between and between.above else ""),
        "high": _end(high, "<" if between and between.below else ""),
        "unit": shown_in,
        "units": [(value, display(value)) for value in choices],
    }
    if found is None or not any(found.counts):
        return Spread(**spread)  # type: ignore[arg-type]
    bins = Bins(edges=found.edges, counts=found.counts, unit=found.unit or "", is_log=found.is_log)
    finding = told(bins, what=label)
    # without a unit the range is one of numbers as stored, which the edges are not
    is_alike = between is not None and bool(between.unit) == bool(found.unit)
    drawn = draw_histogram(
        bins,
        name=finding,
        identifier=f"spread-{name}",
        low=low if is_alike else None,
        high=high if is_alike else None,
    )
    return Spread(
        **spread,  # type: ignore[arg-type]
        picture=Markup(drawn),  # noqa: S704 - numbers, and words that are escaped
        finding=finding,
        rows=rows(bins),
        missing=found.missing,
        is_least=found.is_least,
    )


def _units(shown_in: str, seen: Iterable[str], category: str | None) -> list[str]:
    """Return the units to choose from: the one shown, those in the catalogue, and their like."""
    found = {shown_in: None} if shown_in else {}
    found |= {canonical(unit, category=category) or unit: None for unit in seen if unit}
    for alike in _ALIKE:
        if not found.keys().isdisjoint(alike):
            found |= dict.fromkeys(alike)
    return list(found)


def _end(value: float | None, sign: str) -> str:
    """Return an end of a range as the field shows it; a sign says that it is left out itself."""
    return "" if value is None else sign + number(value)
