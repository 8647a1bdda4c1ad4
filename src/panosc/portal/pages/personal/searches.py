"""My searches: open one, see what is new, give it another name, delete it.

The search page keeps them. Feed readers do not sign in: a feed tells of what anyone may see.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.policy.requiring import require, require_session
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.search.saved.store import LONGEST_NAME, MOST, Saved

PATH = "/account/searches"
_DONE = {"saved": "It is kept.", "renamed": "It has its new name.", "deleted": "It is deleted."}
_ERRORS = (400, 401, 403, 404, 409, 422)

Text = Annotated[str, Form(max_length=5000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A search on the page, with how many it finds and how many of them are new."""

    search: Saved
    total: int | None
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What could not be done: to which search (empty: a new one), and what was typed."""

    id: str
    name: str
    params: str
    error: Invalid | Conflict


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()
    path = f"{site.render.root}{PATH}"
    saved = site.saved

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def save(request: Request, who: Asker, name: Text = "", params: Text = "") -> Response:
        require_session(who)
        try:
            saved.save(who, name, params)
        except (Invalid, Conflict) as error:
            refused = Refused(id="", name=name, params=params, error=error)
            return _page(site, request, who, refused=refused)
        return go_to(f"{path}?done=saved")

    def rename(request: Request, who: Asker, number: str, name: Text = "") -> Response:
        require_session(who)
        try:
            saved.rename(who, number, name)
        except (Invalid, Conflict) as error:
            refused = Refused(id=number, name=name, params="", error=error)
            return _page(site, request, who, refused=refused)
        return go_to(f"{path}?done=renamed")

    def look(who: Asker, number: str) -> Response:
        require_session(who)
        params = saved.look(who, number).params
        return go_to(f"{site.render.root}/search" + (f"?{params}" if params else ""))

    def delete(who: Asker, number: str) -> Response:
        require_session(who)
        saved.delete(who, number)
        return go_to(f"{path}?done=deleted")

    add_page(routes, PATH, show, summary="My searches")
    add_form(routes, PATH, save, summary="Keep a search", errors=(400, 401, 403, 409, 422))
    for name, handler, summary in (
        ("rename", rename, "Give a search of mine another name"),
        ("open", look, "Open a search of mine; what it finds is new no longer"),
        ("delete", delete, "Delete a search of mine"),
    ):
        add_form(routes, f"{PATH}/{{number}}/{name}", handler, summary=summary, errors=_ERRORS)
    return routes


def _page(site: Site, request: Request, who: Who, *, refused: Refused | None = None) -> Response:
    require_session(who)
    require(who, "read")
    searches = site.saved.listed(who)
    totals = site.saved.totals(who, searches)
    return site.render.page(
        request,
        "searches",
        status=200 if refused is None else refused.error.status,
        headers={"Cache-Control": "no-store"},
        title="My searches",
        lines=[_line(item, totals.get(item.id)) for item in searches],
        done=_DONE.get(request.query_params.get("done", "")),
        refused=refused,
        base=site.render.address(request),
        most=MOST,
        longest=LONGEST_NAME,
    )


def _line(item: Saved, total: int | None) -> Line:
    before = item.looked_total
    new = 0 if total is None or before is None else max(0, total - before)
    return Line(search=item, total=total, new=new)
