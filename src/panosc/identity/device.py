"""Device login (RFC 8628) at this node: a program shows a code, its owner approves it in a browser.

It gives tokens of this node, whatever the provider that people sign in with. A refresh token is
good once: used again, the whole login ends. What is sent over HTTP is `routes.oauth`.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.people import account, audit, device, token
from panosc.domain.access import SCOPES, Who
from panosc.domain.errors import Invalid, TooMany
from panosc.identity import tokens
from panosc.identity.keys import digest
from panosc.identity.standing import is_live, standing_of
from panosc.policy import audit as trail
from panosc.policy.requiring import require, require_session

LIFETIME = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
SOONEST = timedelta(seconds=4)
"""Asked again before this, a program is told to slow down: a network may hurry by a second."""
ACCESS = timedelta(hours=1)
REFRESH = timedelta(days=30)
LONGEST = timedelta(days=tokens.LONGEST_DAYS)
"""How long a login lasts, however often it is refreshed: as a personal token."""
GUESSES = 5
GUESS_WINDOW = timedelta(minutes=15)
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word; 20 to the 8th codes."""
DEFAULT_SCOPES = ("read", "data")

_CLIENT = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,78}[\x21-\x7e])?")
_GUESSED = "device.guessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error of RFC 6749 or 8628: what a program is told, with the word it knows."""

    error: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A login that waits for its owner."""

    device_code: str = field(repr=False)
    user_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """Tokens for a program."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a program asks for; `missing` is what the person could not give."""

    user_code: str
    program: str
    scopes: tuple[str, ...]
    missing: tuple[str, ...]


