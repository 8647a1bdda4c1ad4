"""The catalogue of the node as DCAT-AP: page by page, each valid by itself.

What anyone may know, alone. Pages are linked by Hydra and begin after a dataset, so that none
costs more than the first, and what comes meanwhile moves nothing.
"""

from typing import Final

import sqlalchemy as sa

from panosc.domain.access import ANYONE
from panosc.publication.eosc.listing import Listing
from panosc.publication.gathering import Gatherer
from panosc.publication.identifiers import query
from panosc.publication.rdf.describing import describe, organisation
from panosc.publication.rdf.graph import Graph, Iri, Literal, Node
from panosc.publication.record import Address, Organisation

PAGE: Final = 50
METADATA_LICENCE: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
_SERVICES: Final = (
    ("/panosc-api", "PaNOSC search API", "/api/openapi.json"),
    ("/oai", "OAI-PMH 2.0", "/oai?verb=Identify"),
)


class Catalogue:
    """Writes the node as a catalogue."""

    def __init__(
        self,
        engine: sa.Engine,
        listing: Listing,
        gatherer: Gatherer,
        facility: Organisation,
    ) -> None:
        self._engine, self._listing = engine, listing
        self._gatherer, self._facility = gatherer, facility

    def page(self, address: Address, after: str | None) -> tuple[Graph, str | None]:
        """Return a page of the catalogue, and after which dataset the next one begins."""
        listed = self._listing.after("Dataset", after, PAGE + 1)
        pids = [item.pid for item in listed[:PAGE]]
        following = pids[-1] if len(listed) > PAGE else None
        graph = Graph()
        catalogue = self._about(graph, address)
        self._links(catalogue, address, after, following)
        with self._engine.connect() as connection:
            found = self._gatherer.many(connection, ANYONE, "Dataset", pids, address)
        for publication in found:
            catalogue.add("dcat:dataset", describe(graph, publication))
        return graph, following

    def _about(self, graph: Graph, address: Address) -> Node:
        name = self._facility.name
        node = graph.node(address("/dcat"), "dcat:Catalog", "hydra:Collection")
        node.add("dct:title", f"Open data of {name}")
        node.add("dct:description", f"Data measured at {name}, with what is known of them.")
        node.add("dct:publisher", organisation(graph, self._facility))
        node.add("foaf:homepage", graph.node(address("/"), "foaf:Document"))
        node.add("dct:license", graph.node(METADATA_LICENCE, "dct:LicenseDocument"))
        for path, title, described in _SERVICES:
            service = graph.node(address(path), "dcat:DataService")
            service.add("dct:title", title).add("dcat:endpointURL", Iri(address(path)))
            service.add("dcat:endpointDescription", Iri(address(described)))
            node.add("dcat:service", service)
        return node

    def _links(
        self, catalogue: Node, address: Address, after: str | None, following: str | None
    ) -> None:
        view = Node(types=("hydra:PartialCollectionView",)).add(
            "hydra:first", Iri(address("/dcat"))
        )
        if following is not None:
            path = f"/dcat?{query([('after', following)])}"
            view.add("hydra:next", Iri(address(path)))
        if after is None:
            total = self._listing.count("Dataset")
            catalogue.add("hydra:totalItems", Literal(str(total), "xsd:integer"))
        catalogue.add("hydra:view", view)


def void(address: Address, facility: Organisation) -> Graph:
    """Return the description that ``/.well-known/void`` asks for: where the data are."""
    graph = Graph()
    node = graph.node(address("/.well-known/void"), "void:DatasetDescription")
    data = graph.node(address("/dcat"), "void:Dataset", "dcat:Catalog")
    node.add("dct:title", f"Linked data of {facility.name}").add("foaf:primaryTopic", data)
    data.add("dct:title", f"Open data of {facility.name}")
    data.add("dct:publisher", organisation(graph, facility))
    data.add("dct:license", graph.node(METADATA_LICENCE, "dct:LicenseDocument"))
    data.add("void:dataDump", Iri(address("/dcat"))).add("void:uriSpace", address("/datasets/"))
    for vocabulary in ("http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"):
        data.add("void:vocabulary", Iri(vocabulary))
    return graph
