"""Requests: what waits for my answer, what I asked for, and what was answered."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Invalid
from panosc.policy.decisions.asked import Petition
from panosc.portal.pages.personal.access import day
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = "/requests"
SHOWN = 50
_DONE = {"answered": "Your answer is kept; the asker sees it.", "taken-back": "It is taken back."}
_ERRORS = (400, 401, 403, 404, 409, 410, 422)

Text = Annotated[str, Form(max_length=5000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An answer that could not be kept, and what was typed."""

    id: str
    words: str
    until: str
    error: Invalid | Conflict

    @property
    def field(self) -> str | None:
        """The name of the field that is wrong."""
        return self.error.field if isinstance(self.error, Invalid) else None


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()
    petitions = site.policy.petitions
    path = f"{site.render.root}{PATH}"

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def answer(
        request: Request,
        who: Asker,
        number: str,
        answered: Annotated[str, Form(alias="answer", max_length=20)] = "",
        words: Text = "",
        until: Text = "",
    ) -> Response:
        try:
            is_granted = _is_granted(answered)
            ends = day(until) if is_granted else None
            petitions.answer(who, number, granted=is_granted, words=words, until=ends)
        except (Invalid, Conflict) as error:
            refused = Refused(id=number, words=words, until=until, error=error)
            return _page(site, request, who, refused=refused)
        return go_to(f"{path}?done=answered")

    def take_back(request: Request, who: Asker, number: str) -> Response:
        try:
            petitions.take_back(who, number)
        except Conflict as error:
            refused = Refused(id=number, words="", until="", error=error)
            return _page(site, request, who, refused=refused)
        return go_to(f"{path}?done=taken-back")

    add_page(routes, PATH, show, summary="Requests for access and for longer embargoes")
    for name, handler, summary in (
        ("answer", answer, "Answer a request"),
        ("take-back", take_back, "Take back a request of mine"),
    ):
        add_form(routes, f"{PATH}/{{number}}/{name}", handler, summary=summary, errors=_ERRORS)
    return routes


def _is_granted(answered: str) -> bool:
    if answered not in {"grant", "refuse"}:
        raise Invalid("Say whether to grant it.", field="answer", hint="Press a button.")
    return answered == "grant"


def _page(site: Site, request: Request, who: Who, *, refused: Refused | None = None) -> Response:
    found = site.policy.petitions.listed(who)
    return site.render.page(
        request,
        "requests",
        status=200 if refused is None else refused.error.status,
        headers={"Cache-Control": "no-store"},
        title="Requests",
        waiting=[_told(item) for item in found.waiting],
        own=[_told(item) for item in found.own[:SHOWN]],
        answered=[_told(item) for item in found.answered[:SHOWN]],
        done=_DONE.get(request.query_params.get("done", "")),
        refused=refused,
    )


def _told(item: Petition) -> dict[str, Any]:
    return {
        "id": item.id,
        "kind": item.kind,
        "pid": item.pid,
        "title": item.title or item.pid,
        "name": item.name or item.account,
        "account": item.account,
        "text": item.text,
        "years": item.years,
        "at": item.at.isoformat(),
        "state": item.state,
        "is_moot": item.is_moot,
        "answer": item.answer,
        "by": item.answered_by_name or item.answered_by,
        "answered_at": None if item.answered_at is None else item.answered_at.isoformat(),
    }
