"""One NXentry of a NeXus file: a pass over its groups, which keeps what a catalogue asks for.

Fields of up to 64 elements are read, never data. What becomes of several entries is
`formats.nexus`; which other files the data need is `formats.links`.
"""

from dataclasses import dataclass, field
from typing import Final

from h5py import h5d, h5g, h5l

from panosc.files.careful import Careful, Dataset, Group, Node, Value, text
from panosc.files.nexus import nexus_class
from panosc.ingest import knowledge
from panosc.ingest.formats import Contributor, Quantity, Specimen
from panosc.ingest.formats.links import DATA, Links
from panosc.ingest.formats.values import scalar_of, words

DEPTH: Final = 4
PARAMETERS: Final = 500
PEOPLE: Final = 100

PROPOSAL: Final = (b"proposal_identifier", b"proposal_id", b"experiment_identifier")
"""Fields that name the proposal, the plainest first."""
_ENTRY: Final = frozenset(
    {b"title", b"start_time", b"end_time", b"definition", b"experiment_description", *PROPOSAL}
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
        " NXmonitor NXprocess NXdata",
        "NXsubentry": "NXinstrument NXsample NXuser NXsource NXbeam NXmonochromator NXmonitor"
        " NXprocess NXdata",
        "NXinstrument": "NXsource NXbeam NXmonochromator NXcrystal NXdetector NXattenuator"
        " NXinsertion_device NXcollimator NXfermi_chopper NXdisk_chopper NXmonitor NXuser NXsample",
        "NXsample": "NXbeam",
        "NXmonochromator": "NXcrystal",
        "NXdetector": "NXdata",
    }.items()
}
"""NeXus class → classes that are looked for in it."""
_SPECIFIC: Final = b"detectorSpecific"
"""Where detectors of DECTRIS keep how they were set, without a class or in one of any kind."""
_GENERIC: Final = frozenset(
    {"instrument", "sasinstrument", "sasinstrument01", "nxinstrument", "unknown", "none", "n/a"}
)
"""Names that name nothing."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What one NXentry gives, while it is read."""

    name: str
    group: Group
    texts: dict[bytes, str] = field(default_factory=dict)
    definitions: list[str] = field(default_factory=list)
    instrument: str | None = None
    source: dict[bytes, str] = field(default_factory=dict)
    is_processed: bool = False
    collected: str | None = None
    """When a detector says that it began, for entries that do not say it themselves."""
    parameters: dict[tuple[str, str | int | float, str | None], Quantity] = field(
        default_factory=dict
    )
    people: dict[str, Contributor] = field(default_factory=dict)
    samples: dict[Specimen, None] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    @property
    def start(self) -> str | None:
        """When it says that it began."""
        return self.texts.get(b"start_time") or self.collected

    @property
    def end(self) -> str | None:
        """When it says that it ended."""
        return self.texts.get(b"end_time")

    @property
    def probe(self) -> str | None:
        """The probe that its source tells."""
        for key in (b"probe", b"radiation", b"type"):
            found = knowledge.probe_of(self.source.get(key))
            if found is not None:
                return found
        return None

    @property
    def facility(self) -> str | None:
        """The name of its source."""
        name = self.source.get(b"name")
        return None if name is None or name.lower() in _GENERIC else name


def read_entry(file: Careful, name: bytes, group: Group, links: Links) -> Entry:
    """Read one NXentry."""
    entry = Entry(name=text(name), group=group)
    links.begin()
    _Visit(file, entry, links).visit(group, "NXentry", "/" + text(name))
    entry.sources = links.found
    return entry


