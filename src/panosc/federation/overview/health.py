"""How other catalogues did: day by day for 90 days, and lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from panosc.catalogue.federating.tables import health

DAYS = 90
LATELY = timedelta(hours=2)
_GOOD = 0.99
_c = health.c
_COUNTS = ("asked", "answered", "late", "failed", "spared", "ms")

Condition = Literal["unasked", "good", "partly", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What came of the questions of some time; `spared` were not asked, for it was down."""

    asked: int = 0
    answered: int = 0
    late: int = 0
    failed: int = 0
    spared: int = 0
    ms: int = 0

    @property
    def share(self) -> float | None:
        """The share of questions that were answered; None if there was none."""
        wanted = self.asked + self.spared
        return self.answered / wanted if wanted else None

    @property
    def condition(self) -> Condition:
        """The share in a word."""
        share = self.share
        if share is None:
            return "unasked"
        if share >= _GOOD:
            return "good"
        return "partly" if share > 0 else "bad"

    @property
    def mean_s(self) -> float | None:
        """How long an answer took on average, in seconds."""
        return self.ms / self.answered / 1000 if self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day (UTC) of one catalogue."""

    date: date
    span: Span


def days(connection: sa.Connection, name: str, *, now: datetime) -> list[Day]:
    """Return the last days of a catalogue, the oldest first, none left out."""
    today = now.date()
    first = today - timedelta(days=DAYS - 1)
    day = sa.func.date(sa.func.timezone("UTC", _c.hour)).label("day")
    statement = (
        sa.select(day, *_sums())
        .where(_c.connector == name, _c.hour >= now - timedelta(days=DAYS))
        .group_by(day)
    )
    found = {row.day: _span(row) for row in connection.execute(statement)}
    dates = [first + timedelta(days=number) for number in range(DAYS)]
    return [Day(date=one, span=found.get(one, Span())) for one in dates]


def lately(connection: sa.Connection, *, now: datetime) -> dict[str, Span]:
    """Return how the catalogues that were asked lately did."""
    statement = (
        sa.select(_c.connector, *_sums()).where(_c.hour >= now - LATELY).group_by(_c.connector)
    )
    return {row.connector: _span(row) for row in connection.execute(statement)}


def last_message(connection: sa.Connection, name: str) -> tuple[datetime, str] | None:
    """Return what went wrong last with a catalogue, and in which hour."""
    statement = (
        sa.select(_c.hour, _c.message)
        .where(_c.connector == name, _c.message.is_not(None))
        .order_by(_c.hour.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row.hour, row.message)


def _sums() -> Sequence["sa.ColumnElement[int]"]:
    return [sa.cast(sa.func.sum(_c[name]), sa.BigInteger).label(name) for name in _COUNTS]


def _span(row: "sa.Row[tuple[object, ...]]") -> Span:
    found = row._mapping  # noqa: SLF001 - how SQLAlchemy names it
    return Span(**{name: int(found[name]) for name in _COUNTS})
