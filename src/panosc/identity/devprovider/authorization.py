"""Where browsers come to sign in: the request of a client, the choice of a person, the way back."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from panosc.identity.devprovider import pages
from panosc.identity.devprovider.clients import Client
from panosc.identity.devprovider.context import (
    COOKIE,
    Context,
    Sent,
    form,
    resources_of,
    scopes_of,
    sent,
)
from panosc.identity.devprovider.people import PEOPLE
from panosc.identity.devprovider.refusals import BadRequestError, RefusedError
from panosc.identity.devprovider.state import Grant, Login

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_ASKS = frozenset({"login", "select_account"})
_KEYS = frozenset(person.key for person in PEOPLE)
Form = Annotated[Sent, Depends(form)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a client asks for on behalf of the person in front of the browser."""

    client: Client
    redirect_uri: str
    state: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age: int | None


def router(context: Context) -> APIRouter:
    """Return the routes of signing in."""
    routes = APIRouter()

    @routes.get("/authorize")
    def authorize_by_link(request: Request) -> Response:
        return _authorize(context, request, sent(request.query_params))

    @routes.post("/authorize")
    def authorize_by_form(request: Request, given: Form) -> Response:
        return _authorize(context, request, given)

    @routes.post("/sign-in")
    def sign_in(request: Request, chosen: Form) -> Response:
        same_origin(context, request)
        return _chosen(context, sent(request.query_params), chosen)

    return routes


def _authorize(context: Context, request: Request, given: Sent) -> Response:
    asked = _read(context, given)
    if isinstance(asked, Response):
        return asked
    login = context.login(request)
    if login is not None and not _is_stale(context, asked, login):
        return _granted(context, asked, login)
    if "none" in asked.prompts:
        error = RefusedError("login_required", "Nobody is signed in.")
        return _back(context, asked.redirect_uri, asked.state, _error(error))
    return pages.sign_in(asked.client.name, _query(given), leads_to=asked.redirect_uri)


def _chosen(context: Context, given: Sent, chosen: Sent) -> Response:
    asked = _read(context, given)
    if isinstance(asked, Response):
        return asked
    if chosen.get("deny"):
        error = RefusedError("access_denied", "The person turned back.")
        return _back(context, asked.redirect_uri, asked.state, _error(error))
    login, cookie = signed_in(context, chosen)
    response = _granted(context, asked, login)
    set_cookie(response, cookie)
    return response


def _read(context: Context, given: Sent) -> Response | _Asked:
    """Return what is asked for, or what to answer when it cannot be granted."""
    client, uri = _place(context, given)
    try:
        return _asked(client, uri, given)
    except RefusedError as error:
        return _back(context, uri, given.get("state"), _error(error))


def signed_in(context: Context, chosen: Sent) -> tuple[Login, str]:
    """Return the login of the person that was chosen on a page, and its cookie.

    Raises
    ------
    BadRequestError
        If there is no such person.
    """
    person = chosen.get("person")
    if person not in _KEYS:
        raise BadRequestError("There is no such person here.")
    cookie, login = context.state.sign_in(person)
    return login, cookie


def set_cookie(response: Response, cookie: str) -> None:
    """Keep a browser signed in at the provider."""
    response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")


def same_origin(context: Context, request: Request) -> None:
    """Refuse a form that was sent from a page of another site.

    Raises
    ------
    BadRequestError
        If it was.
    """
    origin = request.headers.get("origin")
    if origin is not None and origin != context.issuer():
        raise BadRequestError("This form was sent from a page of another site.")


def _place(context: Context, given: Sent) -> tuple[Client, str]:
    """Return who asks and where the answer goes; never redirect to an unknown place."""
    if given.twice & {"client_id", "redirect_uri"}:
        raise BadRequestError("The client or its address is given twice.")
    client = context.clients.get(given.get("client_id") or "")
    if client is None:
        raise BadRequestError("No such client is registered here.")
    uri = given.get("redirect_uri")
    if uri is None or uri not in client.redirect_uris:
        raise BadRequestError("The address to go back to is not registered for this client.")
    return client, uri


def _asked(client: Client, uri: str, given: Sent) -> _Asked:
    if given.twice:
        raise RefusedError("invalid_request", f"{min(given.twice)} is sent twice.")
    for name in ("request", "request_uri", "registration"):
        if given.get(name) is not None:
            raise RefusedError(f"{name}_not_supported", f"{name} is not offered.")
    if given.get("response_type") != "code":
        raise RefusedError("unsupported_response_type", "Only the code flow is offered.")
    if given.get("response_mode") not in {None, "query"}:
        raise RefusedError("invalid_request", "Only the response mode “query” is offered.")
    challenge = given.get("code_challenge") or ""
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise RefusedError("invalid_request", "PKCE with S256 is needed.")
    scopes = scopes_of(given.get("scope"))
    if "openid" not in scopes:
        raise RefusedError("invalid_scope", "The scope “openid” is needed.")
    return _Asked(
        client=client,
        redirect_uri=uri,
        state=given.get("state"),
        scopes=scopes,
        resources=resources_of(client, given.resources),
        challenge=challenge,
        nonce=given.get("nonce"),
        prompts=_prompts(given.get("prompt")),
        max_age=_seconds(given.get("max_age")),
    )


def _prompts(text: str | None) -> frozenset[str]:
    prompts = frozenset((text or "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RefusedError("invalid_request", "This prompt is not understood.")
    return prompts


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= len("999999999")):
        raise RefusedError("invalid_request", "max_age is a number of seconds.")
    return int(text)


def _is_stale(context: Context, asked: _Asked, login: Login) -> bool:
    """Tell whether the person has to sign in again for this."""
    if asked.prompts & _ASKS:
        return True
    if asked.max_age is None:
        return False
    return context.state.clock() - login.at > timedelta(seconds=asked.max_age)


def _granted(context: Context, asked: _Asked, login: Login) -> Response:
    grant = Grant(
        client=asked.client.id, login=login, scopes=asked.scopes, resources=asked.resources
    )
    code = context.state.make_code(
        grant, asked.redirect_uri, challenge=asked.challenge, nonce=asked.nonce
    )
    return _back(context, asked.redirect_uri, asked.state, {"code": code})


def _error(error: RefusedError) -> dict[str, str]:
    return {"error": error.error, "error_description": error.description}


def _back(context: Context, uri: str, state: str | None, told: dict[str, str]) -> Response:
    values = {**told, "iss": context.issuer()}
    if state is not None:
        values["state"] = state
    mark = "&" if urlsplit(uri).query else "?"
    return RedirectResponse(
        uri + mark + urlencode(values), 303, headers={"Cache-Control": "no-store"}
    )


def _query(given: Sent) -> str:
    # prompt has been obeyed by showing the page; the rest comes back with the choice
    pairs = [(name, value) for name, value in given.values.items() if name != "prompt"]
    return urlencode([*pairs, *(("resource", value) for value in given.resources)])
