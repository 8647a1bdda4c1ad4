"""The access decision of `domain.access` as SQL predicates; a property test holds them equal."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from panosc.domain.access import Action, Who


def visible(
    table: sa.FromClause, who: Who, action: Action, *, now: datetime
) -> ColumnElement[bool]:
    """Return the condition on a guarded `table` (dataset, document or an alias of one).

    It is true for exactly the rows for which `domain.access.may` is.
    """
    columns: Any = table.c
    normal = columns.mark == "normal"
    if who.is_steward:
        listed: ColumnElement[bool] = normal
    else:
        opens = columns.core_at if action in {"list", "core"} else columns.open_at
        # a record that opens at once needs no second look at `core_at`
        reached = sa.or_(opens <= now, columns.open_at <= now)
        if who.groups:
            reached = sa.or_(reached, columns.owner_group.in_(sorted(who.groups)))
        listed = sa.and_(normal, reached)
    if action == "core":
        listed = sa.or_(listed, columns.mark == "withdrawn")
    if action == "detail" and who.is_steward:
        listed = columns.mark != "erased"
    return listed


def state(table: sa.FromClause, *, now: datetime) -> ColumnElement[str]:
    """Return the state of a guarded row, as `domain.access.state_of` says it."""
    columns: Any = table.c
    return sa.case(
        (columns.mark != "normal", columns.mark),
        (columns.open_at <= now, "open"),
        (columns.core_at <= now, "embargoed"),
        else_="closed",
    )
