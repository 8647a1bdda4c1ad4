"""Tokens of programs: ``ps_pat_ID.SECRET``, of which only the hash of the secret is kept.

A person makes personal ones in a browser, an operator in a shell on the node; no token makes
another. Those of a device login (``ps_at_…``, ``ps_rt_…``) are issued by `device`.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from panosc.catalogue.people import account, token
from panosc.domain.access import SCOPES, Who
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from panosc.identity.keys import digest
from panosc.identity.standing import Standing, columns, from_row, is_live, standing_of
from panosc.policy import audit
from panosc.policy.requiring import require, require_session
from panosc.settings import Settings

Kind = Literal["personal", "access", "refresh"]
PREFIX: dict[Kind, str] = {"personal": "ps_pat_", "access": "ps_at_", "refresh": "ps_rt_"}
LONGEST_DAYS = 366
MOST = 100
"""Tokens that one account may have at a time."""
KEPT = timedelta(days=30)
"""How long one that is over stays in the list of its owner."""
_FORM = re.compile(r"(ps_(?:pat|at|rt)_)([0-9a-f]{12})\.([A-Za-z0-9_-]{43})")
_ID = re.compile(r"[0-9a-f]{12}")
_NO_HASH = digest("")
_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One credential as its owner sees it: a personal token, or a program that was let in."""

    id: str
    kind: Kind
    account: str
    name: str
    scopes: tuple[str, ...]
    created: datetime
    expires: datetime
    used: datetime | None
    """To the minute; None: never."""
    is_over: bool

    def told(self) -> dict[str, Any]:
        """Return it as it is printed."""
        found = asdict(self)
        found["isOver"] = found.pop("is_over")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new token and its secret, which is told this once."""

    token: Token
    secret: str = field(repr=False)


class TokenService:
    """Makes, knows, lists and revokes tokens."""

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._terms = settings.terms_version
        self._clock = clock

    def create(
        self, who: Who, *, name: str, scopes: Collection[str], days: int, owner: str | None = None
    ) -> Made:
        """Make a personal token of whoever asks, or of `owner`: see `may_tend`.

        Raises
        ------
        Unauthenticated, Forbidden
            Unless it is asked for in a browser session or a shell.
        Invalid
            If a value cannot be used; its `field` is name, scopes or days.
        Conflict
            If there are too many already.
        """
        if who.via != "shell":
            owner = owner or require_session(who)
            require(who, "read" if owner == who.person else "manage")
        if owner is None or not may_tend(who, owner):
            raise Forbidden(
                "A token is made by the person whose it is, or for a service by an administrator.",
                hint="In a shell on the node: panosc token create --as PERSON.",
            )
        label, wanted, now = _name(name), _scopes(scopes), self._clock()
        if not 1 <= days <= LONGEST_DAYS:
            raise Invalid(
                f"A token lasts from 1 to {LONGEST_DAYS} days, not {days}.",
                field="days",
                hint="Make a new one when it is over.",
            )
        with self._engine.begin() as connection:
            standing = _standing(connection, owner, now)
            _refuse_unusable(standing, wanted)
            self._refuse_too_many(connection, owner, now)
            made = add(
                connection,
                kind="personal",
                account=owner,
                name=label,
                scopes=wanted,
                created=now,
                expires=now + timedelta(days=days),
            )
            audit.record(
                connection,
                who,
                "token.created",
                now=now,
                subject=made.token.id,
                account=owner,
                scopes=list(wanted),
                days=days,
            )
        return made

    def bearer(self, text: str) -> Who | None:
        """Return whose token this is; None for what is no token of this node.

        Raises
        ------
        Unauthenticated
            The same for one that is unknown, over, revoked or has a wrong secret, and for one
            of an account that is locked.
        """
        if not text.startswith("ps_"):
            return None
        now, parts = self._clock(), split(text)
        row = None
        if parts is not None and parts[0] != "refresh":
            with self._engine.connect() as connection:
                row = connection.execute(
                    _BY_ID, {"now": now, "kind": parts[0], "id": parts[1]}
                ).first()
        # compared whatever was found, so that the time does not tell which part was wrong
        kept = _NO_HASH if row is None else row.hash
        is_right = hmac.compare_digest(kept, digest("" if parts is None else parts[2]))
        if row is None or parts is None or not is_right:
            raise Unauthenticated(
                "This token is not good: it never was, is over, or was revoked.",
                reason="invalid_token",
                hint="Make one on the page /account/tokens, or run: panosc login ADDRESS.",
            )
        self._mark_used(parts[1], row.used, now)
        standing = from_row(row)
        return standing.who(
            via="token", scopes=row.scopes, is_admitted=is_admitted(standing, self._terms)
        )

    def listed(self, who: Who, owner: str | None = None) -> list[Token]:
        """Return the tokens of whoever asks, or of `owner`, newest first; a shell sees all.

        Those of a device login are one entry, by which all of them can be revoked.
        """
        now = self._clock()
        if who.via != "shell":
            owner = owner or require(who, "read")
        if owner is not None and not may_tend(who, owner):
            raise Forbidden("These are the tokens of somebody else.", hint="Ask for your own.")
        siblings = token.alias()
        used = (
            sa.select(sa.func.max(siblings.c.used))
            .where(siblings.c.family == token.c.family)
            .scalar_subquery()
        )
        query = (
            sa.select(token, sa.func.coalesce(token.c.used, used).label("last"))
            .where(
                token.c.kind != "access", token.c.revoked.is_(None), token.c.expires > now - KEPT
            )
            .order_by(token.c.created.desc(), token.c.id)
        )
        if owner is not None:
            query = query.where(token.c.account == owner)
        with self._engine.connect() as connection:
            return [_token(row, now) for row in connection.execute(query)]

    def revoke(self, who: Who, name: str) -> Token:
        """Revoke a token by its id, and with one of a device login the whole login.

        Raises
        ------
        NotFound
            If there is none with that id which the caller may revoke.
        """
        person = "" if who.via == "shell" else require(who, "write")
        now = self._clock()
        query = (
            sa.select(token, token.c.used.label("last")).where(token.c.id == name).with_for_update()
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).first() if _ID.fullmatch(name) else None
            is_theirs = row is not None and may_tend(who, row.account)
            # the id of a login that was refreshed meanwhile still means that login
            if row is None or not is_theirs or not end(connection, row.id, row.family, now=now):
                raise NotFound(
                    f"{'There is' if not person else 'You have'} no token {name[:40]!r}.",
                    hint="It may be revoked already. Your tokens are on the page /account/tokens.",
                )
            audit.record(
                connection, who, "token.revoked", now=now, subject=row.id, account=row.account
            )
        return _token(row, now)

    def _mark_used(self, name: str, used: datetime | None, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        if used is None or used < minute:
            with self._engine.begin() as connection:
                connection.execute(sa.update(token).values(used=minute).where(token.c.id == name))

    def _refuse_too_many(self, connection: sa.Connection, owner: str, now: datetime) -> None:
        forget(connection, owner, now=now)
        lock = sa.select(account.c.id).where(account.c.id == owner).with_for_update()
        connection.execute(lock)
        count = connection.execute(
            sa.select(sa.func.count()).where(
                token.c.account == owner,
                token.c.kind == "personal",
                token.c.revoked.is_(None),
                token.c.expires > now,
            )
        ).scalar_one()
        if count >= MOST:
            raise Conflict(
                f"There are {MOST} tokens already, which is the most that one account may have.",
                hint="Revoke those that are not used.",
            )


_BY_ID = (
    sa.select(*columns(), token.c.hash, token.c.scopes, token.c.used)
    .join_from(token, account, account.c.id == token.c.account)
    .where(
        token.c.id == sa.bindparam("id"),
        token.c.kind == sa.bindparam("kind"),
        token.c.expires > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        token.c.revoked.is_(None),
        is_live(),
    )
)


def may_tend(who: Who, owner: str) -> bool:
    """Whether `who` may make, see and revoke the tokens of an account.

    Everyone their own, an administrator those of services, a shell all.
    """
    if who.via == "shell" or owner == who.person:
        return True
    return owner.startswith("svc-") and "administrator" in who.roles and "manage" in who.scopes


def is_admitted(standing: Standing, terms: str) -> bool:
    """Whether an account may use the node beyond what is open: services accept no terms."""
    return standing.kind == "service" or standing.terms == terms


def usable(standing: Standing, scopes: Iterable[str]) -> tuple[str, ...]:
    """Return those of `scopes` that an account can use at all, in the order of `SCOPES`."""
    has_role = bool(standing.who(via="token").roles)
    return tuple(name for name in SCOPES if name in set(scopes) and (name != "manage" or has_role))


def split(text: str) -> tuple[Kind, str, str] | None:
    """Return kind, id and secret of a token; None for what cannot be one."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    kind = next(kind for kind, prefix in PREFIX.items() if prefix == found[1])
    return kind, found[2], found[3]


