"""Ranges of a parameter with their unit: ``0.4..0.8 nm``, ``<300 K``, ``>=5nm``, ``12keV``.

A unit is written as the catalogue spells it. One that is unknown, or that measures something
else than the parameter, is explained.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import isfinite

from panosc.domain.arguments import number
from panosc.domain.units import Scale, category_of, display, scale_of

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_UNIT = r"\s+\S.*|[^\d\s.+-].*"
_RANGE = re.compile(
    rf"(?P<above>>\s*)?(?P<low>{_NUMBER})?(?P<low_unit>(?:\s*[^\d\s.+-]|\s+1/)[^.]{{0,40}}?)?\.\."
    rf"(?P<below><\s*)?(?P<high>{_NUMBER})?(?P<unit>{_UNIT})?"
)
_SINGLE = re.compile(rf"(?P<sign><=|>=|<|>|=|≤|≥)?\s*(?P<low>{_NUMBER})(?P<unit>{_UNIT})?")
_APART = re.compile(r"\s+\.\.\s*")
_CATEGORIES = ("NX_WAVELENGTH", "NX_TEMPERATURE", "NX_WAVENUMBER", "NX_CURRENT")
_COMMON = tuple(
    "K degC angstrom nm pm um mm cm m 1/angstrom 1/nm eV keV meV MeV GeV T mT bar mbar Pa kPa MPa "  # noqa: SIM905
    "GPa s ms us min h Hz kHz MHz deg rad mA nA V kV W % kg g".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A condition on a parameter: a range with open ends, in `unit` or as stored."""

    name: str
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    above: bool = False
    """Whether `low` itself is left out."""
    below: bool = False
    """Whether `high` itself is left out."""

    @property
    def text(self) -> str:
        """The value as the URL spells it."""
        return spelt(self, f" {self.unit}" if self.unit else "")


def spelt(item: Between, unit: str) -> str:
    """Return a range with its unit written as `unit`."""
    low = "" if item.low is None else number(item.low)
    high = "" if item.high is None else number(item.high)
    over, under = ">" if item.above else "", "<" if item.below else ""
    if low and low == high and not (over or under):
        return f"{low}{unit}"
    if over and not high:
        return f">{low}{unit}"
    if under and not low:
        return f"<{high}{unit}"
    return f"{over}{low}..{under}{high}{unit}"


def looks_like_range(text: str) -> bool:
    """Whether a value is a number or a range, whatever its unit."""
    return read_range("", text, ()) is not None


def read_range(name: str, text: str, seen: Collection[str]) -> Between | str | None:
    """Return the range that `text` spells, a sentence that says what is wrong, None for a text.

    Parameters
    ----------
    seen : collection of str
        Units in which the catalogue has this parameter; none: not known.
    """
    parts = _parts(text)
    if parts is None:
        return None
    item, first, unit = parts
    scales: list[Scale | None] = []
    for spelling in (first, unit):
        scale = unit_of(spelling, name, seen) if spelling else None
        if isinstance(scale, str):
            return scale
        scales.append(scale)
    one, other = scales
    low = item.low
    if one is not None and other is not None and one != other and low is not None:
        low = other.from_si(one.to_si(low))
    scale = other or one
    named = scale.unit if scale is not None else ""
    return replace(item, name=name, low=low, unit=named or None)


def written_range(name: str, text: str) -> Between | None:
    """Return a range that has been read and spelt before: its unit is taken as it stands."""
    parts = _parts(text)
    return None if parts is None else replace(parts[0], name=name, unit=parts[2] or None)


def _parts(text: str) -> tuple[Between, str, str] | None:
    """Return a range without a unit, and the units written at its ends."""
    joined = _APART.sub("..", text.strip())
    found = (_RANGE if ".." in joined else _SINGLE).fullmatch(joined)
    if found is None:
        return None
    parts = {key: " ".join((value or "").split()) for key, value in found.groupdict().items()}
    low, high = (float(parts[key]) if parts.get(key) else None for key in ("low", "high"))
    above, below = bool(parts.get("above")), bool(parts.get("below"))
    if ".." not in text:
        low, high, above, below = _signed(parts["sign"], low)
    ends = [end for end in (low, high) if end is not None]
    first, unit = parts.get("low_unit") or "", parts["unit"]
    is_stray = bool(first) and (low is None or (bool(unit) and high is None))
    if is_stray or not ends or not all(map(isfinite, ends)):
        return None
    # a sign before an end that is not there means nothing
    above, below = above and low is not None, below and high is not None
    return Between(name="", low=low, high=high, above=above, below=below), first, unit


def _signed(sign: str, value: float | None) -> tuple[float | None, float | None, bool, bool]:
    match sign:
        case "<":
            return None, value, False, True
        case ">":
            return value, None, True, False
        case "<=" | "≤":
            return None, value, False, False
        case ">=" | "≥":
            return value, None, False, False
        case _:
            return value, value, False, False


def unit_of(text: str, name: str, seen: Collection[str]) -> Scale | str:
    """Return what a unit means for a parameter, or a sentence that says why it cannot be used."""
    own = category_of(name)
    scales = [scale for unit in seen if (scale := scale_of(unit, category=own)) is not None]
    kinds = {scale.si_unit for scale in scales}
    asked = _readings(text, own)
    for scale in asked:
        if not kinds or scale.si_unit in kinds:
            return scale
    if text in seen:
        # a unit that nobody knows, as it stands in the catalogue
        return Scale(unit=text, factor=1.0, offset=0.0, si_unit="")
    known = sorted({scale.unit for scale in scales})
    measured = f" Its values are in {_listed(known)}." if known else ""
    shown = _short(text)
    if asked:
        return f"“{shown}” is not a unit of {_short(name)}.{measured}"
    return f"There is no unit “{shown}”.{_nearest(text, known)}{measured}"


def _readings(text: str, category: str | None) -> list[Scale]:
    """Return what a spelling can mean, first what it means for this parameter."""
    found: dict[Scale, None] = {}
    for item in (category, None, *_CATEGORIES):
        scale = scale_of(text, category=item)
        if scale is not None:
            found[scale] = None
    return list(found)


def _nearest(text: str, known: Iterable[str]) -> str:
    spellings = {unit.casefold(): unit for unit in _COMMON} | _IN_FULL
    spellings |= {unit.casefold(): unit for unit in known}
    near = get_close_matches(text.casefold()[:40], spellings, n=1, cutoff=0.5)
    return f" Did you mean {display(spellings[near[0]])}?" if near else ""


_IN_FULL = {
    "kelvin": "K",
    "celsius": "degC",
    "angstrom": "angstrom",
    "ångström": "angstrom",
    "nanometre": "nm",
    "nanometer": "nm",
    "electronvolt": "eV",
    "tesla": "T",
    "pascal": "Pa",
    "second": "s",
    "minute": "min",
    "hour": "h",
    "degree": "deg",
}


def _listed(units: Iterable[str]) -> str:
    return ", ".join(display(unit) for unit in list(units)[:8])


def _short(text: str) -> str:
    clean = "".join(letter for letter in text if letter.isprintable())
    return clean if len(clean) <= 40 else clean[:39] + "…"  # noqa: PLR2004
