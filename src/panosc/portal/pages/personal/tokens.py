"""My tokens: those there are, a form to make one, a button to revoke each.

The secret of a new one is told once. It travels from the form to the page in a cookie that only
this node can read, for a minute: so that going back or reloading makes no second token, and
the secret is on no page that a browser keeps.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from panosc.domain.access import SCOPES, Who
from panosc.domain.errors import Conflict, Invalid, PanoscError
from panosc.identity.tokens import LONGEST_DAYS, Made
from panosc.policy.requiring import require, require_session
from panosc.portal.site import Asker, Site, add_form, add_page, go_to, pages

PATH = "/account/tokens"
COOKIE = "panosc_new_token"
SECONDS = 60
_PURPOSE = "new token"
_DAYS = 30

Text = Annotated[str, Form(max_length=300)]


def router(site: Site) -> APIRouter:
    """Return the routes of the page."""
    routes = pages()

    def show(request: Request, who: Asker) -> Response:
        return _page(site, request, who)

    def make(
        request: Request,
        who: Asker,
        name: Text = "",
        days: Text = "",
        scope: Annotated[list[str] | None, Form()] = None,
    ) -> Response:
        chosen = scope or []
        try:
            made = site.identity.tokens.create(
                who, name=name, scopes=set(chosen), days=_number(days)
            )
        except (Invalid, Conflict) as error:
            typed = {"name": name, "days": days, "scopes": chosen}
            return _page(site, request, who, typed=typed, error=error)
        return _made(site, who, made)

    def revoke(who: Asker, id: str) -> Response:  # noqa: A002 - its name in the address
        require_session(who)
        site.identity.tokens.revoke(who, id)
        return go_to(f"{site.render.root}{PATH}?revoked=1")

    add_page(routes, PATH, show, summary="My tokens")
    add_form(routes, PATH, make, summary="Make a token", errors=(400, 401, 403, 404, 409, 422))
    add_form(
        routes,
        PATH + "/{id}/revoke",
        revoke,
        summary="Revoke a token of mine",
        errors=(400, 401, 403, 404, 422),
    )
    return routes


def _page(
    site: Site,
    request: Request,
    who: Who,
    *,
    typed: dict[str, Any] | None = None,
    error: PanoscError | None = None,
) -> Response:
    require_session(who)
    require(who, "read")
    secret = _told(site, request, who) if error is None else None
    answer = site.render.page(
        request,
        "tokens",
        status=200 if error is None else error.status,
        headers={"Cache-Control": "no-store"},
        title="My tokens",
        tokens=site.identity.tokens.listed(who),
        secret=secret,
        is_revoked="revoked" in request.query_params,
        error=error,
        field=error.field if isinstance(error, Invalid) else None,
        typed=typed or {"name": "", "days": str(_DAYS), "scopes": ["read"]},
        offered=[(name, text) for name, text in SCOPES.items() if name != "manage" or who.roles],
        words=SCOPES,
        most_days=LONGEST_DAYS,
    )
    if COOKIE in request.cookies:
        answer.delete_cookie(COOKIE, path=site.render.root + PATH)
    return answer


def _made(site: Site, who: Who, made: Made) -> Response:
    now = site.policy.clock()
    sealed = site.identity.keys.seal(
        {
            "secret": made.secret,
            "account": who.person,
            "until": (now + timedelta(seconds=SECONDS)).isoformat(),
        },
        _PURPOSE,
    )
    answer = go_to(site.render.root + PATH)
    answer.set_cookie(
        COOKIE,
        sealed,
        max_age=SECONDS,
        path=site.render.root + PATH,
        secure=site.identity.sessions.is_secure,
        httponly=True,
        samesite="strict",
    )
    return answer


def _told(site: Site, request: Request, who: Who) -> str | None:
    """Return the secret of a token that was made just now by the same person."""
    found = site.identity.keys.unseal(request.cookies.get(COOKIE, ""), _PURPOSE)
    if found is None or found["account"] != who.person:
        return None
    if datetime.fromisoformat(found["until"]) <= site.policy.clock():
        return None
    return str(found["secret"])


def _number(text: str) -> int:
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:  # noqa: PLR2004
        raise Invalid(
            f"{text[:40]!r} is not a number of days.",
            field="days",
            hint=f"Give a whole number from 1 to {LONGEST_DAYS}.",
        )
    return int(digits)
