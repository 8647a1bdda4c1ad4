"""What would open, and when, if another policy decided: for many datasets at once.

A thought only: nothing is written. What has opened stays open in it, too. It is for those who
decide on the policy, stewards and directors, for it counts data that are closed to others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.database import unlimited
from panosc.catalogue.tables import dataset
from panosc.domain.access import NEVER, Who
from panosc.domain.errors import Forbidden, Invalid, WrongScope
from panosc.policy.decisions.records import signed_in
from panosc.policy.document import Document
from panosc.policy.opening.reckoning import access_types, reckon, rules_of

MOST_PROPOSALS = 100
MOST_YEARS = 200
_FOR = frozenset({"steward", "director"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How many datasets, and how large they are together."""

    datasets: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What opens in a month, or of a proposal: as it is now, and under the other policy."""

    name: str
    present: Amount
    other: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What opens within a period under the present policies and under another one."""

    policy: str
    since: datetime
    until: datetime
    present: Amount
    other: Amount
    by_month: tuple[Opening, ...]
    by_proposal: tuple[Opening, ...]
    """Those of which most would open, largest first."""
    earlier: Amount
    """Not open yet, and open earlier under the other policy, whether in the period or not."""
    later: Amount
    same: Amount
    already_open: Amount
    """What cannot change: open is open."""


class Simulating:
    """Tries policies on the catalogue."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def simulate(
        self,
        who: Who,
        document: Document,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Simulation:
        """Return what would open from `since` (now) until `until` (three months later).

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope
            If `who` is neither steward nor director.
        Invalid
            If the period is none.
        """
        _require(who)
        now = self._clock()
        begin = since or now
        end = until or months_later(begin, 3)
        if not begin < end or (end - begin).days > MOST_YEARS * 366:
            raise Invalid("The period ends before it begins, or is endless.", field="to")
        with self._engine.connect() as connection:
            unlimited(connection)
            return _simulated(connection, document, now=now, period=(begin, end))


def months_later(moment: datetime, months: int) -> datetime:
    """Return the same day some months later, or the last one of a shorter month.

    Examples
    --------
    >>> months_later(datetime(2025, 11, 30), 3)
    datetime.datetime(2026, 2, 28, 0, 0)
    """
    year, month = divmod(moment.month - 1 + months, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=moment.year + year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=moment.year + year, month=month + 1)


def _require(who: Who) -> None:
    signed_in(who)
    if not who.roles & _FOR:
        raise Forbidden(
            "Trying a policy on the catalogue is for stewards and directors.",
            hint="The policy in force is on the page /policy.",
        )
    if "manage" not in who.scopes:
        raise WrongScope(
            "This needs the scope manage.",
            scope="manage",
            hint="Make a token with that scope on the page /account/tokens.",
        )


def _simulated(
    connection: sa.Connection,
    document: Document,
    *,
    now: datetime,
    period: tuple[datetime, datetime],
) -> Simulation:
    kinds = access_types(connection) | set(document.scope.access_types)
    reckoned = reckon(rules_of(document, kinds), dataset.c.mark == "normal", now=now, as_if=True)
    all_of_them = reckoned.cte("reckoned").prefix_with("materialized")
    one = all_of_them.c
    opens = sa.case((one.is_open, one.open_at), else_=one.opens)
    kind = sa.case(
        (one.is_open, "already_open"),
        (opens < one.open_at, "earlier"),
        (opens > one.open_at, "later"),
        else_="same",
    )
    amount = [
        sa.func.count().label("datasets"),
        sa.func.coalesce(sa.func.sum(one.size), 0).label("bytes"),
    ]
    compared = {
        row.kind: _amount(row)
        for row in connection.execute(sa.select(kind.label("kind"), *amount).group_by(kind))
    }

    def within(moment: sa.ColumnElement[Any], key: sa.ColumnElement[Any]) -> dict[str, Amount]:
        chosen = [moment > period[0], moment <= period[1], moment < NEVER]
        found = key.label("name")
        query = sa.select(found, *amount).where(*chosen).group_by(found)
        return {row.name: _amount(row) for row in connection.execute(query)}

    def pairs(key: Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]) -> list[Opening]:
        present = within(one.open_at, key(one.open_at))
        other = within(opens, key(opens))
        return [
            Opening(name=name, present=present.get(name, Amount()), other=other.get(name, Amount()))
            for name in sorted(present.keys() | other.keys())
        ]

    months = pairs(lambda moment: sa.func.to_char(moment, "YYYY-MM"))
    proposals = pairs(lambda _moment: one.owner_group)
    proposals.sort(key=lambda item: (-max(item.other.bytes, item.present.bytes), item.name))
    return Simulation(
        policy=document.name,
        since=period[0],
        until=period[1],
        present=_sum([item.present for item in months]),
        other=_sum([item.other for item in months]),
        by_month=tuple(months),
        by_proposal=tuple(proposals[:MOST_PROPOSALS]),
        **{
            name: compared.get(name, Amount())
            for name in ("earlier", "later", "same", "already_open")
        },
    )


def _amount(row: Any) -> Amount:
    return Amount(datasets=int(row.datasets), bytes=int(row.bytes))


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        datasets=sum(item.datasets for item in amounts), bytes=sum(item.bytes for item in amounts)
    )
