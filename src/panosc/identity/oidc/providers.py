"""What login providers say of themselves: discovery, keys, and requests to their endpoints.

Nothing is asked before it is needed. What was found is kept; a provider that is down is left alone
for some seconds, so that nobody waits for it twice. What a token says is `verifying`.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from panosc.domain.errors import NotFound, Unavailable, Upstream
from panosc.identity import outbound
from panosc.settings import Provider, Settings

Key = RSAKey | ECKey | OKPKey
"""A public key; keys for shared secrets are never taken from a provider."""
KEPT = timedelta(hours=1)
"""How long discovery and keys are believed without asking again."""
KEYS_AGAIN = timedelta(seconds=30)
"""How soon an unknown key may make us ask again: strangers write the names of keys."""
DOWN = timedelta(seconds=3)
_LONGEST = 1_000_000
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_KEYS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """The endpoints of a provider and what it can do."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str | None
    algorithms: frozenset[str]
    secret_by: frozenset[str]
    """How a client may show its secret."""
    says_iss: bool
    """Whether it names itself in the answer to a login (RFC 9207)."""


@dataclass(slots=True)
class _Kept:
    """What is known of one provider; its lock lets one request ask and the others wait."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: Discovered | None = None
    found_at: datetime | None = None
    keys: tuple[Key, ...] = ()
    keys_at: datetime | None = None
    down_at: datetime | None = None
    trouble: Upstream | None = None


class Providers:
    """The providers of the settings, and what they say."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._by_name = {provider.name: provider for provider in settings.providers}
        self._kept = {name: _Kept() for name in self._by_name}
        self._settings = settings
        self._clock = clock

    @cached_property
    def _client(self) -> httpx.Client:
        return outbound.client(self._settings)

    @property
    def all(self) -> tuple[Provider, ...]:
        """All of them, in the order of the settings."""
        return tuple(self._by_name.values())

    def named(self, name: str) -> Provider:
        """Return the provider with this short name.

        Raises
        ------
        NotFound
        """
        provider = self._by_name.get(name)
        if provider is None:
            raise NotFound(
                f"There is no login provider {name[:40]!r} at this node.",
                hint="The page /login lists them.",
            )
        return provider

    def discovered(self, provider: Provider) -> Discovered:
        """Return the endpoints of `provider`.

        Raises
        ------
        Upstream
            If it does not answer, or answers for another issuer.
        """
        kept = self._kept[provider.name]
        now = self._clock()
        with kept.lock:
            if kept.found and kept.found_at and now - kept.found_at < KEPT:
                return kept.found
            address = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
            try:
                kept.found = _read(provider, self._asked(provider, kept, address))
            except Upstream:
                if kept.found is None:
                    raise
                return kept.found
            kept.found_at = now
            return kept.found

    def keys(self, provider: Provider, *, again: bool = False, at_once: bool = False) -> list[Key]:
        """Return the keys that `provider` signs with.

        Parameters
        ----------
        again : bool
            Ask again, since none of those that are known fits; not more often than every
            30 seconds, unless `at_once`.
        at_once : bool
            What is to be verified comes from the provider itself.

        Raises
        ------
        Upstream
        """
        address = self.discovered(provider).jwks
        kept = self._kept[provider.name]
        now = self._clock()
        with kept.lock:
            age = None if kept.keys_at is None else now - kept.keys_at
            is_old = age is None or age >= KEPT
            if not is_old and not (again and (at_once or (age and age >= KEYS_AGAIN))):
                return list(kept.keys)
            try:
                kept.keys = _keys(self._asked(provider, kept, address))
            except Upstream:
                if not kept.keys:
                    raise
            else:
                kept.keys_at = now
            return list(kept.keys)

    def post(self, provider: Provider, form: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        """Send a form to the token endpoint as this client; return status and answer.

        Raises
        ------
        Upstream
            If there is no answer, or none that says anything.
        """
        found = self.discovered(provider)
        sent, headers = dict(form), {"Accept": "application/json"}
        secret = self.secret(provider)
        if secret is None:
            sent["client_id"] = provider.client_id
        elif "client_secret_basic" in found.secret_by:
            # RFC 6749, 2.3.1: both are encoded as in a form first
            pair = f"{quote(provider.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            sent |= {"client_id": provider.client_id, "client_secret": secret}
        answer = self._send(provider, "POST", found.token, data=sent, headers=headers)
        return answer.status_code, _json(provider, answer)

    def userinfo(self, provider: Provider, access_token: str) -> Mapping[str, Any]:
        """Return what `provider` says of the person whom the token is for.

        Raises
        ------
        Upstream
        """
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        address = self.discovered(provider).userinfo
        answer = self._send(provider, "GET", address, headers=headers)
        if answer.status_code != httpx.codes.OK:
            raise _failed(provider, f"its UserInfo answered {answer.status_code}")
        return _json(provider, answer)

    def secret(self, provider: Provider) -> str | None:
        """Return the secret of this client, from its file as it is now; None: a public client.

        Raises
        ------
        Unavailable
            If the file cannot be read.
        """
        if provider.client_secret_file is not None:
            try:
                return provider.client_secret_file.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError):
                raise Unavailable(
                    f"The secret for {provider.title} cannot be read.",
                    hint="The operator of this node has to check client_secret_file.",
                ) from None
        given = provider.client_secret
        return None if given is None else given.get_secret_value()

    def _asked(self, provider: Provider, kept: _Kept, address: str) -> Mapping[str, Any]:
        now = self._clock()
        if kept.trouble and kept.down_at and timedelta() <= now - kept.down_at < DOWN:
            raise kept.trouble
        try:
            answer = self._send(provider, "GET", address)
            if answer.status_code != httpx.codes.OK:
                raise _failed(provider, f"{urlsplit(address).path} answered {answer.status_code}")
            found = _json(provider, answer)
        except Upstream as error:
            kept.down_at, kept.trouble = now, error
            raise
        kept.trouble = None
        return found

    def _send(self, provider: Provider, method: str, address: str, **parts: Any) -> httpx.Response:
        try:
            return self._client.request(method, address, **parts)
        except Upstream as error:
            raise _failed(provider, error.detail.rstrip(".")) from None


