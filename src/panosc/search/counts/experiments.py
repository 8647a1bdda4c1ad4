"""The datasets of groups in figures: how many in which state, what opens next, the newest.

What "my experiments" shows. A question for any number of groups, never one for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from panosc.catalogue.tables import dataset
from panosc.domain.access import NEVER, Who
from panosc.policy.sql import state, visible

NEWEST = 3


@dataclass(slots=True, kw_only=True)
class Summary:
    """The datasets of one group that the asker may list."""

    states: dict[str, int] = field(default_factory=dict)
    size: int = 0
    opens_at: datetime | None = None
    """When the next of them opens to all."""
    opening: int = 0
    """How many open then."""
    newest: list[str] = field(default_factory=list)
    """PIDs."""

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.states.values())


def summaries(
    connection: sa.Connection, who: Who, names: Sequence[str], *, now: datetime
) -> dict[str, Summary]:
    """Return the figures of the groups `names`, also of those without a dataset."""
    found = {name: Summary() for name in names}
    if not found:
        return found
    owner, opens = dataset.c.owner_group, dataset.c.open_at
    listed = visible(dataset, who, "list", now=now)
    chosen = sa.and_(owner == sa.any_(sa.literal(list(found), sa.ARRAY(sa.Text))), listed)
    is_in = state(dataset, now=now).label("state")
    counted = sa.select(owner, is_in, sa.func.count(), sa.func.sum(dataset.c.size))
    for name, which, count, size in connection.execute(
        counted.where(chosen).group_by(owner, sa.literal_column("state"))
    ):
        found[name].states[which] = count
        found[name].size += int(size or 0)
    coming = (
        sa.select(owner, opens, sa.func.count())
        .ext(distinct_on(owner))
        .where(chosen, opens > now, opens < NEVER)
        .group_by(owner, opens)
        .order_by(owner, opens)
    )
    for name, when, count in connection.execute(coming):
        found[name].opens_at, found[name].opening = when, count
    wanted = sa.func.unnest(sa.literal(list(found), sa.ARRAY(sa.Text))).table_valued("name")
    each = wanted.c.name
    newest = (
        sa.select(dataset.c.pid, dataset.c.creation_date)
        .where(owner == each, listed)
        .order_by(dataset.c.creation_date.desc().nulls_last(), dataset.c.pid)
        .limit(NEWEST)
        .lateral("newest")
    )
    query = sa.select(each, newest.c.pid).select_from(wanted).join(newest, sa.true())
    order = (each, newest.c.creation_date.desc().nulls_last(), newest.c.pid)
    for name, pid in connection.execute(query.order_by(*order)):
        found[name].newest.append(pid)
    return found


def of_node(connection: sa.Connection, who: Who, *, now: datetime) -> dict[str, int]:
    """Return how many datasets the asker may list, by state."""
    is_in = state(dataset, now=now).label("state")
    query = sa.select(is_in, sa.func.count()).where(visible(dataset, who, "list", now=now))
    rows = connection.execute(query.group_by(sa.literal_column("state")))
    return {row[0]: row[1] for row in rows}
