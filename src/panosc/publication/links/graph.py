"""What a record is linked with, as nodes and edges: two steps, bounded, under the policy.

The first step are its people, samples, instrument and works; the second what the records of
this node among those are linked with.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.publication.gathering import Gatherer
from panosc.publication.record import Address, Model, Publication, Related

MOST: Final = 100
"""Nodes of a graph."""
_STEPS: Final = 10
"""Records of the first step that the second one starts from, of each class."""
_KINDS: Final = {"JournalArticle": "publication", "Project": "proposal"}


@dataclass(slots=True)
class Graph:
    """Nodes by their address, and edges: from, relation, to."""

    centre: str
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    edges: dict[tuple[str, str, str], None] = field(default_factory=dict)
    is_whole: bool = True

    def node(self, id_: str, kind: str, label: str, url: str | None = None) -> bool:
        """Add a node; tell whether there is one."""
        if id_ not in self.nodes and len(self.nodes) >= MOST:
            self.is_whole = False
            return False
        self.nodes.setdefault(id_, {"id": id_, "kind": kind, "label": label, "url": url})
        return True

    def edge(self, first: str, relation: str, second: str) -> None:
        """Add an edge between two nodes."""
        self.edges[first, relation, second] = None

    def told(self) -> dict[str, Any]:
        """Return it as it is sent."""
        return {
            "centre": self.centre,
            "nodes": list(self.nodes.values()),
            "edges": [
                {"from": first, "relation": relation, "to": second}
                for first, relation, second in self.edges
            ],
            "isWhole": self.is_whole,
        }


def around(
    engine: sa.Engine, gatherer: Gatherer, who: Who, publication: Publication, address: Address
) -> Graph:
    """Return what a record is linked with, as far as `who` may know of it."""
    graph = Graph(publication.identifier)
    _add(graph, publication)
    for model in ("Document", "Dataset"):
        pids = _ours(publication.related, model, address)
        if not pids:
            continue
        with engine.connect() as connection:
            for found in gatherer.many(connection, who, model, pids[:_STEPS], address):
                _add(graph, found)
    return graph


def _add(graph: Graph, publication: Publication) -> None:
    centre = publication.identifier
    kind = "dataset" if publication.model == "Dataset" else publication.kind
    if not graph.node(centre, kind, publication.title, publication.url):
        return
    # those it is linked with may not have said so well what it is
    graph.nodes[centre] |= {"kind": kind, "label": publication.title, "url": publication.url}
    for agent in (*publication.creators, *publication.contributors):
        name = agent.orcid or f"person:{agent.name}"
        if agent.is_person and graph.node(name, "person", agent.name, agent.orcid):
            graph.edge(centre, "contributor" if agent.contributor else "creator", name)
    if publication.instrument is not None:
        used = publication.instrument
        if graph.node(used.identifier or used.url, "instrument", used.name, used.url):
            graph.edge(centre, "measuredWith", used.identifier or used.url)
    for sample in publication.detail.samples if publication.detail else ():
        name = f"sample:{sample.pid}"
        if graph.node(name, "sample", sample.name or sample.pid):
            graph.edge(centre, "measured", name)
    for work in publication.related:
        sort = _KINDS.get(work.general or "", (work.general or "work").lower())
        if graph.node(work.address, sort, work.title or work.identifier, work.url):
            graph.edge(centre, work.relation, work.address)


def _ours(related: tuple[Related, ...], model: Model, address: Address) -> list[str]:
    """Return the PIDs of those works that are records of this node."""
    place = address(f"/{model.lower()}s/")
    found = (work.url for work in related if work.url.startswith(place))
    return list(dict.fromkeys(unquote(url.removeprefix(place)) for url in found))
