"""The order of pages against a plain computation of what each harvest is about."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc.catalogue.publishing.tables import oai_record
from panosc.domain.access import ALWAYS, NEVER
from panosc.publication.oai import store
from panosc.publication.oai.tokens import Span

ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
times = st.integers(0, 9).map(lambda number: ORIGIN + timedelta(seconds=number))
openings = st.one_of(st.just(ALWAYS), st.just(NEVER), times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table."""

    id: int
    born: datetime
    stamp: datetime
    listed_at: datetime
    opened_at: datetime
    was_listed: bool
    sets: tuple[str, ...]

    def datestamp(self, at: datetime) -> datetime:
        passed = [time for time in (self.listed_at, self.opened_at) if time < at]
        return max([self.stamp, *passed])

    def is_known(self, at: datetime) -> bool:
        return self.listed_at < at or self.was_listed


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        born, stamp = sorted((draw(times), draw(times)))
        listed, opened = sorted((draw(openings), draw(openings)))
        made.append(
            Row(
                id=number * 37 % 101,
                born=born,
                stamp=stamp,
                listed_at=listed,
                opened_at=opened,
                was_listed=draw(st.booleans()),
                sets=tuple(draw(st.sets(st.sampled_from(["a", "b:c"])))),
            )
        )
    return made


spans = st.builds(
    Span,
    at=times,
    start=st.one_of(st.none(), times),
    end=st.one_of(st.none(), times, st.just(datetime.max.replace(tzinfo=UTC))),
    set=st.sampled_from([None, "a", "b:c", "none"]),
)


def fill(connection: sa.Connection, made: list[Row]) -> None:
    connection.execute(sa.delete(oai_record))
    for row in made:
        values = {name: getattr(row, name) for name in Row.__dataclass_fields__}
        values |= {"sets": list(row.sets), "model": "Dataset", "pid": f"p{row.id}"}
        connection.execute(sa.insert(oai_record).values(values))


def expected(made: list[Row], span: Span) -> list[tuple[str, datetime, bool]]:
    """Return what a harvest has to bring, in its order: PID, datestamp, whether deleted."""
    chosen = [
        row for row in made if row.is_known(span.at) and (span.set is None or span.set in row.sets)
    ]
    if span.is_whole:
        chosen = [row for row in chosen if row.born < span.at]
        chosen.sort(key=lambda row: (row.born, row.id))
    else:
        start, end = span.start or ALWAYS, min(span.end or span.at, span.at)
        chosen = [row for row in chosen if start <= row.datestamp(span.at) < end]
        chosen.sort(key=lambda row: (row.datestamp(span.at), row.id))
    return [(f"p{row.id}", row.datestamp(span.at), not row.listed_at < span.at) for row in chosen]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(made=rows(), span=spans, limit=st.integers(1, 5))
def test_pages_are_what_a_plain_computation_finds(
    engine: sa.Engine, made: list[Row], span: Span, limit: int
) -> None:
    with engine.connect() as connection:
        fill(connection, made)
        found, after = [], None
        while lines := store.page(connection, span, after, limit):
            found += [(line.pid, line.datestamp, line.is_deleted) for line in lines]
            after = lines[-1].key
        wanted = expected(made, span)
        assert found == wanted
        assert store.count(connection, span) == len(wanted)
        connection.rollback()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(made=rows(), later=rows(), span=spans, turn=st.integers(0, 3))
def test_what_changes_meanwhile_comes_once_or_in_the_next_harvest(
    engine: sa.Engine, made: list[Row], later: list[Row], span: Span, turn: int
) -> None:
    """Between two pages rows are stamped anew, as late as the follower may: not before `at`."""
    stamped = {row.id: row for row in later}
    with engine.connect() as connection:
        fill(connection, made)
        found: list[str] = []
        after, number = None, 0
        while lines := store.page(connection, span, after, 2):
            found += [line.pid for line in lines]
            after = lines[-1].key
            if number == turn:
                for row in made:
                    if row.id in stamped and row.is_known(span.at):
                        _restamp(connection, row, stamped[row.id], span.at)
            number += 1
        assert len(found) == len(set(found))
        following = Span(at=ORIGIN + timedelta(hours=1), start=span.at, set=span.set)
        found += [line.pid for line in store.page(connection, following, None, 1000)]
        assert {pid for pid, _, _ in expected(made, span)} <= set(found)
        connection.rollback()


def _restamp(connection: sa.Connection, row: Row, like: Row, at: datetime) -> None:
    values = {
        "stamp": at + (like.stamp - ORIGIN),
        "listed_at": like.listed_at,
        "opened_at": like.opened_at,
        "was_listed": True,
    }
    connection.execute(sa.update(oai_record).where(oai_record.c.id == row.id).values(values))
