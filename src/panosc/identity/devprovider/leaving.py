"""Where browsers come to sign out, and to say yes to a device."""

from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from panosc.identity.devprovider import pages
from panosc.identity.devprovider.authorization import same_origin, set_cookie, signed_in
from panosc.identity.devprovider.context import COOKIE, Context, Sent, form, sent
from panosc.identity.devprovider.refusals import BadRequestError
from panosc.identity.devprovider.state import Device, Login

Form = Annotated[Sent, Depends(form)]


def router(context: Context) -> APIRouter:
    """Return the routes of signing out and of devices."""
    routes = APIRouter()

    @routes.get("/logout")
    def log_out_by_link(request: Request) -> Response:
        return _log_out(context, request, sent(request.query_params), is_sure=False)

    @routes.post("/logout")
    def log_out_by_form(request: Request, given: Form) -> Response:
        return _log_out(context, request, given, is_sure=False)

    @routes.post("/logout/confirm")
    def log_out_for_sure(request: Request) -> Response:
        same_origin(context, request)
        return _log_out(context, request, sent(request.query_params), is_sure=True)

    @routes.get("/device")
    def device(user_code: str = "") -> Response:
        if not user_code:
            return pages.ask_code(None)
        found = context.state.waiting_device(user_code)
        if found is None:
            return pages.ask_code(user_code)
        return pages.device(_client_name(context, found), found.user_code)

    @routes.post("/device")
    def answer_device(request: Request, given: Form) -> Response:
        same_origin(context, request)
        return _answer_device(context, given)

    return routes


def _log_out(context: Context, request: Request, given: Sent, *, is_sure: bool) -> Response:
    hint = context.signer.hint(given.get("id_token_hint") or "")
    target = _target(context, given, hint.get("aud"))
    login = context.login(request)
    if login is not None and not is_sure and hint.get("sid") != login.sid:
        query = urlencode(dict(given.values))
        return pages.sign_out(_name(login), query, leads_to=target or context.issuer())
    if login is not None:
        context.end(login)
    response = RedirectResponse(target, 303) if target else pages.done("You are signed out.")
    response.delete_cookie(COOKIE)
    return response


def _answer_device(context: Context, given: Sent) -> Response:
    found = context.state.waiting_device(given.get("user_code") or "")
    if found is None:
        return pages.ask_code(given.get("user_code") or "")
    if given.get("deny"):
        context.state.answer_device(found, None)
        return pages.done("The device was refused.")
    login, cookie = signed_in(context, given)
    context.state.answer_device(found, login)
    response = pages.done("The device is signed in. You can go back to it.")
    set_cookie(response, cookie)
    return response


def _target(context: Context, given: Sent, hinted: object) -> str | None:
    """Return where to go after signing out, an address that is registered; else stay here."""
    named = given.get("client_id")
    if named is not None and hinted is not None and named != hinted:
        raise BadRequestError("The ID token is of another client.")
    client = context.clients.get(named or str(hinted))
    uri = given.get("post_logout_redirect_uri")
    if uri is None:
        return None
    if client is None or uri not in client.post_logout_uris:
        raise BadRequestError("The address to go on to is not registered for this client.")
    state = given.get("state")
    if state is None:
        return uri
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode({'state': state})}"


def _name(login: Login) -> str:
    return pages.NAMES[login.person]


def _client_name(context: Context, device: Device) -> str:
    client = context.clients.get(device.client)
    return device.client if client is None else client.name
