"""``/sitemap.xml`` with its parts, and ``/robots.txt``: the same for everyone who asks."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from panosc.portal.pages.harvest.answering import add, kept
from panosc.portal.site import Site, pages
from panosc.publication.eosc import service, sitemap

_XML = "application/xml"
_NOT_FOR_ROBOTS = (
    "/login",
    "/logout",
    "/account",
    "/auth/",
    "/settings/",
    "/selection",
    "/*/-/download",
    "/*/-/h5/",
    "/*/-/zarr/",
    "/*/-/view",
)
"""Pages of persons, and bytes: whoever harvests those takes the ways made for it."""


def router(site: Site) -> APIRouter:
    """Return the routes."""
    routes = pages()
    node = service.build(site.publications)

    def index(request: Request) -> Response:
        text = sitemap.index(node.listing, site.absolute(request))
        return kept(Response(text, media_type=_XML))

    def part(request: Request, name: str) -> Response:
        lines = sitemap.part(node.listing, site.absolute(request), name)
        wanted = iter(()) if request.method == "HEAD" else lines
        return kept(StreamingResponse(wanted, media_type=_XML))

    def robots(request: Request) -> Response:
        closed = "".join(f"Disallow: {site.render.root}{path}\n" for path in _NOT_FOR_ROBOTS)
        where = site.render.address(request, "/sitemap.xml")
        return kept(PlainTextResponse(f"User-agent: *\n{closed}\nSitemap: {where}\n"))

    none = {404: "There is no such part."}
    add(routes, "/sitemap.xml", index, kind=_XML, summary="The parts of the sitemap")
    add(routes, "/sitemap/{name}.xml", part, kind=_XML, summary="Part of the sitemap", also=none)
    add(routes, "/robots.txt", robots, kind="text/plain", summary="What robots may read")
    return routes
