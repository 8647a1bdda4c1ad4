"""What there is to say of a dataset or document, for every channel: pages, exports, DOIs, OAI-PMH.

A `Publication` holds what one caller may know at one moment, gathered by `publication.gathering`.
Whoever writes a format takes everything from here and asks nothing else, so that all channels
say the same. Names are those of DataCite's schema where it has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from panosc.domain.access import State
from panosc.publication import identifiers

Model = Literal["Dataset", "Document"]
DateType = Literal["Collected", "Issued", "Available", "Updated"]
Relation = Literal[
    "IsPartOf",
    "HasPart",
    "IsNewVersionOf",
    "IsPreviousVersionOf",
    "IsVersionOf",
    "HasVersion",
    "IsDerivedFrom",
    "IsSourceOf",
    "IsSupplementTo",
    "IsSupplementedBy",
    "IsCitedBy",
    "Cites",
    "IsReferencedBy",
    "References",
    "IsDocumentedBy",
    "Documents",
    "IsCollectedBy",
    "Collects",
    "IsCompiledBy",
    "Compiles",
    "IsDescribedBy",
    "Describes",
    "IsIdenticalTo",
]
Address = Callable[[str], str]
"""Makes a path of this node, such as ``/search``, absolute."""
Scheme = Literal["DOI", "URL", "Handle", "ARK", "URN", "arXiv", "RRID", "PMID", "local"]
"""What kind of identifier; ``local`` is a PID of this node that is no DOI, given as its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A facility, an affiliation or a funder."""

    name: str
    ror: str | None = None
    """Address of its ROR, ``https://ror.org/…``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who made or helped to make it: a person, or an organisation where no person is known."""

    name: str
    is_person: bool = True
    given: str | None = None
    family: str | None = None
    orcid: str | None = None
    """Address of the ORCID, ``https://orcid.org/…``, its checksum verified."""
    affiliation: Organisation | None = None
    role: str | None = None
    """As the catalogue says it."""
    contributor: str | None = None
    """DataCite's contributorType, for those who are not creators."""

    @property
    def inverted(self) -> str:
        """``Family, Given`` where both are known, the name as it is written otherwise."""
        return f"{self.family}, {self.given}" if self.family and self.given else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """Under what terms it may be used."""

    name: str
    id: str | None = None
    """Identifier of SPDX, such as ``CC-BY-4.0``."""
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A technique, with the place it has in PaNET where it has one."""

    label: str
    id: str
    uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """What it was measured with."""

    pid: str
    name: str
    facility: str | None
    url: str
    """Its page at this node."""
    identifier: str | None = None
    """A PID of its own (PIDINST): the address of a DOI or handle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another work, and how this one relates to it."""

    relation: Relation
    identifier: str
    """As its scheme writes it: a bare DOI; an address for ``URL`` and ``local``."""
    scheme: Scheme
    url: str
    """Where it leads."""
    general: str | None = None
    """DataCite's resourceTypeGeneral: Dataset, JournalArticle, Software, Project …"""
    title: str | None = None

    @property
    def address(self) -> str:
        """The address by which it is cited: of its DOI, else where it leads."""
        told = identifiers.doi_address(self.identifier) if self.scheme == "DOI" else None
        return told or self.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """Who paid, and under which award."""

    funder: Organisation
    award: str | None = None
    award_title: str | None = None
    award_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A measured or set value; detail."""

    name: str
    value: float | str
    unit: str | None = None
    path: str | None = None
    """Where it stands in the file (NeXus)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was measured; detail."""

    pid: str
    name: str | None
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file; detail."""

    name: str
    size: int | None
    sha256: str | None
    media_type: str
    url: str
    """Where it is fetched from this node, by those who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What is said of a record to those who may see its detail, and to nobody else."""

    parameters: tuple[Parameter, ...] = ()
    samples: tuple[Sample, ...] = ()
    files: tuple[File, ...] = ()
    """The first `store.MOST_FILES`."""
    file_count: int = 0
    definition: str | None = None
    """The NeXus application definition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a dataset that a package is about; only of those whose detail is seen."""

    pid: str
    file: str
    path: str
    """Of the array in the file."""
    selection: str
    """As it is written in Python, such as ``0, :10``; empty: all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One dataset or document, as far as the caller may know of it.

    What a bare file lacks has a fallback: creators are the facility, the description says what
    was measured where, keywords are techniques and instrument, the licence is the policy's.
    Texts hold no character that XML may not hold.
    """

    model: Model
    kind: str
    """``raw``, ``reduced``, ``simulated``; ``proposal``, ``publication``, ``collection`` …"""
    pid: str
    url: str
    """Its page at this node, absolute."""
    doi: str | None
    """Bare; only one that leads somewhere: registered, findable, or brought along."""
    title: str
    description: str
    is_described: bool
    """Whether the description is its own, not made here of what else is known."""
    creators: tuple[Agent, ...]
    """Never empty."""
    contributors: tuple[Agent, ...]
    publisher: Organisation
    keywords: tuple[str, ...]
    techniques: tuple[Term, ...]
    instrument: Instrument | None
    licence: Licence | None
    access: State
    """Never ``closed`` or ``erased``, unless the caller is of its team."""
    opens: datetime | None
    """When an embargo ends."""
    reason: str | None
    """Why it was withdrawn."""
    collected: tuple[datetime | None, datetime | None]
    """Start and end of the measurement."""
    issued: datetime
    """When it was published at this node, or before at its source."""
    changed: datetime
    size: int | None
    """Bytes of all its files."""
    related: tuple[Related, ...]
    funding: tuple[Funding, ...]
    detail: Detail | None
    """None to those who may not see it."""
    facility: str
    """The node's own name, for what has to name who keeps it."""
    node: str
    """Address of the node's front page."""
    parts: tuple[Part, ...] = ()

    @property
    def year(self) -> int:
        """The year that a citation gives."""
        return self.issued.year

    @property
    def identifier(self) -> str:
        """The address by which it is cited: of its DOI, else its page."""
        return identifiers.doi_address(self.doi) or self.url

    @property
    def general(self) -> str:
        """DataCite's resourceTypeGeneral."""
        if self.model == "Dataset":
            return "Dataset"
        return _GENERAL.get(self.kind, "Project")

    @property
    def dates(self) -> tuple[tuple[DateType, str], ...]:
        """Dates as DataCite writes them (RKMS-ISO8601): type and day, or an interval of days."""
        start, end = (None if moment is None else day(moment) for moment in self.collected)
        found: list[tuple[DateType, str]] = []
        if start is not None:
            found.append(("Collected", start if end in {None, start} else f"{start}/{end}"))
        found.append(("Issued", day(self.issued)))
        if self.access in {"open", "embargoed"}:
            available = self.issued if self.opens is None else self.opens
            found.append(("Available", day(available)))
        found.append(("Updated", day(self.changed)))
        return tuple(found)

    @property
    def rights(self) -> tuple[str, str]:
        """Access rights as two vocabularies name them: address in COAR, ``info:eu-repo``.

        Both are needed: there are harvesters which take what has but one for open.
        """
        coar, openaire = _RIGHTS[self.access]
        return f"http://purl.org/coar/access_right/{coar}", f"info:eu-repo/semantics/{openaire}"


def day(moment: datetime | date) -> str:
    """Return the day of a moment, ``2024-05-31``."""
    # not %Y, which writes early years with fewer than four digits
    return moment.isoformat()[:10]


_GENERAL = {
    "collection": "Collection",
    "proposal": "Project",
    "publication": "JournalArticle",
    "report": "Report",
    "thesis": "Dissertation",
    "software": "Software",
}
_RIGHTS: dict[State, tuple[str, str]] = {
    "open": ("c_abf2", "openAccess"),
    "embargoed": ("c_f1cf", "embargoedAccess"),
    "closed": ("c_16ec", "restrictedAccess"),
    "withdrawn": ("c_14cb", "closedAccess"),
    "erased": ("c_14cb", "closedAccess"),
}
