"""What becomes of a login: kept fresh at the provider, and ended from here or from there.

Locks are not needed: whoever changes the row of a session first does the work.
"""

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.catalogue.people import session, spent
from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import PanoscError, Upstream
from panosc.identity import accounts
from panosc.identity.keys import Keys, digest
from panosc.identity.oidc.login import SEALED_FOR, LoginService
from panosc.identity.oidc.verifying import Verifier
from panosc.identity.sessions import Found
from panosc.policy import audit
from panosc.settings import Provider

RETRY = timedelta(minutes=1)
"""How long a provider that failed us is left alone."""
_ONCE = timedelta(hours=1)
_SERVER_ERROR = 500
_log = logging.getLogger(__name__)


class SessionKeeper:
    """Keeps sessions fresh at their provider, and ends them."""

    def __init__(
        self,
        engine: sa.Engine,
        login: LoginService,
        *,
        verifier: Verifier,
        keys: Keys,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._login = login
        self._verifier = verifier
        self._keys = keys
        self._clock = clock

    def keep_fresh(self, found: Found) -> bool:
        """Ask the provider again who this is when it is time to; False: it is over.

        A provider that is down changes nothing: it is asked again in a minute.
        """
        now = self._clock()
        if found.refresh_at is None or found.refresh_at > now:
            return True
        row = self._claimed(found.key, now)
        if row is None:
            # another request is at it
            return True
        try:
            provider = self._login.providers.named(row.provider)
            return self._refreshed(provider, row, now)
        except PanoscError as error:
            _log.warning("A session was not refreshed at %s: %s", row.provider, error.detail)
            return True

    def leaving(self, cookie: str | None) -> str | None:
        """Return the origin of the provider that a sign-out leads to; None: it stays here."""
        row = self._row(cookie)
        address = None if row is None else self._end_session(row.provider)
        if address is None:
            return None
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.netloc}"

    def end(self, cookie: str | None, base: str) -> str | None:
        """End the session of this browser; return where to sign out at the provider, too.

        What is over already is over: a second time does nothing.
        """
        if not cookie:
            return None
        with self._engine.begin() as connection:
            gone = sa.delete(session).where(session.c.id == digest(cookie)).returning(session)
            row = connection.execute(gone).first()
            if row is None:
                return None
            self._told(connection, row, "signed out")
        address = self._end_session(row.provider)
        if address is None:
            return None
        kept = self._keys.unseal(row.sealed or "", SEALED_FOR) or {}
        asked = {
            "client_id": self._login.providers.named(row.provider).client_id,
            "post_logout_redirect_uri": f"{base}/logout",
        }
        if kept.get("id_token"):
            asked["id_token_hint"] = kept["id_token"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def end_from_there(self, logout_token: str) -> int:
        """End the sessions that a provider says are over; return how many that were.

        A token that comes again, as after an answer that was lost, ends nothing more.

        Raises
        ------
        BadToken
            If it is not good.
        Upstream
            If the provider cannot be asked for its keys.
        """
        provider, claims = self._verifier.logout_token(logout_token)
        now = self._clock()
        name = f"{provider.issuer}\0{claims['jti']}".encode()
        seen = pg.insert(spent).values(
            name=f"logout:{hashlib.sha256(name).hexdigest()}", expires=now + _ONCE
        )
        theirs = [session.c.iss == provider.issuer]
        theirs += [session.c[key] == claims[key] for key in ("sid", "sub") if claims.get(key)]
        with self._engine.begin() as connection:
            first = seen.on_conflict_do_nothing().returning(spent.c.name)
            if connection.execute(first).first() is None:
                return 0
            rows = connection.execute(sa.delete(session).where(*theirs).returning(session)).all()
            for row in rows:
                self._told(connection, row, "signed out at the provider", ANYONE)
        return len(rows)

    def _claimed(self, key: bytes, now: datetime) -> Any:
        """Take the refreshing of a session for this request; None when another has it."""
        query = (
            sa.update(session)
            .values(refresh_at=now + RETRY)
            .where(session.c.id == key, session.c.refresh_at <= now)
            .returning(session)
        )
        with self._engine.begin() as connection:
            return connection.execute(query).first()

    def _refreshed(self, provider: Provider, row: Any, now: datetime) -> bool:
        kept = self._keys.unseal(row.sealed or "", SEALED_FOR) or {}
        if not kept.get("refresh"):
            # sealed with another key of the node: it can be used, but not asked about
            self._keep(row.id, sealed=None, refresh_at=None)
            return True
        form = {"grant_type": "refresh_token", "refresh_token": kept["refresh"]}
        status, tokens = self._login.providers.post(provider, form)
        if "error" in tokens or status >= _SERVER_ERROR:
            if tokens.get("error") == "invalid_grant":
                return self._over(row, "ended by the provider")
            _log.warning("%s refused to refresh a session: %s", provider.name, status)
            return True
        if isinstance(tokens.get("refresh_token"), str):
            # the old one is used up, whatever comes next
            kept = kept | {"refresh": tokens["refresh_token"]}
            self._keep(row.id, sealed=self._keys.seal(kept, SEALED_FOR))
        before = {**kept, "sub": row.sub}
        granted = self._login.verified(provider, tokens, nonce=None, before=before)
        if granted.claims["sub"] != row.sub:
            return self._over(row, "another person came back")
        with self._engine.connect() as connection:
            person = accounts.sign_in(connection, provider, granted.claims, now=now)
            if person == row.account:
                connection.commit()
        if person != row.account:
            # such as an identity that was unlinked meanwhile: nothing is made of it
            return self._over(row, "the identity is no longer that of the account")
        sealed = self._keys.seal(granted.sealed, SEALED_FOR)
        self._keep(row.id, sealed=sealed, refresh_at=granted.refresh_at)
        return True

    def _keep(self, key: bytes, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(session).values(**values).where(session.c.id == key))

    def _over(self, row: Any, reason: str) -> bool:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(session).where(session.c.id == row.id))
            self._told(connection, row, reason, ANYONE)
        return False

    def _told(
        self, connection: sa.Connection, row: Any, reason: str, who: Who | None = None
    ) -> None:
        audit.record(
            connection,
            who or Who(person=row.account, via="session"),
            "session.ended",
            now=self._clock(),
            subject=row.account,
            reason=reason,
            provider=row.provider,
            handle=row.handle,
        )

    def _row(self, cookie: str | None) -> Any:
        if not cookie:
            return None
        query = sa.select(session).where(session.c.id == digest(cookie))
        with self._engine.connect() as connection:
            return connection.execute(query).first()

    def _end_session(self, name: str) -> str | None:
        try:
            return self._login.providers.discovered(self._login.providers.named(name)).end_session
        except PanoscError as error:
            if not isinstance(error, Upstream):
                _log.warning("A session of %s ended here alone: %s", name, error.detail)
            return None
