"""OAuth 2.0 at this node, for programs on devices: RFC 8628, 6749 (errors, refresh), 7009, 8414.

Errors here are those of RFC 6749, not problem details: programs of others know them. Every
program is a public client by the name that it gives itself; its owner sees the name.
"""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import JSONResponse, Response

from panosc.domain.access import SCOPES
from panosc.identity.device import ACCESS, INTERVAL, LIFETIME, Granted, Refusal
from panosc.identity.routes.bodies import problems
from panosc.identity.service import Identity
from panosc.settings import Settings

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LONGEST = 4000
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}

Text = Annotated[str, Form(max_length=_LONGEST)]

_STRING = {"type": "string"}
_REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": _STRING, "error_description": _STRING},
}


def router(identity: Identity, settings: Settings) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["Identity"])
    base = (settings.base_url or "").rstrip("/")

    def address(request: Request) -> str:
        return base or str(request.base_url).rstrip("/")

    _add_device(routes, identity, address)
    _add_tokens(routes, identity)
    _add_metadata(routes, address)
    return routes


def _add_device(routes: APIRouter, identity: Identity, address: Any) -> None:
    @routes.post(
        "/oauth/device",
        summary="Begin a device login",
        description="RFC 8628. Show the person `user_code` and `verification_uri`, then ask "
        "/oauth/token every `interval` seconds.",
        response_class=JSONResponse,
        responses=_answers(
            "The codes.",
            {
                "device_code": _STRING,
                "user_code": {"type": "string", "examples": ["BCDF-GHJK"]},
                "verification_uri": _STRING,
                "verification_uri_complete": _STRING,
                "expires_in": {"type": "integer"},
                "interval": {"type": "integer"},
            },
        ),
    )
    def begin(request: Request, client_id: Text = "", scope: Text = "") -> Response:
        begun = identity.devices.begin(client_id, scope)
        if isinstance(begun, Refusal):
            return _refused(begun)
        page = address(request) + "/device"
        return _answer(
            {
                "device_code": begun.device_code,
                "user_code": begun.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={quote(begun.user_code)}",
                "expires_in": int(LIFETIME.total_seconds()),
                "interval": int(INTERVAL.total_seconds()),
            }
        )


def _add_tokens(routes: APIRouter, identity: Identity) -> None:
    @routes.post(
        "/oauth/token",
        summary="Get or refresh the tokens of a device login",
        description="A refresh token is good once: each answer has the next.",
        response_class=JSONResponse,
        responses=_answers(
            "The tokens.",
            {
                "access_token": _STRING,
                "token_type": _STRING,
                "expires_in": {"type": "integer"},
                "refresh_token": _STRING,
                "scope": _STRING,
            },
        ),
    )
    def token(
        grant_type: Text = "",
        client_id: Text = "",
        device_code: Text = "",
        refresh_token: Text = "",
        scope: Text = "",
    ) -> Response:
        if grant_type == DEVICE_GRANT:
            found = identity.devices.poll(client_id, device_code)
        elif grant_type == "refresh_token":
            found = identity.devices.refresh(client_id, refresh_token, scope)
        else:
            found = Refusal(
                error="unsupported_grant_type" if grant_type else "invalid_request",
                description=f"grant_type is {DEVICE_GRANT} or refresh_token.",
            )
        return _refused(found) if isinstance(found, Refusal) else _granted(found)

    @routes.post(
        "/oauth/revoke",
        summary="Revoke a token that you hold",
        description="RFC 7009. One of a device login ends that login. What is no token here "
        "is answered alike.",
        response_class=Response,
        responses={
            200: {"description": "It is not good, or not any more.", "content": {}},
            400: _answers("", {})[400],
            **problems(422),
        },
    )
    def revoke(token: Text = "") -> Response:
        if not token:
            return _refused(Refusal(error="invalid_request", description="token is missing."))
        identity.devices.revoke(token)
        return Response(status_code=200, headers=_HEADERS)


def _add_metadata(routes: APIRouter, address: Any) -> None:
    @routes.get(
        "/.well-known/oauth-authorization-server",
        summary="Where and how programs get tokens",
        description="RFC 8414.",
        response_class=JSONResponse,
        responses={
            200: {
                "description": "The metadata.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["issuer", "token_endpoint"],
                            "properties": {"issuer": _STRING, "token_endpoint": _STRING},
                        }
                    }
                },
            },
        },
    )
    def metadata(request: Request) -> Response:
        base = address(request)
        return JSONResponse(
            {
                "issuer": base,
                "device_authorization_endpoint": f"{base}/oauth/device",
                "token_endpoint": f"{base}/oauth/token",
                "token_endpoint_auth_methods_supported": ["none"],
                "revocation_endpoint": f"{base}/oauth/revoke",
                "revocation_endpoint_auth_methods_supported": ["none"],
                "grant_types_supported": [DEVICE_GRANT, "refresh_token"],
                "response_types_supported": [],
                "scopes_supported": list(SCOPES),
            }
        )


def _granted(found: Granted) -> Response:
    return _answer(
        {
            "access_token": found.access,
            "token_type": "Bearer",
            "expires_in": int(ACCESS.total_seconds()),
            "refresh_token": found.refresh,
            "scope": " ".join(found.scopes),
        }
    )


def _answer(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers=_HEADERS)


def _refused(refusal: Refusal) -> Response:
    content = {"error": refusal.error, "error_description": refusal.description}
    return JSONResponse(content, status_code=400, headers=_HEADERS)


def _answers(what: str, properties: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {
        200: {"description": what, "content": {"application/json": {"schema": schema}}},
        400: {
            "description": "An error of RFC 6749 or 8628.",
            "content": {
                "application/json": {"schema": _REFUSAL},
                **problems(400)[400]["content"],
            },
        },
        **problems(422),
    }
