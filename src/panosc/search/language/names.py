"""What names mean: fields by their everyday words, parameters, facilities, techniques.

`Names` is what is known of the catalogue, as far as the asking person may see it. With nothing
known every name is taken as it stands.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice

from panosc.domain.arguments import FIELDS
from panosc.search.panet import ontology

ALIASES = {
    "doi": "pid",
    "id": "pid",
    "person": "author",
    "creator": "author",
    "people": "author",
    "tech": "technique",
    "beamline": "instrument",
    "type": "kind",
    "date": "created",
    "measured": "created",
    "proposal": "document",
    "samples": "sample",
}
"""Other words for a field."""
EVERYDAY: dict[str, tuple[str, ...]] = {
    "energy": ("photon_energy", "incident_energy", "beam_energy"),
    "wavelength": ("wavelength", "incident_wavelength", "photon_wavelength"),
    "temperature": ("temperature", "sample_temperature"),
    "temp": ("temperature", "sample_temperature"),
    "pressure": ("pressure", "sample_pressure"),
    "field": ("magnetic_field", "sample_magnetic_field"),
    "formula": ("chemical_formula", "sample_chemical_formula"),
    "material": ("chemical_formula", "sample_name"),
    "distance": ("detector_distance", "distance", "sample_detector_distance"),
    "exposure": ("exposure_time", "count_time"),
    "time": ("count_time", "exposure_time"),
}
"""Everyday names of parameters → the names of PaNOSC and NeXus that are looked for, in order."""
_SHORT_TECHNIQUES = {
    "ins": "inelastic neutron scattering",
    "qens": "quasielastic scattering",
    "nse": "spin echo scattering",
    "nr": "neutron reflectometry",
    "nd": "neutron diffraction",
    "tomo": "tomography",
}
"""Abbreviations that people use and PaNET lacks."""
_MOST_NAMES = 2000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_JOINS = re.compile(r"[-\u2010-\u2013_/\s]+")


def _unknown(_parameter: str) -> Collection[str]:
    return ()


def _nothing(_field: str) -> Mapping[str, str] | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names in a catalogue that a question can use."""

    parameters: Collection[str] | None = None
    """Of all parameters; None: not known, any will do."""
    units: Callable[[str], Collection[str]] = _unknown
    """Parameter → units in which the catalogue has it; none where that is not known."""
    spellings: Callable[[str], Mapping[str, str] | None] = _nothing
    """Field (facility, instrument, technique) → name in lower case → value of the field; None
    where they are not known."""

    def parameter(self, name: str) -> str | None:
        """Return the parameter that a name means."""
        if not _NAME.fullmatch(name):
            return None
        if self.parameters is None or name in self.parameters:
            return name
        wanted = (*EVERYDAY.get(name.casefold(), ()), name.casefold())
        return next((item for item in wanted if item in self.parameters), None)

    def nearest(self, name: str) -> str:
        """Return a sentence with the field or parameter that may have been meant."""
        known = [*FIELDS, *ALIASES, "q", "sort", "page", "after", "size"]
        if self.parameters is not None:
            known += islice(self.parameters, _MOST_NAMES)
        return did_you_mean(name, known)


def field_of(name: str) -> str | None:
    """Return the field that a name means, whatever its case; None for a parameter's name."""
    lower = name.casefold()
    return lower if lower in FIELDS else None


def did_you_mean(text: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return a question that holds the nearest of `names`, or nothing."""
    known = {name.casefold(): name for name in names}
    near = get_close_matches(text.casefold()[:100], known, n=1, cutoff=cutoff)
    return f" Did you mean {known[near[0]]}?" if near else ""


def techniques_named(text: str) -> tuple[str, ...]:
    """Return the techniques of PaNET that bear a name, label, abbreviation or identifier.

    Examples
    --------
    >>> techniques_named("SANS"), techniques_named("small-angle neutron scattering")
    (('PaNET01189',), ('PaNET01189',))
    """
    found = ontology().resolve(text)
    if not found:
        plain = _plain(text)
        found = _by_plain_name().get(plain, frozenset())
        if not found and plain in _SHORT_TECHNIQUES:
            found = ontology().resolve(_SHORT_TECHNIQUES[plain])
    return tuple(sorted(found))


def technique_names() -> Collection[str]:
    """Return all names of techniques, as they are compared."""
    return _by_plain_name().keys()


def _plain(text: str) -> str:
    return _JOINS.sub(" ", text.casefold()).strip()


@cache
def _by_plain_name() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for concept in ontology():
        for name in concept.names:
            found.setdefault(_plain(name), set()).add(concept.id)
    return {name: frozenset(ids) for name, ids in found.items()}
