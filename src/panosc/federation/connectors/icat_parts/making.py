"""Making records of this node of those of an ICAT: what ICAT and ICAT+ have in common.

ICAT's names of parameters become those that NeXus files give the same, where they are known: a
range then finds the datasets of all facilities.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from panosc.federation.contract import Mapped, Row
from panosc.federation.naming import Names, doi_of
from panosc.federation.source import Source
from panosc.federation.values import LONGEST_TEXT, Object, number, short, text, when
from panosc.ingest.messages import icat_tables

MOST_WARNINGS = 20
_NO_UNIT = {"na", "n/a", "none", "-", "unitless", "none/unknown"}
_KINDS = {"acquisition": "raw", "raw": "raw", "simulated": "simulated", "simulation": "simulated"}
_REDUCED = ("process", "reduc", "analy", "deriv")


def house_name(icat: str) -> str:
    """Return how a parameter is called here.

    Examples
    --------
    >>> house_name("Magnetic field")
    'Magnetic field'
    """
    return icat_tables.names().get(icat, icat)


def icat_names(house: str) -> tuple[str, ...]:
    """Return how an ICAT calls a parameter; where several are the same here, all of them."""
    return tuple(icat for icat, name in icat_tables.names().items() if name == house) or (house,)


def own_number(pid: str, head: str) -> int | None:
    """Return the number of a record of this source in its PID, None if it is another's.

    Examples
    --------
    >>> own_number("ill/document-7", "ill/document-"), own_number("7", "ill/")
    (7, None)
    """
    rest = pid.removeprefix(head)
    is_own = pid.startswith(head) and rest.isascii() and rest.isdigit() and len(rest) < 19  # noqa: PLR2004
    return int(rest) if is_own else None


def defined_unit(icat: str) -> str | None:
    """Return the unit that the ESRF's definitions give a parameter."""
    return icat_tables.places().get(icat, ("", ""))[1] or None


@dataclass(slots=True, kw_only=True)
class Making:
    """Collects the rows of one raw record."""

    source: Source
    rows: list[Row] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)
    also: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def names(self) -> Names:
        """How records of the source are called here."""
        return Names(self.source)

    def done(self) -> Mapped:
        """Return what was collected."""
        return Mapped(
            rows=tuple(self.rows), homes=self.homes, also=self.also, warnings=tuple(self.warnings)
        )

    def add(self, model: str, **values: Any) -> None:
        """Add a row; what is not known is left out."""
        self.rows.append((model, {key: item for key, item in values.items() if item is not None}))

    def warn(self, sentence: str) -> None:
        """Tell of something that could not be used."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(sentence)

    def time(self, record: Object, key: str) -> str | None:
        """Return a time of a record; one that cannot be read is told of."""
        found = when(record.get(key))
        if found is None and short(record.get(key)) is not None:
            self.warn(f"{key} {text(record.get(key), 40)!r} is no time.")
        return found

    def pid(self, model: str, icat_id: int, said: object) -> str:
        """Return the PID of a record: its DOI or other PID, else its number in that ICAT."""
        known = self.names.pid(said) if isinstance(said, str) else None
        if known is not None:
            return doi_of(known) or known
        head = "" if model == "Dataset" else f"{model.lower()}-"
        return f"{self.source.prefix}{head}{icat_id}"

    def proposal(self, pid: str, number: int, record: Object, **more: Any) -> None:
        """Add an investigation as a document."""
        name = short(record.get("name"))
        self.add(
            "Document",
            pid=pid,
            type="proposal",
            title=short(record.get("title")) or name or str(number),
            summary=text(record.get("summary"), LONGEST_TEXT),
            doi=pid if pid.startswith("10.") else None,
            startDate=self.time(record, "startDate"),
            endDate=self.time(record, "endDate"),
            ownerGroup=name,
            source=self.source.name,
            visitId=short(record.get("visitId")),
            **more,
        )

    def instrument(
        self, name: object, *, pid: object = None, facility: object = None
    ) -> str | None:
        """Add an instrument, and return its PID."""
        called = short(name)
        if called is None:
            return None
        known = self.names.pid(pid) or f"{self.source.prefix}instrument-{called}"
        self.add(
            "Instrument",
            pid=known,
            name=called,
            facility=short(facility) or self.source.title,
            source=self.source.name,
        )
        return known

    def technique(self, dataset: str, pid: object, name: object) -> None:
        """Add a technique of a dataset; terms of the ESRF become those of PaNET."""
        said = short(pid)
        curie = None if said is None else said.rpartition("/")[2].rpartition("#")[2] or said
        known = icat_tables.terms().get((curie or "").rpartition(":")[2], said)
        found = self.names.technique(known, short(name))
        if found is not None:
            self.rows.append(("Technique", dict(found)))
            self.add("DatasetTechnique", datasetId=dataset, techniqueId=found["pid"])

    def parameters(self, owner: dict[str, str], found: Iterable[tuple[str, Any, Any]]) -> None:
        """Add parameters (ICAT's name, value, unit) of a dataset or document, each name once."""
        seen: set[tuple[str, str | None]] = set()
        for icat, value, unit in found:
            said = short(unit)
            said = None if said is not None and said.lower() in _NO_UNIT else said
            name = house_name(icat)
            if (name, said) in seen:
                # several of ICAT's names may mean the same here
                name = icat
            measured = number(value)
            kept = text(value, 10_000) if measured is None else measured
            if kept is None or (name, said) in seen:
                continue
            seen.add((name, said))
            self.add("Parameter", **owner, name=name, value=kept, unit=said)

    def member(self, owner: dict[str, str], user: Object, role: object) -> None:
        """Add a person and what they did."""
        first, last = short(user.get("givenName")), short(user.get("familyName"))
        joined = " ".join(part for part in (first, last) if part)
        name = short(user.get("fullName")) or joined or short(user.get("name"))
        if name is None:
            return
        theirs = short(user.get("name"))
        person = self.names.person(user.get("orcidId"), theirs=theirs, name=name)
        self.add(
            "Person",
            id=person,
            fullName=name,
            firstName=first,
            lastName=last,
            orcid=person if "/" not in person else None,
        )
        affiliation = None
        where = short(user.get("affiliation"))
        if where is not None:
            affiliation = self.names.affiliation(user.get("ror"), name=where)
            self.add("Affiliation", id=affiliation, name=where)
        self.add(
            "Member", **owner, personId=person, affiliationId=affiliation, role=text(role, 200)
        )


def kind_of(icat_type: object) -> str | None:
    """Return whether a dataset is raw, reduced or simulated, as its type in an ICAT says."""
    said = (short(icat_type) or "").lower()
    if said in _KINDS:
        return _KINDS[said]
    return "reduced" if said.startswith(_REDUCED) else None


def access(release: str | None) -> dict[str, Any]:
    """Return what a release date says of access: nothing is open that has none.

    The date alone decides, on the day it comes, whoever asks; what a session may see says nothing
    of what anyone may.
    """
    if release is None:
        return {"isPublic": False, "access": "closed"}
    return {"access": "embargoed", "embargoUntil": release, "releaseDate": release}
