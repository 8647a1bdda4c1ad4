"""NeXus in HDF5: one careful pass over the groups that say what a file is about.

Fields of up to 64 elements are read, never data. Of a file with several entries the default
one leads, else the first; parameters, people and samples are gathered from all. HDF5 without
NeXus is read too, and simply says less.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from h5py import h5d, h5g

from panosc.domain.errors import Unreadable
from panosc.files.careful import Careful, Dataset, Group, Node, Value, text
from panosc.files.nexus import default_signal, groups_of, nexus_class
from panosc.files.opening import HDF4
from panosc.ingest import knowledge
from panosc.ingest.formats import Contributor, Facts, Quantity, Source, Specimen
from panosc.ingest.formats.values import scalar_of, words

SUFFIXES: Final = frozenset({".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".nexus", ".cxi", ".nx"})
DEPTH: Final = 4
ENTRIES: Final = 512
PARAMETERS: Final = 500
PEOPLE: Final = 100

_ENTRY: Final = frozenset(
    {b"title", b"start_time", b"end_time", b"definition", b"experiment_description"}
)
_OWN: Final[dict[str, frozenset[bytes]]] = {
    "NXentry": _ENTRY,
    "NXsubentry": _ENTRY,
    "NXinstrument": frozenset({b"name"}),
    "NXsource": frozenset({b"name", b"type", b"probe", b"radiation"}),
    "NXsample": frozenset(
        {b"name", b"ID", b"sample_id", b"description", b"details", b"chemical_formula"}
    ),
    "NXuser": frozenset({b"name", b"role", b"affiliation", b"ORCID", b"orcid"}),
}
"""NeXus class → fields with a place of their own in the data model."""
_INSIDE: Final[dict[str, frozenset[str]]] = {
    kind: frozenset(inside.split())
    for kind, inside in {
        "NXentry": "NXsubentry NXinstrument NXsample NXuser NXsource NXbeam NXmonochromator"
        " NXmonitor NXprocess",
        "NXsubentry": "NXinstrument NXsample NXuser NXsource NXbeam NXmonochromator NXmonitor"
        " NXprocess",
        "NXinstrument": "NXsource NXbeam NXmonochromator NXcrystal NXdetector NXattenuator"
        " NXinsertion_device NXcollimator NXfermi_chopper NXdisk_chopper NXmonitor NXuser NXsample",
        "NXsample": "NXbeam",
        "NXmonochromator": "NXcrystal",
    }.items()
}
"""NeXus class → classes that are looked for in it."""
_GENERIC: Final = frozenset(
    {"instrument", "sasinstrument", "sasinstrument01", "nxinstrument", "unknown", "none", "n/a"}
)
"""Names that name nothing."""
_NEUTRAL: Final = frozenset({"neutron", "electron", "muon"})


@dataclass(slots=True)
class _Entry:
    """What one NXentry gives, while it is read."""

    texts: dict[bytes, str] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)
    instrument: str | None = None
    source: dict[bytes, str] = field(default_factory=dict)
    is_processed: bool = False


class NexusFormat:
    """Reads NeXus/HDF5."""

    name = "NeXus/HDF5"
    order = 50

    def claims(self, source: Source) -> bool:
        """Whether the file starts like HDF5, or its name says that it is."""
        return source.is_hdf5 or PurePath(source.path.name).suffix.lower() in SUFFIXES

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is not readable HDF5."""
        _check(source)
        return _Reading(source.hdf5()).facts()


def _check(source: Source) -> None:
    """Tell apart what is no HDF5 at all, in words that help."""
    if not source.head:
        raise Unreadable("it is empty", reason="empty")
    if source.head.startswith(HDF4):
        raise Unreadable("NeXus/HDF4 is not supported yet; h4toh5 converts it", reason="hdf4")
    if not source.is_hdf5:
        raise Unreadable(
            f"it begins with {source.head[:8]!r} where HDF5 has its signature",
            reason="bad-signature",
        )


