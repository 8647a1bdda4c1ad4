"""Files of a dataset that are on tape: how each stands, asking for them, taking it back."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import Field

from panosc.data.restoring.wishes import MOST_NAMES, Standing
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid, NotFound, OverBudget, PanoscError, TooLarge
from panosc.domain.pid import pid_path
from panosc.domain.query import Query
from panosc.portal.pages.landing.beneath import TABS
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PAGE = 100
STATES = {
    "on tape": "On tape",
    "asked": "Asked for",
    "queued": "Waits for its volume",
    "staging": "Being read from tape",
    "online": "On disk",
    "failed": "Could not be brought",
    "given up": "Given up",
}
_DONE = {
    "asked": "It is noted. This page tells how it stands; you need not wait here.",
    "nothing": "There was nothing to do: whatever you chose is on disk.",
    "taken-back": "It is taken back.",
}
_ERRORS = (400, 401, 403, 404, 409, 410, 422, 429)
_ALSO = {
    403: "The data are under embargo, or for others.",
    404: "There is no such dataset, or it has no files here.",
    410: "The dataset was withdrawn or erased.",
}
Word = Annotated[str, Form(max_length=20)]
Names = Annotated[list[Annotated[str, Field(max_length=4096)]] | None, Form(alias="file")]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker, pid: str, page: int = 1) -> Response:
        return _page(site, request, who, pid, page=page)

    def ask(
        request: Request,
        who: Asker,
        pid: str,
        names: Names = None,
        which: Word = "",
    ) -> Response:
        try:
            chosen = _chosen(which, names)
            done = site.wishes.ask(who, pid, chosen)
        except (Invalid, Conflict, OverBudget, TooLarge) as error:
            return _page(site, request, who, pid, refused=error)
        return _back(site, pid, "asked" if done.files else "nothing")

    def cancel(
        request: Request,
        who: Asker,
        pid: str,
        names: Names = None,
        which: Word = "",
    ) -> Response:
        try:
            site.wishes.cancel(who, pid, _chosen(which, names))
        except Invalid as error:
            return _page(site, request, who, pid, refused=error)
        return _back(site, pid, "taken-back")

    path = "/datasets/{pid:path}/-/restore"
    add_page(routes, path, show, summary="Files of a dataset that are on tape", also=_ALSO)
    add_form(routes, path, ask, summary="Ask for files that are on tape", errors=_ERRORS)
    add_form(routes, f"{path}/cancel", cancel, summary="Take back what I asked for", errors=_ERRORS)
    return routes


def _chosen(which: str, names: list[str] | None) -> list[str] | None:
    """Return the names of the files; None for all."""
    if which == "all":
        return None
    if not names:
        raise Invalid("No file is ticked.", field="file", hint="Tick at least one, or ask for all.")
    if len(names) > MOST_NAMES:
        raise Invalid("So many files cannot be ticked.", field="file", hint="Ask for all of them.")
    return names


def _back(site: Site, pid: str, done: str) -> Response:
    return go_to(f"{site.render.root}/datasets/{pid_path(pid)}/-/restore?done={done}")


def _page(
    site: Site,
    request: Request,
    who: Who,
    pid: str,
    *,
    page: int = 1,
    refused: PanoscError | None = None,
) -> Response:
    files = site.wishes.look(who, pid)
    record = site.record(who, Query(model="Dataset", fields=frozenset({"pid", "title"})), pid)
    first = (max(1, min(page, 10**6)) - 1) * PAGE
    if first and first >= len(files):
        raise NotFound("There is no such page.", hint="Go back to the first one.")
    name = str(record.get("title") or pid)
    here = f"{site.render.root}/datasets/{pid_path(pid)}/-/restore"
    headers = {"Cache-Control": "no-store"}
    if isinstance(refused, OverBudget):
        headers["Retry-After"] = str(refused.retry_after)
    return site.render.page(
        request,
        "restore",
        status=200 if refused is None else refused.status,
        headers=headers,
        title=f"On tape: {name}",
        pid=pid,
        name=name,
        tabs=TABS,
        here_path=here,
        is_possible=site.wishes.is_possible,
        contact=site.settings.contact,
        days=f"{site.settings.restore_days:g}",
        counts=_counts(files),
        words=STATES,
        files=[_told(item) for item in files[first : first + PAGE]],
        left=sum(item.size for item in files if item.state != "online"),
        total=len(files),
        can_ask=any(item.state in {"on tape", "failed", "given up"} for item in files),
        can_cancel=any(item.is_mine and item.is_kept for item in files),
        before=f"{here}?page={page - 1}" if first else None,
        after=f"{here}?page={page + 1}" if first + PAGE < len(files) else None,
        done=_DONE.get(request.query_params.get("done", "")),
        refused=refused,
    )


def _counts(files: list[Standing]) -> list[tuple[str, int]]:
    counted = Counter(item.state for item in files)
    return [(STATES[state], counted[state]) for state in STATES if counted[state]]  # type: ignore[index]


def _told(item: Standing) -> dict[str, Any]:
    return {
        "name": item.name,
        "size": item.size,
        "state": item.state,
        "message": item.message,
        "is_mine": item.is_mine,
        "when": item.is_kept,
        "others": max(0, item.people - item.is_mine),
        "asked": None if item.asked is None else item.asked.isoformat(),
        "until": None if item.until is None else item.until.isoformat(),
        "expected": None if item.expected is None else item.expected.isoformat(),
    }
