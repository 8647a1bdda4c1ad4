"""Signing in and out, and linking a further identity; how it is done is `identity.oidc`."""

from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from panosc.domain.access import Who
from panosc.domain.errors import Unauthenticated
from panosc.identity.oidc.login import LASTS, Browser
from panosc.identity.oidc.verifying import BadToken
from panosc.portal.pages.about import safe_path
from panosc.portal.pages.personal.settings import set_cookies
from panosc.portal.security import CONTENT_POLICY
from panosc.portal.site import Asker, Site, add_page, go_to, pages

_NOWHERE = ("/login", "/logout", "/auth/")
_NO_STORE = {"Cache-Control": "no-store"}
_SEE_OTHER: dict[int | str, dict[str, Any]] = {303: {"description": "Go on there"}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "Not signed in, or not so"},
    404: {"description": "There is no such provider"},
    409: {"description": "The identity has an account of its own"},
    502: {"description": "The provider does not answer as it should"},
    503: {"description": "A part of this node is not available"},
}


def router(site: Site) -> APIRouter:
    """Return the routes of these pages."""
    routes = pages()
    _add_signing_in(routes, site)
    _add_signing_out(routes, site)
    _add_linking(routes, site)
    return routes


def _add_signing_in(routes: APIRouter, site: Site) -> None:
    login = site.identity.login

    def choose(request: Request, back: str = "") -> Response:
        return site.render.page(
            request,
            "login",
            title="Sign in",
            providers=login.providers.all,
            back=_back(site, back) if back else "",
        )

    def begin(request: Request, provider: str, back: str = "") -> Response:
        begun = login.begin(
            provider,
            back=_back(site, back),
            base=site.render.address(request),
            browser=request.cookies.get(login.cookie),
        )
        return _to_provider(site, begun.url, begun.cookie)

    def come_back(
        request: Request,
        provider: str,
        state: str = "",
        code: str = "",
        iss: str | None = None,
        error: str | None = None,
    ) -> Response:
        answer = {"state": state, "code": code}
        answer |= {} if iss is None else {"iss": iss}
        answer |= {} if error is None else {"error": error}
        browser = Browser(
            attempt=request.cookies.get(login.cookie),
            session=request.cookies.get(site.identity.sessions.cookie),
            agent=request.headers.get("user-agent"),
        )
        done = login.finish(provider, answer, browser=browser, base=site.render.address(request))
        back = safe_path(done.back, site.render.root)
        if done.cookie is None:
            return go_to(back)
        if done.terms != site.settings.terms_version:
            back = f"{site.render.root}/account/terms?back={quote(back, safe='')}"
        forwarded = go_to(back)
        lasts = int(site.settings.session_hours * 3600)
        _set_cookie(site, forwarded, site.identity.sessions.cookie, done.cookie, lasts)
        kept = site.identity.preferences.of(done.person)
        if kept:
            set_cookies(site, forwarded, kept)
        return forwarded

    add_page(routes, "/login", choose, summary="The ways to sign in")
    for path, handler, summary in (
        ("/login/{provider}", begin, "Sign in at a provider"),
        ("/auth/callback/{provider}", come_back, "Where a provider sends the browser back to"),
    ):
        _add(routes, "GET", path, handler, summary)


