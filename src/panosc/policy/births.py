"""Datasets are born under a policy: what it decides on them is written down, for many at once.

A dataset keeps the version that it was born under. What has opened stays open, whatever comes
later: a new end of the experiment, another kind of access, a new policy. Which datasets are
governed and from when is `opening.reckoning`.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue import changes, rulings
from panosc.catalogue.people import audit
from panosc.catalogue.tables import dataset, ruling
from panosc.catalogue.writer import Born
from panosc.domain.access import NEVER
from panosc.policy.opening.reckoning import is_silent, reckon, rules_for
from panosc.policy.shelf import Shelf

EVENT = "policy.applied"


def settle(
    connection: sa.Connection,
    datasets: Sequence[int] | None,
    *,
    shelf: Shelf,
    now: datetime,
) -> list[int]:
    """Let the policy decide on `datasets` (None: all), and say so in the feed; return what changed.

    Notes
    -----
    Commit soon afterwards: the feed is locked until then.
    """
    return _told(connection, rule(connection, datasets, shelf=shelf, now=now))


def settle_groups(
    connection: sa.Connection, names: Iterable[str], *, shelf: Shelf, now: datetime
) -> list[int]:
    """Do the same for the datasets of groups, such as proposals that the user office changed."""
    wanted = sa.any_(sa.literal(sorted(set(names)), sa.ARRAY(sa.Text)))
    chosen = dataset.c.owner_group == wanted
    return _told(connection, _rule(connection, chosen, shelf=shelf, now=now))


def rule(
    connection: sa.Connection,
    datasets: Sequence[int] | None,
    *,
    shelf: Shelf,
    now: datetime,
) -> list[int]:
    """Write down what the policy decides on `datasets`; return those on which it is new.

    A writer of records calls this and then `rulings.apply`, and names them in the feed itself.
    """
    chosen = sa.true() if datasets is None else dataset.c.id == sa.any_(_keys(datasets))
    return _rule(connection, chosen, shelf=shelf, now=now)


def for_writers(shelf: Shelf, now: datetime) -> Born:
    """Return what a writer of records calls to let the policy decide on them."""

    def born(connection: sa.Connection, datasets: Sequence[int] | None) -> Sequence[int]:
        return rule(connection, datasets, shelf=shelf, now=now)

    return born


def for_groups(shelf: Shelf) -> Callable[[sa.Connection, Sequence[str], datetime], None]:
    """Return what is called when groups have changed."""

    def settle_them(connection: sa.Connection, names: Sequence[str], now: datetime) -> None:
        settle_groups(connection, names, shelf=shelf, now=now)

    return settle_them


def for_extensions(shelf: Shelf) -> Callable[[sa.Connection, int, datetime], datetime | None]:
    """Return what tells when a dataset opens once the years of a longer embargo are written."""

    def opens(connection: sa.Connection, key: int, now: datetime) -> datetime | None:
        reckoned = reckon(rules_for(connection, shelf), dataset.c.id == key, now=now).subquery()
        found: datetime | None = connection.scalar(sa.select(reckoned.c.opens))
        return found

    return opens


def _rule(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], *, shelf: Shelf, now: datetime
) -> list[int]:
    reckoned = reckon(rules_for(connection, shelf), chosen, now=now).subquery()
    columns = reckoned.c
    new = insert(ruling).from_select(
        ["dataset_id", "policy", "policy_core", "policy_opens"],
        sa.select(columns.id, columns.policy, columns.core, columns.opens),
    )
    values = {
        name: getattr(new.excluded, name) for name in ("policy", "policy_core", "policy_opens")
    }
    differs = sa.or_(*(ruling.c[name].is_distinct_from(value) for name, value in values.items()))
    written = new.on_conflict_do_update(
        index_elements=["dataset_id"], set_=values, where=differs
    ).returning(ruling.c.dataset_id)
    changed = list(connection.scalars(written))
    changed += _leave(connection, chosen, now)
    if changed:
        _audit(connection, changed, now)
    return changed


def _leave(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], now: datetime
) -> Sequence[int]:
    """Take back what was decided on datasets whose records now speak for themselves.

    What has opened stays as it is.
    """
    statement = (
        sa.update(ruling)
        .values(policy_core=None, policy_opens=None)
        .where(
            ruling.c.dataset_id == dataset.c.id,
            ruling.c.policy_opens > now,
            ~is_silent(),
            chosen,
        )
        .returning(ruling.c.dataset_id)
    )
    return connection.scalars(statement).all()


def _audit(connection: sa.Connection, changed: Sequence[int], now: datetime) -> None:
    """Write one line for each group: how many datasets, under which version, when they open."""
    opens = sa.case((ruling.c.policy_opens < NEVER, ruling.c.policy_opens))
    query = (
        sa.select(
            dataset.c.owner_group,
            ruling.c.policy,
            sa.func.count().label("datasets"),
            sa.func.min(opens).label("first"),
            sa.func.max(opens).label("last"),
        )
        .join(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(dataset.c.id == sa.any_(_keys(changed)))
        .group_by(dataset.c.owner_group, ruling.c.policy)
        .order_by(dataset.c.owner_group, ruling.c.policy)
    )
    lines: list[dict[str, Any]] = [
        {
            "at": now,
            "event": EVENT,
            "subject": row.owner_group,
            "detail": {
                "policy": row.policy,
                "datasets": row.datasets,
                "first_opens": _said(row.first),
                "last_opens": _said(row.last),
            },
        }
        for row in connection.execute(query)
    ]
    connection.execute(sa.insert(audit), lines)


def _told(connection: sa.Connection, changed: list[int]) -> list[int]:
    if changed:
        rulings.apply(connection, changed)
        named = sa.select(sa.literal("Dataset").label("model"), dataset.c.pid).where(
            dataset.c.id == sa.any_(_keys(changed))
        )
        changes.append_select(connection, named.order_by(dataset.c.pid))
    return changed


def _said(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _keys(datasets: Sequence[int]) -> "sa.BindParameter[list[int]]":
    return sa.literal(list(datasets), sa.ARRAY(sa.BigInteger))
