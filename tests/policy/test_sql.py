"""The access decision as SQL is the decision as a function, for random records and callers."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc.catalogue.tables import dataset
from panosc.domain.access import ALWAYS, NEVER, Guard, Who, may, state_of
from panosc.policy.sql import state, visible

NOW = datetime(2026, 6, 1, tzinfo=UTC)
GROUPS = ["P1", "P2", "P'3"]
times = st.sampled_from([ALWAYS, NEVER, NOW]) | st.integers(-3, 3).map(
    lambda days: NOW + timedelta(days=days)
)
guards = st.builds(
    Guard,
    mark=st.sampled_from(["normal", "normal", "withdrawn", "erased"]),
    core_at=times,
    open_at=times,
    group=st.sampled_from([None, *GROUPS]),
)
people = st.builds(
    Who,
    groups=st.frozensets(st.sampled_from(GROUPS)),
    roles=st.frozensets(st.sampled_from(["steward", "director"])),
)
moments = st.integers(-4, 4).map(lambda days: NOW + timedelta(days=days))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(guards, min_size=40, max_size=60), people, moments)
def test_function_and_predicate_agree(engine, records, who, now):
    with engine.connect() as connection:
        connection.execute(
            sa.insert(dataset),
            [
                {
                    "id": number,
                    "pid": str(number),
                    "mark": guard.mark,
                    "core_at": guard.core_at,
                    "open_at": guard.open_at,
                    "owner_group": guard.group,
                }
                for number, guard in enumerate(records)
            ],
        )
        for action in ("list", "core", "detail", "bytes"):
            select = sa.select(dataset.c.id).where(visible(dataset, who, action, now=now))
            found = set(connection.execute(select).scalars())
            expected = {
                number for number, guard in enumerate(records) if may(who, action, guard, now=now)
            }
            assert found == expected, action
        states = connection.execute(sa.select(dataset.c.id, state(dataset, now=now))).all()
        assert {row.id: row[1] for row in states} == {
            number: state_of(guard, now=now) for number, guard in enumerate(records)
        }
        connection.rollback()
