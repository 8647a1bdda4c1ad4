"""What DataCite does with a DOI: states, events, and what it refuses; nothing of HTTP.

An event that is not possible in a state is left out without an error. Metadata are checked when
a DOI is no draft: that the mandatory properties are there, not the whole schema.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Attributes = dict[str, Any]
_EVENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "register": {"draft": "registered"},
    "publish": {"draft": "findable", "registered": "findable"},
    "show": {"registered": "findable"},
    "hide": {"findable": "registered"},
}
_NAME: Final = re.compile(r"10\.\d{4,9}/[-._;()/:a-z0-9*~$=]+")
_ADDRESS: Final = re.compile(r"(ftp|http|https)://\S+")
_MANDATORY: Final = ("creators", "titles", "publisher", "publicationYear")


class RefusedError(Exception):
    """The answer is an error of DataCite's."""

    def __init__(self, status: int, title: str, *, source: str | None = None) -> None:
        super().__init__(title)
        self.status = status
        self.source = source


@dataclass(slots=True, kw_only=True)
class Record:
    """One DOI."""

    doi: str
    state: str = "draft"
    attributes: Attributes = field(default_factory=dict)
    writes: int = 0
    """How often it was written."""

    def as_json(self) -> dict[str, Any]:
        """Return it as an answer shows it."""
        told = {**self.attributes, "doi": self.doi, "state": self.state}
        return {"id": self.doi, "type": "dois", "attributes": told}


class Repository:
    """The DOIs of one account, under one prefix."""

    def __init__(self, *, prefix: str) -> None:
        self.prefix = prefix
        self.records: dict[str, Record] = {}
        self._lock = threading.Lock()

    def put(self, doi: str, given: Attributes) -> bool:
        """Make or change a DOI; return whether it is new.

        Raises
        ------
        RefusedError
        """
        name = doi.lower()
        with self._lock:
            held = self.records.get(name)
            if held is None and not name.startswith(f"{self.prefix}/"):
                raise RefusedError(404, "The resource you are looking for doesn't exist.")
            if not _NAME.fullmatch(name):
                raise RefusedError(422, "Is invalid", source="doi")
            self.records[name] = _written(held or Record(doi=name), given)
            return held is None

    def post(self, given: Attributes) -> Record:
        """Make a DOI, which must not be there.

        Raises
        ------
        RefusedError
        """
        name = str(given.get("doi") or "").lower()
        if name in self.records:
            raise RefusedError(422, "This DOI has already been taken", source="doi")
        if not name.startswith(f"{self.prefix}/"):
            raise RefusedError(403, "You are not authorized to access this resource.")
        self.put(name, given)
        return self.records[name]

    def get(self, doi: str, *, is_owner: bool) -> Record:
        """Return a DOI; to others only what is findable.

        Raises
        ------
        RefusedError
        """
        held = self.records.get(doi.lower())
        if held is None or (held.state != "findable" and not is_owner):
            raise RefusedError(404, "The resource you are looking for doesn't exist.")
        return held

    def delete(self, doi: str) -> None:
        """Forget a draft.

        Raises
        ------
        RefusedError
        """
        with self._lock:
            if self.get(doi, is_owner=True).state != "draft":
                raise RefusedError(405, "Method not allowed")
            del self.records[doi.lower()]


def _written(held: Record, given: Attributes) -> Record:
    """Return a record as it is after a write; the one before stays as it was."""
    kept = {name: value for name, value in given.items() if name not in {"event", "state", "doi"}}
    state = _EVENTS.get(str(given.get("event")), {}).get(held.state, held.state)
    new = Record(
        doi=held.doi,
        state=state,
        attributes={**held.attributes, **kept},
        writes=held.writes + 1,
    )
    _check(new)
    return new


def _check(record: Record) -> None:
    url = record.attributes.get("url")
    if url and not _ADDRESS.fullmatch(str(url)):
        raise RefusedError(422, "URL is not valid", source="url")
    if record.state == "draft":
        return
    if not url:
        raise RefusedError(422, "Can't be blank", source="url")
    for name in _MANDATORY:
        if not record.attributes.get(name):
            raise RefusedError(
                422,
                "Missing child element(s). Expected is "
                f"( {{http://datacite.org/schema/kernel-4}}{name} ).",
                source=name,
            )
    if not (record.attributes.get("types") or {}).get("resourceTypeGeneral"):
        raise RefusedError(422, "Missing resourceTypeGeneral", source="types")
