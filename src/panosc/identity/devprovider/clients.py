"""Who may send people here: clients, and how one proves to be itself."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_plus

from panosc.identity.devprovider.refusals import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A program that is registered; without a secret it is a public one."""

    id: str
    name: str
    secret: str | None = None
    redirect_uris: frozenset[str] = frozenset()
    post_logout_uris: frozenset[str] = frozenset()
    backchannel_uri: str | None = None
    audiences: frozenset[str] = frozenset()
    """Resources (RFC 8707) for which it may get access tokens."""


def proven(
    clients: Mapping[str, Client], form: Mapping[str, str], authorization: str | None
) -> Client:
    """Return the client that sent a request to the token endpoint.

    Raises
    ------
    RefusedError
        If it does not prove to be one, or tries in two ways at once.
    """
    name, secret = form.get("client_id"), form.get("client_secret")
    if authorization is not None:
        if secret is not None:
            raise RefusedError("invalid_request", "The client proves itself in two ways.")
        basic_name, secret = _basic(authorization)
        if name not in {None, basic_name}:
            raise RefusedError("invalid_request", "The client gives two names.")
        name = basic_name
    client = clients.get(name or "")
    if client is None or not hmac.compare_digest((client.secret or "").encode(), _sent(secret)):
        raise RefusedError("invalid_client", "The client is not known.", status=401)
    return client


def _sent(secret: str | None) -> bytes:
    return (secret or "").encode()


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, coded = authorization.partition(" ")
    try:
        plain = base64.b64decode(coded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    if kind.lower() != "basic" or ":" not in plain:
        raise RefusedError("invalid_client", "The Authorization header is not one.", status=401)
    name, _, secret = plain.partition(":")
    return unquote_plus(name), unquote_plus(secret)
