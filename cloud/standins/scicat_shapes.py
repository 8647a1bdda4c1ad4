"""How SciCat prints its records: version 3 flat, version 4 nested, times as texts."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

Json = Any
Record = dict[str, Json]


def printed(record: Json) -> Json:
    """Return a record as JSON has it."""
    if isinstance(record, dict):
        return {key: printed(value) for key, value in record.items()}
    if isinstance(record, list):
        return [printed(value) for value in record]
    if isinstance(record, datetime):
        return record.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return record


def old(record: Record) -> Record:
    """Return a dataset as version 3 prints it."""
    record = dict(record)
    firsts = {"principalInvestigators": "principalInvestigator", "proposalIds": "proposalId",
              "sampleIds": "sampleId", "instrumentIds": "instrumentId"}  # fmt: skip
    for many, one in firsts.items():
        if record.get(many) and record[many][0] is not None:
            record.setdefault(one, record[many][0])
        elif record.get("type") == "derived" and many in {"proposalIds", "sampleIds"}:
            record[many] = [None]
    return record


def new(record: Record) -> Record:
    """Return a dataset as version 4 prints it."""
    gone = {"proposalId", "sampleId", "instrumentId", "principalInvestigator"}
    return {key: value for key, value in record.items() if key not in gone}


def flat(record: Record) -> Record:
    """Return published data as version 3 prints them."""
    inner = record.get("metadata", {})
    gone = {"metadata", "datasetPids", "createdBy", "updatedBy", "pid", "id"}
    flat = {key: value for key, value in record.items() if key not in gone}
    state = {"private": "pending_registration"}.get(record["status"], record["status"])
    flat |= {"pidArray": record.get("datasetPids", []), "status": state}
    flat["creator"] = [one["name"] for one in inner.get("creators", [])]
    flat["publisher"] = inner.get("publisher", {}).get("name")
    rest = ("publicationYear", "resourceType", "dataDescription", "numberOfFiles", "sizeOfArchive")
    return flat | {key: inner[key] for key in rest if key in inner}


def keys(tree: Json, before: str = "") -> Iterator[str]:
    """Yield the names in metadata, as ``metadataKeys`` gives them."""
    for key, value in (tree or {}).items():
        if isinstance(value, dict) and not {"unit", "u"} & value.keys():
            yield from keys(value, f"{before}{key}.")
        else:
            yield before + key
