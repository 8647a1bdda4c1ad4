"""Metadata of OAI-PMH records as DataCite's attributes: its own XML, Dublin Core, PaNOSC's.

Namespaces and their prefixes are not looked at: there are providers that have them wrong. Which
form it is the elements say, not what was asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from panosc.federation.connectors.datacite_parts import xml
from panosc.federation.connectors.datacite_parts.dates import span
from panosc.federation.connectors.datacite_parts.xml import Element
from panosc.federation.naming import doi_of
from panosc.publication.identifiers import is_web

Attributes = dict[str, Any]
_SPELT: Final[Mapping[str, str]] = {
    "rightsURI": "rightsUri",
    "valueURI": "valueUri",
    "schemeURI": "schemeUri",
    "awardURI": "awardUri",
}
_LISTS: Final[Mapping[str, tuple[str, str]]] = {
    "titles": ("title", "title"),
    "subjects": ("subject", "subject"),
    "dates": ("date", "date"),
    "descriptions": ("description", "description"),
    "rightsList": ("rights", "rights"),
    "relatedIdentifiers": ("relatedIdentifier", "relatedIdentifier"),
    "alternateIdentifiers": ("alternateIdentifier", "alternateIdentifier"),
}
"""List → element of it, member that holds its text."""
_MOST_DEEP: Final = 4


def attributes(metadata: Element) -> Attributes | None:
    """Return what ``metadata`` holds, None for a form that is not known."""
    for element in _outermost(metadata, _MOST_DEEP):
        read = _FORMS.get(xml.local(element))
        if read is not None:
            return read(element)
    return None


def _outermost(element: Element, depth: int) -> Iterator[Element]:
    for child in element:
        yield child
        if depth and xml.local(child) not in _FORMS:
            yield from _outermost(child, depth - 1)


def _datacite(resource: Element) -> Attributes:
    found: Attributes = {}
    identifier = xml.child(resource, "identifier")
    _identify(found, xml.text(identifier))
    for several, (one, key) in _LISTS.items():
        found[several] = [
            {key: xml.text(item), **_told(item)} for item in _in(resource, several, one)
        ]
    for several, one in (("sizes", "size"), ("formats", "format")):
        found[several] = [xml.text(item) for item in _in(resource, several, one)]
    for several, one in (("creators", "creator"), ("contributors", "contributor")):
        found[several] = [_agent(item, one) for item in _in(resource, several, one)]
    kind = xml.child(resource, "resourceType")
    if kind is not None:
        found["types"] = {"resourceType": xml.text(kind), **_told(kind)}
    publisher = xml.child(resource, "publisher")
    found["publisher"] = {"name": xml.text(publisher)}
    found["publicationYear"] = xml.text(xml.child(resource, "publicationYear"))
    found["fundingReferences"] = [
        {**_texts(item), **_award(item)}
        for item in _in(resource, "fundingReferences", "fundingReference")
    ]
    found["relatedItems"] = [_item(item) for item in _in(resource, "relatedItems", "relatedItem")]
    return found


def _dublin_core(dc: Element) -> Attributes:
    found: Attributes = {}
    for value in _values(dc, "identifier"):
        _identify(found, value)
    found["titles"] = [{"title": value} for value in _values(dc, "title")]
    found["descriptions"] = [{"description": value} for value in _values(dc, "description")]
    found["creators"] = [{"name": value} for value in _values(dc, "creator")]
    found["subjects"] = [_subject(value) for value in _values(dc, "subject")]
    found["rightsList"] = [
        {"rightsUri" if is_web(value) else "rights": value} for value in _values(dc, "rights")
    ]
    found["publisher"] = next(_values(dc, "publisher"), None)
    found["formats"] = found["sizes"] = list(_values(dc, "format", "extent"))
    found["dates"] = [_date(value) for value in _values(dc, "date", "issued")]
    found["dates"] += [
        {"date": value, "dateType": "Collected"}
        for value in _values(dc, "coverage")
        if span(value) != (None, None)
    ]
    found["types"] = _type(list(_values(dc, "type")))
    found["relatedIdentifiers"] = [
        {"relatedIdentifier": value, "relationType": "References"}
        for value in _values(dc, "relation")
        if doi_of(value) or is_web(value)
    ]
    return found


def _panosc(record: Element) -> Attributes:
    """Read the form of PaNOSC's provider for SciCat."""
    told = {xml.local(item): xml.text(item) for item in record}
    found: Attributes = {}
    _identify(found, told.get("id", ""))
    orcid = told.get("orcidOfOwner")
    owner = {"name": told.get("owner"), "nameIdentifiers": [{"nameIdentifier": orcid}]}
    return found | {
        "types": {"resourceTypeGeneral": "Dataset"},
        "titles": [{"title": told.get("name")}],
        "descriptions": [{"description": told.get("description")}],
        "creators": [owner],
        "rightsList": [{"rights": told.get("license")}],
        "dates": [
            {"date": told.get("startDate"), "dateType": "Collected"},
            {"date": told.get("embargoEndDate"), "dateType": "Available"},
        ],
        "subjects": [{"subject": told.get("technique"), "subjectScheme": "PaNET"}],
        "sizes": [told.get("size")],
    }


