"""The files of a dataset: a table with what can be done with each, and ways to take all of them."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi import Query as FromQuery
from fastapi.responses import Response

from panosc.data.downloads import doors
from panosc.data.downloads.links import MOST_DAYS, download_path
from panosc.data.downloads.selecting.stock import Stock
from panosc.data.downloads.service import LONGEST_MATCH
from panosc.domain.access import Who
from panosc.domain.errors import PanoscError
from panosc.domain.pid import pid_path, surrogate
from panosc.domain.query import And, Clause, Compare, Order, Query
from panosc.policy.requiring import require_session
from panosc.portal import snippets
from panosc.portal.pages.data.viewer import SUFFIXES
from panosc.portal.pages.landing.beneath import beneath, detailed
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages
from panosc.portal.words import query_string
from panosc.search.patterns import escape

Item = dict[str, Any]

PAGE: Final = 100
COOKIE: Final = "panosc_new_link"
SECONDS: Final = 60
_PURPOSE: Final = "new link"
_SPECIAL: Final = frozenset(".^$+()[]{}|\\/-")
_FIELDS: Final = frozenset({"name", "size", "sha256", "format"})
_STANDS: Final = {
    "nearline": "On tape",
    "removed": "Removed",
    "gone": "Gone at its source",
    "changed": "Changed at its source",
    "absent": "Not at this node",
}
Match = Annotated[str, FromQuery(max_length=LONGEST_MATCH)]
Name = Annotated[str, Form(max_length=4096)]
Number = Annotated[int, Form(ge=1, le=MOST_DAYS)]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def files(request: Request, who: Asker, pid: str, page: int = 1, match: Match = "") -> Response:
        content = beneath(detailed(site, who, pid), "Files")
        content |= _table(site, who, pid, max(1, min(page, 10**6)), match.strip())
        content |= _ways(site, request, who, pid)
        made = _made_link(site, request, who, pid)
        answer = site.render.page(
            request,
            "files",
            headers={"Cache-Control": "no-store"} if made else None,
            made=made,
            most_days=MOST_DAYS,
            **content,
        )
        if made:
            answer.delete_cookie(COOKIE, path=site.render.root or "/")
        return answer

    def link(who: Asker, pid: str, file: Name = "", days: Number = 1) -> Response:
        require_session(who)
        if file:
            site.downloads.admission.locate(who, pid, file)
        else:
            site.downloads.choose(who, [pid])
        path = site.links.signed(who, download_path(pid, file or None), days=days)
        until = site.policy.clock() + timedelta(seconds=SECONDS)
        value = {"path": path, "pid": pid, "account": who.person, "until": until.isoformat()}
        answer = go_to(f"{site.render.root}/datasets/{pid_path(pid)}/-/files")
        answer.set_cookie(
            COOKIE,
            site.identity.keys.seal(value, _PURPOSE),
            max_age=SECONDS,
            path=site.render.root or "/",
            secure=site.identity.sessions.is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    path = "/datasets/{pid:path}/-/files"
    add_page(routes, path, files, summary="All files of a dataset")
    add_form(
        routes,
        f"{path}/link",
        link,
        summary="Make a link to a file, or to all of a dataset, that opens without sign-in",
        errors=(400, 401, 403, 404, 410, 422),
    )
    return routes


def _made_link(site: Site, request: Request, who: Who, pid: str) -> str | None:
    """Return the address of a link that the same person made just now."""
    found = site.identity.keys.unseal(request.cookies.get(COOKIE, ""), _PURPOSE)
    if found is None or (found["account"], found["pid"]) != (who.person, pid):
        return None
    if datetime.fromisoformat(found["until"]) <= site.policy.clock():
        return None
    return site.links.address(request, found["path"])


def _table(site: Site, who: Who, pid: str, page: int, match: str) -> Item:
    skip = (page - 1) * PAGE
    query = Query(
        model="File",
        fields=_FIELDS,
        where=_condition(match) if match else And(()),
        order=(Order(property="name"),),
        limit=PAGE,
        skip=skip,
    )
    found = site.search.files(who, pid, query)
    rows = list(found.items)
    places = site.stocks.places(who, pid, [row["name"] for row in rows])
    for row in rows:
        place = places.get(row["name"])
        word = place.word if place else "absent"
        row["stands"] = _STANDS.get(word)
        row["is_there"] = word == "online"
        row["is_shown"] = row["is_there"] and row["name"].lower().endswith(SUFFIXES)
        row["path"] = download_path(pid, row["name"])
    here = f"{site.render.root}/datasets/{pid_path(pid)}/-/files?"
    asked = [("match", match)] if match else []
    has_more = skip + len(rows) < found.total

    def at(number: int) -> str:
        return here + query_string([*asked, ("page", str(number))])

    return {
        "files": rows,
        "file_count": found.total,
        "first": skip + 1,
        "match": match,
        "before": at(page - 1) if page > 1 else None,
        "after": at(page + 1) if has_more else None,
    }


def _condition(match: str) -> Clause:
    """Return the names that fit, as `naming.matching` has it."""
    if not set(match) & set("*?"):
        return Compare(property="name", operator="ilike", operands=(escape(match),))
    wild = {"*": ".*", "?": "."}
    pattern = "".join(wild.get(c, f"\\{c}" if c in _SPECIAL else c) for c in match)
    return Compare(property="name", operator="regexp", operands=(f"^{pattern}$",), flags="i")


def _ways(site: Site, request: Request, who: Who, pid: str) -> Item:
    """Return how all files may be taken, if this person may."""
    stock = site.stocks.by_pid(who, pid)
    if stock is None or not stock.may_fetch or not stock.files:
        return {"stock": None, "refusal": _refusal(site, who, pid, stock)}
    address = site.render.address(request, download_path(pid))
    return {
        "stock": stock,
        "refusal": None,
        "path": download_path(pid),
        "is_too_large": stock.size_here > site.settings.download_max_bytes
        or stock.files > site.settings.download_max_files,
        "most": site.settings.download_max_bytes,
        "is_selected": surrogate("Dataset", pid) in site.selection(request),
        "doors": doors.folders(site.settings.data_doors, stock.urls) if stock.urls else [],
        "curl": snippets.curl_all(address),
        "wget": snippets.wget_all(address),
        "python": snippets.python_all(site.render.address(request), pid),
    }


def _refusal(site: Site, who: Who, pid: str, stock: Stock | None) -> str | None:
    """Return in words why nothing can be fetched, where it is no matter of there being none."""
    if stock is not None and stock.may_fetch:
        return None
    try:
        next(site.downloads.admission.locate_all(who, pid), None)
    except PanoscError as error:
        return error.detail
    return None
