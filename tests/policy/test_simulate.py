"""What would open under another policy, against a count by hand."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from panosc.catalogue.tables import dataset, group, ruling
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR, Who
from panosc.domain.errors import Forbidden, Invalid, Unauthenticated, WrongScope
from panosc.domain.pid import surrogate
from panosc.policy import births
from panosc.policy.explaining import Explaining
from panosc.policy.opening.simulating import Amount, Simulating
from panosc.policy.shelf import example, open_shelf
from panosc.policy.written.checking import document_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ENDS = {
    "A": datetime(2023, 7, 15, tzinfo=UTC),  # opens 2026-07 after 3 years, 2028-07 after 5
    "B": datetime(2023, 8, 20, tzinfo=UTC),
    "C": datetime(2021, 7, 1, tzinfo=UTC),  # open since 2024; after 5 years it would be 2026-07
    "D": datetime(2024, 1, 1, tzinfo=UTC),  # outside of the period either way
}


@pytest.fixture
def simulating(settings, engine):
    shelf = open_shelf(settings, engine)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(group),
            [{"name": name, "access_type": "public", "ends": ends} for name, ends in ENDS.items()]
            + [{"name": "E", "access_type": "proprietary", "ends": ENDS["A"]}],
        )
        rows = [
            ("Dataset", {"pid": f"{name}/{number}", "ownerGroup": name, "size": 100 + number})
            for name in "ABCDE"
            for number in range(3)
        ]
        rows.append(("Dataset", {"pid": "own", "ownerGroup": "A", "isPublic": True, "size": 5}))
        rows.append(("Dataset", {"pid": "sim", "ownerGroup": "A", "kind": "simulated", "size": 7}))
        write(connection, rows, now=NOW, born=births.for_writers(shelf, NOW))
    return Simulating(engine, lambda: NOW)


def test_the_next_quarter_under_a_longer_embargo(simulating, engine):
    with engine.connect() as connection:
        before = connection.execute(sa.select(dataset).order_by(dataset.c.id)).all()
    found = simulating.simulate(OPERATOR, document_of(example("emfl")))
    assert (found.since, found.until) == (NOW, datetime(2026, 9, 1, 12, tzinfo=UTC))
    assert found.present == Amount(datasets=6, bytes=606)
    assert found.other == Amount()
    assert [(item.name, item.present.datasets, item.other.datasets) for item in found.by_month] == [
        ("2026-07", 3, 0),
        ("2026-08", 3, 0),
    ]
    assert [item.name for item in found.by_proposal] == ["A", "B"]
    assert found.later == Amount(datasets=9, bytes=909)
    assert found.earlier == Amount()
    # C and the results of A; what its record calls open is no matter of the policy
    assert found.already_open == Amount(datasets=4, bytes=310)
    # paid beam time, closed either way
    assert found.same == Amount(datasets=3, bytes=303)
    with engine.connect() as connection:
        assert connection.execute(sa.select(dataset).order_by(dataset.c.id)).all() == before


def test_under_the_same_policy_nothing_changes(simulating):
    found = simulating.simulate(OPERATOR, document_of(example("panosc-public")))
    assert found.present == found.other
    assert found.earlier == found.later == Amount()


def test_a_shorter_embargo_opens_earlier(simulating, tmp_path):
    path = tmp_path / "short.yaml"
    text = example("panosc-public").read_text()
    path.write_text(text.replace("default_years: 3", "default_years: 0"))
    found = simulating.simulate(OPERATOR, document_of(path))
    assert found.earlier == Amount(datasets=9, bytes=909)
    since, until = datetime(2023, 7, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    found = simulating.simulate(OPERATOR, document_of(path), since=since, until=until)
    assert [(item.name, item.other.datasets) for item in found.by_month] == [
        ("2023-07", 4),
        ("2023-08", 3),
        ("2024-01", 3),
    ]


ends = st.integers(0, 5000).map(lambda days: datetime(2014, 1, 1, tzinfo=UTC) + timedelta(days))
stories = st.lists(
    st.tuples(
        st.none() | ends,
        st.sampled_from(["public", "proprietary", "odd", None]),
        st.sampled_from(["raw", "reduced", "simulated", None]),
        st.sampled_from([{}, {}, {}, {"isPublic": False}, {"access": "open"}]),
        st.integers(0, 2),
    ),
    min_size=25,
    max_size=25,
)


@limits(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(stories)
def test_what_is_simulated_explained_and_done_is_the_same(settings, engine, stories):
    """Under the policy in force nothing changes, and every day that is told is the day it opens."""
    shelf = open_shelf(settings, engine)
    now = [NOW]
    with engine.begin() as connection:
        for table in (dataset, group, ruling):
            connection.execute(sa.delete(table))
        for number, (end, kind, _, _, extended) in enumerate(stories):
            values = {"name": f"P{number}", "access_type": kind, "ends": end}
            connection.execute(sa.insert(group).values(values))
            years = {"dataset_id": surrogate("Dataset", f"x/{number}"), "extended_years": extended}
            connection.execute(sa.insert(ruling).values(years))
        rows = [
            ("Dataset", {"pid": f"x/{number}", "ownerGroup": f"P{number}", "kind": what, **said})
            for number, (_, _, what, said, _) in enumerate(stories)
        ]
        write(connection, rows, now=NOW, born=births.for_writers(shelf, NOW))
    far = {"since": NOW - timedelta(days=36500), "until": NOW + timedelta(days=36500)}
    found = Simulating(engine, lambda: NOW).simulate(OPERATOR, shelf.in_force[0], **far)
    assert (found.earlier, found.later) == (Amount(), Amount())
    assert found.present == found.other
    explaining = Explaining(engine, shelf, lambda: now[0])
    for number in range(len(stories)):
        now[0] = NOW
        told = explaining.explain(OPERATOR, f"x/{number}")
        if told.state == "open":
            assert told.until is None
            continue
        if told.until is None:
            now[0] = datetime(9000, 1, 1, tzinfo=UTC)
            assert explaining.explain(OPERATOR, told.pid).state == told.state
            continue
        embargo = (0 if stories[number][2] == "simulated" else 3) + stories[number][-1]
        assert told.until.year == told.counted_from.year + embargo
        assert told.until.month == told.counted_from.month
        for moment, state in ((told.until - timedelta(seconds=1), False), (told.until, True)):
            now[0] = moment
            assert (explaining.explain(OPERATOR, told.pid).state == "open") is state


def test_it_is_for_those_who_decide_on_the_policy(simulating):
    document = document_of(example("emfl"))
    with pytest.raises(Unauthenticated):
        simulating.simulate(ANYONE, document)
    for roles in ((), ("administrator",)):
        with pytest.raises(Forbidden):
            simulating.simulate(Who(person="u-1", roles=frozenset(roles)), document)
    director = Who(person="u-1", roles=frozenset({"director"}))
    assert simulating.simulate(director, document).policy == "emfl@isabel"
    with pytest.raises(WrongScope):
        simulating.simulate(
            Who(person="u-1", roles=director.roles, scopes=frozenset({"read"})), document
        )


def test_a_period_has_to_be_one(simulating):
    document = document_of(example("emfl"))
    with pytest.raises(Invalid):
        simulating.simulate(OPERATOR, document, since=NOW, until=NOW)