def add(connection: sa.Connection, *, kind: Kind, **row: Any) -> Made:
    """Add a token in the caller's transaction; `row` is the rest of its row but id and hash."""
    name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    connection.execute(sa.insert(token).values(id=name, kind=kind, hash=digest(secret), **row))
    kept = ("account", "name", "created", "expires")
    made = Token(
        id=name,
        kind=kind,
        scopes=tuple(row["scopes"]),
        used=None,
        is_over=False,
        **{key: row[key] for key in kept},
    )
    return Made(token=made, secret=f"{PREFIX[kind]}{name}.{secret}")


def end(connection: sa.Connection, name: str, family: str | None, *, now: datetime) -> int:
    """Revoke a token or, where it has one, its whole family; return how many were good."""
    chosen = token.c.id == name if family is None else token.c.family == family
    return connection.execute(
        sa.update(token).values(revoked=now).where(chosen, token.c.revoked.is_(None))
    ).rowcount


def forget(connection: sa.Connection, owner: str, *, now: datetime) -> None:
    """Delete the rows of an account that are of no use any more."""
    connection.execute(
        sa.delete(token).where(token.c.account == owner, token.c.expires < now - KEPT)
    )


def _token(row: Any, now: datetime) -> Token:
    return Token(
        id=row.id,
        kind=row.kind,
        account=row.account,
        name=row.name or "",
        scopes=tuple(name for name in SCOPES if name in row.scopes),
        created=row.created,
        expires=row.expires,
        used=row.last,
        is_over=row.expires <= now,
    )


def _standing(connection: sa.Connection, owner: str, now: datetime) -> Standing:
    standing = standing_of(connection, owner, now=now) if owner.isprintable() else None
    if standing is None:
        raise NotFound(
            f"There is no account {owner!r} that may be used.",
            hint="panosc user list shows all; a person has one after signing in first.",
        )
    return standing


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Invalid(
            f"A token needs a name of 1 to {_LONGEST_NAME} printable characters.",
            field="name",
            hint="Say what uses it, such as “reduction script on the beamline computer”.",
        )
    return name


def _scopes(scopes: Collection[str]) -> tuple[str, ...]:
    wanted = tuple(name for name in SCOPES if name in scopes)
    if not wanted or len(wanted) != len(set(scopes)):
        raise Invalid(
            f"A token has one or more of the scopes {', '.join(SCOPES)}.",
            field="scopes",
            hint="Choose only what the program needs.",
        )
    return wanted


def _refuse_unusable(standing: Standing, scopes: Collection[str]) -> None:
    if len(usable(standing, scopes)) != len(scopes):
        raise Invalid(
            "The scope manage is for stewards, directors and administrators of this node, and "
            "this account is none of them.",
            field="scopes",
            hint="Leave it out.",
        )
