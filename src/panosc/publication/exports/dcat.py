"""DCAT-AP of one record, as Turtle and as JSON-LD; what is said is `rdf.describing`."""

from typing import Final

from panosc.publication.exporting import Export
from panosc.publication.rdf.describing import describe
from panosc.publication.rdf.graph import Graph, json_ld, turtle
from panosc.publication.record import Publication

PROFILE: Final = "http://data.europa.eu/r5r/"
"""The namespace of DCAT-AP."""


def write_turtle(publication: Publication) -> bytes:
    """Return a record as Turtle."""
    return "".join(turtle(_graph(publication).nodes.values())).encode()


def write_json_ld(publication: Publication) -> bytes:
    """Return a record as JSON-LD that needs no other document to be read."""
    return json_ld(_graph(publication).nodes.values())


def _graph(publication: Publication) -> Graph:
    graph = Graph()
    describe(graph, publication)
    return graph


TURTLE = Export(
    name="dcat-turtle",
    title="DCAT-AP (Turtle)",
    media_type="text/turtle",
    suffix=".ttl",
    write=write_turtle,
    profile=PROFILE,
)
JSON_LD = Export(
    name="dcat-json-ld",
    title="DCAT-AP (JSON-LD)",
    media_type="application/ld+json",
    suffix=".dcat.jsonld",
    write=write_json_ld,
    profile=PROFILE,
    # whoever asks for JSON-LD without a profile gets schema.org's
    is_negotiated=False,
)
