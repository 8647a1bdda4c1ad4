"""What an account amounts to at this moment: its groups and roles, from one query.

Memberships end by their date, without a job. Where they come from is `claims` and `user_office`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import group_member
from panosc.domain.access import EVERY_SCOPE, NODE_GROUP, NODE_ROLES, Via, Who

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account and what it holds at one moment."""

    account: str
    kind: str
    name: str | None
    user_class: str | None
    terms: str | None
    duties: frozenset[tuple[str, str]]
    """(role, group)"""

    def who(
        self,
        *,
        via: Via,
        scopes: Iterable[str] = EVERY_SCOPE,
        links: Iterable[str] = (),
        is_admitted: bool = True,
    ) -> Who:
        """Return the caller; one who has not accepted the terms holds nothing yet."""
        if not is_admitted:
            return Who(person=self.account, groups=frozenset(links), scopes=frozenset(), via=via)
        return Who(
            person=self.account,
            groups=frozenset(group for _, group in self.duties) - {NODE_GROUP} | frozenset(links),
            roles=frozenset(role for role, group in self.duties if group == NODE_GROUP)
            & NODE_ROLES,
            scopes=frozenset(scopes),
            duties=self.duties,
            user_class=self.user_class or ("service" if self.kind == "service" else "open-data"),
            via=via,
        )


def columns() -> list[sa.ColumnElement[Any]]:
    """Return the columns over `people.account` from which `from_row` makes a standing.

    The statement has a parameter ``now``. It is asked at every request: build it once.
    """
    aliases = sa.select(alias.c.name).where(alias.c.person == account.c.id).correlate(account)
    # as an array, so that the index on the person serves: an `or` with a sub-select reads all rows
    names = sa.func.array_append(sa.func.array(aliases.scalar_subquery()), account.c.id)
    held = (
        sa.select(
            # one text: hundreds of short ones take the driver longer than the query
            sa.func.string_agg(
                group_member.c.role + " " + group_member.c["group"], _SEPARATOR, type_=sa.Text
            )
        )
        .where(
            group_member.c.person == sa.any_(names),
            sa.or_(
                group_member.c.until.is_(None),
                group_member.c.until > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
            ),
        )
        .correlate(account)
        .scalar_subquery()
    )
    kept = ("id", "kind", "name", "user_class", "instrument", "terms")
    return [*(account.c[name].label(f"account_{name}") for name in kept), held.label("held")]


def is_live() -> sa.ColumnElement[bool]:
    """Return the condition on `people.account` that it may be used at all."""
    return sa.and_(account.c.locked_at.is_(None), account.c.erased_at.is_(None))


def from_row(row: Any) -> Standing:
    """Return the standing in a row with `columns`."""
    duties: set[tuple[str, str]] = set()
    # a service belongs to its instrument alone, whatever a list of members says
    held = "" if row.account_kind == "service" else row.held or ""
    for pair in filter(None, held.split(_SEPARATOR)):
        role, _, group = pair.partition(" ")
        duties.add((role, group))
    if row.account_instrument is not None:
        duties.add(("instrument_scientist", f"instrument:{row.account_instrument}"))
    return Standing(
        account=row.account_id,
        kind=row.account_kind,
        name=row.account_name,
        user_class=row.account_user_class,
        terms=row.account_terms,
        duties=frozenset(duties),
    )


def standing_of(connection: sa.Connection, name: str, *, now: datetime) -> Standing | None:
    """Return the standing of an account, by its id; None if there is none that may be used."""
    row = connection.execute(_BY_ID, {"now": now, "id": name}).first()
    return None if row is None else from_row(row)


_BY_ID = sa.select(*columns()).where(account.c.id == sa.bindparam("id"), is_live())
