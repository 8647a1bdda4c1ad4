"""Other works that a record names: what it was derived from, belongs to, replaces."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from panosc.federation.naming import Names
from panosc.federation.values import line, loosely

MOST_RELATED: Final = 1000


@dataclass(slots=True, kw_only=True)
class Related:
    """Related works, by what they are to the record; identifiers are PIDs of this node."""

    derived_from: list[str] = field(default_factory=list)
    part_of: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    newer_than: str | None = None
    same: list[str] = field(default_factory=list)
    others: list[dict[str, str]] = field(default_factory=list)
    """In DataCite's words, for the page and the exports."""


_PLACES: Final[Mapping[str, str]] = {
    "IsDerivedFrom": "derived_from",
    "IsPartOf": "part_of",
    "HasPart": "parts",
    "IsIdenticalTo": "same",
}


def related(attributes: Mapping[str, Any], names: Names) -> Related:
    """Return the related works of a record."""
    found = Related()
    for relation, item, pid in _read(attributes, names):
        place = _PLACES.get(relation)
        if place is not None:
            here: list[str] = getattr(found, place)
            if pid not in here:
                here.append(pid)
        elif relation == "IsNewVersionOf" and found.newer_than is None:
            found.newer_than = pid
        else:
            found.others.append(item)
    return found


def _read(attributes: Mapping[str, Any], names: Names) -> Iterator[tuple[str, dict[str, str], str]]:
    for number, item in enumerate(loosely(attributes.get("relatedIdentifiers"))):
        if number >= MOST_RELATED:
            return
        relation, text = line(item.get("relationType")), line(item.get("relatedIdentifier"))
        pid = names.pid(text)
        if relation is None or text is None or pid is None:
            continue
        kept = {"relatedIdentifier": text, "relationType": relation}
        for name in ("relatedIdentifierType", "resourceTypeGeneral"):
            value = line(item.get(name), 100)
            if value is not None:
                kept[name] = value
        yield relation, kept, pid
