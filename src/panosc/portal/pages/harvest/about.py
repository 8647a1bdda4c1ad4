"""``/about`` and what registries are told: re3data, the EOSC catalogue, the list of APIs."""

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.portal.pages.harvest.answering import add, kept
from panosc.portal.site import Site, add_page, pages
from panosc.portal.words import contact_address
from panosc.publication.eosc import repository

_LINKSET = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'


def router(site: Site) -> APIRouter:
    """Return the routes."""
    routes = pages()
    settings = site.settings

    def about(request: Request) -> Response:
        return site.render.page(
            request,
            "about",
            title="About this node",
            canonical="/about",
            description=repository.description(settings.facility),
            ror=settings.facility_ror,
            contact=settings.contact and contact_address(settings.contact),
            base=site.render.address(request),
        )

    def re3data(request: Request) -> Response:
        today = site.policy.clock().date()
        text = repository.re3data(settings, site.absolute(request), today)
        return kept(Response(text, media_type="application/xml"))

    def eosc(request: Request) -> Response:
        told = repository.eosc(settings, site.absolute(request))
        return kept(Response(orjson.dumps(told), media_type="application/json"))

    def apis(request: Request) -> Response:
        address = site.absolute(request)
        answer = kept(Response(orjson.dumps(repository.api_catalog(address)), media_type=_LINKSET))
        answer.headers["Link"] = f'<{address("/.well-known/api-catalog")}>; rel="api-catalog"'
        return answer

    add_page(routes, "/about", about, summary="What this node is, and how it is harvested")
    add(
        routes,
        "/about/re3data.xml",
        re3data,
        kind="application/xml",
        summary="The node as re3data describes repositories",
    )
    add(
        routes,
        "/api/v1/eosc",
        eosc,
        kind="application/json",
        summary="The node in the words of the EOSC catalogue",
    )
    add(
        routes,
        "/.well-known/api-catalog",
        apis,
        kind="application/linkset+json",
        summary="The APIs of this node (RFC 9727)",
    )
    return routes