_FORMS: Final[Mapping[str, Callable[[Element], Attributes]]] = {
    "resource": _datacite,
    "dc": _dublin_core,
    "panosctype": _panosc,
}


def _in(resource: Element, several: str, one: str) -> Iterator[Element]:
    for above in xml.children(resource, several):
        yield from xml.children(above, one)


def _told(element: Element) -> Attributes:
    return {_SPELT.get(name, name): value for name, value in xml.attributes(element).items()}


def _texts(element: Element) -> Attributes:
    return {xml.local(item): xml.text(item) for item in element}


def _award(element: Element) -> Attributes:
    number = xml.child(element, "awardNumber")
    return {} if number is None else _told(number)


def _agent(element: Element, kind: str) -> Attributes:
    called = xml.child(element, f"{kind}Name")
    return {
        **_told(element),
        "name": xml.text(called),
        **({} if called is None else _told(called)),
        "givenName": xml.text(xml.child(element, "givenName")),
        "familyName": xml.text(xml.child(element, "familyName")),
        "nameIdentifiers": [
            {"nameIdentifier": xml.text(item), **_told(item)}
            for item in xml.children(element, "nameIdentifier")
        ],
        "affiliation": [
            {"name": xml.text(item), **_told(item)} for item in xml.children(element, "affiliation")
        ],
    }


def _item(element: Element) -> Attributes:
    return {
        **_told(element),
        "relatedItemIdentifier": xml.text(xml.child(element, "relatedItemIdentifier")),
        "titles": [{"title": xml.text(item)} for item in _in(element, "titles", "title")],
    }


def _identify(found: Attributes, value: str) -> None:
    """Take an identifier for what it is: a DOI, a page, or another name."""
    doi = doi_of(value)
    if doi is not None:
        # as it is spelt there: people compare it with what they see
        found.setdefault("doi", value)
    elif is_web(value):
        found.setdefault("url", value)
    elif value:
        name = {"alternateIdentifier": value}
        found.setdefault("alternateIdentifiers", []).append(name)


def _values(dc: Element, *names: str) -> Iterator[str]:
    for item in dc:
        if xml.local(item) in names and xml.text(item):
            yield xml.text(item)


def _subject(value: str) -> Attributes:
    return {"subject": value, "valueUri": value} if is_web(value) else {"subject": value}


def _date(value: str) -> Attributes:
    # by a convention of OpenAIRE
    head = "info:eu-repo/date/embargoEnd/"
    if value.startswith(head):
        return {"date": value.removeprefix(head), "dateType": "Available"}
    return {"date": value, "dateType": "Collected" if "/" in value else "Issued"}


def _type(values: list[str]) -> Attributes:
    """Return what a thing is, by the several types that Dublin Core gives."""
    last = [value.rstrip("/").rpartition("/")[2] for value in values]
    # c_ddb1: dataset, in COAR's vocabulary
    if any(word.lower() in {"dataset", "c_ddb1"} for word in last):
        return {"resourceTypeGeneral": "Dataset", "resourceType": values[-1]}
    return {"resourceType": last[0]} if last else {}
