"""What SciCat's published data mean: documents with a DOI, in the flat and the nested shape.

Version 3 of its interface has them flat (``creator``, ``pidArray``), version 4 nested
(``metadata.creators``, ``datasetPids``); the states differ as well.
"""

from collections.abc import Mapping
from typing import Any

from panosc.federation.connectors.scicat_parts.records import MOST_PEOPLE, Making, access_of
from panosc.federation.naming import doi_of, orcid_of
from panosc.federation.values import Fields, integer, mapping, objects, several, text, when

PUBLIC = frozenset({"registered", "public", "amended"})
"""States in which anyone may see them; all others are the group's alone."""
_LAST_YEAR = 9999


def is_public(content: Mapping[str, Any]) -> bool:
    """Return whether the state of published data is one that anyone may see."""
    return (text(content.get("status"), 40) or "").lower() in PUBLIC


def publication(made: Making) -> None:
    """Make the rows of published data: a document, its creators, its datasets."""
    fields = made.fields
    inner = Fields(mapping(fields.content.get("metadata")), fields.warnings)
    doi = fields.text("doi", 1000)
    subjects = objects(inner.content.get("subjects"))
    rights = objects(inner.content.get("rightsList"))
    keys = ("rightsIdentifier", "rights", "rightsUri")
    row = access_of(fields, is_public=is_public(fields.content)) | {
        "type": "publication",
        "title": fields.text("title", 1000) or doi,
        "summary": fields.text("abstract") or fields.text("dataDescription"),
        "doi": doi_of(doi),
        "releaseDate": fields.when("registeredTime") or _released(fields, inner),
        "keywords": [word for item in subjects if (word := text(item.get("subject"), 500))],
        "license": next(
            (name for one in rights for key in keys if (name := text(one.get(key)))), None
        ),
    }
    pid = made.begin("Document", doi, row, page="publishedDatasets")
    if pid is None:
        return
    owner = {"documentId": pid}
    people = several(inner.content.get("creators")) or several(fields.content.get("creator"))
    for person in people[:MOST_PEOPLE]:
        made.member(owner, _person(person), "creator")
    for person in several(inner.content.get("contributors"))[:MOST_PEOPLE]:
        role = text(mapping(person).get("contributorType"), 100)
        made.member(owner, _person(person), role or "contributor")
    theirs = [*fields.texts("datasetPids", 100_000), *fields.texts("pidArray", 100_000)]
    linked = dict.fromkeys(made.names.pid(item) for item in theirs)
    for other in linked:
        if other is not None:
            made.rows.append(("DocumentDataset", owner | {"datasetId": other}))


def _released(fields: Fields, inner: Fields) -> str | None:
    year = integer(fields.content.get("publicationYear", inner.content.get("publicationYear")))
    return when(f"{year:04}-01-01") if year is not None and 0 < year <= _LAST_YEAR else None


def _person(given: object) -> dict[str, Any]:
    """Return a person as `Making.member` takes one; version 3 has names alone."""
    if not isinstance(given, dict):
        return {"fullName": text(given, 300)}
    first, last = text(given.get("givenName"), 200), text(given.get("familyName"), 200)
    places = several(given.get("affiliation"))
    place = places[0] if places else None
    marks = [
        given.get("orcid"),
        *(one.get("nameIdentifier") for one in objects(given.get("nameIdentifiers"))),
    ]
    return {
        "fullName": text(given.get("name"), 300) or " ".join(filter(None, (first, last))),
        "firstName": first,
        "lastName": last,
        "orcid": next(filter(None, map(orcid_of, marks)), None),
        "affiliation": place if isinstance(place, dict) else {"name": place},
    }
