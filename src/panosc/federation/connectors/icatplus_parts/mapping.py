"""What records of ICAT+ mean here: investigations are documents, datasets datasets."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from panosc.federation.connectors.icat_parts.making import (
    Making,
    access,
    defined_unit,
    kind_of,
)
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

INVESTIGATION, DATASET, FEED = "investigation", "dataset", "datasetdocument"
"""Kinds of raw records: the last are those of the open feed, which tell less of a dataset."""
_OF_THE_DATASET = {
    "datasetName",
    "proposal",
    "location",
    "startDate",
    "endDate",
    "beamlineID",
    "Sample_name",
    "complete",
}
"""Parameters that say again what the record says itself."""


class Meaning:
    """Makes rows of the records of one ICAT+.

    Parameters
    ----------
    making : Making
        Where they are collected.
    portal : str or None
        Address of the data portal, for the pages of records without a DOI.
    is_open : bool
        Whether datasets of the open feed, which says nothing of access, are open to anyone.
    """

    def __init__(self, making: Making, portal: str | None, *, is_open: bool) -> None:
        self._making = making
        self._portal = portal
        self._is_open = is_open

    def investigation(self, number: int, record: Object) -> None:
        """Add a document with its people and what was measured of it as a whole."""
        making = self._making
        pid = making.pid("Document", number, record.get("doi"))
        datacite = mapping(record.get("datacite"))
        titled = {"title": short(record.get("title")) or _title_of(datacite)}
        release = making.time(record, "releaseDate")
        making.proposal(
            pid, number, {**record, **titled}, keywords=_keywords(datacite), **access(release)
        )
        self._home(pid, f"investigation/{number}/datasets")
        self._people(pid, record, datacite)
        parameters = _parameters(record.get("parameters"))
        making.parameters({"documentId": pid}, parameters)

    def _people(self, pid: str, record: Object, datacite: Object) -> None:
        users = [
            (mapping(item.get("user")) or item, item.get("role"))
            for item in objects(record.get("investigationUsers"), MOST_PARTS)
        ]
        users += [(item, item.get("role")) for item in objects(record.get("users"), MOST_PARTS)]
        users += [
            (
                {
                    **item,
                    "givenName": item.get("name"),
                    "familyName": item.get("surname"),
                    "orcidId": item.get("orcid"),
                    "affiliation": item.get("affilation"),  # codespell:ignore affilation
                    "name": None,
                },
                item.get("role"),
            )
            for item in objects(record.get("members"), MOST_PARTS)
        ]
        if not users:
            users = [
                ({"fullName": item.get("name")}, "creator")
                for item in objects(datacite.get("creators"), MOST_PARTS)
            ]
        for user, role in users:
            self._making.member({"documentId": pid}, user, role)

    def dataset(self, number: int, record: Object, *, is_feed: bool) -> None:
        """Add a dataset with instrument, sample, techniques and parameters."""
        making = self._making
        by_name = {name: value for name, value, _ in _parameters(record.get("parameters"))}
        investigation = mapping(record.get("investigation"))
        pid = making.pid("Dataset", number, record.get("doi"))
        making.add(
            "Dataset",
            pid=pid,
            title=short(record.get("name")) or str(number),
            creationDate=making.time(record, "startDate"),
            endDate=making.time(record, "endDate"),
            size=integer(by_name.get("__volume") or by_name.get("__fileSize")),
            kind=kind_of(record.get("type")),
            derivedFrom=self._inputs(record),
            definition=short(by_name.get("definition")),
            ownerGroup=short(investigation.get("name")),
            source=making.source.name,
            instrumentId=making.instrument(_beamline(record, by_name)),
            **self._access(investigation, is_feed=is_feed),
        )
        self._home(pid, f"dataset/{number}")
        self._document(pid, investigation, is_feed=is_feed)
        self._sample(pid, number, record, by_name)
        for technique in objects(record.get("techniques"), MOST_PARTS):
            making.technique(pid, technique.get("pid"), technique.get("name"))
        if not record.get("techniques") and short(by_name.get("definition")):
            for word in str(by_name["definition"]).split()[:20]:
                making.technique(pid, None, word)
        self._parameters(pid, record)
        for file in objects(record.get("datafiles"), MOST_PARTS):
            self._file(pid, mapping(file.get("Datafile")) or file, short(record.get("location")))

    def _access(self, investigation: Object, *, is_feed: bool) -> dict[str, Any]:
        release = self._making.time(investigation, "releaseDate")
        if release is None and is_feed and self._is_open:
            return {"isPublic": True}
        return access(release)

    def _inputs(self, record: Object) -> list[str] | None:
        above = integer(record.get("inputDatasetId"))
        return None if above is None else [self._making.pid("Dataset", above, None)]

    def _document(self, dataset: str, investigation: Object, *, is_feed: bool) -> None:
        number = integer(investigation.get("id"))
        if number is None:
            return
        pid = self._making.pid("Document", number, investigation.get("doi"))
        name = short(investigation.get("name"))
        if is_feed:
            # the feed tells no more of it, and nothing else does where nobody may log in
            self._making.add(
                "Document",
                pid=pid,
                type="proposal",
                title=name or str(number),
                ownerGroup=name,
                source=self._making.source.name,
                **self._access(investigation, is_feed=True),
            )
        self._making.add("DocumentDataset", documentId=pid, datasetId=dataset)

    def _sample(self, pid: str, number: int, record: Object, by_name: dict[str, Any]) -> None:
        name = short(record.get("sampleName")) or short(by_name.get("Sample_name"))
        if name is None:
            return
        theirs = integer(record.get("sampleId"))
        key = f"sample-{theirs}" if theirs is not None else f"{number}/sample"
        sample = f"{self._making.source.prefix}{key}"
        about = text(by_name.get("Sample_description"), LONGEST_TEXT)
        self._making.add("Sample", pid=sample, name=name, description=about)
        self._making.add("DatasetSample", datasetId=pid, sampleId=sample)

    def _parameters(self, pid: str, record: Object) -> None:
        kept = [
            (name, value, unit or defined_unit(name))
            for name, value, unit in _parameters(record.get("parameters"))
            if not name.startswith("__") and name not in _OF_THE_DATASET
        ]
        self._making.parameters({"datasetId": pid}, kept)

    def _file(self, pid: str, file: Object, folder: str | None) -> None:
        place = text(file.get("location"), 4_000)
        name = short(file.get("name"))
        if place is not None and folder is not None and place.startswith(f"{folder}/"):
            name = place.removeprefix(f"{folder}/")
        if name is not None and name.strip("/"):
            size = integer(file.get("fileSize"))
            self._making.add("File", datasetId=pid, name=name.strip("/"), path=place, size=size)

    def _home(self, pid: str, path: str) -> None:
        if pid.startswith("10."):
            self._making.homes[pid] = f"https://doi.org/{quote(pid, safe='/')}"
        elif self._portal is not None:
            self._making.homes[pid] = f"{self._portal.rstrip('/')}/{path}"


def _parameters(said: object) -> Iterator[tuple[str, Any, str | None]]:
    """Yield (name, value, unit): a list of objects, or as of investigations an object."""
    if isinstance(said, dict):
        said = [{"name": name, "value": value} for name, value in said.items()]
    for item in objects(said, MOST_PARTS):
        name = short(item.get("name"))
        if name is not None:
            yield name, item.get("value"), text(item.get("units"), 100)


def _beamline(record: Object, by_name: dict[str, Any]) -> str | None:
    investigation = mapping(record.get("investigation"))
    of_investigation = next(objects(investigation.get("investigationInstruments"), 1), {})
    for said in (
        record.get("instrumentName"),
        mapping(of_investigation.get("instrument")).get("name"),
        mapping(investigation.get("instrument")).get("name"),
        by_name.get("beamlineID"),
    ):
        if short(said) is not None:
            return short(said)
    return None


def _title_of(datacite: Object) -> str | None:
    titles = datacite.get("titles")
    first = mapping(titles) or next(objects(titles, 1), {})
    return short(first.get("title"))


def _keywords(datacite: Object) -> list[str] | None:
    found = [short(item.get("subject")) for item in objects(datacite.get("subjects"), 100)]
    return [word for word in found if word] or None
