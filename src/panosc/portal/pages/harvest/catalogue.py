"""``/dcat`` and ``/.well-known/void``: the node as linked data, what anyone may know of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from panosc.portal.accepting import Offer, best
from panosc.portal.pages.harvest.answering import add, kept
from panosc.portal.site import Site, pages
from panosc.publication.eosc import service
from panosc.publication.eosc.catalogue import void
from panosc.publication.rdf.graph import Graph, json_ld, turtle

_TURTLE = Offer(name="turtle", kind="text/turtle")
_JSON = Offer(name="json-ld", kind="application/ld+json")
After = Annotated[str | None, Query(max_length=300, description="Begin after this dataset")]
Form = Annotated[
    str | None, Query(alias="format", description="`turtle` or `json-ld`; else what is accepted")
]


def router(site: Site) -> APIRouter:
    """Return the routes."""
    routes = pages()
    node = service.build(site.publications)

    def catalogue(request: Request, after: After = None, form: Form = None) -> Response:
        accept = request.headers.get("accept", "")
        offer = _JSON if form == _JSON.name else _TURTLE
        if form is None:
            offer = best(accept, (_TURTLE, _JSON)) or _TURTLE
        graph, following = node.catalogue.page(site.absolute(request), after)
        answer = _written(graph, offer)
        answer.headers["Vary"] = "Accept"
        if following is not None:
            place = request.url.include_query_params(after=following)
            path = site.render.address(request, f"/dcat?{place.query}")
            answer.headers["Link"] = f'<{path}>; rel="next"'
        return answer

    def described(request: Request) -> Response:
        return _written(void(site.absolute(request), node.facility), _TURTLE)

    add(
        routes,
        "/dcat",
        catalogue,
        kind="text/turtle",
        summary="The catalogue as DCAT-AP, page by page, as Turtle or JSON-LD",
    )
    add(
        routes,
        "/.well-known/void",
        described,
        kind="text/turtle",
        summary="Where the linked data of this node are (VoID)",
    )
    return routes


def _written(graph: Graph, offer: Offer) -> Response:
    nodes = graph.nodes.values()
    body = json_ld(nodes) if offer is _JSON else "".join(turtle(nodes)).encode()
    return kept(Response(body, media_type=offer.kind))
