"""The provider's keys, and everything that it signs with them."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from panosc.identity.devprovider.people import subject
from panosc.identity.devprovider.state import Grant, Lifetimes, Login

ALGORITHM = "ES256"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_KEPT = 2
_LOGOUT_S = 120


class Signer:
    """Signs with the newest key; the one before it is still published."""

    def __init__(
        self, issuer: Callable[[], str], clock: Callable[[], datetime], lifetimes: Lifetimes
    ) -> None:
        self._issuer = issuer
        self._clock = clock
        self._lifetimes = lifetimes
        self._keys = [_new_key()]

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._keys = [_new_key(), *self._keys][:_KEPT]

    def published(self) -> dict[str, Any]:
        """Return the public keys."""
        return {"keys": [key.as_dict(private=False) for key in self._keys]}

    def id_token(self, grant: Grant, *, nonce: str | None, access_token: str) -> str:
        """Return the ID token of a grant, for its client."""
        claims = {
            "sub": subject(grant.login.person),
            "aud": grant.client,
            "auth_time": int(grant.login.at.timestamp()),
            "sid": grant.login.sid,
            "at_hash": _half_hash(access_token),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return self._sign(claims, kind="JWT", seconds=self._lifetimes.id_token_s)

    def access_token(self, grant: Grant, audience: str, scopes: tuple[str, ...]) -> str:
        """Return an access token for one resource server, after RFC 9068."""
        claims = {
            "sub": subject(grant.login.person),
            "aud": audience,
            "client_id": grant.client,
            "scope": " ".join(scopes),
            "jti": secrets.token_hex(8),
            "auth_time": int(grant.login.at.timestamp()),
        }
        return self._sign(claims, kind="at+jwt", seconds=self._lifetimes.access_s)

    def logout_token(self, login: Login, client: str) -> str:
        """Return what tells a client that a login is over."""
        claims = {
            "sub": subject(login.person),
            "aud": client,
            "sid": login.sid,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
        }
        return self._sign(claims, kind="logout+jwt", seconds=_LOGOUT_S)

    def hint(self, text: str) -> dict[str, Any]:
        """Return the claims of an ID token that came back, expired or not; none if not ours."""
        keys = KeySet(list(self._keys))
        try:
            claims = jwt.decode(text, keys, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return {}
        return dict(claims) if claims.get("iss") == self._issuer() else {}

    def _sign(self, claims: dict[str, Any], *, kind: str, seconds: float) -> str:
        now, key = int(self._clock().timestamp()), self._keys[0]
        times = {"iss": self._issuer(), "iat": now, "exp": now + int(seconds)}
        header = {"alg": ALGORITHM, "typ": kind, "kid": key.kid}
        return jwt.encode(header, times | claims, key, algorithms=[ALGORITHM])


def _new_key() -> ECKey:
    return ECKey.generate_key(
        "P-256", {"use": "sig", "alg": ALGORITHM, "kid": secrets.token_hex(4)}
    )


def _half_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
