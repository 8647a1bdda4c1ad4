"""A person and the data that the node holds on them: shown, exported, terms accepted.

Taking it all away is `erasing`. The science is not theirs alone: what they made stays.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.people import (
    account,
    alias,
    audit,
    identity,
    petition,
    saved_search,
    session,
    token,
    usage,
)
from panosc.catalogue.tables import dataset, share
from panosc.catalogue.tape.tables import wish
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, NotFound
from panosc.identity import accounts
from panosc.identity.groups.keeping import GroupStore, Membership
from panosc.policy import audit as trail
from panosc.policy.asking import require_session
from panosc.settings import Settings

MOST_LINES = 10_000
"""Lines of the audit trail in an export, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How a person is known at one provider."""

    iss: str
    sub: str
    provider: str | None
    linked: datetime
    seen: datetime
    not_understood: tuple[str, ...]
    """Group claims that mean nothing to this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who the node thinks a person is."""

    id: str
    name: str | None
    email: str | None
    orcid: str | None
    user_class: str | None
    terms: str | None
    terms_at: datetime | None
    created: datetime
    identities: tuple[Identity, ...]
    names: tuple[str, ...]
    """By which the user office knows them."""
    memberships: tuple[Membership, ...]


class OwnData:
    """Shows people what is kept on them, and keeps that they accepted the terms."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        groups: GroupStore,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._groups = groups

    def profile(self, who: Who) -> Profile:
        """Return who the node thinks the caller is.

        Raises
        ------
        Unauthenticated, Forbidden
            If it is not a person in a browser session.
        """
        person = require_session(who)
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(account).where(account.c.id == person)).first()
            if row is None:
                raise NotFound("You have no account any more.", hint="Sign in again.")
            logins = sa.select(identity).where(identity.c.account == person)
            identities = connection.execute(logins.order_by(identity.c.linked)).all()
            names = sa.select(alias.c.name).where(alias.c.person == person).order_by(alias.c.name)
            found = tuple(connection.execute(names).scalars())
        kept = ("id", "name", "email", "orcid", "user_class", "terms", "terms_at", "created")
        return Profile(
            **{name: getattr(row, name) for name in kept},
            identities=tuple(_identity(item) for item in identities),
            names=found,
            memberships=tuple(self._groups.of(person)),
        )

    def memberships(self, who: Who) -> list[Membership]:
        """Return the groups of the caller that are not over."""
        return self._groups.of(require_session(who))

    def accept(self, who: Who, version: str) -> None:
        """Keep that the caller has accepted the acceptable use policy in this version.

        Raises
        ------
        Invalid
            If that is not the version in force: they have read another one.
        """
        person = require_session(who)
        if version != self._settings.terms_version:
            raise Invalid(
                "The acceptable use policy has changed since you opened this page.",
                field="version",
                hint="Read it as it is now, then accept it.",
            )
        now = self._clock()
        with self._engine.begin() as connection:
            changed = connection.execute(
                sa.update(account)
                .values(terms=version, terms_at=now)
                .where(account.c.id == person, account.c.terms.is_distinct_from(version))
            ).rowcount
            if changed:
                trail.record(
                    connection, who, "terms.accepted", now=now, subject=person, version=version
                )

    def unlink(self, who: Who, iss: str, sub: str) -> None:
        """Take one of the identities of the caller away, with the groups that it gave.

        Raises
        ------
        NotFound, Conflict
        """
        require_session(who)
        with self._engine.begin() as connection:
            accounts.unlink(connection, who, iss, sub, now=self._clock())

    def export(self, who: Who) -> dict[str, Any]:
        """Return everything that the node holds on the caller, without secrets."""
        person = require_session(who)
        with self._engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")

            def rows(table: sa.Table, chosen: Any, *left_out: str) -> list[dict[str, Any]]:
                columns = [column for column in table.c if column.name not in left_out]
                query = sa.select(*columns).where(chosen).order_by(*table.primary_key)
                return [_row(row) for row in connection.execute(query).mappings()]

            newest = (
                sa.select(audit)
                .where(sa.or_(audit.c.person == person, audit.c.subject == person))
                .order_by(audit.c.number.desc())
                .limit(MOST_LINES)
            )
            given = (
                sa.select(dataset.c.pid, share.c.reader, share.c.until, share.c.note, share.c.at)
                .join(dataset, dataset.c.id == share.c.dataset_id)
                .where(share.c.by == person)
                .order_by(share.c.at)
            )
            received = (
                sa.select(dataset.c.pid, share.c.until, share.c.note, share.c.at)
                .join(dataset, dataset.c.id == share.c.dataset_id)
                .where(share.c.reader == f"person:{person}")
                .order_by(share.c.at)
            )
            return {
                "exported": self._clock(),
                "account": rows(account, account.c.id == person),
                "identities": rows(identity, identity.c.account == person),
                "names": rows(alias, alias.c.person == person),
                "groups": [_plain(item) for item in self._groups.of(person)],
                "sessions": rows(session, session.c.account == person, "id", "sealed"),
                "tokens": rows(token, token.c.account == person, "hash"),
                "searches": rows(saved_search, saved_search.c.account == person),
                "requests": rows(petition, petition.c.account == person, "dataset_id"),
                "given": [_shown(_row(row)) for row in connection.execute(given).mappings()],
                "received": [_row(row) for row in connection.execute(received).mappings()],
                "restores": rows(wish, wish.c.account == person, "recall_id", "dataset_id"),
                "usage": rows(usage, usage.c.subject == person),
                "audit": [_row(row) for row in connection.execute(newest).mappings()],
            }


def _identity(row: Any) -> Identity:
    return Identity(
        iss=row.iss,
        sub=row.sub,
        provider=row.claims.get("provider"),
        linked=row.linked,
        seen=row.seen,
        not_understood=tuple(row.claims.get("ignored") or ()),
    )


def _row(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row with names that are texts and nothing more: those of some columns are not."""
    return {str(name): value for name, value in row.items()}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return a share without the hash of its link, which is a secret's."""
    is_link = row["reader"].startswith("link:")
    return {**row, "reader": "link" if is_link else row["reader"]}


def _plain(item: Membership) -> dict[str, Any]:
    names = ("group", "title", "role", "until", "source")
    return {name: getattr(item, name) for name in names}
