"""The envelope of OAI-PMH as XML; what is in a record is written by `exports`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from lxml import etree

from panosc.publication.exports import datacite_xml, oai_dc
from panosc.publication.exports.oai_dc import Element
from panosc.publication.oai.names import identifier
from panosc.publication.oai.store import Line
from panosc.publication.record import Publication

OAI: Final = "http://www.openarchives.org/OAI/2.0/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_KERNEL: Final = "http://datacite.org/schema/kernel-4"
_WRAPPED: Final = "http://schema.datacite.org/oai/oai-1.1/"
_IDENTIFIER: Final = "http://www.openarchives.org/OAI/2.0/oai-identifier"
_VERSION: Final = "4.5"

FORMATS: Final[dict[str, tuple[str, str]]] = {
    "oai_dc": ("http://www.openarchives.org/OAI/2.0/oai_dc.xsd", oai_dc.SCHEMA),
    "oai_datacite": (f"{_WRAPPED}oai.xsd", _WRAPPED),
    "datacite": (f"http://schema.datacite.org/meta/kernel-{_VERSION}/metadata.xsd", _KERNEL),
}
"""Prefix → address of the schema, namespace."""


def envelope(answered: datetime, base: str, asked: Mapping[str, str]) -> Element:
    """Return the outermost element; what is answered is put into it."""
    names: dict[Any, str] = {None: OAI, "xsi": _XSI}
    root = etree.Element(_name("OAI-PMH"), nsmap=names)
    root.set(f"{{{_XSI}}}schemaLocation", f"{OAI} {OAI}OAI-PMH.xsd")
    add(root, "responseDate", written(answered))
    request = add(root, "request", base)
    for name, value in asked.items():
        request.set(name, value)
    return root


def add(above: Element, name: str, text: str | None = None) -> Element:
    """Add an element of the protocol."""
    made = etree.SubElement(above, _name(name))
    made.text = text
    return made


def header(above: Element, line: Line, domain: str) -> None:
    """Add the header of a record."""
    made = add(above, "header")
    if line.is_deleted:
        made.set("status", "deleted")
    add(made, "identifier", identifier(domain, line.model, line.pid))
    add(made, "datestamp", written(line.datestamp))
    for name in line.sets:
        add(made, "setSpec", name)


def metadata(above: Element, publication: Publication, prefix: str) -> None:
    """Add what a record says, in one of `FORMATS`."""
    add(above, "metadata").append(_element(publication, prefix))


def described(above: Element, domain: str) -> None:
    """Add what identifiers of this node look like."""
    names: dict[Any, str] = {None: _IDENTIFIER}
    made = etree.SubElement(
        add(above, "description"), _name("oai-identifier", _IDENTIFIER), None, names
    )
    made.set(f"{{{_XSI}}}schemaLocation", f"{_IDENTIFIER} {_IDENTIFIER}.xsd")
    for name, text in (
        ("scheme", "oai"),
        ("repositoryIdentifier", domain),
        ("delimiter", ":"),
        ("sampleIdentifier", identifier(domain, "Dataset", "10.5072/example")),
    ):
        etree.SubElement(made, _name(name, _IDENTIFIER)).text = text


def resumption(
    above: Element, token: str | None, expires: datetime, *, given: int, size: int
) -> None:
    """Add a token, empty on the last page."""
    made = add(above, "resumptionToken", token)
    if token is not None:
        made.set("expirationDate", written(expires))
    made.set("completeListSize", str(size))
    made.set("cursor", str(given))


def written(moment: datetime) -> str:
    """Return a time as the protocol writes it, in seconds."""
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _element(publication: Publication, prefix: str) -> Element:
    if prefix == "oai_dc":
        return oai_dc.element(publication)
    found = datacite_xml.element(publication)
    if prefix == "datacite":
        return found
    names: dict[Any, str] = {None: _WRAPPED, "xsi": _XSI}
    root = etree.Element(_name("oai_datacite", _WRAPPED), nsmap=names)
    root.set(f"{{{_XSI}}}schemaLocation", " ".join(reversed(FORMATS["oai_datacite"])))
    etree.SubElement(root, _name("schemaVersion", _WRAPPED)).text = _VERSION
    etree.SubElement(root, _name("datacentreSymbol", _WRAPPED)).text = publication.facility
    etree.SubElement(root, _name("payload", _WRAPPED)).append(found)
    return root


def _name(name: str, space: str = OAI) -> str:
    return f"{{{space}}}{name}"
