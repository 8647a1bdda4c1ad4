"""Erasing a person: what identifies them goes, what they did and made stays under a bare id.

Datasets, authors and citations are the science's and are not touched. The account keeps its id,
so that the audit trail says that it was one and the same, and no more. Who signs in again is a
stranger with an account of a fresh id.
"""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.people import (
    account,
    alias,
    attempt,
    device,
    identity,
    petition,
    saved_search,
    session,
    token,
    usage,
)
from panosc.catalogue.tables import group_member, share
from panosc.catalogue.tape.tables import wish
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, NotFound
from panosc.identity.groups.keeping import require_administrator
from panosc.policy import audit
from panosc.policy.requiring import require_session

WORD = "erase"
"""What has to be typed."""


class Erasure:
    """Erases accounts of people, on their own wish or by an administrator."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def erase_own(self, who: Who, typed: str) -> None:
        """Erase the account of whoever asks, who has typed the word.

        Raises
        ------
        Invalid
            If it is another word.
        """
        person = require_session(who)
        if typed.strip().lower() != WORD:
            raise Invalid(
                f"To erase your account type the word {WORD}.",
                field="word",
                hint="Nothing was erased.",
            )
        with self._engine.begin() as connection:
            self._erase(connection, who, person, reason="own wish")

    def erase(self, who: Who, person: str, *, reason: str) -> None:
        """Erase the account of a person by its id: for an administrator.

        Raises
        ------
        NotFound
            If there is none that is not erased yet.
        """
        require_administrator(who)
        if not reason.strip():
            raise Invalid("An erasure needs a reason.", field="reason", hint="Say who asked.")
        with self._engine.begin() as connection:
            self._erase(connection, who, person, reason=reason.strip())

    def _erase(self, connection: sa.Connection, who: Who, person: str, *, reason: str) -> None:
        now = self._clock()
        emptied = {
            column.name: None
            for column in account.c
            if column.nullable and column.name not in {"locked_at", "erased_at"}
        }
        found = connection.execute(
            sa.update(account)
            .values(**emptied, locked_at=now, erased_at=now)
            .where(
                account.c.id == person, account.c.kind == "person", account.c.erased_at.is_(None)
            )
            .returning(account.c.id)
        ).first()
        if found is None:
            raise NotFound(
                f"There is no account {person[:100]!r} of a person.",
                hint="`panosc user list` shows all; an erased one cannot be erased again.",
            )
        for gone in (
            sa.delete(identity).where(identity.c.account == person),
            sa.delete(alias).where(alias.c.person == person),
            sa.delete(session).where(session.c.account == person),
            sa.delete(token).where(token.c.account == person),
            sa.delete(device).where(device.c.account == person),
            sa.delete(saved_search).where(saved_search.c.account == person),
            sa.delete(attempt).where(attempt.c.account == person),
            sa.delete(usage).where(usage.c.subject == person),
            sa.delete(wish).where(wish.c.account == person),
            sa.delete(group_member).where(group_member.c.person == person),
            sa.delete(share).where(share.c.reader == f"person:{person}"),
        ):
            connection.execute(gone)
        wishes = sa.update(petition).where(petition.c.account == person)
        connection.execute(
            wishes.values(
                text="(erased)",
                state=sa.case((petition.c.state == "open", "taken back"), else_=petition.c.state),
            )
        )
        audit.record(connection, who, "account.erased", now=now, subject=person, reason=reason)
