"""One dataset with all that belongs to it, read from the PaNOSC search API of a node."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from panosc.client.http import Http

_FIELDS = (
    "pid",
    "title",
    "creationDate",
    "releaseDate",
    "size",
    "kind",
    "access",
    "embargoUntil",
    "description",
    "license",
)
_PERSON: dict[str, Any] = {"include": [{"relation": "person"}]}
_MEMBERS: dict[str, Any] = {"relation": "members", "scope": _PERSON}
_INCLUDES: list[dict[str, Any]] = [
    {"relation": "instrument"},
    {"relation": "techniques"},
    {"relation": "parameters"},
    {"relation": "samples"},
    {"relation": "documents", "scope": {"include": [_MEMBERS]}},
    _MEMBERS,
]


def read(http: Http, pid: str) -> Any:
    """Return the record of a dataset with what is related to it, files apart."""
    asked = {"fields": _FIELDS, "include": _INCLUDES}
    return http.get(_path(pid), [("filter", json.dumps(asked))])


def files(http: Http, pid: str) -> Any:
    """Return the files of a dataset."""
    asked = {"fields": ["name", "size", "sha256", "format"], "order": "name ASC"}
    return http.get(f"{_path(pid)}/files", [("filter", json.dumps(asked))])


def told(record: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Return a record of the search API as search tells it."""
    instrument = record.get("instrument") or {}
    documents = record.get("documents", ())
    members = list(record.get("members") or ())
    if not members:
        members = [member for document in documents for member in document.get("members", ())]
    people = {_name(member): (member.get("person") or {}).get("orcid") for member in members}
    return {
        "pid": record["pid"],
        "title": record.get("title") or record["pid"],
        "url": f"{url}/datasets/{quote(record['pid'], safe='/:')}",
        "people": [{"name": name, "orcid": orcid} for name, orcid in people.items() if name],
        "facility": instrument.get("facility"),
        "instrument": instrument.get("name"),
        "techniques": [
            {"id": item.get("panetId") or item["pid"], "label": item.get("name") or item["pid"]}
            for item in record.get("techniques", ())
        ],
        "kind": record.get("kind"),
        "access": record["access"],
        "embargoUntil": record.get("embargoUntil"),
        "measured": record.get("creationDate"),
        "released": record.get("releaseDate"),
        "size": record.get("size"),
        "licence": record.get("license"),
        "abstract": record.get("description"),
        "documents": [document["pid"] for document in documents],
    }


def _path(pid: str) -> str:
    return f"/panosc-api/Datasets/{quote(pid, safe='')}"


def _name(member: Mapping[str, Any]) -> str:
    person = member.get("person") or {}
    parts = (person.get("firstName"), person.get("lastName"))
    return str(person.get("fullName") or " ".join(part for part in parts if part))
