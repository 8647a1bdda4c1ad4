"""Rows of the catalogue become records as the PaNOSC search API shows them, parts inside."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from panosc.catalogue.rows import moment
from panosc.domain.errors import Invalid
from panosc.federation.contract import Mapped

_MANY = {"Parameter": "parameters", "File": "files", "Member": "members"}
_DETAIL = ("parameters", "samples", "files", "ownerGroup")
_CORE = (
    "title",
    "name",
    "description",
    "summary",
    "keywords",
    "techniques",
    "instrument",
    "documents",
)
_KEYS = ("datasetId", "documentId", "personId", "affiliationId")


def together(one: Mapped, other: Mapped) -> Mapped:
    """Return what two raw records mean, such as a dataset and its investigation."""
    return Mapped(rows=[*one.rows, *other.rows], homes={**one.homes, **other.homes})


def shows(item: Mapping[str, Any], words: Sequence[str], *, rests_on_detail: bool) -> bool:
    """Return whether an answer may hold a record without telling of what is under embargo.

    The account may have found it by a parameter or the name of a sample, which who asks may not
    see: the answer to a range would tell the value.
    """
    if item.get("isPublic") is not False:
        return True
    if rests_on_detail:
        return False
    said = orjson.dumps([item.get(name) for name in _CORE]).decode().lower()
    return not words or any(orjson.dumps(word.lower()).decode()[1:-1] in said for word in words)


def items(mapped: Mapped, model: str, now: datetime) -> list[dict[str, Any]]:
    """Return the records of a class, each with what the rows tell of it."""
    known = {(name, row.get("pid") or row.get("id")): row for name, row in mapped.rows}
    found: dict[str, dict[str, Any]] = {}
    for name, row in mapped.rows:
        if name == model:
            pid = row["pid"]
            found[pid] = dict(row) | {"home": mapped.homes.get(pid)}
            if model != "Instrument":
                found[pid]["isPublic"] = _is_public(row, now)
    for name, row in mapped.rows:
        owner = found.get(row.get("documentId" if model == "Document" else "datasetId", ""))
        if owner is not None:
            _put(owner, name, row, known)
    for item in found.values():
        if item.get("isPublic") is False:
            for part in _DETAIL:
                item.pop(part, None)
        instrument = known.get(("Instrument", item.pop("instrumentId", None)))
        if instrument is not None:
            item["instrument"] = dict(instrument)
    # what is closed is as if it did not exist: the account may see it, those who ask may not
    return [item for item in found.values() if item.get("access") != "closed"]


def _put(
    owner: dict[str, Any], name: str, row: Mapping[str, Any], known: Mapping[Any, Mapping[str, Any]]
) -> None:
    if name in _MANY:
        part = {key: value for key, value in row.items() if key not in _KEYS}
        if name == "Member":
            part["person"] = known.get(("Person", row.get("personId")))
            part["affiliation"] = known.get(("Affiliation", row.get("affiliationId")))
        owner.setdefault(_MANY[name], []).append(part)
    elif name == "DatasetTechnique":
        owner.setdefault("techniques", []).append(known["Technique", row["techniqueId"]])
    elif name == "DatasetSample":
        owner.setdefault("samples", []).append(known["Sample", row["sampleId"]])
    elif name == "DocumentDataset" and ("Document", row["documentId"]) in known:
        document = dict(known["Document", row["documentId"]])
        document.pop("ownerGroup", None)
        owner.setdefault("documents", []).append(document)


def _is_public(row: Mapping[str, Any], now: datetime) -> bool:
    if row.get("access") == "open" or row.get("isPublic"):
        return True
    try:
        until = moment(row.get("embargoUntil"))
    except Invalid:
        return False
    return row.get("access") == "embargoed" and until is not None and until <= now