class _Visit:
    """One pass over one entry."""

    def __init__(self, file: Careful, entry: Entry, links: Links) -> None:
        self.file = file
        self.entry = entry
        self.links = links

    def visit(self, group: Group, kind: str, path: str) -> None:
        """Take the fields of a group, and look into the groups that its class may have."""
        own, known = _OWN.get(kind, frozenset()), knowledge.fields().get(_kin(kind), {})
        texts: dict[bytes, list[str]] = {}
        for name, link in self.file.members(group):
            place = f"{path}/{text(name)}"
            if link == h5l.TYPE_EXTERNAL and self.links.is_place_of_data(kind, name):
                self.links.external(group, name)
            elif name in own or name in known:
                node = self.file.member(group, name, link)
                if isinstance(node, h5g.GroupID) and name in known:
                    self._logged(known[name], node, place)
                elif isinstance(node, h5d.DatasetID):
                    value = self.file.value(node)
                    if value is not None and name in own:
                        texts[name] = words(value) if value else self._short_name(node)
                    if value is not None and name in known:
                        self._parameter(known[name], node, value, place)
            elif kind in _INSIDE or kind in DATA:
                self._inside(group, kind, (name, link), place)
        self._settle(kind, path, texts)

    def _inside(self, group: Group, kind: str, member: tuple[bytes, int], place: str) -> None:
        name, link = member
        if kind in DATA and link != h5l.TYPE_HARD:
            # what a soft link leads to is looked at where it lies
            return
        if not self.file.is_group(group, name, link):
            if kind in DATA:
                self.links.layout(group, name)
        elif place.count("/") <= DEPTH:
            node = self.file.member(group, name, link)
            if isinstance(node, h5g.GroupID):
                self._descend(node, kind, name, place)

    def _descend(self, node: Group, parent: str, name: bytes, place: str) -> None:
        if parent == "NXdetector" and name == _SPECIFIC:
            self._specific(node, place)
            return
        kind = self.links.kind_of(nexus_class(self.file, node), name)
        if kind in _INSIDE.get(parent, frozenset()):
            self.visit(node, kind, place)
        if kind == "NXinstrument" and self.entry.instrument is None:
            self.entry.instrument = next(iter(self._short_name(node)), None)

    def _specific(self, group: Group, path: str) -> None:
        for name in (b"nimages", b"ntrigger", b"data_collection_date"):
            node = self.file.member(group, name)
            value = self.file.value(node) if isinstance(node, h5d.DatasetID) else None
            if isinstance(value, int):
                place = f"{path}/{text(name)}"
                self._add(Quantity(name=text(name), value=value, path=place))
            elif isinstance(value, str) and value:
                self.entry.collected = self.entry.collected or value

    def _short_name(self, node: Node) -> list[str]:
        short = self.file.attribute(node, b"short_name")
        return [short] if isinstance(short, str) else []

    def _settle(self, kind: str, path: str, texts: dict[bytes, list[str]]) -> None:
        """Give the texts of one group their place."""
        single = {name: words[0] for name, words in texts.items() if words and words[0]}
        entry = self.entry
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
            self.entry.samples.setdefault(sample)

    def _user(self, texts: dict[bytes, list[str]]) -> None:
        columns = {
            name: texts.get(name, []) for name in (b"role", b"affiliation", b"ORCID", b"orcid")
        }
        for index, name in enumerate(texts.get(b"name", [])):
            if not name or len(self.entry.people) >= PEOPLE:
                continue
            row = {key: words[index] for key, words in columns.items() if index < len(words)}
            person = Contributor(
                name=name,
                role=row.get(b"role") or None,
                affiliation=row.get(b"affiliation") or None,
                orcid=row.get(b"ORCID") or row.get(b"orcid") or None,
            )
            self.entry.people.setdefault(name, person)

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
        if len(self.entry.parameters) >= PARAMETERS:
            self.file.refuse("too-many-parameters", f"only the first {PARAMETERS} were taken")
            return
        key = (quantity.name, quantity.value, quantity.unit)
        self.entry.parameters.setdefault(key, quantity)


def _kin(kind: str) -> str:
    return "NXentry" if kind == "NXsubentry" else kind


def _definitions(texts: dict[bytes, list[str]]) -> list[str]:
    words = (
        word for line in texts.get(b"definition", []) for word in line.replace(",", " ").split()
    )
    return [word for word in words if word not in {"NXentry", "NXroot"} and len(word) <= 100]  # noqa: PLR2004
