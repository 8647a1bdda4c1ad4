"""Whether a token that a provider has signed is what it claims to be, for us, and of now.

ID tokens, logout tokens and RFC 9068 access tokens differ in type, audience and claims, and none
passes for another. Signatures are asymmetric ones alone.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from typing_extensions import override

from panosc.catalogue.people import identity
from panosc.domain.access import EVERY_SCOPE, Who
from panosc.domain.errors import Unauthenticated, Upstream
from panosc.identity import accounts
from panosc.identity.oidc.providers import Key, Providers
from panosc.identity.standing import standing_of
from panosc.settings import Provider, Settings

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""What tokens may be signed with; what is missing here is refused, such as none and HS256."""
SKEW_S = 60
"""How far the clock of a provider may be off."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_LASTS_S = 600
_PARTS = 3
_Claims = dict[str, Any]


class BadToken(Exception):
    """A token is not good; the text says why, and nothing of the token."""


class _Allowed(JWSRegistry):
    """The algorithms above alone, whatever the library thinks of them."""

    max_header_length = 8192

    @override
    def get_alg(self, name: str) -> Any:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError("This algorithm is not allowed")
        return self.algorithms[name]


_REGISTRY = _Allowed(strict_check_header=False)


class Verifier:
    """Verifies tokens of the providers."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        providers: Providers,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._terms = settings.terms_version
        self._providers = providers
        self._clock = clock

    def id_token(
        self, provider: Provider, text: str, *, nonce: str | None, access_token: str
    ) -> _Claims:
        """Return the claims of an ID token that the provider has just given us.

        `nonce` is None for one that comes with a refreshed token.

        Raises
        ------
        Upstream
            If it is not good: the provider, or who pretends to be it, is at fault.
        """
        try:
            header, claims = self._signed(provider, text, types={"", "jwt"}, at_once=True)
            self._hold(claims, provider.issuer, provider.client_id, ("exp", "iat", "sub"))
            audience = claims["aud"]
            if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
                _refuse("it is for others, too")
            if claims.get("azp", provider.client_id) != provider.client_id:
                _refuse("it was made for another client")
            if nonce is not None and not _same(claims.get("nonce"), nonce):
                _refuse("it belongs to another login")
            if "events" in claims:
                _refuse("it is no ID token")
            if "at_hash" in claims and not _same(claims["at_hash"], _half(header, access_token)):
                _refuse("it belongs to another access token")
        except BadToken as error:
            raise Upstream(
                f"{provider.title} gave an ID token that does not hold: {error}.",
                provider=provider.name,
                hint="Sign in again. If it stays so, tell the operator of this node.",
            ) from None
        return claims

    def logout_token(self, text: str) -> tuple[Provider, _Claims]:
        """Return who says that a session is over, and of whom: sid or sub, or both.

        Raises
        ------
        BadToken
            If it is not good.
        Upstream
            If its provider cannot be asked for its keys.
        """
        said = _unverified(text)
        audience = [] if said is None else said.get("aud")
        listed = audience if isinstance(audience, list) else [audience]
        provider = next(
            (
                one
                for one in self._providers.all
                if said is not None and one.issuer == said.get("iss") and one.client_id in listed
            ),
            None,
        )
        if provider is None:
            _refuse("it is of no provider of this node, or not for it")
        _, claims = self._signed(provider, text, types={"", "jwt", "logout+jwt"})
        self._hold(claims, provider.issuer, provider.client_id, ("iat", "jti"))
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
            _refuse("it is no logout token")
        if "nonce" in claims:
            _refuse("it is an ID token")
        if claims["iat"] < self._clock().timestamp() - _LOGOUT_LASTS_S:
            _refuse("it is old")
        sid = claims.get("sid")
        if (sid is not None and not isinstance(sid, str)) or not (sid or claims.get("sub")):
            _refuse("it does not say whose session")
        return provider, claims

    def bearer(self, text: str) -> Who | None:
        """Return whom an RFC 9068 access token is for; None if it is no provider's of ours.

        Raises
        ------
        Unauthenticated
            If it is of one of our providers and not good.
        """
        said = _unverified(text)
        issuer = None if said is None else said.get("iss")
        candidates = [one for one in self._providers.all if one.audience and one.issuer == issuer]
        if not candidates:
            return None
        try:
            provider, claims = self._access_token(candidates, text)
        except BadToken as error:
            raise Unauthenticated(
                f"This token of {candidates[0].title} does not hold: {error}.",
                reason="invalid_token",
                hint="Ask the provider for a new one, for this node as its audience.",
            ) from None
        scope = claims.get("scope")
        words = scope.split() if isinstance(scope, str) else ()
        return self._who(provider, claims, {word.removeprefix("panosc:") for word in words})

    def _access_token(self, candidates: list[Provider], text: str) -> tuple[Provider, _Claims]:
        provider = candidates[0]
        _, claims = self._signed(provider, text, types={"at+jwt"})
        audience = claims.get("aud")
        listed = audience if isinstance(audience, list) else [audience]
        # one issuer may be registered more than once
        provider = next((one for one in candidates if one.audience in listed), provider)
        self._hold(claims, provider.issuer, str(provider.audience), ("exp", "iat", "sub"))
        return provider, claims

    def _who(self, provider: Provider, claims: _Claims, scopes: set[str]) -> Who:
        now = self._clock()
        key = (identity.c.iss == claims["iss"], identity.c.sub == claims["sub"])
        with self._engine.connect() as connection:
            person = connection.execute(sa.select(identity.c.account).where(*key)).scalar()
            standing = person and standing_of(connection, person, now=now)
        if person is None:
            with self._engine.begin() as connection:
                told = {"iss": claims["iss"], "sub": claims["sub"]}
                person = accounts.sign_in(connection, provider, told, now=now)
                standing = standing_of(connection, person, now=now)
        if not standing:
            raise Unauthenticated("This account is locked.", reason="invalid_token")
        return standing.who(
            via="bearer", scopes=scopes & EVERY_SCOPE, is_admitted=standing.terms == self._terms
        )

    def _signed(
        self, provider: Provider, text: str, *, types: set[str], at_once: bool = False
    ) -> tuple[Mapping[str, Any], _Claims]:
        """Return header and claims of a token that one of the provider's keys has signed."""
        header = _header(text)
        kind = header.get("typ", "")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
            _refuse("it is of another type")
        if header.get("alg") not in ALGORITHMS:
            _refuse("it is not signed as it has to be")
        for again in (False, True):
            for key in self._providers.keys(provider, again=again, at_once=at_once):
                if _fits(key, header):
                    try:
                        token = jwt.decode(text, key, registry=_REGISTRY)
                    except (JoseError, ValueError, TypeError, RecursionError):
                        continue
                    return token.header, token.claims
        raise BadToken("no key of the provider has signed it")

    def _hold(self, claims: _Claims, issuer: str, audience: str, needed: tuple[str, ...]) -> None:
        """Refuse claims of another issuer, for others, expired or of the future."""
        rules: dict[str, jwt.ClaimsOption] = {name: {"essential": True} for name in needed}
        rules["iss"] = {"essential": True, "value": issuer}
        rules["aud"] = {"essential": True, "value": audience}
        now = int(self._clock().timestamp())
        try:
            jwt.JWTClaimsRegistry(now=now, leeway=SKEW_S, **rules).validate(claims)
        except JoseError as error:
            _refuse(str(error.description or error.error).strip(". "))
        except (ValueError, TypeError, OverflowError):
            _refuse("its claims are not of their kind")


def _refuse(reason: str) -> NoReturn:
    raise BadToken(reason)


def _fits(key: Key, header: Mapping[str, Any]) -> bool:
    """Whether a token with this header may be signed by `key`, by what both announce."""
    kid, algorithm = header.get("kid"), key.alg
    if kid is not None and key.kid != kid:
        return False
    return algorithm is None or algorithm == header["alg"]


def _same(given: object, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), wanted.encode())


def _half(header: Mapping[str, Any], access_token: str) -> str:
    """Return the `at_hash` of a token: the left half of its digest."""
    kind = "sha512" if str(header["alg"]).startswith("Ed") else "sha256"
    digest = hashlib.new(kind, access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _decoded(part: str) -> _Claims | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _header(text: str) -> _Claims:
    parts = text.split(".")
    header = _decoded(parts[0]) if len(parts) == _PARTS else None
    if header is None:
        _refuse("it is no JWT")
    return header


def _unverified(text: str) -> _Claims | None:
    """Return what a JWT claims, to find out whose it is; None for anything else."""
    parts = text.split(".")
    return _decoded(parts[1]) if len(parts) == _PARTS else None
