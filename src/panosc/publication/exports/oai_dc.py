"""Records as unqualified Dublin Core, the format that every OAI-PMH server has to have."""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from panosc.publication.exporting import Export
from panosc.publication.exports.datacite_json import kind, remark
from panosc.publication.reading.describing import plain
from panosc.publication.record import File, Publication, day

SCHEMA: Final = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA_LOCATION: Final = f"{SCHEMA} http://www.openarchives.org/OAI/2.0/oai_dc.xsd"
_NAMES: Final = {"oai_dc": SCHEMA, "dc": _DC, "xsi": _XSI}
Element = etree._Element  # noqa: SLF001 - lxml has no public name for what all its functions return


def element(publication: Publication) -> Element:
    """Return a record as ``oai_dc:dc``."""
    root = etree.Element(f"{{{SCHEMA}}}dc", nsmap=_NAMES)
    root.set(f"{{{_XSI}}}schemaLocation", _SCHEMA_LOCATION)
    for name, text in _lines(publication):
        etree.SubElement(root, f"{{{_DC}}}{name}").text = text
    return root


def _lines(publication: Publication) -> Iterator[tuple[str, str]]:
    yield "title", publication.title
    for agent in publication.creators:
        yield "creator", agent.inverted
    for word in dict.fromkeys([*publication.keywords, *_terms(publication), "PaN"]):
        yield "subject", word
    yield "description", publication.description
    said = remark(publication)
    if said is not None:
        yield "description", said
    yield "publisher", publication.publisher.name
    for agent in publication.contributors:
        yield "contributor", agent.inverted
    yield "date", day(publication.issued)
    if publication.opens is not None:
        yield "date", f"info:eu-repo/date/embargoEnd/{day(publication.opens)}"
    yield "type", publication.general
    yield "type", kind(publication)
    for form in sorted({file.media_type for file in _files(publication)}):
        yield "format", form
    yield from _identifiers(publication)
    for item in publication.related:
        yield "relation", item.address
    if publication.instrument is not None:
        yield "source", publication.instrument.name
    yield from _measured(publication)
    yield from _rights(publication)


def _terms(publication: Publication) -> Iterator[str]:
    for term in publication.techniques:
        yield term.label
        if term.uri is not None:
            yield term.uri


def _files(publication: Publication) -> tuple[File, ...]:
    return () if publication.detail is None else publication.detail.files


def _identifiers(publication: Publication) -> Iterator[tuple[str, str]]:
    told = [publication.identifier, publication.url, plain(publication.pid)]
    # the bare DOI says nothing that its address does not
    yield from (("identifier", text) for text in dict.fromkeys(told) if text != publication.doi)


def _measured(publication: Publication) -> Iterator[tuple[str, str]]:
    yield from (("coverage", when) for name, when in publication.dates if name == "Collected")


def _rights(publication: Publication) -> Iterator[tuple[str, str]]:
    if publication.licence is not None:
        yield "rights", publication.licence.url or publication.licence.name
    for right in publication.rights:
        yield "rights", right


def _write(publication: Publication) -> bytes:
    return etree.tostring(element(publication), encoding="UTF-8", xml_declaration=True)


EXPORT: Final = Export(
    name="oai-dc",
    title="Dublin Core",
    media_type="application/xml",
    suffix=".dc.xml",
    write=_write,
    profile=SCHEMA,
    is_negotiated=False,
)