class _Reading:
    """One pass over one file."""

    def __init__(self, file: Careful) -> None:
        self.file = file
        self.parameters: dict[tuple[str, str | int | float, str | None], Quantity] = {}
        self.people: dict[str, Contributor] = {}
        self.samples: dict[Specimen, None] = {}
        self.probe: str | None = None

    def facts(self) -> Facts:
        """Read everything; the leading entry comes first."""
        found = self._entries()
        if not found and self.file.refusals and not self.file.members(self.file.root):
            raise Unreadable(self.file.refusals[0].detail, reason="damaged")
        # the probe says what an energy is the energy of, so it has to be known first
        entries = [self._entry(name, group) for name, group in found]
        creator = self.file.attribute(self.file.root, b"creator")
        if isinstance(creator, str) and creator:
            self._add(Quantity(name="creator", value=creator, path="/@creator"))
        signal = default_signal(self.file)
        definitions = tuple(dict.fromkeys(d for entry in entries for d in entry.definitions))
        return Facts(
            format=NexusFormat.name,
            title=_first(entry.texts.get(b"title") for entry in entries),
            description=_first(entry.texts.get(b"experiment_description") for entry in entries),
            start=_first(entry.texts.get(b"start_time") for entry in entries),
            end=_first(entry.texts.get(b"end_time") for entry in entries),
            definitions=definitions,
            probe=self.probe,
            is_reduced=any(entry.is_processed for entry in entries)
            or bool(knowledge.reduced().intersection(definitions)),
            instrument=_first(entry.instrument for entry in entries),
            facility=_first(
                name
                for name in (entry.source.get(b"name") for entry in entries)
                if name is not None and name.lower() not in _GENERIC
            ),
            samples=tuple(self.samples),
            people=tuple(self.people.values()),
            parameters=tuple(self._named()),
            default_plot=None if signal is None else text(signal),
            entries=len(entries),
            refusals=tuple(self.file.refusals),
        )

    def _entries(self) -> list[tuple[bytes, Group]]:
        entries = list(groups_of(self.file, self.file.root, "NXentry"))
        if len(entries) > ENTRIES:
            self.file.refuse("too-many-entries", f"only the first {ENTRIES} entries were read")
        lead = self.file.attribute(self.file.root, b"default")
        entries.sort(key=lambda item: text(item[0]) != lead)
        return entries[:ENTRIES]

    def _entry(self, name: bytes, group: Group) -> _Entry:
        entry = _Entry()
        self._visit(group, "NXentry", "/" + text(name), entry)
        for key in (b"probe", b"radiation", b"type"):
            self.probe = self.probe or knowledge.probe_of(entry.source.get(key))
        return entry

    def _visit(self, group: Group, kind: str, path: str, entry: _Entry) -> None:
        """Take the fields of a group, and look into the groups that its class may have."""
        own, known = _OWN.get(kind, frozenset()), knowledge.fields().get(_kin(kind), {})
        inside = _INSIDE.get(kind, frozenset())
        texts: dict[bytes, list[str]] = {}
        for name, link in self.file.members(group):
            place = f"{path}/{text(name)}"
            if name in own or name in known:
                node = self.file.member(group, name, link)
                if isinstance(node, h5g.GroupID) and name in known:
                    self._logged(known[name], node, place)
                elif isinstance(node, h5d.DatasetID):
                    value = self.file.value(node)
                    if value is not None and name in own:
                        texts[name] = words(value) if value else self._short_name(node)
                    if value is not None and name in known:
                        self._parameter(known[name], node, value, place)
            elif inside and place.count("/") <= DEPTH and self.file.is_group(group, name, link):
                self._descend(self.file.member(group, name, link), place, inside, entry)
        self._settle(kind, path, texts, entry)

    def _descend(
        self, node: Node | None, place: str, inside: frozenset[str], entry: _Entry
    ) -> None:
        if isinstance(node, h5g.GroupID):
            kind = nexus_class(self.file, node)
            if kind in inside:
                self._visit(node, kind, place, entry)
            if kind == "NXinstrument" and entry.instrument is None:
                entry.instrument = next(iter(self._short_name(node)), None)

    def _short_name(self, node: Node) -> list[str]:
        short = self.file.attribute(node, b"short_name")
        return [short] if isinstance(short, str) else []

    def _settle(self, kind: str, path: str, texts: dict[bytes, list[str]], entry: _Entry) -> None:
        """Give the texts of one group their place."""
        single = {name: words[0] for name, words in texts.items() if words and words[0]}
        match kind:
            case "NXentry":
                entry.texts = single
                entry.definitions = [*_definitions(texts), *entry.definitions]
            case "NXsubentry":
                entry.texts = {**single, **entry.texts}
                entry.definitions += _definitions(texts)
            case "NXinstrument":
                name = single.get(b"name") or path.rpartition("/")[2]
                if entry.instrument is None and name.lower() not in _GENERIC:
                    entry.instrument = name
            case "NXsource":
                entry.source = {**single, **entry.source}
            case "NXsample":
                self._sample(single)
            case "NXuser":
                self._user(texts)
            case "NXprocess":
                entry.is_processed = True
            case _:
                pass

    def _sample(self, texts: dict[bytes, str]) -> None:
        sample = Specimen(
            name=texts.get(b"name") or texts.get(b"ID"),
            description=texts.get(b"description") or texts.get(b"details"),
            formula=texts.get(b"chemical_formula"),
            identifier=texts.get(b"sample_id"),
        )
        if sample != Specimen():
            self.samples.setdefault(sample)

    def _user(self, texts: dict[bytes, list[str]]) -> None:
        columns = {
            name: texts.get(name, []) for name in (b"role", b"affiliation", b"ORCID", b"orcid")
        }
        for index, name in enumerate(texts.get(b"name", [])):
            if not name or len(self.people) >= PEOPLE:
                continue
            row = {key: words[index] for key, words in columns.items() if index < len(words)}
            person = Contributor(
                name=name,
                role=row.get(b"role") or None,
                affiliation=row.get(b"affiliation") or None,
                orcid=row.get(b"ORCID") or row.get(b"orcid") or None,
            )
            self.people.setdefault(name, person)

    # ---- parameters ----

    def _parameter(self, known: knowledge.Field, node: Dataset, value: Value, path: str) -> None:
        scalar = scalar_of(value, is_number=known.is_number)
        if scalar is None:
            return
        unit = None
        if known.is_number:
            unit = self.file.attribute(node, b"units") or self.file.attribute(node, b"unit")
        self._add(
            Quantity(
                name=known.name,
                value=scalar,
                path=path,
                unit=unit if isinstance(unit, str) and unit else None,
                category=known.category,
            )
        )

    def _logged(self, known: knowledge.Field, group: Group, path: str) -> None:
        """Take the average of a log, or the only value of a sensor."""
        for name in (b"average_value", b"value"):
            node = self.file.member(group, name)
            value = self.file.value(node) if isinstance(node, h5d.DatasetID) else None
            if value is not None and not isinstance(value, list):
                self._parameter(known, node, value, f"{path}/{text(name)}")
                return

    def _add(self, quantity: Quantity) -> None:
        if len(self.parameters) >= PARAMETERS:
            self.file.refuse("too-many-parameters", f"only the first {PARAMETERS} were taken")
            return
        self.parameters.setdefault((quantity.name, quantity.value, quantity.unit), quantity)

    def _named(self) -> list[Quantity]:
        """Return the parameters; an energy of other particles is not one of photons."""
        if self.probe not in _NEUTRAL:
            return list(self.parameters.values())
        return [
            Quantity(
                name="incident_energy" if item.name == "photon_energy" else item.name,
                value=item.value,
                path=item.path,
                unit=item.unit,
                category=item.category,
            )
            for item in self.parameters.values()
        ]


def _kin(kind: str) -> str:
    return "NXentry" if kind == "NXsubentry" else kind


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _definitions(texts: dict[bytes, list[str]]) -> list[str]:
    words = (
        word for line in texts.get(b"definition", []) for word in line.replace(",", " ").split()
    )
    return [word for word in words if word not in {"NXentry", "NXroot"} and len(word) <= 100]  # noqa: PLR2004
