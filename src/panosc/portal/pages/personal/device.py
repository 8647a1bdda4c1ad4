"""Let a program in: type the code that it shows, see what it asks for, approve or deny."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import SCOPES, Who
from panosc.domain.errors import Invalid, PanoscError, TooMany
from panosc.policy.requiring import require, require_session
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = "/device"
_DONE = ("approved", "denied")

Text = Annotated[str, Form(max_length=100)]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker, user_code: str = "", done: str = "") -> Response:
        require_session(who)
        require(who, "read")
        if not user_code:
            return _page(site, request, done=done if done in _DONE else "")
        try:
            asked = site.identity.devices.find(who, user_code)
        except (Invalid, TooMany) as error:
            return _page(site, request, typed=user_code, error=error)
        return _page(site, request, typed=asked.user_code, pending=asked)

    def answer(request: Request, who: Asker, user_code: Text = "", answer: Text = "") -> Response:
        return _answered(site, request, who, user_code, answer)

    add_page(routes, PATH, show, summary="Let a program in")
    add_form(
        routes,
        PATH,
        answer,
        summary="Approve or deny a program",
        errors=(400, 401, 403, 422, 429),
    )
    return routes


def _answered(site: Site, request: Request, who: Who, user_code: str, answer: str) -> Response:
    if answer not in _DONE:
        require_session(who)
        error = Invalid("Choose to approve or to deny.", hint="Look the code up once more.")
        return _page(site, request, typed=user_code, error=error)
    try:
        site.identity.devices.answer(who, user_code, is_approved=answer == "approved")
    except (Invalid, TooMany) as error:
        return _page(site, request, typed=user_code, error=error)
    return go_to(f"{site.render.root}{PATH}?done={answer}")


def _page(
    site: Site,
    request: Request,
    *,
    typed: str = "",
    error: PanoscError | None = None,
    **content: object,
) -> Response:
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.retry_after)
    shown = {"pending": None, "done": "", **content}
    return site.render.page(
        request,
        "device",
        status=200 if error is None else error.status,
        headers=headers,
        title="Let a program in",
        typed=typed,
        error=error,
        words=SCOPES,
        **shown,
    )
