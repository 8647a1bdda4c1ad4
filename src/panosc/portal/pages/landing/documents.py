"""The page of a proposal or publication, with its datasets."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.query import Compare, Order, Query, Related
from panosc.portal.hits import asking, hits
from panosc.portal.pages.landing import answering
from panosc.portal.pages.landing.content import common
from panosc.portal.site import Site
from panosc.publication.record import Publication

MOST = 100


def router(site: Site) -> APIRouter:
    """Return the routes of documents."""
    return answering.router(site, "Document", page)


def page(site: Site, request: Request, who: Who, publication: Publication) -> Response:
    """Return the page of a document."""
    its = Related("documents", Compare(property="pid", operator="eq", operands=(publication.pid,)))
    order = (Order(property="creationDate", descending=True),)
    query = Query(model="Dataset", where=its, order=order, limit=MOST)
    answer = site.search.answer(who, asking(query))
    return site.render.page(
        request,
        "document",
        **common(site, request, publication),
        kind=publication.kind.capitalize(),
        total=answer.total,
        hits=hits(answer),
    )
