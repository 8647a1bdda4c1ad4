"""What the address of a record answers: its page, or the form that a client takes better."""

from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.pid import pid_path
from panosc.policy.declaring import add_get
from panosc.portal.pages.landing import formats
from panosc.portal.site import Asker, Site, add_page, pages
from panosc.publication import signposting
from panosc.publication.exporting import exports
from panosc.publication.record import Model, Publication

Page = Callable[[Site, Request, Who, Publication], Response]
ALSO: Final = {
    304: "It is as it was.",
    406: "There is no form of it that the client takes; the hint names those that there are.",
}


def record(
    site: Site, request: Request, who: Who, publication: Publication, page: Page
) -> Response:
    """Return a record in the form that the client takes best; browsers take the page.

    Raises
    ------
    NotAcceptable
        If it takes none that there is.
    """
    form = formats.wanted(request, publication.model)
    if form is None:
        return page(site, request, who, publication)
    answer = formats.told(site, request, who, publication, form)
    answer.headers["Link"] = signposting.header(formats.links(publication))
    answer.headers["Vary"] = "Accept"
    address = signposting.plain_address(f"{publication.url}/-/export/{form}")
    answer.headers["Content-Location"] = address
    return answer


def linkset(site: Site, request: Request, publication: Publication) -> Response:
    """Return the linkset of a record."""
    anchors = [publication.url]
    if publication.doi is not None:
        anchors.append(site.render.address(request, f"/doi/{pid_path(publication.doi)}"))
    return formats.linkset(request, publication, anchors)


def router(site: Site, model: Model, page: Page) -> APIRouter:
    """Return the routes of the records of a class: their page, and what is beneath it."""
    routes = pages()

    def show(request: Request, who: Asker, pid: str) -> Response:
        return record(site, request, who, gathered(request, who, pid), page)

    def export(request: Request, who: Asker, pid: str, form: str) -> Response:
        return formats.told(site, request, who, gathered(request, who, pid), form)

    def links(request: Request, who: Asker, pid: str) -> Response:
        return linkset(site, request, gathered(request, who, pid))

    def gathered(request: Request, who: Who, pid: str) -> Publication:
        return site.publications.gatherer.one(who, model, pid, site.absolute(request))

    noun = model.lower()
    path = f"/{noun}s/{{pid:path}}"
    _add_beneath(routes, path, f"a {noun}", export, links)
    summary = f"The page of a {noun}, or the {noun} in another form"
    add_page(routes, path, show, summary=summary, also=ALSO)
    return routes


def _add_beneath(
    routes: APIRouter,
    path: str,
    noun: str,
    export: Callable[..., Response],
    linkset: Callable[..., Response],
) -> None:
    kinds = dict.fromkeys(one.media_type for one in exports().values())
    unchanged = {304: {"description": ALSO[304]}}
    _add(
        routes,
        f"{path}/-/export/{{form}}",
        export,
        summary=f"{noun.capitalize()} in another form",
        responses={
            200: {
                "description": "The record; the path says in which form.",
                "content": {kind.partition(";")[0]: {} for kind in (*kinds, "application/json")},
            },
            **unchanged,
        },
    )
    _add(
        routes,
        f"{path}/-/linkset",
        linkset,
        summary=f"Where everything that belongs to {noun} is (RFC 9264)",
        responses={
            200: {
                "description": "All links.",
                "content": {signposting.JSON: {}, signposting.TEXT: {}},
            },
            **unchanged,
        },
    )


def _add(routes: APIRouter, path: str, handler: Callable[..., Response], **described: Any) -> None:
    given = {"tags": ["Pages"], "response_class": Response, **described}
    add_get(routes, path, handler, **given)
