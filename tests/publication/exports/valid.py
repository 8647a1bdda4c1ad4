"""Whether an export is valid, as others judge it: the schemas and parsers of other projects.

Each takes the bytes and the record, and fails where something is wrong. One more format: put it
in `VALID` by the name of the export.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import rdflib
import rispy
from citeproc import Citation as Cited
from citeproc import CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from datacite import schema45
from lxml import etree
from said import graph_of, library_of

from panosc.publication.exports.datacite_json import attributes
from panosc.publication.record import Publication

_STYLE = CitationStylesStyle("harvard-cite-them-right", validate=False)
_DUBLIN_CORE = frozenset(
    [
        "title",
        "creator",
        "subject",
        "description",
        "publisher",
        "contributor",
        "date",
        "type",
        "format",
        "identifier",
        "source",
        "language",
        "relation",
        "coverage",
        "rights",
    ]
)
"""All elements of simple Dublin Core; oai_dc has any number of them in any order, with texts."""
_RIS = re.compile(r"[A-Z][A-Z0-9]  - .*")


def datacite_json(content: bytes, _publication: Publication) -> None:
    """By the JSON Schema of 4.5 that the DataCite community keeps."""
    told = json.loads(content)
    assert told.pop("id").startswith("https://")
    assert told.pop("agency") == "datacite"
    assert [error.message for error in schema45.validator.iter_errors(told)] == []


def datacite_xml(content: bytes, publication: Publication) -> None:
    """Element by element what that community's own writer makes, which the official XSD takes."""
    told = attributes(publication)
    if "doi" not in told:
        # theirs cannot write a record without a DOI
        told["doi"] = "10.5072/none"
        content = content.replace(
            f'<identifier identifierType="URL">{publication.url}<'.encode(),
            b'<identifier identifierType="DOI">10.5072/none<',
        )
    theirs = etree.fromstring(etree.tostring(schema45.dump_etree(told)))
    ours = etree.fromstring(content)
    assert ours.tag == theirs.tag
    # what is in ``resource`` may stand in any order, what is below may not
    assert Counter(map(_whole, ours)) == Counter(map(_whole, theirs))


def _whole(element: Any) -> Any:
    """Return an element with all that is in it, in order."""
    told = {
        name: value
        # theirs leaves this out
        for name, value in element.attrib.items()
        if name != "classificationCode"
    }
    text = None if len(element) else (element.text or "").strip()
    return element.tag, text, frozenset(told.items()), tuple(map(_whole, element))


def oai_dc(content: bytes, _publication: Publication) -> None:
    root = etree.fromstring(content)
    assert root.tag == "{http://www.openarchives.org/OAI/2.0/oai_dc/}dc"
    for element in root:
        name = etree.QName(element)
        assert name.namespace == "http://purl.org/dc/elements/1.1/"
        assert name.localname in _DUBLIN_CORE
        assert (len(element), dict(element.attrib)) == (0, {})
        assert element.text


def json_ld(content: bytes, _publication: Publication) -> None:
    _graph(content, "json-ld")


def turtle(content: bytes, _publication: Publication) -> None:
    _graph(content, "turtle")


def _graph(content: bytes, form: str) -> None:
    graph = graph_of(content, form)
    assert len(graph) > 10
    # what can be written as triples again names everything by a valid address
    graph.serialize(format="nt")
    for place in (*graph.subjects(), *graph.predicates(), *graph.objects()):
        if isinstance(place, rdflib.URIRef):
            assert re.fullmatch(r"(https?://|info:eu-repo/)[^\s<>\"{}|\\^`]+", str(place)), place


def csl(content: bytes, publication: Publication) -> None:
    """By a citation processor, which makes a reference of it."""
    told = json.loads(content)
    # it takes no names as a whole; they are told as CSL has it
    for line in (name for role in ("author", "contributor") for name in told[0].get(role, ())):
        if "literal" in line:
            line["family"] = line.pop("literal")
            line["given"] = ""
    source = CiteProcJSON(told)
    bibliography = CitationStylesBibliography(_STYLE, source, formatter.plain)
    bibliography.register(Cited([CitationItem(told[0]["id"])]))
    written = "".join(str(line) for line in bibliography.bibliography())
    assert str(publication.year) in written


def ris(content: bytes, publication: Publication) -> None:
    text = content.decode()
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert all(_RIS.fullmatch(line) for line in lines)
    assert not re.search(r"(?<!\r)\n|\r(?!\n)", text)
    assert (lines[0][:2], lines[-1]) == ("TY", "ER  - ")
    assert len(rispy.loads(text)) == 1
    assert publication.model != "Dataset" or lines[0] == "TY  - DATA"


def ro_crate(content: bytes, _publication: Publication) -> None:
    """Flat, each thing once and by a name, as crates are; `rdf/test_ro_crate.py` has the judge."""
    told = json.loads(content)
    assert set(told) == {"@context", "@graph"}
    names = [entity["@id"] for entity in told["@graph"]]
    assert len(names) == len(set(names))
    for entity in told["@graph"]:
        assert entity["@type"]
        for values in entity.values():
            for value in values if isinstance(values, list) else [values]:
                assert not isinstance(value, dict) or set(value) == {"@id"}


def bibtex(content: bytes, _publication: Publication) -> None:
    library = library_of(content)
    assert [entry.type for entry in library.entries.values()] == ["misc"]
    assert not library.preamble


VALID: dict[str, Callable[[bytes, Publication], None]] = {
    "bibtex": bibtex,
    "csl": csl,
    "datacite-json": datacite_json,
    "datacite-xml": datacite_xml,
    # the shapes of DCAT-AP judge some of these in `rdf/test_dcat.py`: they take their time
    "dcat-json-ld": json_ld,
    "dcat-turtle": turtle,
    "json-ld": json_ld,
    "oai-dc": oai_dc,
    "ris": ris,
    "ro-crate": ro_crate,
}
"""By the name of the export."""
