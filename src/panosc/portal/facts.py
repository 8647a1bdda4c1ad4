"""What pages tell of a record: its people, its access in words, its main parameters.

Takes the answers of `search.service` as they are; reads nothing itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from panosc.domain.preferred import Units
from panosc.domain.units import category_of, display, to_si
from panosc.portal.words import number, orcid_address, quantity, unit
from panosc.publication import identifiers
from panosc.publication.record import Term
from panosc.search.panet import ontology

Item = Mapping[str, Any]

KINDS = {"raw": "Raw dataset", "reduced": "Reduced dataset", "simulated": "Simulated dataset"}
ACCESS = {
    "open": "Open",
    "embargoed": "Under embargo",
    "closed": "Closed",
    "withdrawn": "Withdrawn",
}
_FIRST = [
    "incident_wavelength",
    "wavelength",
    "incident_energy",
    "photon_energy",
    "temperature",
    "pressure",
    "magnetic_field",
    "electric_field",
    "exposure_time",
    "count_time",
    "sample_detector_distance",
    "detector_distance",
    "chemical_formula",
    "sample_state",
    "scan_command",
    "probe",
    "source_name",
]
_SHOWN = 8
_LONGEST = 120
_FEW = 3
AS_STORED = Units()


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A person on a page."""

    name: str
    orcid: str | None = None
    """The address of the ORCID."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A parameter on a page: as given, in SI units, and where it stands in the file."""

    name: str
    shown: Markup
    si: Markup | None = None
    stored: str | None = None
    """As stored, where it is shown in another unit."""
    path: str | None = None


def makers(record: Item) -> list[Maker]:
    """Return the people of a dataset or document, each once.

    A dataset of its own has its own people; otherwise they are those of its documents.
    """
    members = list(record.get("members", ()))
    if not members:
        for document in _measured_for(record):
            members += document.get("members", ())
    found: dict[str, Maker] = {}
    for member in members:
        person = member.get("person") or {}
        name = full_name(person)
        if name and str(person.get("id", name)) not in found:
            orcid = orcid_address(person.get("orcid"))
            found[str(person.get("id", name))] = Maker(name=name, orcid=orcid)
    return list(found.values())


def _measured_for(dataset: Item) -> list[Item]:
    """Return the documents of a dataset; what a package says holds for the package."""
    return [item for item in dataset.get("documents", ()) if item.get("type") != "collection"]


def full_name(person: Item) -> str:
    """Return the name of a person as it is written."""
    parts = (person.get("firstName"), person.get("lastName"))
    return str(person.get("fullName") or " ".join(part for part in parts if part))


def methods(record: Item) -> list[Term]:
    """Return the techniques of a dataset."""
    return [method(item) for item in record.get("techniques", ())]


def method(technique: Item) -> Term:
    """Return a technique; its `id` leads to its own page."""
    return term(technique["pid"], technique.get("name"), technique.get("panetId"))


def term(pid: str, name: str | None, panet_id: str | None) -> Term:
    """Return a technique as PaNET calls it, where it is one of PaNET."""
    panet = ontology()
    concept = panet.find(identifiers.panet(panet_id) or panet_id or "") or panet.find(pid)
    if concept is None:
        return Term(label=name or pid, id=pid)
    return Term(label=concept.label, id=concept.id, uri=concept.iri)


def publisher(dataset: Item, facility: str) -> str:
    """Return who a dataset comes from: the facility of its instrument, or this node's."""
    return str((dataset.get("instrument") or {}).get("facility") or facility)


def license_of(dataset: Item) -> str | None:
    """Return the licence of a dataset, its own or that of a document."""
    own = [dataset.get("license"), *(item.get("license") for item in _measured_for(dataset))]
    return next((str(item) for item in own if item), None)


def embargo_end(record: Item) -> str | None:
    """Return when an embargo ends: the record's own date, or that of its release."""
    if record.get("access") != "embargoed":
        return None
    dates = [record.get("embargoUntil"), record.get("releaseDate")]
    dates += [item.get("releaseDate") for item in _measured_for(record)]
    return next((str(item) for item in dates if item), None)


def measures(parameters: Iterable[Item], units: Units = AS_STORED) -> list[Measure]:
    """Return parameters by name, in preferred and in SI units."""
    ordered = sorted(parameters, key=lambda item: (item.get("name") or "", item.get("path") or ""))
    return [
        Measure(
            name=item.get("name") or "",
            shown=quantity(*_preferred(item, units)),
            stored=_stored([item], units),
            si=_in_si(item),
            path=item.get("path"),
        )
        for item in ordered
    ]


def main_measures(parameters: Iterable[Item], units: Units = AS_STORED) -> list[Measure]:
    """Return the parameters that tell most, a name once; several values become a range."""
    by_name: dict[str, list[Item]] = {}
    for item in parameters:
        by_name.setdefault(item.get("name") or "", []).append(item)
    names = [name for name in _FIRST if name in by_name]
    names += [name for name in sorted(by_name) if name not in names and _is_telling(by_name[name])]
    return [
        Measure(
            name=name,
            shown=_together(by_name[name], units),
            stored=_stored(by_name[name], units),
        )
        for name in names[:_SHOWN]
    ]


def _preferred(item: Item, units: Units) -> tuple[Any, str | None]:
    """Return value and unit of a parameter as they are shown."""
    value, unit_ = item.get("value", ""), item.get("unit")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value, unit_
    return units.converted(item.get("name") or "", value, unit_) or (value, unit_)


def _stored(items: list[Item], units: Units) -> str | None:
    """Return in plain text what is stored, where something else is shown."""
    if all(_preferred(item, units) == (item.get("value"), item.get("unit")) for item in items):
        return None
    texts = [
        f"{number(item['value'])} {display(item['unit'])}" for item in items if item.get("unit")
    ]
    ends = [texts[0], texts[-1]] if len(texts) > _FEW else texts
    return " … ".join(dict.fromkeys(ends))


def _is_telling(items: list[Item]) -> bool:
    return any(item.get("unit") for item in items) and len(str(items[0].get("value"))) < _LONGEST


def _together(items: list[Item], preferred: Units) -> Markup:
    shown = [_preferred(item, preferred) for item in items]
    values = [value for value, _ in shown]
    units = {unit_ for _, unit_ in shown}
    numbers = [value for value in values if isinstance(value, int | float)]
    name = shown[0][1]
    if len(numbers) == len(values) and len(units) == 1 and min(numbers) != max(numbers):
        return Markup("{} to {}").format(number(min(numbers)), quantity(max(numbers), name))
    value = values[0]
    if isinstance(value, str) and len(value) > _LONGEST:
        value = value[: _LONGEST - 1] + "…"
    return quantity(value, name)


def _in_si(item: Item) -> Markup | None:
    value, name = item.get("value"), item.get("unit")
    if isinstance(value, bool) or not isinstance(value, int | float) or not name:
        return None
    found = to_si(value, name, category=category_of(item.get("name") or ""))
    if found is None or not unit(found[1]):
        return None
    return quantity(float(f"{found[0]:.7g}"), found[1])
