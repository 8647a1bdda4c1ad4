"""What every page is given: the services of the node, and how a page is added."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from panosc.data.downloads.links import Links
from panosc.data.downloads.selecting import cookie
from panosc.data.downloads.selecting.stock import Stocks
from panosc.data.downloads.service import Downloads
from panosc.data.overviews.service import Overviews
from panosc.data.restoring.wishes import Wishes
from panosc.data.service import DataService
from panosc.domain.access import Who
from panosc.domain.errors import Gone, NotFound
from panosc.domain.query import Query
from panosc.federation.service import Federation
from panosc.files.service import PlotService
from panosc.identity.service import Identity
from panosc.ingest.messages.register import Register
from panosc.ingest.overview.service import Overview
from panosc.ingest.runs.service import Runs
from panosc.policy.asking import who_asks
from panosc.policy.declaring import add_get
from panosc.policy.service import Policy
from panosc.portal.rendering import Renderer
from panosc.publication.service import Publications
from panosc.search.results import Item
from panosc.search.saved.store import SavedSearches
from panosc.search.service import SearchService
from panosc.settings import Settings

Asker = Annotated[Who, Depends(who_asks)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The services that pages read from, and the renderer that writes them."""

    search: SearchService
    saved: SavedSearches
    plots: PlotService
    overviews: Overviews
    wishes: Wishes
    federation: Federation
    data: DataService
    downloads: Downloads
    publications: Publications
    stocks: Stocks
    links: Links
    identity: Identity
    policy: Policy
    runs: Runs
    overview: Overview
    register: Register
    settings: Settings
    render: Renderer

    def absolute(self, request: Request) -> Callable[[str], str]:
        """Return what makes paths of this node absolute for whoever sends a request."""
        return partial(self.render.address, request)

    def selection(self, request: Request) -> tuple[int, ...]:
        """Return the keys of the datasets that whoever sends a request has selected."""
        return cookie.read(self.identity.keys, request.cookies.get(cookie.COOKIE, ""))

    def record(self, who: Who, query: Query, pid: str) -> Item:
        """Return one record; what `who` may not know of is absent like what never was.

        Raises
        ------
        NotFound, Gone
        """
        noun = query.model.lower()
        try:
            return self.search.get(who, query.model, pid, query)
        except NotFound:
            raise NotFound(
                f"There is no {noun} “{pid}” at this node.",
                hint="Search for it, or ask whoever gave you the identifier.",
            ) from None
        except Gone:
            raise Gone(
                f"The {noun} “{pid}” was here and has been erased.",
                hint="Nothing of it is kept. Ask the operator of this node.",
            ) from None


def pages() -> APIRouter:
    """Return a router for pages: all of them say who is signed in."""
    return APIRouter(dependencies=[Depends(who_asks)])


def add_page(
    routes: APIRouter,
    path: str,
    handler: Callable[..., Response],
    *,
    summary: str,
    also: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Add a page for GET, described in the API document, and for HEAD.

    `also` says what else it answers, status by status; what holds for every route is said in
    `guards.describing`.
    """
    described: dict[str, Any] = {
        "summary": summary,
        "tags": ["Pages"],
        "response_class": HTMLResponse,
        "responses": {status: {"description": text} for status, text in also.items()},
    }
    add_get(routes, path, handler, **described)


_SAYS = {
    400: "The form cannot be read.",
    401: "Nobody has signed in.",
    403: "This person may not do it.",
    404: "There is none, or none that the caller may know of.",
    409: "It has changed meanwhile.",
    410: "It was here and has been erased.",
    422: "A value cannot be used; the page says which.",
    429: "Too often; try again later.",
}


def add_form(
    routes: APIRouter,
    path: str,
    handler: Callable[..., Response],
    *,
    summary: str,
    errors: Sequence[int] = (400, 401, 403, 422),
) -> None:
    """Add what a form is sent to: it answers 303 to a page, or the form again with its errors."""
    page: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
    routes.add_api_route(
        path,
        handler,
        methods=["POST"],
        summary=summary,
        tags=["Pages"],
        status_code=303,
        response_class=HTMLResponse,
        responses={status: {"description": _SAYS[status], "content": page} for status in errors},
    )


def go_to(path: str) -> RedirectResponse:
    """Answer with another page of this node, given by its whole path."""
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-cache"})
