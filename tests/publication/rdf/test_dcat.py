"""DCAT-AP of records: two spellings of one graph, valid by the official shapes."""

import dataclasses
import json
from collections.abc import Callable

import publication_catalogue as given
import pytest
import rdflib
from rdflib import DCTERMS, FOAF, PROV, RDF, XSD, Literal, URIRef
from rdflib.compare import isomorphic
from validators import breaches

from panosc.domain.access import Who
from panosc.publication.exports import dcat
from panosc.publication.record import Publication

DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
CSMD = rdflib.Namespace("http://www.purl.org/net/CSMD/4.0#")
TEAM = Who(person="u-1", groups=frozenset({"team-a"}))
Tell = Callable[..., Publication]
# rdflib's own reader of JSON-LD uses it
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


def _read(publication: Publication) -> rdflib.Graph:
    return rdflib.Graph().parse(data=dcat.write_turtle(publication), format="turtle")


RECORDS = [
    (given.OPEN, "Dataset"),
    (given.EMBARGOED, "Dataset"),
    (given.WITHDRAWN, "Dataset"),
    (given.BARE, "Dataset"),
    (given.PROPOSAL, "Document"),
    (given.PAPER, "Document"),
]


def test_each_record_is_valid_and_both_spellings_are_one_graph(told: Tell) -> None:
    for pid, model in RECORDS:
        publication = told(pid, model=model)
        graph = _read(publication)
        other = rdflib.Graph().parse(data=dcat.write_json_ld(publication), format="json-ld")
        assert isomorphic(graph, other), pid
        assert breaches(graph) == [], pid


def test_the_shapes_find_what_is_missing(told: Tell) -> None:
    publication = told(given.OPEN)
    for taken, path in (
        ((None, DCTERMS.title, None), "title"),
        ((None, DCAT.accessURL, None), "accessURL"),
        ((None, RDF.type, FOAF.Agent), "publisher"),
        ((None, RDF.type, DCTERMS.MediaType), "mediaType"),
    ):
        graph = _read(publication)
        graph.remove(taken)
        assert any(path in line for line in breaches(graph)), path


def test_what_is_said_of_an_open_dataset(told: Tell) -> None:
    publication = told(given.OPEN)
    graph = _read(publication)
    node = URIRef(publication.identifier)
    assert set(graph.objects(node, RDF.type)) == {DCAT.Dataset, CSMD.Dataset}
    assert graph.value(node, DCTERMS.title) == Literal(publication.title)
    assert graph.value(node, DCTERMS.issued) == Literal("2022-01-02", datatype=XSD.date)
    assert URIRef("http://purl.org/pan-science/PaNET/PaNET01189") in set(
        graph.objects(node, DCTERMS.subject)
    )
    rights = {str(item) for item in graph.objects(node, DCTERMS.rights)}
    assert rights == {
        "http://purl.org/coar/access_right/c_abf2",
        "info:eu-repo/semantics/openAccess",
    }
    first = URIRef(f"{publication.detail.files[0].url}#distribution")  # type: ignore[union-attr]
    assert graph.value(first, DCAT.byteSize) == Literal("1000", datatype=XSD.nonNegativeInteger)
    checksum = graph.value(first, SPDX.checksum)
    assert graph.value(checksum, SPDX.checksumValue) == Literal("ab" * 32, datatype=XSD.hexBinary)
    newer = graph.value(None, PROV.wasRevisionOf, node)
    assert newer is None
    later = _read(told(given.EMBARGOED))
    assert (
        URIRef(told(given.EMBARGOED).identifier),
        PROV.wasRevisionOf,
        node,
    ) in later


def test_relations_are_read_back_by_their_names(told: Tell) -> None:
    publication = told(given.OPEN)
    graph = _read(publication)
    found = set()
    for relation in graph.objects(URIRef(publication.identifier), DCAT.qualifiedRelation):
        role = str(graph.value(relation, DCAT.hadRole)).rpartition("/")[2]
        found.add((role, str(graph.value(relation, DCTERMS.relation))))
    assert found == {(item.relation, item.address) for item in publication.related}
    assert len(found) >= 4


def test_of_embargoed_data_the_size_alone_is_told(told: Tell) -> None:
    text = dcat.write_turtle(told(given.EMBARGOED)).decode()
    for hidden in ("hidden.nxs", "lysozyme", "77.25", "temperature"):
        assert hidden not in text
    assert '"4000"^^xsd:nonNegativeInteger' in text
    assert "c_f1cf" in text
    assert "embargoedAccess" in text
    assert "hidden.nxs" in dcat.write_turtle(told(given.EMBARGOED, TEAM)).decode()


def test_what_strangers_write_stays_text(told: Tell) -> None:
    nasty = 'a"b\\c\n\t> . <urn:x> "\ud800\u0000é\U0001f9ea'
    publication = dataclasses.replace(
        told(given.OPEN), title=nasty, url="https://node.example/a b>.<x"
    )
    graph = _read(publication)
    other = json.loads(dcat.write_json_ld(publication))
    title = str(graph.value(URIRef(publication.identifier), DCTERMS.title))
    assert title.startswith('a"b\\c\n\t> . <urn:x> "')
    assert title.endswith("é\U0001f9ea")
    assert (URIRef("urn:x"), None, None) not in graph
    assert other["@graph"]