class DeviceService:
    """Logins of programs, from the first code to the last refresh."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, client: str, scope: str) -> Pending | Refusal:
        """Begin a login of a program, by whatever name it gives itself."""
        scopes = tuple(scope.split()) or DEFAULT_SCOPES
        if not _CLIENT.fullmatch(client):
            return Refusal(
                error="invalid_request",
                description="client_id is the name of the program: 1 to 80 printable characters.",
            )
        if not set(scopes) <= SCOPES.keys():
            return Refusal(error="invalid_scope", description=f"There are {', '.join(SCOPES)}.")
        now, code = self._clock(), secrets.token_urlsafe(32)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(device).where(device.c.expires < now - LIFETIME))
            user_code = None
            while user_code is None:
                picked = "".join(secrets.choice(LETTERS) for _ in range(8))
                user_code = connection.execute(
                    sa.dialects.postgresql.insert(device)
                    .values(
                        code=digest(code),
                        user_code=picked,
                        scopes=[name for name in SCOPES if name in scopes],
                        name=client,
                        expires=now + LIFETIME,
                    )
                    .on_conflict_do_nothing(index_elements=["user_code"])
                    .returning(device.c.user_code)
                ).scalar()
        return Pending(device_code=code, user_code=f"{user_code[:4]}-{user_code[4:]}")

    def find(self, who: Who, user_code: str) -> Asked:
        """Return what waits behind a code that a person typed.

        Raises
        ------
        Unauthenticated, Forbidden
            Unless they have signed in with a browser.
        Invalid
            If nothing waits behind it.
        TooMany
            After several wrong codes of one person, for a while.
        """
        with self._engine.begin() as connection:
            found = self._guess(connection, who, user_code)
        if isinstance(found, Exception):
            raise found
        return found

    def answer(self, who: Who, user_code: str, *, is_approved: bool) -> Asked:
        """Approve or deny a login; raises as `find` does."""
        now = self._clock()
        with self._engine.begin() as connection:
            found = self._guess(connection, who, user_code)
            if not isinstance(found, Exception):
                connection.execute(
                    sa.update(device)
                    .values(account=who.person, answer="approved" if is_approved else "denied")
                    .where(device.c.user_code == _plain(user_code))
                )
                trail.record(
                    connection,
                    who,
                    "device.approved" if is_approved else "device.denied",
                    now=now,
                    program=found.program,
                    scopes=list(found.scopes),
                )
        if isinstance(found, Exception):
            raise found
        return found

    def poll(self, client: str, code: str) -> Granted | Refusal:
        """Answer a program that asks whether its owner has answered."""
        now = self._clock()
        key = digest(code if code.isascii() else "")
        query = sa.select(device).where(device.c.code == key).with_for_update()
        with self._engine.begin() as connection:
            row = connection.execute(query).first()
            if row is None or row.name != client:
                return Refusal(
                    error="invalid_grant", description="There is no such login of this program."
                )
            this = device.c.code == row.code
            if row.expires <= now:
                return Refusal(error="expired_token", description="The code is over; begin again.")
            if row.answer is None:
                if row.polled is not None and now - row.polled < SOONEST:
                    return Refusal(error="slow_down", description="Ask less often.")
                connection.execute(sa.update(device).values(polled=now).where(this))
                return Refusal(error="authorization_pending", description="Nobody answered yet.")
            connection.execute(sa.delete(device).where(this))
            standing = standing_of(connection, row.account, now=now) if row.account else None
            if row.answer != "approved" or standing is None:
                return Refusal(error="access_denied", description="The login was denied.")
            who = standing.who(via="token")
            granted = self._issue(
                connection,
                account=standing.account,
                name=row.name,
                scopes=tokens.usable(standing, row.scopes),
                family=secrets.token_hex(8),
                begun=now,
            )
            trail.record(
                connection,
                who,
                "device.granted",
                now=now,
                subject=standing.account,
                program=row.name,
                scopes=list(granted.scopes),
            )
            return granted

    def refresh(self, client: str, text: str, scope: str = "") -> Granted | Refusal:
        """Give new tokens for a refresh token, which is good this once."""
        now, bad = (
            self._clock(),
            Refusal(
                error="invalid_grant", description="This refresh token is not good; log in again."
            ),
        )
        with self._engine.begin() as connection:
            row = _held(connection, text)
            if row is None or row.kind != "refresh":
                return bad
            if row.revoked is not None:
                # somebody has a copy: whoever it is, both lose it
                if tokens.end(connection, row.id, row.family, now=now):
                    who = Who(person=row.account, via="token")
                    reason = "A refresh token was used again."
                    trail.record(
                        connection, who, "device.reused", now=now, subject=row.id, reason=reason
                    )
                return bad
            standing = standing_of(connection, row.account, now=now)
            if row.expires <= now or row.name != client or standing is None:
                return bad
            wanted = set(scope.split()) or set(row.scopes)
            if not wanted <= set(row.scopes):
                return Refusal(error="invalid_scope", description="More than was approved.")
            connection.execute(
                sa.update(token).values(revoked=now, used=now).where(token.c.id == row.id)
            )
            return self._issue(
                connection,
                account=row.account,
                name=row.name,
                scopes=tuple(name for name in row.scopes if name in wanted),
                family=row.family,
                begun=row.created,
            )

    def revoke(self, text: str) -> None:
        """Revoke a token that the caller holds (RFC 7009); nothing happens for any other."""
        now = self._clock()
        with self._engine.begin() as connection:
            row = _held(connection, text)
            if row is None:
                return
            if tokens.end(connection, row.id, row.family, now=now):
                who = Who(person=row.account, via="token")
                trail.record(
                    connection, who, "token.revoked", now=now, subject=row.id, account=row.account
                )

    def _guess(
        self, connection: sa.Connection, who: Who, user_code: str
    ) -> Asked | Invalid | TooMany:
        """Return what waits, or the error; a wrong guess is counted in the audit trail."""
        person, now = require_session(who), self._clock()
        require(who, "read")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_lock_of(person))))
        guesses = connection.execute(
            sa.select(sa.func.count()).where(
                audit.c.person == person,
                audit.c.event == _GUESSED,
                audit.c.at > now - GUESS_WINDOW,
            )
        ).scalar_one()
        if guesses >= GUESSES:
            return TooMany(
                "Too many wrong codes were typed from your account.",
                retry_after=int(GUESS_WINDOW.total_seconds()),
                hint="Wait a quarter of an hour. If it was not you, end your other sessions.",
            )
        plain = _plain(user_code)
        waiting = sa.select(device).where(
            device.c.user_code == plain, device.c.expires > now, device.c.answer.is_(None)
        )
        # locked, so that of two people who answer at one moment the second finds it answered
        row = connection.execute(waiting.with_for_update()).first()
        if row is None:
            trail.record(connection, who, _GUESSED, now=now)
            return Invalid(
                "No program waits behind this code.",
                field="user_code",
                hint="Look at the code again. It is good for ten minutes and one answer; begin "
                "again in the program when it is over.",
            )
        standing = standing_of(connection, person, now=now)
        given = () if standing is None else tokens.usable(standing, row.scopes)
        return Asked(
            user_code=f"{plain[:4]}-{plain[4:]}",
            program=row.name,
            scopes=given,
            missing=tuple(name for name in SCOPES if name in row.scopes and name not in given),
        )

    def _issue(
        self, connection: sa.Connection, *, scopes: tuple[str, ...], begun: datetime, **row: Any
    ) -> Granted:
        """Add the tokens of a login; the refresh token keeps when that began, and ends with it."""
        now = self._clock()
        ends = min(now + REFRESH, begun + LONGEST)
        tokens.forget(connection, row["account"], now=now)
        access = tokens.add(
            connection, kind="access", scopes=scopes, created=now, expires=now + ACCESS, **row
        )
        refresh = tokens.add(
            connection, kind="refresh", scopes=scopes, created=begun, expires=ends, **row
        )
        return Granted(access=access.secret, refresh=refresh.secret, scopes=scopes)


def _plain(user_code: str) -> str:
    return "".join(sign for sign in user_code.upper()[:40] if sign in LETTERS)


def _lock_of(person: str) -> int:
    return int.from_bytes(digest(f"device {person}")[:8], signed=True)


def _held(connection: sa.Connection, text: str) -> Any:
    """Return the row of a token, locked, if its secret is right; also one that is over."""
    parts = tokens.split(text)
    if parts is None:
        return None
    query = (
        sa.select(token)
        .join_from(token, account, account.c.id == token.c.account)
        .where(token.c.id == parts[1], token.c.kind == parts[0], is_live())
        .with_for_update(of=token)
    )
    row = connection.execute(query).first()
    is_right = row is not None and hmac.compare_digest(row.hash, digest(parts[2]))
    return row if is_right else None
