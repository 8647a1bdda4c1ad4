"""Browsers that are signed in: rows behind an opaque cookie, of which only the hash is kept.

How a session begins is `oidc`; its owner may look at the others and end them.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.people import account, session
from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.identity.keys import digest
from panosc.identity.standing import Standing, columns, from_row, is_live
from panosc.policy import audit
from panosc.settings import Settings

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used: not every request writes."""
_AGENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser of one person; `handle` names it to its owner, `is_this` marks the caller's."""

    handle: str
    provider: str
    agent: str | None
    created: datetime
    seen: datetime
    expires: datetime
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The session behind a cookie and what its person amounts to."""

    key: bytes
    provider: str
    standing: Standing
    refresh_at: datetime | None


class SessionStore:
    """Begins, finds and ends sessions."""

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        # no transaction around one look: it takes two answers of the database less
        self._looking = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._settings = settings
        self._clock = clock
        self.is_secure = (settings.base_url or "").startswith("https://")
        """Whether cookies may only travel encrypted."""
        self.cookie = "__Host-panosc" if self.is_secure else "panosc"
        """The name of the cookie; a browser lets no other host set the first one."""

    def begin(self, connection: sa.Connection, person: str, **row: Any) -> str:
        """Add a session in the caller's transaction; return the value of its cookie.

        `row` has provider, iss, sub, sid, agent, sealed and refresh_at of the table.
        """
        now, cookie = self._clock(), secrets.token_urlsafe(32)
        row["agent"] = (row.get("agent") or "")[:_AGENT] or None
        connection.execute(
            sa.insert(session).values(
                id=digest(cookie),
                handle=secrets.token_hex(6),
                account=person,
                created=now,
                seen=now,
                expires=now + timedelta(hours=self._settings.session_hours),
                **row,
            )
        )
        return cookie

    def find(self, cookie: str) -> Found | None:
        """Return the session behind a cookie; None when it is over or never was."""
        now, key = self._clock(), digest(cookie)
        with self._looking.connect() as connection:
            row = connection.execute(_BY_COOKIE, {"now": now, "key": key}).first()
        if row is None:
            return None
        if row.seen < now - SEEN_EVERY:
            with self._engine.begin() as connection:
                connection.execute(sa.update(session).values(seen=now).where(session.c.id == key))
        return Found(
            key=key,
            provider=row.provider,
            standing=from_row(row),
            refresh_at=row.refresh_at,
        )

    def listed(self, who: Who, cookie: str | None) -> list[Session]:
        """Return the sessions of whoever asks, the newest first."""
        here = None if cookie is None else digest(cookie)
        query = (
            sa.select(session)
            .where(session.c.account == who.person, session.c.expires > self._clock())
            .order_by(session.c.seen.desc(), session.c.handle)
        )
        with self._engine.connect() as connection:
            return [
                Session(
                    handle=row.handle,
                    provider=row.provider,
                    agent=row.agent,
                    created=row.created,
                    seen=row.seen,
                    expires=row.expires,
                    is_this=row.id == here,
                )
                for row in connection.execute(query)
            ]

    def end(self, who: Who, handle: str) -> None:
        """End one session of whoever asks.

        Raises
        ------
        NotFound
            If there is none of theirs with that handle.
        """
        with self._engine.begin() as connection:
            ended = connection.execute(
                sa.delete(session).where(
                    session.c.account == who.person, session.c.handle == handle
                )
            ).rowcount
            if not ended:
                raise NotFound(f"You have no session {handle!r}.", hint="It may be over already.")
            audit.record(connection, who, "session.ended", now=self._clock(), subject=handle)

    def end_others(self, who: Who, cookie: str | None) -> int:
        """End all sessions of whoever asks but the one behind `cookie`; return how many."""
        here = digest(cookie or "")
        with self._engine.begin() as connection:
            ended = connection.execute(
                sa.delete(session).where(session.c.account == who.person, session.c.id != here)
            ).rowcount
            if ended:
                audit.record(
                    connection,
                    who,
                    "session.ended",
                    now=self._clock(),
                    subject=who.person,
                    others=ended,
                )
        return ended


_BY_COOKIE = (
    sa.select(*columns(), session.c.provider, session.c.seen, session.c.refresh_at)
    .join_from(session, account, account.c.id == session.c.account)
    .where(session.c.id == sa.bindparam("key"), session.c.expires > sa.bindparam("now"), is_live())
)
