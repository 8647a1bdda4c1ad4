"""What a record in the words of DataCite means in the PaNOSC data model.

A resource of the general type Dataset is a Dataset, an instrument (PIDINST) an Instrument, and
everything else a Document. What cannot be used is dropped and said in a warning.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from panosc.federation.connectors.datacite_parts import access, people
from panosc.federation.connectors.datacite_parts.dates import Dates
from panosc.federation.connectors.datacite_parts.related import Related, related
from panosc.federation.contract import Mapped, Row
from panosc.federation.naming import Names, doi_of
from panosc.federation.source import Source
from panosc.federation.values import line, loosely, prose
from panosc.publication.identifiers import is_web

_KINDS: Final[Mapping[str, str]] = {
    "reduced": "reduced",
    "processed": "reduced",
    "simulat": "simulated",
    "raw": "raw",
}
_TYPES: Final[Mapping[str, str]] = {
    "project": "proposal",
    "award": "proposal",
    "studyregistration": "proposal",
    "dissertation": "thesis",
    "journalarticle": "publication",
    "conferencepaper": "publication",
    "preprint": "publication",
    "datapaper": "publication",
    "text": "publication",
}
"""General types as the house calls them; others are called as they are, in small letters."""
_SIZE: Final = re.compile(r"([\d.,]{1,30}) ?(bytes?|[KMGTP]?i?B)?", re.IGNORECASE)
_STEPS: Final = "kmgtp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One record, read from whatever form it came in."""

    attributes: Mapping[str, Any]
    """As the ``attributes`` of DataCite's REST API."""
    key: str
    """What it is called there, for one without any other identifier."""
    home: str | None = None
    changed: datetime | None = None
    files: tuple[Mapping[str, Any], ...] = ()
    """Rows of File without the dataset they are of."""
    is_hidden: bool = False
    """Whether not even its metadata are for everyone."""
    more: tuple[str, ...] = field(default=())
    """Further warnings."""


def mapped(told: Told, source: Source) -> Mapped:
    """Return what a record means."""
    return _Reading(told, source).mapped()


