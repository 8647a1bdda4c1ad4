"""What SciCat's records mean: datasets, proposals, samples, instruments."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from panosc.federation.connectors.scicat_parts.metadata import parameters
from panosc.federation.contract import Mapped, Raw, Row
from panosc.federation.naming import Names, orcid_of
from panosc.federation.source import Source
from panosc.federation.values import Fields, integer, mapping, objects, text

MOST_FILES = 100_000
"""Files of one dataset."""
MOST_PEOPLE = 1000
_KINDS = {"raw": "raw", "derived": "reduced"}
KEPT = {
    "keywords": "keywords",
    "runNumber": "run_number",
    "creationLocation": "creation_location",
    "dataFormat": "data_format",
    "usedSoftware": "used_software",
    "comment": "comment",
}
"""What the data model has no place for: kept as parameters."""
_DERIVED = re.compile(r"deriv|input|source", re.IGNORECASE)


@dataclass(slots=True)
class Making:
    """Rows made of one record of one source."""

    source: Source
    front: str
    """Address of the pages that people look at."""
    fields: Fields
    rows: list[Row] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)
    readers: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names(self) -> Names:
        """How identifiers are made."""
        return Names(self.source)

    def begin(self, model: str, theirs: object, row: dict[str, Any], *, page: str) -> str | None:
        """Add the record itself, and its page; return its PID, None if it has none."""
        pid = self.names.pid(text(theirs))
        if pid is None:
            self.fields.warnings.append("It has no identifier that can be used.")
            return None
        own = {} if model in {"Sample", "Technique"} else {"source": self.source.name}
        self.rows.append((model, {"pid": pid} | own | _filled(row)))
        if self.front:
            self.homes[pid] = f"{self.front}/{page}/{quote(text(theirs) or '', safe='')}"
        return pid

    def member(self, owner: dict[str, str], person: Mapping[str, Any], role: str) -> None:
        """Add a person with a role; `person` has the properties of Person, and ``affiliation``."""
        orcid = orcid_of(person.get("orcid"))
        name = text(person.get("fullName"), 300)
        if name is None:
            return
        key = self.names.person(orcid, name=name)
        own = {"fullName": name, "orcid": orcid} | {
            part: text(person.get(part), 200) for part in ("firstName", "lastName")
        }
        self.rows.append(("Person", {"id": key} | _filled(own)))
        row = owner | {"personId": key, "role": role}
        given = mapping(person.get("affiliation"))
        place = text(given.get("name"), 500)
        if place:
            at = self.names.affiliation(given.get("affiliationIdentifier"), name=place)
            self.rows.append(("Affiliation", {"id": at, "name": place}))
            row["affiliationId"] = at
        self.rows.append(("Member", row))

    def made(self) -> Mapped:
        """Return what was made."""
        return Mapped(
            rows=self.rows,
            homes=self.homes,
            readers=self.readers,
            warnings=self.fields.warnings,
        )


def begun(source: Source, front: str, raw: Raw) -> Making:
    """Return the making of a record's rows, with none as yet."""
    made = Making(source, front, Fields(mapping(raw.content)))
    if not isinstance(raw.content, dict):
        made.fields.warnings.append("It is no object.")
    return made


def access_of(fields: Fields, *, is_public: bool) -> dict[str, Any]:
    """Return the properties of access: what is not published is its group's alone."""
    if is_public:
        return {"isPublic": True}
    return {"isPublic": False, "access": "closed", "ownerGroup": fields.text("ownerGroup", 200)}


def dataset(made: Making) -> None:
    """Make the rows of a dataset: with its files, parameters, techniques, people and links."""
    fields, names = made.fields, made.names
    is_public = fields.is_true("isPublished")
    theirs = fields.text("pid", 1000)
    folder = fields.text("sourceFolder", 2000)
    row = access_of(fields, is_public=is_public) | {
        "title": fields.text("datasetName", 1000) or posixpath.basename(folder or "") or theirs,
        "creationDate": fields.when("creationTime"),
        "endDate": fields.when("endTime"),
        "size": fields.integer("size"),
        "kind": _KINDS.get((fields.text("type", 20) or "").lower()),
        "description": fields.text("description"),
        "license": fields.text("license", 500),
        "derivedFrom": _origins(fields, names),
        "instrumentId": _first(_instruments(fields), names),
    }
    if not is_public:
        life = Fields(mapping(fields.content.get("datasetlifecycle")))
        row["embargoUntil"] = life.when("dateOfPublishing")
    pid = made.begin("Dataset", theirs, row, page="datasets")
    if pid is None:
        return
    if not is_public:
        made.readers[pid] = fields.texts("accessGroups")
    owner = {"datasetId": pid}
    _people(made, owner)
    for technique in objects(fields.content.get("techniques")):
        term = names.technique(technique.get("pid"), text(technique.get("name"), 500))
        if term is not None:
            made.rows.append(("Technique", dict(term)))
            made.rows.append(("DatasetTechnique", owner | {"techniqueId": term["pid"]}))
    for link, key, old, new in (
        ("DatasetSample", "sampleId", "sampleId", "sampleIds"),
        ("DocumentDataset", "documentId", "proposalId", "proposalIds"),
    ):
        for other in _pids([*fields.texts(new), fields.text(old)], names):
            made.rows.append((link, owner | {key: other}))
    _parameters(made, owner)
    made.rows += [("File", file) for file in _files(fields, pid, folder or "")]


