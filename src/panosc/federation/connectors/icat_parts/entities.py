"""Which entities of ICAT are read, with what belongs to them, and what they mean here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from panosc.federation.connectors.icat_parts.making import Making, access, kind_of
from panosc.federation.values import (
    LONGEST_TEXT,
    MOST_PARTS,
    Object,
    integer,
    mapping,
    objects,
    short,
    text,
)

INSTRUMENT, INVESTIGATION, DATASET = "instrument", "investigation", "dataset"
"""Kinds of raw records."""
ENTITIES = {INSTRUMENT: "Instrument", INVESTIGATION: "Investigation", DATASET: "Dataset"}
FIFTH = (5, 0)
"""From then on datasets have instruments and techniques of their own."""
_INCLUDES = {
    INSTRUMENT: ("facility",),
    INVESTIGATION: (
        "facility",
        "type",
        "keywords",
        "investigationUsers.user",
        "investigationInstruments.instrument",
        "parameters.type",
    ),
    DATASET: (
        "type",
        "sample.type",
        "parameters.type",
        "investigation.facility",
        "investigation.investigationInstruments.instrument",
    ),
}
_SINCE_FIFTH = ("datasetTechniques.technique", "datasetInstruments.instrument")


def includes(kind: str, version: tuple[int, int]) -> tuple[str, ...]:
    """Return what is asked for with each record of a kind."""
    is_rich = kind == DATASET and version >= FIFTH
    return _INCLUDES[kind] + (_SINCE_FIFTH if is_rich else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An entity whose time of change tells that a record has changed, and how it leads there.

    ICAT moves the time of the very row that changed, and of no other: a dataset whose parameter
    is new looks untouched.
    """

    entity: str
    kind: str
    """Of the record that has changed."""
    path: str = ""
    """From the entity to that record's id; empty: it is the record."""
    below: str = ""
    """Property of the record that leads to the entity, where many records belong to it."""
    since: tuple[int, int] = (0, 0)


TRACES = (
    Trace(entity="Instrument", kind=INSTRUMENT),
    Trace(entity="Investigation", kind=INVESTIGATION),
    Trace(entity="InvestigationUser", kind=INVESTIGATION, path="investigation.id"),
    Trace(entity="InvestigationParameter", kind=INVESTIGATION, path="investigation.id"),
    Trace(entity="Keyword", kind=INVESTIGATION, path="investigation.id"),
    Trace(entity="Dataset", kind=DATASET),
    Trace(entity="DatasetParameter", kind=DATASET, path="dataset.id"),
    Trace(entity="DatasetTechnique", kind=DATASET, path="dataset.id", since=FIFTH),
    Trace(entity="DatasetInstrument", kind=DATASET, path="dataset.id", since=FIFTH),
    Trace(entity="Datafile", kind=DATASET, path="dataset.id"),
    Trace(entity="Sample", kind=DATASET, below="sample"),
    # its release date is that of its datasets
    Trace(entity="Investigation", kind=DATASET, below="investigation"),
)


class Meaning:
    """Makes rows of the records of one ICAT; a record without release date may be open there."""

    def __init__(self, making: Making, *, is_open: bool) -> None:
        self._making = making
        self._is_open = is_open

    def instrument(self, _number: int, record: Object) -> None:
        """Add an instrument."""
        self._instrument(record)

    def _instrument(self, record: Object) -> str | None:
        facility = mapping(record.get("facility"))
        return self._making.instrument(
            record.get("name") or record.get("fullName"),
            pid=record.get("pid"),
            facility=facility.get("fullName") or facility.get("name"),
        )

    def investigation(self, number: int, record: Object) -> None:
        """Add a document with its people and parameters."""
        making = self._making
        pid = self._document(number, record)
        making.proposal(pid, number, record, keywords=_keywords(record), **self._access(record))
        self._home(pid)
        for item in objects(record.get("investigationUsers"), MOST_PARTS):
            making.member({"documentId": pid}, mapping(item.get("user")), item.get("role"))
        making.parameters({"documentId": pid}, _parameters(record))

    def dataset(self, number: int, record: Object) -> None:
        """Add a dataset with all that is its own."""
        making = self._making
        investigation = mapping(record.get("investigation"))
        pid = making.pid("Dataset", number, record.get("doi"))
        start = making.time(record, "startDate") or making.time(record, "createTime")
        making.add(
            "Dataset",
            pid=pid,
            title=short(record.get("name")) or str(number),
            description=text(record.get("description"), LONGEST_TEXT),
            creationDate=start,
            endDate=making.time(record, "endDate"),
            size=integer(record.get("fileSize")),
            kind=kind_of(mapping(record.get("type")).get("name")),
            ownerGroup=short(investigation.get("name")),
            source=making.source.name,
            instrumentId=self._first_instrument(record, investigation),
            **self._access(investigation),
        )
        self._home(pid)
        above = integer(investigation.get("id"))
        if above is not None:
            making.add(
                "DocumentDataset", documentId=self._document(above, investigation), datasetId=pid
            )
        self._sample(pid, mapping(record.get("sample")))
        for item in objects(record.get("datasetTechniques"), MOST_PARTS):
            technique = mapping(item.get("technique"))
            making.technique(pid, technique.get("pid"), technique.get("name"))
        making.parameters({"datasetId": pid}, _parameters(record))
        for file in objects(record.get("datafiles"), MOST_PARTS):
            self._file(pid, file)

    def _document(self, number: int, record: Object) -> str:
        return self._making.pid("Document", number, record.get("doi"))

    def _access(self, investigation: Object) -> dict[str, Any]:
        release = self._making.time(investigation, "releaseDate")
        return {"isPublic": True} if release is None and self._is_open else access(release)

    def _first_instrument(self, record: Object, investigation: Object) -> str | None:
        own = objects(record.get("datasetInstruments"), 1)
        theirs = objects(investigation.get("investigationInstruments"), 1)
        item = next(own, None) or next(theirs, {})
        instrument = mapping(item.get("instrument"))
        facility = investigation.get("facility")
        return self._instrument({"facility": facility, **instrument})

    def _sample(self, pid: str, record: Object) -> None:
        number, name = integer(record.get("id")), short(record.get("name"))
        if number is None or name is None:
            return
        kind = mapping(record.get("type"))
        words = (short(kind.get("name")), short(kind.get("molecularFormula")))
        sample = self._making.pid("Sample", number, record.get("pid"))
        about = ", ".join(word for word in words if word and word != name)
        self._making.add("Sample", pid=sample, name=name, description=about or None)
        self._making.add("DatasetSample", datasetId=pid, sampleId=sample)

    def _file(self, pid: str, record: Object) -> None:
        place = text(record.get("location"), 4_000)
        name = (short(record.get("name")) or place or "").strip("/")
        if name:
            size = integer(record.get("fileSize"))
            self._making.add("File", datasetId=pid, name=name, path=place, size=size)

    def _home(self, pid: str) -> None:
        if pid.startswith("10."):
            self._making.homes[pid] = f"https://doi.org/{quote(pid, safe='/')}"


def _parameters(record: Object) -> Iterator[tuple[str, Any, str | None]]:
    for item in objects(record.get("parameters"), MOST_PARTS):
        kind = mapping(item.get("type"))
        name = short(kind.get("name"))
        if name is None:
            continue
        for key in ("numericValue", "stringValue", "dateTimeValue"):
            if item.get(key) is not None:
                yield name, item[key], text(kind.get("units"), 100)
                break


def _keywords(record: Object) -> list[str] | None:
    found = {short(item.get("name")) for item in objects(record.get("keywords"), 200)}
    return sorted(word for word in found if word) or None
