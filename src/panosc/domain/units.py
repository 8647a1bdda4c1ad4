"""Units of measurement: what a spelling means, in SI base units, and how to print it.

Files and people spell units in many ways, some of them wrong; an unknown unit is None, never
an error, so that no record is lost for it. The arithmetic is Pint's; ours are the spellings of
the field, the guard against hostile expressions, and the unit category of NXDL, which tells
the ångström ``"A"`` of a wavelength from the ampere of a current.
"""

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pint

_ALLOWED = re.compile(r"[\w\s%/*^().\-+·µμÅΩ°⁻¹²³]{1,40}")
_RAISED = re.compile(r"(?<=[A-Za-zÅµμΩ])(-?\d)(?![\w.])")
_HOSTILE = re.compile(r"\d\s*(\*\*|\^)|\d[eE]|\d{3}|\(.*\(.*\(|(\*\*|\^)\s*[^\d\s+\-(]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISE = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")

_ALIASES = {
    "angstroms": "angstrom",
    "ang": "angstrom",
    "angstroem": "angstrom",
    "celsius": "degC",
    "c": "degC",
    "deg_c": "degC",
    "°c": "degC",
    "fahrenheit": "degF",
    "°f": "degF",
    "kelvins": "kelvin",
    "kev": "keV",
    "mev": "meV",
    "ev": "eV",
    "gev": "GeV",
    "kilovolts": "kilovolt",
    "tesla": "tesla",
    "micron": "um",
    "microns": "um",
    "gauss": "gauss",
    "g": "g",
    "sec": "s",
    "secs": "s",
    "msec": "ms",
    "usec": "us",
    "mins": "minute",
    "min": "minute",
    "hrs": "hour",
    "hr": "hour",
    "pixels": "pixel",
    "cts": "count",
    "counts": "count",
    "na": "nA",
    "ma": "mA",
    "percent": "%",
    "a.u.": "",
    "arb. units": "",
    "unitless": "",
    "none": "",
    "dimensionless": "",
    "k": "kelvin",
}
"""Spellings that Pint lacks or takes for something else, by their lower case."""
_EXACT_FIRST = {"C", "K", "MeV", "MA", "mA", "nA", "a", "A", "min", "GeV", "meV"}
"""Spellings whose case carries the meaning: asked of Pint as they are."""
_BY_CATEGORY = {
    "NX_WAVELENGTH": {"A": "angstrom", "a": "angstrom"},
    "NX_LENGTH": {"A": "angstrom"},
    "NX_WAVENUMBER": {"A-1": "1/angstrom", "1/A": "1/angstrom", "A^-1": "1/angstrom"},
    "NX_TEMPERATURE": {"C": "degC", "c": "degC", "k": "kelvin", "F": "degF"},
    "NX_CURRENT": {"a": "A"},
}
_CATEGORY_BY_WORD = {
    "wavelength": "NX_WAVELENGTH",
    "temperature": "NX_TEMPERATURE",
    "distance": "NX_LENGTH",
    "thickness": "NX_LENGTH",
    "gap": "NX_LENGTH",
    "length": "NX_LENGTH",
    "current": "NX_CURRENT",
    "q": "NX_WAVENUMBER",
}
_FIXED = {
    "degC": (1.0, 273.15, "K"),
    "degF": (5 / 9, 459.67 * 5 / 9, "K"),
    "gauss": (1e-4, 0.0, "kg/A/s**2"),
}
"""What Pint would take for something else: its gauss does not convert to tesla."""
_SHOWN = {"angstrom": "Å", "degC": "°C", "degF": "°F", "deg": "°", "ohm": "Ω"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How a unit leads to SI base units: ``si = value * factor + offset``, in `si_unit`."""

    unit: str
    """Canonical spelling, as in NeXus and UDUNITS."""
    factor: float
    offset: float
    si_unit: str

    def to_si(self, value: float) -> float:
        """Return `value` of this unit in `si_unit`."""
        return value * self.factor + self.offset

    def from_si(self, si_value: float) -> float:
        """Return what `si_value` of `si_unit` is in this unit, without float noise.

        Twelve significant digits are kept: more than any detector gives.
        """
        value = (si_value - self.offset) / self.factor
        if self.offset and math.isfinite(value):
            # what the subtraction cancelled is noise, so digits count from the larger of the two
            step = 10.0 ** (math.floor(math.log10(max(abs(si_value), self.offset))) - 11)
            value = round(value / step) * step
        return float(f"{value:.12g}")


@cache
def _registry() -> "pint.UnitRegistry[float]":
    # Pint takes most of a second to import, and the client must not pay for it
    import pint  # noqa: PLC0415

    return pint.UnitRegistry(cache_folder=None)


def category_of(parameter: str) -> str | None:
    """Return the NXDL unit category that a parameter's name tells, such as NX_WAVELENGTH."""
    return _CATEGORY_BY_WORD.get(parameter.rpartition("_")[2].lower())


@lru_cache(maxsize=4096)
def scale_of(unit: str, *, category: str | None = None) -> Scale | None:
    """Return what `unit` means, or None for an unknown or missing one.

    Parameters
    ----------
    unit : str
        Any spelling, such as ``"Angstroms"``, ``"cm-1"``, ``"celsius"``, ``"1/angstrom"``.
    category : str, optional
        Unit category of NXDL, which decides where a spelling has two meanings.

    Examples
    --------
    >>> scale_of("keV").to_si(0.93)
    1.4900242696...e-16
    >>> scale_of("A", category="NX_WAVELENGTH").unit
    'angstrom'
    >>> scale_of("NX_LENGTH") is None
    True
    """
    text = unit.strip()
    if not text or text.startswith("NX_"):
        return None
    text = _BY_CATEGORY.get(category or "", {}).get(text, text)
    for spelling in _spellings(text):
        if spelling in _FIXED:
            factor, offset, si_unit = _FIXED[spelling]
            return Scale(unit=spelling, factor=factor, offset=offset, si_unit=si_unit)
        found = _ask_pint(spelling)
        if found is not None:
            return found
    return None


def _spellings(text: str) -> list[str]:
    alias = _ALIASES.get(text.lower())
    spellings = [] if alias is None else [alias]
    plain = text.translate(_SUPERSCRIPTS) if any(sign in text for sign in "⁰¹²³⁴⁵⁶⁷⁸⁹") else text
    raised = _RAISED.sub(r"**\1", plain.replace("·", "*"))
    spellings += [raised, raised.lower()] if len(text) > 2 else [raised]  # noqa: PLR2004
    if text == "G":
        spellings = ["gauss"]
    elif text in _EXACT_FIRST:
        spellings.insert(0, text)
    return spellings


def _ask_pint(spelling: str) -> Scale | None:
    if spelling and (not _ALLOWED.fullmatch(spelling) or _HOSTILE.search(spelling)):
        return None
    registry = _registry()
    try:
        unit = registry.parse_units(spelling)
        base = registry.get_base_units(unit)
        factor, si_unit = float(str(base[0])), base[1]
        if not registry.Quantity(1, unit)._is_multiplicative:  # noqa: SLF001
            return None
    # Pint's parser raises whatever its tokens lead it to: any failure is an unknown unit
    except Exception:
        return None
    if not (math.isfinite(factor) and factor > 0):
        return None
    return Scale(
        unit=_plain(f"{unit:~C}"),
        factor=float(f"{factor:.15g}"),
        offset=0.0,
        si_unit=_plain(f"{si_unit:~C}"),
    )


def _plain(text: str) -> str:
    return text.replace("Å", "angstrom").replace("µ", "u").replace("μ", "u").replace("Ω", "ohm")


def to_si(value: float, unit: str, *, category: str | None = None) -> tuple[float, str] | None:
    """Return (value, unit) in SI base units; None when the unit is unknown.

    Examples
    --------
    >>> to_si(20, "celsius")
    (293.15, 'K')
    """
    scale = scale_of(unit, category=category)
    return None if scale is None else (scale.to_si(value), scale.si_unit)


def canonical(unit: str, *, category: str | None = None) -> str | None:
    """Return the one spelling that the catalogue uses for `unit`; None when it is unknown."""
    scale = scale_of(unit, category=category)
    return None if scale is None else scale.unit


def display(unit: str) -> str:
    """Return `unit` as people read it.

    Examples
    --------
    >>> display("1/angstrom"), display("celsius"), display("m/s**2")
    ('Å⁻¹', '°C', 'm s⁻²')
    """
    scale = scale_of(unit)
    if scale is None:
        return unit
    above, *below = scale.unit.split("/")
    factors = [_factor(part, "") for part in above.split("*" if "**" not in above else "\0")]
    if "**" in above:
        factors = [_factor(part, "") for part in re.split(r"(?<!\*)\*(?!\*)", above)]
    factors += [
        _factor(part, "-") for group in below for part in re.split(r"(?<!\*)\*(?!\*)", group)
    ]
    return " ".join(part for part in factors if part)


def _factor(text: str, sign: str) -> str:
    if text in {"1", ""}:
        return ""
    name, _, power = text.partition("**")
    exponent = f"{sign}{power or '1'}"
    raised = "" if exponent == "1" else exponent.translate(_RAISE)
    return f"{_SHOWN.get(name, name.replace('u', 'µ', 1) if _is_micro(name) else name)}{raised}"


def _is_micro(name: str) -> bool:
    return name in {"um", "us", "uA", "uV", "uW", "uT", "urad", "ug", "ul", "uF", "uPa"}