class _Reading:
    def __init__(self, told: Told, source: Source) -> None:
        self.told, self.source, self.names = told, source, Names(source)
        self.attributes = told.attributes
        self.dates = Dates(told.attributes)
        self.related: Related = related(told.attributes, self.names)
        self.warnings: list[str] = list(told.more)

    def mapped(self) -> Mapped:
        pids = self._pids()
        if not pids:
            return Mapped(warnings=(*self.warnings, "It has no identifier that can be used."))
        model, kind = self._kind()
        rows = {"Dataset": self._dataset, "Instrument": self._instrument}.get(
            model, self._document
        )(pids[0], kind)
        self.warnings += [f"The date “{text}” cannot be read." for text in self.dates.unread]
        home = self._home()
        also = [pid for pid in (*pids[1:], *self.related.same) if pid != pids[0]]
        return Mapped(
            rows=tuple(rows),
            homes={} if home is None else {pids[0]: home},
            also={pids[0]: tuple(dict.fromkeys(also))} if also else {},
            warnings=tuple(self.warnings[:50]),
        )

    def _pids(self) -> list[str]:
        """Return its identifiers, the one it is called by first."""
        alternates = loosely(self.attributes.get("alternateIdentifiers"))
        others = loosely(self.attributes.get("identifiers"))
        given = [
            self.attributes.get("doi"),
            *(item.get("alternateIdentifier") for item in alternates),
            *(item.get("identifier") for item in others),
            self.attributes.get("url"),
            self.told.key,
        ]
        found = map(self.names.pid, given)
        known = dict.fromkeys(pid for pid in found if pid is not None)
        home = self._home()
        # a page is where a thing is shown, and only its name where it has no other
        return [pid for pid in known if pid != home or len(known) == 1]

    def _home(self) -> str | None:
        doi = doi_of(self.attributes.get("doi"))
        for given in (self.told.home, self.attributes.get("url")):
            text = line(given)
            if text is not None and is_web(text):
                return text
        return f"https://doi.org/{doi}" if doi else None

    def _kind(self) -> tuple[str, str | None]:
        types = self.attributes.get("types")
        types = types if isinstance(types, Mapping) else {}
        general = (line(types.get("resourceTypeGeneral"), 100) or "").lower()
        words = (line(types.get("resourceType"), 200) or "").lower()
        if not general and not words:
            self.warnings.append("It does not say what it is, and was taken for a dataset.")
        if general == "instrument":
            return "Instrument", None
        if (general or words or "dataset") == "dataset":
            kind = next((kind for word, kind in _KINDS.items() if word in words), None)
            return "Dataset", kind
        said = words if general in {"", "other", "text"} and words else general
        return "Document", _TYPES.get(said.replace(" ", ""), said)

    def _title(self) -> str | None:
        titles = list(loosely(self.attributes.get("titles"), "title"))
        titles.sort(key=lambda item: item.get("titleType") is not None)
        found = next((text for text in (prose(item.get("title")) for item in titles) if text), None)
        if found is None:
            self.warnings.append("It has no title.")
        return line(found)

    def _summary(self) -> str | None:
        told = list(loosely(self.attributes.get("descriptions"), "description"))
        told.sort(key=lambda item: item.get("descriptionType") != "Abstract")
        texts = (prose(item.get("description")) for item in told)
        return next((text for text in texts if text), None)

    def _dataset(self, pid: str, kind: str | None) -> Iterator[Row]:
        start, end = self.dates.span("Collected")
        instrument = self._used()
        row: dict[str, Any] = {
            "pid": pid,
            "title": self._title(),
            "description": self._summary(),
            "creationDate": start or self.dates.first("Created", "Issued") or self.dates.year,
            "endDate": end,
            "size": self._size(),
            "kind": kind,
            "isNewVersionOf": self.related.newer_than,
            "derivedFrom": self.related.derived_from or None,
            "instrumentId": None if instrument is None else instrument["pid"],
        }
        row |= self._shared()
        if instrument is not None:
            yield "Instrument", instrument
        yield "Dataset", _said(row)
        yield from people.people(self.attributes, self.names, ("Dataset", row))
        for technique in self._techniques():
            yield "Technique", technique
            yield "DatasetTechnique", {"datasetId": pid, "techniqueId": technique["pid"]}
        for file in self.told.files:
            yield "File", {**file, "datasetId": pid}
        for whole in self.related.part_of:
            yield "DocumentDataset", {"documentId": whole, "datasetId": pid}

    def _document(self, pid: str, kind: str | None) -> Iterator[Row]:
        start, end = self.dates.span("Collected")
        row: dict[str, Any] = {
            "pid": pid,
            "type": kind,
            "title": self._title(),
            "summary": self._summary(),
            "doi": doi_of(self.attributes.get("doi")),
            "startDate": start,
            "endDate": end,
        }
        row |= self._shared()
        yield "Document", _said(row)
        yield from people.people(self.attributes, self.names, ("Document", row))
        for part in self.related.parts:
            yield "DocumentDataset", {"documentId": pid, "datasetId": part}

    def _instrument(self, pid: str, _kind: str | None) -> Iterator[Row]:
        facility = people.hosts(self.attributes) or self.source.title
        row = {"pid": pid, "name": self._title(), "facility": facility}
        yield "Instrument", {**row, "source": self.source.name}

    def _shared(self) -> dict[str, Any]:
        """Return what is told alike of datasets and documents."""
        return {
            "source": self.source.name,
            "license": access.licence(self.attributes),
            "keywords": self._keywords() or None,
            "relatedIdentifiers": self.related.others or None,
            "funding": self._funding() or None,
            **self._access(),
        }

    def _access(self) -> dict[str, Any]:
        if self.told.is_hidden:
            return {"isPublic": False, "access": "closed"}
        return access.access(self.attributes, self.dates, self.told.changed)

    def _used(self) -> dict[str, Any] | None:
        """Return the instrument that a record was made with."""
        for item in loosely(self.attributes.get("relatedItems")):
            if item.get("relatedItemType") != "Instrument":
                continue
            title = next(loosely(item.get("titles"), "title"), {})
            name, identifier = line(title.get("title")), item.get("relatedItemIdentifier")
            if isinstance(identifier, Mapping):
                identifier = identifier.get("relatedItemIdentifier")
            pid = self.names.pid(identifier or name)
            if pid is not None:
                facility = people.hosts(self.attributes) or self.source.title
                found = {"pid": pid, "name": name or pid, "facility": facility}
                return {**found, "source": self.source.name}
        return None

    def _techniques(self) -> Iterator[dict[str, str]]:
        told: set[str] = set()
        for item in loosely(self.attributes.get("subjects"), "subject"):
            found = self._technique(item)
            if found is not None and found["pid"] not in told:
                told.add(found["pid"])
                yield found

    def _technique(self, item: Mapping[str, Any]) -> dict[str, str] | None:
        scheme = (line(item.get("subjectScheme")) or "").lower()
        name, uri = line(item.get("subject"), 300), line(item.get("valueUri"))
        if "panet" in f"{scheme} {uri or ''}".lower():
            return self.names.technique(uri or line(item.get("classificationCode")) or name, name)
        if scheme or uri or name is None:
            return None
        # a plain keyword that is the name of a technique
        found = self.names.technique(None, name)
        return found if found is not None and "panetId" in found else None

    def _keywords(self) -> list[str]:
        words = [
            line(item.get("subject"), 300)
            for item in loosely(self.attributes.get("subjects"), "subject")
        ]
        # by this word the house's own exports name the community
        return list(dict.fromkeys(word for word in words if word and word != "PaN"))[:200]

    def _funding(self) -> list[dict[str, str]]:
        names = ("funderName", "funderIdentifier", "awardNumber", "awardTitle", "awardUri")
        found = []
        for item in loosely(self.attributes.get("fundingReferences")):
            said = {name: line(item.get(name)) for name in names}
            if said["funderName"]:
                found.append({name: text for name, text in said.items() if text})
        return found[:100]

    def _size(self) -> int | None:
        sizes = self.attributes.get("sizes")
        for given in sizes[:100] if isinstance(sizes, list) else [sizes]:
            found = size_of(given)
            if found is not None:
                return found
        return None


def size_of(given: object) -> int | None:
    """Return the bytes that a size says, None for pages, frames and other sizes.

    Examples
    --------
    >>> size_of("1.5 GB"), size_of("3000 bytes"), size_of("2 MiB"), size_of("12 pages"), size_of(5)
    (1500000000, 3000, 2097152, None, 5)
    """
    found = _SIZE.fullmatch(line(given, 100) or "")
    if found is None:
        return None
    unit = (found[2] or "b").lower()
    step = 1024 if "i" in unit else 1000
    try:
        number = float(found[1].replace(",", ""))
    except ValueError:
        return None
    power = 0 if unit.startswith("b") else _STEPS.index(unit[0]) + 1
    size = number * step**power
    return int(size) if size < 2**63 else None


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
