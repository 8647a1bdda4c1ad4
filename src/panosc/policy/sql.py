"""The access decision of `domain.access` as SQL predicates; a property test holds them equal."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from panosc.catalogue.tables import share
from panosc.domain.access import Action, Who
from panosc.domain.pid import surrogate

_SEPARATOR = "\x1f"


def visible(
    table: sa.FromClause, who: Who, action: Action, *, now: datetime
) -> ColumnElement[bool]:
    """Return the condition on a guarded `table` (dataset, document or an alias of one).

    It is true for exactly the rows for which `domain.access.may` is.
    """
    columns: Any = table.c
    normal = columns.mark == "normal"
    is_trusted = who.may_use(action)
    is_steward = who.is_steward and is_trusted
    if is_steward:
        listed: ColumnElement[bool] = normal
    else:
        # for most rows this one comparison decides: it is false for what is withdrawn or erased
        listed = (columns.listed_at if action in {"list", "core"} else columns.opened_at) <= now
        theirs = _belonging(columns, who, now) if is_trusted else []
        if theirs:
            listed = sa.or_(listed, sa.and_(normal, sa.or_(*theirs)))
    if action == "core":
        listed = sa.or_(listed, columns.mark == "withdrawn")
    if action == "detail" and is_steward:
        listed = columns.mark != "erased"
    return listed


def count_listed(table: sa.FromClause, who: Who, *, now: datetime) -> ColumnElement[int]:
    """Return how many rows `visible` lists, from indexes alone: the rows are not read.

    Those that anyone may know of are a range of an index; what more there is for `who` is
    looked up by group, instrument and share.
    """
    columns: Any = table.c
    normal = columns.mark == "normal"
    everyone = sa.select(sa.func.count()).select_from(table)
    if who.is_steward and who.may_use("list"):
        return everyone.where(normal).scalar_subquery()
    total = everyone.where(columns.listed_at <= now).scalar_subquery()
    theirs = _belonging(columns, who, now) if who.may_use("list") else []
    if not theirs:
        return total
    hidden = sa.union(
        *(sa.select(columns.id).where(normal, columns.listed_at > now, one) for one in theirs)
    ).subquery()
    return total + sa.select(sa.func.count()).select_from(hidden).scalar_subquery()


def _belonging(columns: Any, who: Who, now: datetime) -> list[ColumnElement[bool]]:
    """Return in how many ways a row may be theirs: see `domain.access.belongs`."""
    found: list[ColumnElement[bool]] = []
    if who.groups:
        found.append(columns.owner_group == sa.any_(_texts(who.groups)))
    if "instrument_id" not in columns:
        return found
    if who.instruments:
        keys = sorted(surrogate("Instrument", pid) for pid in who.instruments)
        found.append(columns.instrument_id == sa.any_(sa.literal(keys, ARRAY(sa.BigInteger))))
    if who.readers:
        given = sa.select(share.c.dataset_id).where(
            share.c.reader == sa.any_(_texts(who.readers)),
            sa.or_(share.c.until.is_(None), share.c.until > now),
        )
        found.append(columns.id.in_(given))
    return found


def _texts(names: frozenset[str]) -> ColumnElement[Any]:
    # one text: the driver takes longer over hundreds of short ones than the query does
    joined = sa.literal(_SEPARATOR.join(sorted(names)), sa.Text)
    return sa.func.string_to_array(joined, _SEPARATOR, type_=ARRAY(sa.Text))


def state(table: sa.FromClause, *, now: datetime) -> ColumnElement[str]:
    """Return the state of a guarded row, as `domain.access.state_of` says it."""
    columns: Any = table.c
    return sa.case(
        (columns.mark != "normal", columns.mark),
        (columns.open_at <= now, "open"),
        (columns.core_at <= now, "embargoed"),
        else_="closed",
    )
