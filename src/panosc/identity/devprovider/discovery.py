"""What the provider says of itself, and its public keys."""

from typing import Any

from fastapi import APIRouter, Response

from panosc.identity.devprovider.context import Context
from panosc.identity.devprovider.people import SCOPES
from panosc.identity.devprovider.signing import ALGORITHM

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def document(issuer: str) -> dict[str, Any]:
    """Return the discovery document."""
    methods = ["client_secret_basic", "client_secret_post", "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "end_session_endpoint": f"{issuer}/logout",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/device/authorize",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "scopes_supported": list(SCOPES),
        "claims_supported": [
            "sub",
            "name",
            "given_name",
            "family_name",
            "preferred_username",
            "email",
            "email_verified",
            "eduperson_entitlement",
            "voperson_id",
            "orcid",
        ],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def router(context: Context) -> APIRouter:
    """Return the routes of discovery."""
    routes = APIRouter()

    @routes.get("/.well-known/openid-configuration")
    def configuration() -> dict[str, Any]:
        return document(context.issuer())

    @routes.get("/jwks")
    def jwks(response: Response) -> dict[str, Any]:
        response.headers["Cache-Control"] = "no-cache"
        return context.signer.published()

    return routes
