"""The selection: datasets that somebody gathers to download together, before or after sign-in.

It is in a cookie (`data.downloads.selecting.cookie`). What may not be fetched stays in it, and is
said to stay behind.
"""

from typing import Annotated, Any, Final
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from panosc.data.downloads import lists
from panosc.data.downloads.routes import Asked, add_route, link_maker
from panosc.data.downloads.selecting import cookie
from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.domain.query import Query
from panosc.portal.pages.about import safe_path
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH: Final = "/selection"
_DONE: Final = {"added": "It is in the selection.", "removed": "It is taken out."}
_FORMS: Final = (
    ("curl", "Script for curl"),
    ("aria2", "List for aria2"),
    ("manifest", "Checksums"),
    ("urls", "Addresses"),
    ("json", "JSON"),
)
Text = Annotated[str, Form(max_length=2000)]
Back = Annotated[str, Form(max_length=8000)]


def router(site: Site) -> APIRouter:
    """Return the routes of the selection."""
    routes = pages()
    path = f"{site.render.root}{PATH}"

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def add(request: Request, who: Asker, pid: Text = "", back: Back = "") -> Response:
        # what nobody may know of cannot be put in either
        site.record(who, Query(model="Dataset", fields=frozenset({"pid"})), pid)
        kept = cookie.added(site.selection(request), pid)
        return _kept(site, kept, _place(site, back, pid) or f"{path}?done=added")

    def remove(request: Request, who: Asker, pid: Text = "", back: Back = "") -> Response:
        del who
        left = cookie.removed(site.selection(request), pid) if pid else ()
        return _kept(site, left, _place(site, back, pid) or f"{path}?done=removed")

    def download(request: Request, who: Asker, asked: Annotated[Asked, Depends()]) -> Response:
        found = site.stocks.by_keys(who, site.selection(request))
        pids = [one.pid for one in found if one.may_fetch and one.files]
        if not pids:
            raise NotFound(
                "There is nothing in your selection that you may fetch.",
                hint="Put datasets into it on their pages.",
            )
        chosen = site.downloads.choose(who, pids, match=asked.match)
        if asked.form is not None:
            link = link_maker(site.links, request, who, asked.days)
            return lists.answer(site.downloads, who, chosen, asked.form, link)
        return site.downloads.archive(
            who,
            chosen,
            request.headers,
            is_partial=asked.online,
            is_head=request.method == "HEAD",
        )

    add_page(routes, PATH, show, summary="The datasets that were selected")
    errors = (400, 403, 404, 409, 410, 422)
    add_form(routes, f"{PATH}/add", add, summary="Select a dataset", errors=errors)
    add_form(routes, f"{PATH}/remove", remove, summary="Select a dataset no more", errors=errors)
    add_route(
        routes,
        f"{PATH}/download",
        download,
        summary="All files of the selection, or a list of them",
    )
    return routes


def _place(site: Site, back: str, pid: str) -> str | None:
    """Return the place of a dataset in the results that it was chosen from, if it was in any."""
    path = safe_path(back, site.render.root).partition("#")[0]
    is_search = urlsplit(path).path == f"{site.render.root}/search"
    return f"{path}#{quote(pid, safe='')}" if is_search else None


def _kept(site: Site, keys: tuple[int, ...], path: str) -> Response:
    answer = go_to(path)
    place = site.render.root or "/"
    if not keys:
        answer.delete_cookie(cookie.COOKIE, path=place)
        return answer
    answer.set_cookie(
        cookie.COOKIE,
        cookie.write(site.identity.keys, keys),
        max_age=cookie.SECONDS,
        path=place,
        secure=site.identity.sessions.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _page(site: Site, request: Request, who: Who) -> Response:
    keys = site.selection(request)
    found = site.stocks.by_keys(who, keys)
    theirs = [one for one in found if one.may_fetch]
    size = sum(one.size_here for one in theirs)
    files = sum(one.files for one in theirs)
    settings = site.settings
    content: dict[str, Any] = {
        "stocks": found,
        "lost": len(keys) - len(found),
        "files": files,
        "size": size,
        "offline": sum(one.offline for one in theirs),
        "withheld": len(found) - len(theirs),
        "most": cookie.MOST,
        "most_bytes": settings.download_max_bytes,
        "most_files": settings.download_max_files,
        "has_many": files > settings.download_max_files,
        "is_large": size > settings.download_max_bytes,
        "forms": _FORMS if not settings.data_doors else (*_FORMS, ("globus", "Globus transfer")),
        "done": _DONE.get(request.query_params.get("done", "")),
    }
    return site.render.page(
        request,
        "selection",
        headers={"Cache-Control": "no-store"},
        title="Selection",
        **content,
    )