def _add_signing_out(routes: APIRouter, site: Site) -> None:
    cookie = site.identity.sessions.cookie

    def confirm(request: Request, who: Asker) -> Response:
        leads_to = site.identity.keeper.leaving(request.cookies.get(cookie))
        return site.render.page(
            request,
            "logout",
            headers=_forms_to(leads_to),
            title="Sign out" if who.person else "Signed out",
        )

    def leave(request: Request) -> Response:
        kept = request.cookies.get(cookie)
        address = site.identity.keeper.end(kept, site.render.address(request))
        answer = RedirectResponse(
            address or f"{site.render.root}/logout", status_code=303, headers=_NO_STORE
        )
        _drop_cookie(site, answer, cookie)
        return answer

    def leave_from_there(logout_token: Annotated[str, Form()] = "") -> Response:
        try:
            site.identity.keeper.end_from_there(logout_token)
        except BadToken as error:
            problem = {"error": "invalid_request", "error_description": f"The token: {error}."}
            return JSONResponse(problem, status_code=400, headers=_NO_STORE)
        return Response(status_code=200, headers=_NO_STORE)

    add_page(routes, "/logout", confirm, summary="Ask before signing out")
    _add(routes, "POST", "/logout", leave, "Sign out, here and at the provider")
    routes.add_api_route(
        "/auth/backchannel",
        leave_from_there,
        methods=["POST"],
        response_class=Response,
        responses={
            400: {
                "description": "The logout token is not good",
                "content": {"application/json": {}},
            },
            502: _REFUSED[502],
        },
        summary="A provider says that sessions are over",
        tags=["Sign-in"],
    )


def _add_linking(routes: APIRouter, site: Site) -> None:
    login = site.identity.login

    def ask(request: Request, who: Asker, provider: str) -> Response:
        _in_browser(who)
        chosen = login.providers.named(provider)
        parts = urlsplit(login.providers.discovered(chosen).authorization)
        return site.render.page(
            request,
            "link",
            headers=_forms_to(f"{parts.scheme}://{parts.netloc}"),
            title=f"Link {chosen.title}",
            provider=chosen,
        )

    def begin(request: Request, who: Asker, provider: str) -> Response:
        begun = login.begin(
            provider,
            back=f"{site.render.root}/account",
            base=site.render.address(request),
            browser=request.cookies.get(login.cookie),
            link_to=_in_browser(who),
        )
        return _to_provider(site, begun.url, begun.cookie)

    path = "/account/link/{provider}"
    add_page(routes, path, ask, summary="Ask before linking a further identity")
    _add(routes, "POST", path, begin, "Link a further identity to the account")


def _add(routes: APIRouter, method: str, path: str, handler: Any, summary: str) -> None:
    routes.add_api_route(
        path,
        handler,
        methods=[method],
        status_code=303,
        response_class=HTMLResponse,
        responses=_SEE_OTHER | _REFUSED,
        summary=summary,
        tags=["Sign-in"],
    )


def _in_browser(who: Who) -> Who:
    if who.via != "session":
        raise Unauthenticated(
            "Identities are linked in a browser that is signed in.", hint="Sign in and try again."
        )
    return who


def _back(site: Site, text: str) -> str:
    """Return a path of this site to go to after a login: My experiments when none is given."""
    root = site.render.root
    path = safe_path(text, root) if text else ""
    is_useless = not path or path.startswith(tuple(root + prefix for prefix in _NOWHERE))
    return f"{root}/my" if is_useless else path


def _to_provider(site: Site, url: str, cookie: str) -> Response:
    answer = RedirectResponse(url, status_code=303, headers=_NO_STORE)
    _set_cookie(site, answer, site.identity.login.cookie, cookie, int(LASTS.total_seconds()))
    return answer


def _forms_to(origin: str | None) -> dict[str, str]:
    """Let the form of a page lead to another origin: browsers look at redirects, too."""
    if origin is None:
        return _NO_STORE
    own = "form-action 'self'"
    policy = CONTENT_POLICY.replace(own, f"{own} {origin}")
    return _NO_STORE | {"Content-Security-Policy": policy}


def _set_cookie(site: Site, answer: Response, name: str, value: str, lasts_s: int) -> None:
    secure = site.identity.sessions.is_secure
    answer.set_cookie(
        name, value, max_age=lasts_s, path="/", secure=secure, httponly=True, samesite="lax"
    )


def _drop_cookie(site: Site, answer: Response, name: str) -> None:
    secure = site.identity.sessions.is_secure
    answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
