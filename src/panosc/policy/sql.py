"""The access decision of `domain.access` as SQL predicates; a property test holds them equal."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from panosc.catalogue.tables import share
from panosc.domain.access import Action, Who
from panosc.domain.pid import surrogate


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
        opens = columns.core_at if action in {"list", "core"} else columns.open_at
        # a record that opens at once needs no second look at `core_at`
        reached = [opens <= now, columns.open_at <= now]
        if is_trusted:
            reached += _belonging(columns, who, now)
        listed = sa.and_(normal, sa.or_(*reached))
    if action == "core":
        listed = sa.or_(listed, columns.mark == "withdrawn")
    if action == "detail" and is_steward:
        listed = columns.mark != "erased"
    return listed


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
    return sa.literal(sorted(names), ARRAY(sa.Text))


def state(table: sa.FromClause, *, now: datetime) -> ColumnElement[str]:
    """Return the state of a guarded row, as `domain.access.state_of` says it."""
    columns: Any = table.c
    return sa.case(
        (columns.mark != "normal", columns.mark),
        (columns.open_at <= now, "open"),
        (columns.core_at <= now, "embargoed"),
        else_="closed",
    )
