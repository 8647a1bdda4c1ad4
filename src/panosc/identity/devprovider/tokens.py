"""The routes that programs call: tokens for codes, refreshing, devices, claims, revocation."""

import base64
import hashlib
import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from panosc.identity.devprovider.clients import Client, proven
from panosc.identity.devprovider.context import Context, Sent, form, resources_of, scopes_of
from panosc.identity.devprovider.discovery import DEVICE_GRANT
from panosc.identity.devprovider.people import PEOPLE
from panosc.identity.devprovider.refusals import RefusedError
from panosc.identity.devprovider.state import Grant

_VERIFIER = range(43, 129)
_PEOPLE = {person.key: person for person in PEOPLE}
_SECRET = {"Cache-Control": "no-store", "Pragma": "no-cache"}
Form = Annotated[Sent, Depends(form)]


def router(context: Context) -> APIRouter:
    """Return the routes for programs."""
    routes = APIRouter()

    @routes.post("/token")
    def token(request: Request, given: Form) -> JSONResponse:
        client = _client(context, request, given)
        answer = _Issuing(context, client, given).answer()
        return JSONResponse(answer, headers=_SECRET)

    @routes.post("/revoke")
    def revoke(request: Request, given: Form) -> JSONResponse:
        client = _client(context, request, given)
        context.state.revoke(_needed(given, "token"), client.id)
        return JSONResponse({}, headers=_SECRET)

    @routes.post("/device/authorize")
    def device(request: Request, given: Form) -> JSONResponse:
        client = _client(context, request, given)
        scopes = scopes_of(given.get("scope"))
        code, made = context.state.make_device(
            client.id, scopes, resources_of(client, given.resources)
        )
        where = f"{context.issuer()}/device"
        return JSONResponse(
            {
                "device_code": code,
                "user_code": made.user_code,
                "verification_uri": where,
                "verification_uri_complete": f"{where}?user_code={made.user_code}",
                "expires_in": int(context.state.lifetimes.device_s),
                "interval": int(made.interval_s),
            },
            headers=_SECRET,
        )

    @routes.api_route("/userinfo", methods=["GET", "POST"])
    def userinfo(request: Request) -> JSONResponse:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        found = context.state.access(text.strip()) if kind.lower() == "bearer" else None
        if found is None:
            return JSONResponse(
                {"error": "invalid_token", "error_description": "The access token is not good."},
                401,
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            )
        person = _PEOPLE[found.grant.login.person]
        return JSONResponse(person.claims(found.scopes), headers=_SECRET)

    return routes


def _client(context: Context, request: Request, given: Sent) -> Client:
    if given.twice:
        raise RefusedError("invalid_request", f"{min(given.twice)} is sent twice.")
    return proven(context.clients, given.values, request.headers.get("authorization"))


def _needed(given: Sent, name: str) -> str:
    value = given.get(name)
    if value is None:
        raise RefusedError("invalid_request", f"{name} is missing.")
    return value


class _Issuing:
    """One request for tokens."""

    def __init__(self, context: Context, client: Client, given: Sent) -> None:
        self._context = context
        self._state = context.state
        self._client = client
        self._given = given

    def answer(self) -> dict[str, Any]:
        """Return the tokens, or refuse."""
        kind = _needed(self._given, "grant_type")
        if kind == "authorization_code":
            return self._for_code()
        if kind == "refresh_token":
            return self._for_refresh()
        if kind == DEVICE_GRANT:
            return self._for_device()
        raise RefusedError("unsupported_grant_type", "This kind of grant is not offered.")

    def _for_code(self) -> dict[str, Any]:
        code = self._state.take_code(_needed(self._given, "code"), self._client.id)
        if not hmac.compare_digest(
            (self._given.get("redirect_uri") or "").encode(), code.redirect_uri.encode()
        ):
            raise RefusedError("invalid_grant", "redirect_uri is another than before.")
        if not _fits(self._given.get("code_verifier") or "", code.challenge):
            raise RefusedError("invalid_grant", "code_verifier does not fit.")
        return self._tokens(code.grant, code.grant.scopes, nonce=code.nonce)

    def _for_refresh(self) -> dict[str, Any]:
        # what is asked for is judged first: a request that is refused for it uses nothing up
        asked = self._given.get("scope")
        scopes = None if asked is None else scopes_of(asked)
        text = _needed(self._given, "refresh_token")
        token = self._state.take_refresh(text, self._client.id)
        if scopes is not None and not set(scopes) <= set(token.scopes):
            raise RefusedError("invalid_scope", "This is more than was granted.")
        return self._tokens(token.grant, scopes or token.scopes)

    def _for_device(self) -> dict[str, Any]:
        grant = self._state.take_device(_needed(self._given, "device_code"), self._client.id)
        return self._tokens(grant, grant.scopes)

    def _tokens(
        self, grant: Grant, scopes: tuple[str, ...], *, nonce: str | None = None
    ) -> dict[str, Any]:
        audience = self._audience(grant)
        if audience is None:
            access = self._state.make_access(grant, scopes)
        else:
            access = self._context.signer.access_token(grant, audience, scopes)
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": int(self._state.lifetimes.access_s),
            "scope": " ".join(scopes),
            "refresh_token": self._state.make_refresh(grant),
        }
        if "openid" in scopes:
            answer["id_token"] = self._context.signer.id_token(
                grant, nonce=nonce, access_token=access
            )
        return answer

    def _audience(self, grant: Grant) -> str | None:
        """Return the resource that the access token is for; none: for the claims here."""
        asked = self._given.resources or grant.resources
        if not set(asked) <= set(grant.resources):
            raise RefusedError("invalid_target", "This resource was not granted.")
        if len(asked) > 1:
            raise RefusedError("invalid_target", "A token is for one resource; name it.")
        return asked[0] if asked else None


def _fits(verifier: str, challenge: str) -> bool:
    if len(verifier) not in _VERIFIER or not verifier.isascii():
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