def _parameters(made: Making, owner: dict[str, str]) -> None:
    fields = made.fields
    content, warnings = fields.content, fields.warnings
    found = parameters(content.get("scientificMetadata"), warnings)
    found += parameters(content.get("jobParameters"), warnings, before="jobParameters")
    found += parameters({new: content.get(old) for old, new in KEPT.items()}, warnings)
    made.rows += [("Parameter", owner | row) for row in found]


def _instruments(fields: Fields) -> list[str | None]:
    return [*fields.texts("instrumentIds"), fields.text("instrumentId")]


def _origins(fields: Fields, names: Names) -> list[str] | None:
    found: list[str | None] = list(fields.texts("inputDatasets"))
    found += [
        text(relation.get("pid"), 1000)
        for relation in objects(fields.content.get("relationships"))
        if _DERIVED.search(text(relation.get("relationship")) or "")
    ]
    return _pids(found, names) or None


def _pids(theirs: Iterable[object], names: Names) -> list[str]:
    found = (names.pid(item) for item in theirs)
    return list(dict.fromkeys(pid for pid in found if pid is not None))


def _first(theirs: Iterable[object], names: Names) -> str | None:
    return next(iter(_pids(theirs, names)), None)


def _people(made: Making, owner: dict[str, str]) -> None:
    fields = made.fields
    leads = [*fields.texts("principalInvestigators", MOST_PEOPLE)]
    leads += [
        name for key in ("principalInvestigator", "investigator") if (name := fields.text(key))
    ]
    own = fields.text("owner", 300)
    orcid = orcid_of(fields.content.get("orcidOfOwner"))
    for name in dict.fromkeys(leads):
        known = orcid if name == own else None
        made.member(owner, {"fullName": name, "orcid": known}, "principal investigator")
    if own and own not in leads:
        made.member(owner, {"fullName": own, "orcid": orcid}, "owner")


def _files(fields: Fields, pid: str, folder: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for block in objects(fields.content.get("origdatablocks")):
        is_sha256 = (text(block.get("chkAlg"), 20) or "").lower().replace("-", "") == "sha256"
        for file in objects(block.get("dataFileList")):
            path = text(file.get("path"), 4000)
            if path is None:
                continue
            if len(rows) == MOST_FILES:
                fields.warnings.append(f"Only the first {MOST_FILES} files were taken.")
                return rows
            row = {
                "datasetId": pid,
                "name": posixpath.basename(path) or path,
                "path": posixpath.join(folder, path),
                "size": integer(file.get("size")),
                "sha256": text(file.get("chk"), 64) if is_sha256 else None,
            }
            rows.append(_filled(row))
    return rows


def proposal(made: Making) -> None:
    """Make the rows of a proposal, a document."""
    fields = made.fields
    row = access_of(fields, is_public=fields.is_true("isPublished")) | {
        "type": "proposal",
        "title": fields.text("title", 1000) or fields.text("proposalId", 1000),
        "summary": fields.text("abstract"),
        "startDate": fields.when("startTime"),
        "endDate": fields.when("endTime"),
    }
    pid = made.begin("Document", fields.text("proposalId", 1000), row, page="proposals")
    if pid is None:
        return
    owner = {"documentId": pid}
    for role, before in (("principal investigator", "pi_"), ("proposer", "")):
        first, last = fields.text(f"{before}firstname", 200), fields.text(f"{before}lastname", 200)
        person = {
            "fullName": " ".join(part for part in (first, last) if part),
            "firstName": first,
            "lastName": last,
        }
        made.member(owner, person, role)
    for found in parameters(fields.content.get("metadata"), fields.warnings):
        made.rows.append(("Parameter", owner | found))


def sample(made: Making) -> None:
    """Make the row of a sample: what characterises it is said in its description."""
    fields = made.fields
    described = fields.text("description", 2000)
    said = [
        " ".join(str(row[key]) for key in ("name", "value", "unit") if key in row)
        for row in parameters(fields.content.get("sampleCharacteristics"), fields.warnings)
    ]
    row = {
        "name": described[:300] if described else fields.text("sampleId", 300),
        "description": text("; ".join([*([described] if described else []), *said])),
    }
    made.begin("Sample", fields.text("sampleId", 1000), row, page="samples")


def instrument(made: Making) -> None:
    """Make the row of an instrument."""
    fields = made.fields
    name = fields.text("name", 300) or fields.text("uniqueName", 300)
    row = {"name": name, "facility": made.source.title}
    made.begin("Instrument", fields.text("pid", 1000), row, page="instruments")


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None and value != ""}
