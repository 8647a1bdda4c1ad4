"""Accounts as their operator sees them: services of beamlines are made here, any can be locked.

How a person comes to an account is `oidc`; what it holds is `standing`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.people import account, alias, session
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Forbidden, Invalid, NotFound
from panosc.policy import audit
from panosc.policy.requiring import require

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_LONGEST_PID = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account; `instrument` is the only one that a service belongs to."""

    id: str
    kind: str
    name: str | None
    orcid: str | None
    user_class: str | None
    instrument: str | None
    is_locked: bool
    created: datetime
    seen: datetime


class AccountService:
    """Lists, adds and locks accounts: for an administrator, or in a shell on the node."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def listed(self, who: Who, *, kind: str | None = None) -> list[Account]:
        """Return all accounts that are not erased, by id."""
        _require_administrator(who)
        query = sa.select(account).where(account.c.erased_at.is_(None)).order_by(account.c.id)
        if kind is not None:
            query = query.where(account.c.kind == kind)
        with self._engine.connect() as connection:
            return [_account(row) for row in connection.execute(query)]

    def add_service(self, who: Who, name: str, *, instrument: str) -> Account:
        """Add the account ``svc-NAME`` of a program at one instrument.

        Raises
        ------
        Invalid
            If the name or the PID cannot be used.
        Conflict
            If there is one already.
        """
        _require_administrator(who)
        short, pid, now = name.removeprefix("svc-"), instrument.strip(), self._clock()
        if not _NAME.fullmatch(short):
            raise Invalid(
                "The name of a service is 1 to 40 of a to z, 0 to 9 and -.",
                field="name",
                hint="Such as d22-reduction; its account is then svc-d22-reduction.",
            )
        if not 0 < len(pid) <= _LONGEST_PID or not pid.isprintable():
            raise Invalid(
                "A service belongs to one instrument, by its PID.",
                field="instrument",
                hint="The page of the instrument shows it.",
            )
        row = {"id": f"svc-{short}", "kind": "service", "name": short, "instrument": pid}
        with self._engine.begin() as connection:
            added = connection.execute(
                sa.dialects.postgresql.insert(account)
                .values(**row, created=now, seen=now)
                .on_conflict_do_nothing()
                .returning(account)
            ).first()
            if added is None:
                raise Conflict(
                    f"There is an account svc-{short} already.",
                    hint="Use it, or choose another name.",
                )
            audit.record(
                connection, who, "service.created", now=now, subject=added.id, instrument=pid
            )
        return _account(added)

    def lock(
        self, who: Who, name: str, *, is_locked: bool = True, is_service: bool = False
    ) -> Account:
        """Lock an account: its sessions end, its tokens are dead until it is opened again.

        With `is_service` it has to be that of a service.

        Raises
        ------
        NotFound
        """
        _require_administrator(who)
        if not name.isprintable():
            raise _nobody(name)
        now = self._clock()
        kept = sa.func.coalesce(account.c.locked_at, now) if is_locked else sa.null()
        chosen = sa.and_(account.c.id == name, account.c.erased_at.is_(None))
        if is_service:
            chosen = sa.and_(chosen, account.c.kind == "service")
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(account).values(locked_at=kept).where(chosen).returning(account)
            ).first()
            if row is None:
                raise _nobody(name)
            if is_locked:
                # whoever was in by a cookie is not in again when the account is opened
                connection.execute(sa.delete(session).where(session.c.account == name))
            event = "account.locked" if is_locked else "account.unlocked"
            audit.record(connection, who, event, now=now, subject=name)
        return _account(row)

    def named(self, name: str) -> str:
        """Return the id of an account by that id or another name, such as ``orcid:…``.

        Raises
        ------
        NotFound
        """
        query = (
            sa.select(account.c.id)
            .outerjoin(alias, alias.c.person == account.c.id)
            .where(sa.or_(account.c.id == name, alias.c.name == name))
            .limit(1)
        )
        found: str | None = None
        if name.isprintable():
            with self._engine.connect() as connection:
                found = connection.execute(query).scalar()
        if found is None:
            raise _nobody(name)
        return found

    def own(self, who: Who) -> Account:
        """Return the account of whoever asks."""
        query = sa.select(account).where(account.c.id == require(who, "read"))
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _nobody(who.person or "")
        return _account(row)


def _require_administrator(who: Who) -> None:
    if who.via == "shell":
        return
    require(who, "manage")
    if "administrator" not in who.roles:
        raise Forbidden(
            "Accounts are in the care of the administrators of this node.",
            hint="Ask one of them.",
        )


def _nobody(name: str) -> NotFound:
    return NotFound(
        f"There is no account {name[:100]!r}.",
        hint="panosc user list shows all; a person has one after signing in first.",
    )


def _account(row: "sa.Row[tuple[object, ...]]") -> Account:
    kept = ("id", "kind", "name", "orcid", "user_class", "instrument", "created", "seen")
    values = {name: row._mapping[name] for name in kept}  # noqa: SLF001 - its API
    return Account(**values, is_locked=row._mapping["locked_at"] is not None)  # noqa: SLF001
