"""Events of DataCite and link packages of Scholix, as links between two DOIs.

DataCite's Event Data answers JSON:API: ``subj-id``, ``relation-type-id``, ``obj-id``. Scholix 3
(ScholeXplorer) answers packages of ``source``, ``RelationshipType``, ``target``. What is not
understood is left out and counted by whoever reads; nothing is looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from panosc.domain.errors import Invalid
from panosc.publication.identifiers import doi
from panosc.publication.links.service import RELATIONS
from panosc.publication.reading.describing import plain

_INVERSE: Final = {
    **{
        first: second
        for pair in (
            ("IsPartOf", "HasPart"),
            ("IsNewVersionOf", "IsPreviousVersionOf"),
            ("IsVersionOf", "HasVersion"),
            ("IsDerivedFrom", "IsSourceOf"),
            ("IsSupplementTo", "IsSupplementedBy"),
            ("IsCitedBy", "Cites"),
            ("IsReferencedBy", "References"),
            ("IsDocumentedBy", "Documents"),
            ("IsCollectedBy", "Collects"),
            ("IsCompiledBy", "Compiles"),
            ("IsDescribedBy", "Describes"),
            ("IsIdenticalTo", "IsIdenticalTo"),
        )
        for first, second in (pair, pair[::-1])
    }
}
_KINDS: Final = {
    "literature": "JournalArticle",
    "publication": "JournalArticle",
    "dataset": "Dataset",
    "software": "Software",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a link."""

    doi: str
    title: str | None = None
    kind: str | None = None
    """DataCite's resourceTypeGeneral."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """That one work relates to another; `relation` is read from `first` to `second`."""

    first: End
    relation: str
    second: End
    source: str

    def turned(self) -> "Event":
        """Return the same, told from the other end."""
        return Event(
            first=self.second,
            relation=_INVERSE[self.relation],
            second=self.first,
            source=self.source,
        )


def events(content: bytes) -> Iterator[Event | None]:
    """Yield the links of an answer, None for each that is not understood.

    Raises
    ------
    Invalid
        If it is neither an answer of DataCite nor of Scholix.
    """
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Invalid(
            f"This is no JSON: {error}.", hint="Give what the API of DataCite or Scholix answered."
        ) from None
    lines = told if isinstance(told, list) else None
    if isinstance(told, dict):
        lines = next((told[key] for key in ("data", "result") if key in told), None)
    if not isinstance(lines, list):
        raise Invalid(
            "This is neither an answer of DataCite's events nor of Scholix.",
            hint="The first has a list “data”, the other one a list “result”.",
        )
    for line in lines:
        yield _event(line) if isinstance(line, dict) else None


def next_page(content: bytes) -> str | None:
    """Return where DataCite goes on."""
    told = orjson.loads(content)
    links = told.get("links") if isinstance(told, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    return following if isinstance(following, str) else None


def _event(line: Mapping[str, Any]) -> Event | None:
    attributes = line.get("attributes")
    if isinstance(attributes, dict):
        ends = End(doi=_doi(attributes.get("subj-id"))), End(doi=_doi(attributes.get("obj-id")))
        relation, source = _relation(attributes.get("relation-type-id")), "datacite"
    else:
        ends = _scholix_end(line, "source"), _scholix_end(line, "target")
        kind = line.get("RelationshipType")
        relation = _relation(kind.get("Name") if isinstance(kind, dict) else None)
        source = "scholix"
    first, second = ends
    if relation is None or not first.doi or not second.doi or first.doi == second.doi:
        return None
    return Event(first=first, relation=relation, second=second, source=source)


def _scholix_end(line: Mapping[str, Any], name: str) -> End:
    told = line.get(name) or line.get(name.capitalize())
    if not isinstance(told, dict):
        return End(doi="")
    given = told.get("Identifier")
    listed = given if isinstance(given, list) else [given]
    found = (item.get("ID") for item in listed if isinstance(item, dict))
    title, kind = told.get("Title"), told.get("Type")
    if isinstance(kind, dict):
        kind = kind.get("Name")
    return End(
        doi=next((named for item in found if (named := _doi(item))), ""),
        title=plain(title)[:500] or None if isinstance(title, str) else None,
        kind=_KINDS.get(kind.lower()) if isinstance(kind, str) else None,
    )


def _doi(value: Any) -> str:
    return (doi(value) or "") if isinstance(value, str) else ""


def _relation(value: Any) -> str | None:
    """Return a relation in DataCite's words: ``is-cited-by`` and ``isCitedBy`` are one."""
    if not isinstance(value, str):
        return None
    flat = value.replace("-", "").lower()
    return next((name for name in RELATIONS if name.lower() == flat), None)