def _failed(provider: Provider, reason: str) -> Upstream:
    return Upstream(
        f"{provider.title} cannot be used to sign in at the moment: {reason}.",
        provider=provider.name,
        hint="Try again in a minute. If it stays so, tell the operator of this node.",
    )


def _json(provider: Provider, answer: httpx.Response) -> Mapping[str, Any]:
    if len(answer.content) <= _LONGEST:
        with suppress(ValueError, RecursionError):
            found = json.loads(answer.content)
            if isinstance(found, dict):
                return found
    raise _failed(provider, f"its answer ({answer.status_code}) is no JSON object")


def _read(provider: Provider, document: Mapping[str, Any]) -> Discovered:
    if document.get("issuer") != provider.issuer:
        raise _failed(provider, f"it is not the issuer {provider.issuer}")
    endings = ("authorization", "token", "userinfo")
    addresses = [document.get(f"{name}_endpoint") for name in endings]
    addresses.append(document.get("jwks_uri"))
    end_session = document.get("end_session_endpoint")
    if not all(_is_safe(address) for address in addresses):
        raise _failed(provider, "its endpoints are not all there and https")
    secret_by = _words(document.get("token_endpoint_auth_methods_supported"))
    return Discovered(
        authorization=str(addresses[0]),
        token=str(addresses[1]),
        userinfo=str(addresses[2]),
        jwks=str(addresses[3]),
        end_session=str(end_session) if _is_safe(end_session) else None,
        algorithms=_words(document.get("id_token_signing_alg_values_supported")),
        secret_by=secret_by or frozenset({"client_secret_basic"}),
        says_iss=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _words(value: object) -> frozenset[str]:
    return (
        frozenset(item for item in value if isinstance(item, str))
        if isinstance(value, list)
        else frozenset()
    )


def _is_safe(address: object) -> bool:
    """Whether it is an address that may be used: encrypted, or on this machine."""
    if not isinstance(address, str) or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return False
    # it becomes part of a header that says where forms may lead
    if any(sign in parts.netloc for sign in ";,'\"@\\<>"):
        return False
    return bool(host) and (
        parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    )


def _keys(document: Mapping[str, Any]) -> tuple[Key, ...]:
    found: list[Key] = []
    listed = document.get("keys")
    for data in listed[:_MOST_KEYS] if isinstance(listed, list) else ():
        if not isinstance(data, dict) or data.get("use", "sig") != "sig":
            continue
        # a key of a kind that is not understood says nothing of the others
        with suppress(JoseError, ValueError, TypeError, KeyError):
            key = JWKRegistry.import_key(data)
            if isinstance(key, RSAKey | ECKey | OKPKey):
                found.append(key)
    return tuple(found)
