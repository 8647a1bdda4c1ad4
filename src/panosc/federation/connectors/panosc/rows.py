"""Items of the standard's shape become rows of the catalogue.

A dataset brings its instrument, techniques, samples, parameters and files; a document its members,
their persons and affiliations, and which datasets are its own.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from panosc.domain.entities import MODEL_BY_NAME
from panosc.federation.connectors.panosc.items import Item, Reader
from panosc.federation.contract import Mapped, Raw, Row
from panosc.federation.naming import Names, orcid_of
from panosc.federation.source import Source

_STATES = frozenset({"open", "embargoed", "closed"})
_RELATIONS = {relation.name for model in MODEL_BY_NAME.values() for relation in model.relations}


def mapped(source: Source, raw: Raw) -> Mapped:
    """Return what a record of a provider means; one that cannot be used is a warning alone."""
    model = MODEL_BY_NAME.get(raw.kind)
    if model is None or raw.kind not in {"Dataset", "Document", "Instrument"}:
        return Mapped(warnings=[f"There is no class {raw.kind!r} in the PaNOSC data model."])
    reader = Reader(names=Names(source))
    item = reader.item(model, raw.content)
    if item is None:
        return Mapped(warnings=reader.warnings)
    rows = _Rows(source)
    rows.top(raw.kind, item)
    doi = item.get("doi")
    pid = item["pid"]
    if raw.kind != "Instrument" and "isPublic" not in item and "access" not in item:
        reader.warnings.append("It does not say whether it is public, so it is kept closed.")
    return Mapped(
        rows=rows.found,
        homes={pid: home} if (home := home_of(item)) else {},
        also={pid: [doi]} if doi and doi != pid else {},
        warnings=reader.warnings,
    )


def home_of(item: Item) -> str | None:
    """Return the page of a record: what its DOI leads to, or the address that it is called by."""
    doi = item.get("doi") or (item["pid"] if item["pid"].startswith("10.") else None)
    if doi:
        return f"https://doi.org/{quote(doi, safe='/:;()._-')}"
    pid: str = item["pid"]
    return pid if pid.startswith(("http://", "https://")) else None


class _Rows:
    """Collects the rows of one record."""

    def __init__(self, source: Source) -> None:
        self.found: list[Row] = []
        self._source = source
        self._names = Names(source)

    def top(self, name: str, item: Item) -> None:
        row = _own(item) | {"source": self._source.name}
        if name == "Instrument":
            self._instrument(item)
            return
        if row.get("access") not in _STATES:
            row.pop("access", None)
            if "access" in item:
                # what it calls its access is nothing that is known here
                row["isPublic"] = False
        if name == "Dataset":
            instrument = item.get("instrument")
            if instrument:
                self._instrument(instrument)
                row["instrumentId"] = instrument["pid"]
            self._linked(item, "techniques", "Technique", "techniqueId")
            self._linked(item, "samples", "Sample", "sampleId")
        owner = {f"{name.lower()}Id": item["pid"]}
        self.found.append((name, row))
        self._parts(item, owner)
        self._documents(name, item)

    def _instrument(self, item: Item) -> None:
        row = _own(item) | {"source": self._source.name}
        row.setdefault("facility", self._source.title)
        self.found.append(("Instrument", row))

    def _linked(self, item: Item, relation: str, target: str, key: str) -> None:
        seen = set()
        for one in item.get(relation, ()):
            if one["pid"] in seen:
                continue
            seen.add(one["pid"])
            self.found.append((target, _own(one)))
            self.found.append((f"Dataset{target}", {"datasetId": item["pid"], key: one["pid"]}))

    def _parts(self, item: Item, owner: dict[str, str]) -> None:
        for one in item.get("parameters", ()):
            self.found.append(("Parameter", _without_id(one) | owner))
        if "datasetId" in owner:
            self.found += (("File", _without_id(one) | owner) for one in item.get("files", ()))
        for one in item.get("members", ()):
            self.found += self._member(one, owner)

    def _member(self, one: Item, owner: dict[str, str]) -> Iterator[Row]:
        row: dict[str, Any] = dict(owner)
        if one.get("role"):
            row["role"] = one["role"]
        person = one.get("person")
        if person and (person.get("fullName") or person.get("lastName") or person.get("orcid")):
            key = self._names.person(
                person.get("orcid"),
                theirs=person.get("id"),
                name=person.get("fullName") or person.get("lastName"),
            )
            row_of = {k: v for k, v in _own(person).items() if k != "orcid"} | {"id": key}
            orcid = orcid_of(person.get("orcid"))
            yield "Person", row_of | ({"orcid": orcid} if orcid else {})
            row["personId"] = key
        affiliation = one.get("affiliation")
        if affiliation and (affiliation.get("name") or affiliation.get("id")):
            theirs = affiliation.get("id")
            key = self._names.affiliation(theirs, theirs=theirs, name=affiliation.get("name"))
            yield "Affiliation", _own(affiliation) | {"id": key}
            row["affiliationId"] = key
        if "personId" in row or "affiliationId" in row:
            yield "Member", row

    def _documents(self, name: str, item: Item) -> None:
        relation = "datasets" if name == "Document" else "documents"
        for other in {one["pid"]: None for one in item.get(relation, ())}:
            pair = (item["pid"], other) if name == "Document" else (other, item["pid"])
            row = {"documentId": pair[0], "datasetId": pair[1]}
            self.found.append(("DocumentDataset", row))


def _own(item: Item) -> Item:
    """Return a record without its relations."""
    return {name: value for name, value in item.items() if name not in _RELATIONS}


def _without_id(item: Item) -> Item:
    return {name: value for name, value in _own(item).items() if name != "id"}
