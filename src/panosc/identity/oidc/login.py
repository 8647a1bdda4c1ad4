"""Logins: from the button to a session, the authorization code flow with PKCE.

What a login is worth afterwards - kept fresh, ended by either side - is `lasting`.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from panosc.catalogue.people import attempt, session, spent
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import PanoscError, Unauthenticated, Upstream
from panosc.identity import accounts
from panosc.identity.keys import Keys, digest
from panosc.identity.oidc.providers import Providers
from panosc.identity.oidc.verifying import Verifier
from panosc.identity.sessions import SessionStore
from panosc.policy import audit
from panosc.settings import Provider

LASTS = timedelta(minutes=10)
"""How long a login may take."""
SOONEST = timedelta(minutes=5)
"""How often at most a provider is asked again who somebody is."""
SEALED_FOR = "provider tokens"
_LONGEST = 2000
_TOLD = {
    "access_denied": "You, or the provider, have cancelled it.",
    "login_required": "You are not signed in there.",
    "interaction_required": "It needs to ask you something.",
    "consent_required": "You have not agreed that it tells us who you are.",
    "temporarily_unavailable": "It is not available at the moment.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Where the browser goes to sign in, and the cookie by which it is known when it is back."""

    url: str = field(repr=False)
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Who has signed in, the cookie of their session, and where they wanted to go.

    `cookie` is None for an identity that was linked: the session stays as it is.
    """

    person: str
    cookie: str | None = field(repr=False)
    back: str
    terms: str | None = None
    """The version of the acceptable use policy that they have accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """The browser that comes back: its two cookies, and what it calls itself."""

    attempt: str | None = field(repr=False)
    session: str | None = field(repr=False)
    agent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a provider gave for a code or a refresh token, verified."""

    claims: dict[str, Any]
    sealed: dict[str, Any] = field(repr=False)
    """What is kept of the tokens."""
    sid: str | None
    refresh_at: datetime | None


class LoginService:
    """Begins and finishes logins, and links further identities to an account."""

    def __init__(
        self,
        engine: sa.Engine,
        sessions: SessionStore,
        providers: Providers,
        *,
        verifier: Verifier,
        keys: Keys,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._sessions = sessions
        self._verifier = verifier
        self._keys = keys
        self._clock = clock
        self.providers = providers
        self.cookie = f"{sessions.cookie}-login"
        """The name of the cookie of a login under way."""

    def begin(
        self,
        name: str,
        *,
        back: str,
        base: str,
        browser: str | None = None,
        link_to: Who | None = None,
    ) -> Begun:
        """Begin a login at the provider `name`.

        Parameters
        ----------
        back : str
            A path of this site, to go to afterwards.
        base : str
            The public address of this node.
        browser : str, optional
            The cookie of another login that this browser has begun.
        link_to : Who, optional
            Whose account is to get a further identity.

        Raises
        ------
        NotFound, Upstream
        """
        provider = self.providers.named(name)
        found = self.providers.discovered(provider)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        cookie = browser if browser and len(browser) == len(state) else secrets.token_urlsafe(32)
        now = self._clock()
        with self._engine.begin() as connection:
            for table in (attempt, session, spent):
                connection.execute(sa.delete(table).where(table.c.expires < now))
            connection.execute(
                sa.insert(attempt).values(
                    state=digest(state),
                    browser=digest(cookie),
                    provider=name,
                    nonce=nonce,
                    verifier=verifier,
                    back=back[:_LONGEST],
                    account=None if link_to is None else link_to.person,
                    expires=now + LASTS,
                )
            )
        challenge = hashlib.sha256(verifier.encode()).digest()
        url = prepare_grant_uri(
            found.authorization,
            provider.client_id,
            "code",
            redirect_uri=callback(base, provider),
            scope=" ".join(provider.scopes),
            state=state,
            nonce=nonce,
            code_challenge=base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )
        return Begun(url=str(url), cookie=cookie)

    def finish(
        self, name: str, answer: Mapping[str, str], *, browser: Browser, base: str
    ) -> Finished:
        """Make a session of what the provider `name` sent the browser back with.

        Raises
        ------
        Unauthenticated
            If this browser has begun no such login, or the provider refused it.
        Upstream
            If the provider fails us, or what it says does not hold.
        Conflict
            If the identity to be linked has an account of its own.
        NotFound
        """
        provider = self.providers.named(name)
        begun = self._taken(name, answer.get("state", ""), browser.attempt)
        try:
            granted = self._granted(provider, answer, begun, base)
            return self._entered(provider, granted, begun, browser)
        except PanoscError as error:
            with self._engine.begin() as connection:
                audit.record(
                    connection,
                    ANYONE,
                    "session.refused",
                    now=self._clock(),
                    provider=name,
                    error=error.code,
                )
            raise

    def _taken(self, name: str, state: str, cookie: str | None) -> Any:
        """Take the login that was begun under `state` by this browser: nobody gets it twice."""
        query = (
            sa.delete(attempt)
            .where(
                attempt.c.state == digest(state),
                attempt.c.browser == digest(cookie or ""),
                attempt.c.provider == name,
                attempt.c.expires > self._clock(),
            )
            .returning(attempt)
        )
        with self._engine.begin() as connection:
            begun = connection.execute(query).first()
        if begun is None:
            raise Unauthenticated(
                "This sign-in was not begun in this browser, took too long, or is done already.",
                hint="Begin again. Cookies have to be allowed for this site.",
            )
        return begun

    def _granted(
        self, provider: Provider, answer: Mapping[str, str], begun: Any, base: str
    ) -> Granted:
        found = self.providers.discovered(provider)
        issuer = answer.get("iss")
        if issuer != provider.issuer and (issuer is not None or found.says_iss):
            raise Unauthenticated(
                f"This answer is not one of {provider.title}.",
                hint="Begin again. If it happens again, tell the operator of this node.",
            )
        code = answer.get("code", "")
        if "error" in answer or not code:
            reason = _TOLD.get(answer.get("error", ""), "It does not say why.")
            raise Unauthenticated(
                f"{provider.title} has not signed you in. {reason}",
                hint="Try again, or choose another way to sign in.",
            )
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback(base, provider),
            "code_verifier": begun.verifier,
        }
        status, tokens = self.providers.post(provider, form)
        if status != 200 or "error" in tokens:  # noqa: PLR2004
            raise refused(provider, tokens)
        return self.verified(provider, tokens, nonce=begun.nonce)

    def verified(
        self,
        provider: Provider,
        tokens: Mapping[str, Any],
        *,
        nonce: str | None,
        before: Mapping[str, Any] | None = None,
    ) -> Granted:
        """Return what the tokens of a provider amount to, with what its UserInfo says.

        Parameters
        ----------
        nonce : str or None
            Of the login; None for tokens that were refreshed.
        before : mapping, optional
            What was kept of the tokens that these replace.

        Raises
        ------
        Upstream
        """
        old = before or {}
        access, id_token = tokens.get("access_token"), tokens.get("id_token")
        kind = tokens.get("token_type")
        if not isinstance(access, str) or not isinstance(kind, str) or kind.lower() != "bearer":
            raise refused(provider, tokens)
        signed: dict[str, Any] = {"iss": provider.issuer, "sub": old.get("sub")}
        if isinstance(id_token, str) or nonce is not None:
            signed = self._verifier.id_token(
                provider, str(id_token), nonce=nonce, access_token=access
            )
        told = self.providers.userinfo(provider, access)
        if not told.get("sub") or told["sub"] != signed["sub"]:
            raise Upstream(
                f"{provider.title} says two different things about who you are.",
                provider=provider.name,
                hint="Sign in again. If it stays so, tell the operator of this node.",
            )
        refresh = tokens.get("refresh_token") or old.get("refresh")
        kept = {
            "sub": signed["sub"],
            "refresh": refresh if isinstance(refresh, str) else None,
            "id_token": id_token if isinstance(id_token, str) else old.get("id_token"),
        }
        sid = signed.get("sid")
        return Granted(
            claims={**signed, **told, "iss": provider.issuer, "sub": signed["sub"]},
            sealed=kept,
            sid=sid if isinstance(sid, str) else None,
            refresh_at=self.due(tokens) if kept["refresh"] else None,
        )

    def due(self, tokens: Mapping[str, Any]) -> datetime:
        """Return when a provider is to be asked again: when its access token ends."""
        lasts = tokens.get("expires_in")
        seconds = lasts if isinstance(lasts, int) and 0 < lasts < 10**6 else 0
        return self._clock() + max(timedelta(seconds=seconds), SOONEST)

    def _entered(
        self, provider: Provider, granted: Granted, begun: Any, browser: Browser
    ) -> Finished:
        now = self._clock()
        if begun.account is not None:
            self._link(provider, granted, begun.account, browser)
            return Finished(person=begun.account, cookie=None, back=begun.back)
        with self._engine.begin() as connection:
            person = accounts.sign_in(connection, provider, granted.claims, now=now)
            who = Who(person=person, via="session")
            if browser.session:
                # a browser that was somebody else's, or was handed a cookie, starts anew
                gone = sa.delete(session).where(session.c.id == digest(browser.session))
                connection.execute(gone)
            cookie = self._sessions.begin(
                connection,
                person,
                provider=provider.name,
                iss=provider.issuer,
                sub=granted.claims["sub"],
                sid=granted.sid,
                agent=browser.agent,
                sealed=self._keys.seal(granted.sealed, SEALED_FOR),
                refresh_at=granted.refresh_at,
            )
            audit.record(
                connection, who, "session.began", now=now, subject=person, provider=provider.name
            )
        entered = self._sessions.find(cookie)
        if entered is None:
            raise Unauthenticated(
                "This account is locked.", hint="Ask the operator of this node why."
            )
        terms = entered.standing.terms
        return Finished(person=person, cookie=cookie, back=begun.back, terms=terms)

    def _link(self, provider: Provider, granted: Granted, person: str, browser: Browser) -> None:
        here = self._sessions.find(browser.session or "")
        if here is None or here.standing.account != person:
            raise Unauthenticated(
                "Whoever began to link this identity is no longer signed in here.",
                hint="Sign in and begin again.",
            )
        with self._engine.begin() as connection:
            accounts.link(connection, person, provider, granted.claims, now=self._clock())


def callback(base: str, provider: Provider) -> str:
    """Return where a provider sends the browser back to; it has to be registered there."""
    return f"{base}/auth/callback/{provider.name}"


def refused(provider: Provider, tokens: Mapping[str, Any]) -> Upstream:
    """Return the error of a token endpoint that gave no tokens; its code, never its text."""
    code = tokens.get("error")
    plain = isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum()
    return Upstream(
        f"{provider.title} gave no usable tokens" + (f" ({str(code)[:60]})." if plain else "."),
        provider=provider.name,
        hint="Sign in again. If it stays so, the operator of this node has to look at how it is "
        "registered there.",
    )
