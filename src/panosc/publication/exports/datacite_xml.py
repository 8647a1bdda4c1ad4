"""Records as XML of DataCite's kernel 4.5: what its JSON says, element by element."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from lxml import etree

from panosc.publication.exporting import Export
from panosc.publication.exports.datacite_json import SCHEMA, Described, attributes
from panosc.publication.record import Publication

_SCHEMA_LOCATION: Final = f"{SCHEMA} https://schema.datacite.org/meta/kernel-4.5/metadata.xsd"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_NAMES: Final[dict[Any, str]] = {None: SCHEMA, "xsi": _XSI}
Element = etree._Element  # noqa: SLF001 - lxml has no public name for what all its functions return


def element(publication: Publication) -> Element:
    """Return a record as ``resource``; without a DOI its page is what identifies it."""
    told = attributes(publication)
    root = etree.Element(_name("resource"), nsmap=_NAMES)
    root.set(f"{{{_XSI}}}schemaLocation", _SCHEMA_LOCATION)
    if "doi" in told:
        _add(root, "identifier", told["doi"], {"identifierType": "DOI"})
    else:
        _add(root, "identifier", told["url"], {"identifierType": "URL"})
    _many(root, "creators", told["creators"], lambda above, item: _agent(above, "creator", item))
    _texts(root, "titles", "title", told["titles"], text="title")
    _add(root, "publisher", told["publisher"]["name"], told["publisher"])
    _add(root, "publicationYear", told["publicationYear"])
    _add(root, "resourceType", told["types"]["resourceType"], told["types"])
    _texts(root, "subjects", "subject", told["subjects"], text="subject")
    _many(
        root,
        "contributors",
        told.get("contributors", ()),
        lambda above, item: _agent(above, "contributor", item),
    )
    for several, one in _LISTS.items():
        _texts(root, several, one, told.get(several, ()), text=one)
    for several, one in (("sizes", "size"), ("formats", "format")):
        lines = [{one: line} for line in told.get(several, ())]
        _texts(root, several, one, lines, text=one)
    _texts(root, "rightsList", "rights", told["rightsList"], text="rights")
    _many(root, "fundingReferences", told.get("fundingReferences", ()), _funding)
    _many(root, "relatedItems", told.get("relatedItems", ()), _item)
    return root


_LISTS: Final = {
    "dates": "date",
    "alternateIdentifiers": "alternateIdentifier",
    "relatedIdentifiers": "relatedIdentifier",
    "descriptions": "description",
}
_ATTRIBUTES: Final = {
    "affiliationIdentifier": "affiliationIdentifier",
    "affiliationIdentifierScheme": "affiliationIdentifierScheme",
    "alternateIdentifierType": "alternateIdentifierType",
    "classificationCode": "classificationCode",
    "contributorType": "contributorType",
    "dateType": "dateType",
    "descriptionType": "descriptionType",
    "funderIdentifierType": "funderIdentifierType",
    "identifierType": "identifierType",
    "nameIdentifierScheme": "nameIdentifierScheme",
    "nameType": "nameType",
    "publisherIdentifier": "publisherIdentifier",
    "publisherIdentifierScheme": "publisherIdentifierScheme",
    "relatedIdentifierType": "relatedIdentifierType",
    "relatedItemIdentifierType": "relatedItemIdentifierType",
    "relatedItemType": "relatedItemType",
    "relationType": "relationType",
    "resourceTypeGeneral": "resourceTypeGeneral",
    "rightsIdentifier": "rightsIdentifier",
    "rightsIdentifierScheme": "rightsIdentifierScheme",
    "rightsUri": "rightsURI",
    "schemeUri": "schemeURI",
    "subjectScheme": "subjectScheme",
    "valueUri": "valueURI",
    "awardUri": "awardURI",
}
"""Members of the JSON that are attributes in XML, and how they are spelt there."""


def _name(name: str) -> str:
    return f"{{{SCHEMA}}}{name}"


def _add(
    above: Element, name: str, text: str | None, told: Mapping[str, Any] | None = None
) -> Element:
    """Add an element with a text, and what of `told` is an attribute."""
    made = etree.SubElement(above, _name(name))
    made.text = text
    for member, value in (told or {}).items():
        if member in _ATTRIBUTES and isinstance(value, str):
            made.set(_ATTRIBUTES[member], value)
    return made


def _many(
    root: Element,
    name: str,
    lines: Iterable[Described],
    write: Callable[[Element, Described], None],
) -> None:
    """Add a list of elements, nothing for an empty one."""
    above: Element | None = None
    for line in lines:
        above = etree.SubElement(root, _name(name)) if above is None else above
        write(above, line)


def _texts(root: Element, several: str, one: str, lines: Iterable[Described], *, text: str) -> None:
    def write(above: Element, line: Described) -> None:
        _add(above, one, line[text], line)

    _many(root, several, lines, write)


def _agent(above: Element, kind: str, told: Described) -> None:
    made = etree.SubElement(above, _name(kind))
    if "contributorType" in told:
        made.set("contributorType", told["contributorType"])
    _add(made, f"{kind}Name", told["name"], {"nameType": told["nameType"]})
    for name in ("givenName", "familyName"):
        if name in told:
            _add(made, name, told[name])
    for line in told.get("nameIdentifiers", ()):
        _add(made, "nameIdentifier", line["nameIdentifier"], line)
    for line in told.get("affiliation", ()):
        _add(made, "affiliation", line["name"], line)


def _funding(above: Element, told: Described) -> None:
    made = etree.SubElement(above, _name("fundingReference"))
    _add(made, "funderName", told["funderName"])
    if "funderIdentifier" in told:
        kind = {"funderIdentifierType": told["funderIdentifierType"]}
        _add(made, "funderIdentifier", told["funderIdentifier"], kind)
    if "awardNumber" in told:
        _add(made, "awardNumber", told["awardNumber"], {"awardUri": told.get("awardUri")})
    if "awardTitle" in told:
        _add(made, "awardTitle", told["awardTitle"])


def _item(above: Element, told: Described) -> None:
    made = _add(above, "relatedItem", None, told)
    identified = told["relatedItemIdentifier"]
    _add(made, "relatedItemIdentifier", identified["relatedItemIdentifier"], identified)
    _texts(made, "titles", "title", told["titles"], text="title")


def _write(publication: Publication) -> bytes:
    return etree.tostring(element(publication), encoding="UTF-8", xml_declaration=True)


EXPORT: Final = Export(
    name="datacite-xml",
    title="DataCite XML",
    media_type="application/vnd.datacite.datacite+xml",
    suffix=".datacite.xml",
    write=_write,
    profile=SCHEMA,
)
