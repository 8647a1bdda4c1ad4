"""The units that a person prefers to read: ångström or nanometre, eV or keV, K or °C.

Values change only within what people of the field change between: a detector distance in metres
stays in metres, an energy transfer in meV in meV. What is stored never changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from panosc.domain.units import Scale, category_of, scale_of

CHOICES: dict[str, tuple[str, ...]] = {
    "length": ("angstrom", "nm"),
    "energy": ("eV", "keV"),
    "temperature": ("K", "degC"),
}
"""What may be chosen → units; none of them means as stored."""
_LIKE: dict[str, frozenset[str]] = {
    "length": frozenset({"angstrom", "nm", "pm"}),
    "energy": frozenset({"eV", "keV"}),
    "temperature": frozenset({"K", "degC", "degF"}),
}
_RECIPROCAL = frozenset({"1/angstrom", "1/nm"})
_MARK = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Preferred units, each empty for as stored."""

    length: str = ""
    """Of wavelengths and other lengths of that order; of momentum transfers its inverse."""
    energy: str = ""
    temperature: str = ""

    @property
    def text(self) -> str:
        """The choice as a cookie keeps it; empty for none."""
        values = (self.length, self.energy, self.temperature)
        return _MARK.join(values) if any(values) else ""

    def unit_for(self, name: str, unit: str | None) -> str | None:
        """Return the unit to show a parameter in that is stored in `unit`; None: as stored."""
        category = category_of(name)
        scale = scale_of(unit, category=category) if unit and self.text else None
        if scale is None:
            return None
        wanted = self._wanted(scale, category)
        return wanted if wanted and wanted != scale.unit else None

    def first_for(self, name: str, units: Iterable[str]) -> str | None:
        """Return the same for a parameter that is stored in several units."""
        return next((found for unit in units if (found := self.unit_for(name, unit))), None)

    def converted(self, name: str, value: float, unit: str | None) -> tuple[float, str] | None:
        """Return a value in its preferred unit; None: as stored.

        Examples
        --------
        >>> Units(length="nm").converted("wavelength", 6, "angstrom")
        (0.6, 'nm')
        >>> Units(length="nm").converted("detector_distance", 2, "m") is None
        True
        """
        wanted = self.unit_for(name, unit)
        if wanted is None or unit is None:
            return None
        category = category_of(name)
        source, target = scale_of(unit, category=category), scale_of(wanted)
        if source is None or target is None:
            return None
        return target.from_si(source.to_si(value)), wanted

    def _wanted(self, scale: Scale, category: str | None) -> str:
        if scale.unit in _RECIPROCAL:
            return f"1/{self.length}" if self.length else ""
        is_wavelength = category == "NX_WAVELENGTH" and scale.si_unit == "m"
        if is_wavelength or scale.unit in _LIKE["length"]:
            return self.length
        if scale.unit in _LIKE["energy"]:
            return self.energy
        return self.temperature if scale.unit in _LIKE["temperature"] else ""


def chosen(**units: str) -> Units:
    """Return the preference for these units; what is no choice is none."""
    return Units(**{name: unit if unit in CHOICES[name] else "" for name, unit in units.items()})


def read(text: str) -> Units:
    """Return what `Units.text` wrote; nothing for any other text.

    Examples
    --------
    >>> read(Units(energy="keV").text)
    Units(length='', energy='keV', temperature='')
    >>> read("x.y") == read("") == Units()
    True
    """
    parts = text.split(_MARK)
    if len(parts) != len(CHOICES):
        return Units()
    return chosen(**dict(zip(CHOICES, parts, strict=True)))
