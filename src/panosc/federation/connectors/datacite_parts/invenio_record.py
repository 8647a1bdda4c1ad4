"""Records of InvenioRDM as DataCite's attributes, with what they say of access and files."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

from panosc.federation.connectors.datacite_parts.meaning import Told
from panosc.federation.values import Object, line, mapping, objects
from panosc.publication.identifiers import is_web
from panosc.publication.record import Relation

MOST_FILES: Final = 5000
_ROR: Final = re.compile(r"0[a-z0-9]{6}\d{2}")
_RELATIONS: Final = {str(name).lower(): str(name) for name in get_args(Relation)}
_ROLES: Final[Mapping[str, str]] = {
    "contactperson": "ContactPerson",
    "datacollector": "DataCollector",
    "hostinginstitution": "HostingInstitution",
    "projectleader": "ProjectLeader",
}
_DATES: Final[Mapping[str, str]] = {
    "available": "Available",
    "collected": "Collected",
    "created": "Created",
    "issued": "Issued",
    "withdrawn": "Withdrawn",
}
_TYPES: Final[Mapping[str, str]] = {
    "dataset": "Dataset",
    "publication-article": "JournalArticle",
    "publication-dissertation": "Dissertation",
    "publication-thesis": "Dissertation",
    "publication-report": "Report",
    "publication-technicalnote": "Report",
    "publication-proposal": "StudyRegistration",
}
_RIGHTS: Final = {"embargoed": "embargoedAccess", "restricted": "restrictedAccess"}


def told(record: Object, key: str) -> Told:
    """Return what a record says."""
    metadata = mapping(record.get("metadata"))
    allowed = mapping(record.get("access"))
    attributes = {
        "doi": _pid(record.get("pids"), "doi"),
        "alternateIdentifiers": _alternates(record),
        "titles": [{"title": metadata.get("title")}, *objects(metadata.get("additional_titles"))],
        "creators": [_agent(item) for item in objects(metadata.get("creators"))],
        "contributors": [_agent(item) for item in objects(metadata.get("contributors"))],
        "publisher": {"name": metadata.get("publisher")},
        "types": _type(metadata),
        "dates": [*_available(allowed), *_dates(metadata)],
        "subjects": [_subject(item) for item in objects(metadata.get("subjects"))],
        "descriptions": [
            {"description": metadata.get("description"), "descriptionType": "Abstract"},
            *objects(metadata.get("additional_descriptions")),
        ],
        "rightsList": [*_allowed(allowed), *map(_right, objects(metadata.get("rights")))],
        "relatedIdentifiers": [*_related(metadata), *_parent(record)],
        "fundingReferences": [_funding(item) for item in objects(metadata.get("funding"))],
        "sizes": _sizes(record),
    }
    home = line(mapping(record.get("links")).get("self_html"))
    # the names of files are part of what an embargo covers
    is_open = allowed.get("files") == "public" and line(allowed.get("status")) != "embargoed"
    return Told(
        attributes=attributes,
        key=key,
        home=home,
        files=tuple(_files(record)) if is_open else (),
        is_hidden=allowed.get("record") != "public",
    )


def _title(value: object) -> str | None:
    """Return a text that may be told in several languages."""
    if isinstance(value, Mapping):
        return line(value.get("en")) or next((line(one) for one in value.values()), None)
    return line(value)


def _pid(pids: object, scheme: str) -> str | None:
    return line(mapping(mapping(pids).get(scheme)).get("identifier"))


def _alternates(record: Object) -> list[dict[str, str | None]]:
    told_of = [
        item.get("identifier")
        for item in objects(mapping(record.get("metadata")).get("identifiers"))
        if item.get("scheme") in {"doi", "handle", "ark", "urn", "igsn"}
    ]
    names = [_pid(record.get("pids"), "oai"), *map(line, told_of)]
    return [{"alternateIdentifier": name} for name in names if name]


def _agent(item: Object) -> dict[str, Any]:
    person = mapping(item.get("person_or_org"))
    kind = "Organizational" if person.get("type") == "organizational" else "Personal"
    return {
        "name": person.get("name"),
        "nameType": kind,
        "givenName": person.get("given_name"),
        "familyName": person.get("family_name"),
        "contributorType": _ROLES.get(_id(item.get("role")) or ""),
        "nameIdentifiers": [
            {
                "nameIdentifier": one.get("identifier"),
                "nameIdentifierScheme": (line(one.get("scheme")) or "").upper(),
            }
            for one in objects(person.get("identifiers"))
        ],
        "affiliation": [_affiliation(one) for one in objects(item.get("affiliations"))],
    }


def _affiliation(item: Object) -> dict[str, Any]:
    known = line(item.get("id")) or ""
    ror = f"https://ror.org/{known}" if _ROR.fullmatch(known) else None
    return {"name": item.get("name"), "affiliationIdentifier": ror}


def _id(value: object) -> str | None:
    return line(mapping(value).get("id"), 200)


def _type(metadata: Object) -> dict[str, str]:
    kind = _id(metadata.get("resource_type")) or ""
    general = _TYPES.get(kind) or ("Text" if kind.startswith("publication") else kind)
    return {"resourceTypeGeneral": general.partition("-")[0]}


def _available(allowed: Object) -> Iterator[dict[str, Any]]:
    embargo = mapping(allowed.get("embargo"))
    if embargo.get("active") is True or allowed.get("status") == "embargoed":
        yield {"date": embargo.get("until"), "dateType": "Available"}


def _allowed(allowed: Object) -> Iterator[dict[str, str]]:
    status = line(allowed.get("status")) or ""
    if status in _RIGHTS:
        yield {"rights": _RIGHTS[status]}
    elif allowed.get("files") != "public":
        # no word on how: not open, unless it is said
        yield {"rights": "openAccess" if status == "metadata-only" else "restrictedAccess"}


def _dates(metadata: Object) -> Iterator[dict[str, Any]]:
    for item in objects(metadata.get("dates")):
        kind = _DATES.get(_id(item.get("type")) or "")
        if kind is not None:
            yield {"date": item.get("date"), "dateType": kind}
    yield {"date": metadata.get("publication_date"), "dateType": "Issued"}


def _subject(item: Object) -> dict[str, Any]:
    known = line(item.get("id")) or ""
    uri = known if is_web(known) else None
    return {
        "subject": _title(item.get("subject") or item.get("title")),
        "subjectScheme": item.get("scheme"),
        "valueUri": uri,
    }


def _right(item: Object) -> dict[str, Any]:
    url = mapping(item.get("props")).get("url") or item.get("link")
    return {
        "rights": _title(item.get("title")),
        "rightsIdentifier": item.get("id"),
        "rightsUri": url,
    }


def _related(metadata: Object) -> Iterator[dict[str, Any]]:
    for item in objects(metadata.get("related_identifiers")):
        relation = _RELATIONS.get(_id(item.get("relation_type")) or "")
        if relation is not None:
            yield {"relatedIdentifier": item.get("identifier"), "relationType": relation}


def _parent(record: Object) -> Iterator[dict[str, Any]]:
    """Yield the DOI of all versions, which is that of none of them."""
    doi = _pid(mapping(record.get("parent")).get("pids"), "doi")
    if doi is not None:
        yield {"relatedIdentifier": doi, "relationType": "IsVersionOf"}


def _funding(item: Object) -> dict[str, Any]:
    funder, award = mapping(item.get("funder")), mapping(item.get("award"))
    known = line(funder.get("id")) or ""
    urls = [line(one.get("identifier")) for one in objects(award.get("identifiers"))]
    return {
        "funderName": funder.get("name"),
        "funderIdentifier": f"https://ror.org/{known}" if _ROR.fullmatch(known) else None,
        "awardNumber": award.get("number"),
        "awardTitle": _title(award.get("title")),
        "awardUri": next((url for url in urls if url and is_web(url)), None),
    }


def _sizes(record: Object) -> list[str]:
    size = mapping(record.get("files")).get("total_bytes")
    is_number = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return [f"{size} bytes"] if is_number else []


def _files(record: Object) -> Iterator[dict[str, Any]]:
    entries = mapping(record.get("files")).get("entries")
    listed = entries.values() if isinstance(entries, Mapping) else objects(entries)
    for number, item in enumerate(listed):
        name = line(mapping(item).get("key"))
        if number >= MOST_FILES or name is None:
            continue
        size = item.get("size")
        is_number = isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**63
        yield {"name": name, "path": name, "size": size if is_number else None}
