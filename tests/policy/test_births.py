"""When the policy opens data, against a calendar of our own; what has opened stays open."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panosc.catalogue.loading import load
from panosc.catalogue.people import audit
from panosc.catalogue.tables import changes, dataset, group, ruling
from panosc.catalogue.writer import write
from panosc.domain.access import ALWAYS, NEVER, Guard, Who, state_of
from panosc.policy import births
from panosc.policy.service import build
from panosc.policy.shelf import DEFAULT, example, open_shelf, read_shelf

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TEXT = example(DEFAULT).read_text(encoding="utf-8")
OLDER = datetime(2024, 1, 1, tzinfo=UTC)

MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year):
    return (year % 4 == 0 and year % 100 != 0) or year % 400 == 0


def oracle(moment, years):
    """The same day years later; where there is no such day, the last of the month."""
    year = moment.year + years
    longest = MONTHS[moment.month - 1] + (moment.month == 2 and is_leap(year))
    day = min(moment.day, longest)
    clock = (moment.hour, moment.minute, moment.second, moment.microsecond)
    return datetime(year, moment.month, day, *clock, tzinfo=UTC)


@pytest.fixture
def shelf(settings, engine):
    folder = settings.home / "policies"
    folder.mkdir(parents=True)
    (folder / "old.yaml").write_text(TEXT)
    new = TEXT.replace('"1.0"', '"2.0"').replace("2011-01-01", "2024-01-01")
    new = new.replace("default_years: 3", "default_years: 5")
    new = new.replace("core_visible: registration", "core_visible: end_of_experiment")
    (folder / "new.yaml").write_text(new)
    return open_shelf(settings, engine)


def proposal(connection, name, **values):
    given_ = {"name": name, "access_type": "public", **values}
    connection.execute(sa.delete(group).where(group.c.name == name))
    connection.execute(sa.insert(group).values(given_))


def put(connection, pid, shelf=None, *, now=NOW, **values):
    row = {"pid": pid, "kind": "raw", **values}
    born = births.for_writers(shelf, now) if shelf else None
    write(connection, [("Dataset", row)], now=now, born=born)


def read(connection, pid):
    query = (
        sa.select(dataset.c.core_at, dataset.c.open_at, dataset.c.mark, ruling.c.policy)
        .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(dataset.c.pid == pid)
    )
    return connection.execute(query).one()


def state(connection, pid, now=NOW):
    row = read(connection, pid)
    return state_of(Guard(mark=row.mark, core_at=row.core_at, open_at=row.open_at), now=now)


def fed(connection):
    return list(connection.scalars(sa.select(changes.c.pid).order_by(changes.c.number)))


def test_a_leap_day_and_a_common_one(engine, shelf):
    with engine.begin() as connection:
        for name, ends in (
            ("leap", datetime(2020, 2, 29, 23, 59, 59, tzinfo=UTC)),
            ("plain", datetime(2023, 6, 5, 8, tzinfo=UTC)),
            ("new", datetime(2024, 2, 29, tzinfo=UTC)),
        ):
            proposal(connection, name, ends=ends)
            put(connection, f"x/{name}", shelf, ownerGroup=name)
        leap, plain, new = (read(connection, f"x/{name}") for name in ("leap", "plain", "new"))
    assert leap.open_at == datetime(2023, 2, 28, 23, 59, 59, tzinfo=UTC)
    assert leap.core_at == ALWAYS
    assert plain.open_at == datetime(2026, 6, 5, 8, tzinfo=UTC)
    assert new.open_at == datetime(2029, 2, 28, tzinfo=UTC)
    assert new.core_at == datetime(2024, 2, 29, tzinfo=UTC)
    assert (leap.policy, new.policy) == ("panosc-public@1.0", "panosc-public@2.0")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"isPublic": True}, "open"),
        ({"isPublic": False}, "closed"),
        ({"access": "closed"}, "closed"),
        ({"access": "open"}, "open"),
        ({"isPublic": False, "releaseDate": "2027-01-01T00:00:00Z"}, "embargoed"),
        ({"embargoUntil": "2027-01-01T00:00:00Z"}, "embargoed"),
    ],
)
def test_what_a_record_says_itself_counts(engine, shelf, said, expected):
    with engine.begin() as connection:
        proposal(connection, "P", ends=datetime(2020, 1, 1, tzinfo=UTC))
        put(connection, "x/1", shelf, ownerGroup="P", **said)
        assert read(connection, "x/1").policy is None
        assert births.settle(connection, None, shelf=shelf, now=NOW) == []
        assert state(connection, "x/1") == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "open"),
        ({"access_type": "proprietary"}, "closed"),
        ({"access_type": "unheard-of"}, "closed"),
        ({"access_type": None}, "closed"),
        ({"ends": datetime(2026, 5, 1, tzinfo=UTC)}, "embargoed"),
    ],
)
def test_the_kind_of_access_decides(engine, shelf, values, expected):
    with engine.begin() as connection:
        proposal(connection, "P", **{"ends": datetime(2020, 1, 1, tzinfo=UTC), **values})
        put(connection, "x/1", shelf, ownerGroup="P")
        put(connection, "x/2", shelf, ownerGroup="nobody")
        assert state(connection, "x/1") == expected
        assert state(connection, "x/2") == "closed"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("raw", "embargoed"), ("reduced", "embargoed"), ("simulated", "open"), (None, "embargoed")],
)
def test_the_kind_of_data_decides(engine, shelf, kind, expected):
    with engine.begin() as connection:
        proposal(connection, "P", ends=NOW - timedelta(days=1))
        put(connection, "x/1", shelf, ownerGroup="P", kind=kind)
        assert state(connection, "x/1") == expected


def test_it_counts_from_the_best_date_that_is_known(engine, shelf):
    with engine.begin() as connection:
        proposal(connection, "P")
        measured = {"creationDate": "2022-03-01T00:00:00Z"}
        put(connection, "x/end", shelf, ownerGroup="P", endDate="2022-03-04T00:00:00Z", **measured)
        put(connection, "x/start", shelf, ownerGroup="P", **measured)
        put(connection, "x/none", shelf, ownerGroup="P")
        created = connection.execute(
            sa.select(dataset.c.created).where(dataset.c.pid == "x/none")
        ).scalar_one()
        assert read(connection, "x/end").open_at == datetime(2025, 3, 4, tzinfo=UTC)
        assert read(connection, "x/start").open_at == datetime(2025, 3, 1, tzinfo=UTC)
        assert read(connection, "x/none").open_at == oracle(created, 5)
        # and stays so, whenever it is asked again
        assert births.settle(connection, None, shelf=shelf, now=NOW + timedelta(days=9)) == []


def test_a_dataset_keeps_the_version_it_was_born_under(settings, engine, shelf):
    with engine.begin() as connection:
        proposal(connection, "P", ends=datetime(2023, 12, 1, tzinfo=UTC))
        put(connection, "x/1", shelf, ownerGroup="P")
    (settings.home / "policies" / "old.yaml").unlink()
    later = open_shelf(settings, engine)
    assert [document.name for document in later.in_force] == ["panosc-public@2.0"]
    with engine.begin() as connection:
        # the experiment went on, into the time of the newer version
        proposal(connection, "P", ends=datetime(2025, 12, 1, tzinfo=UTC))
        keys = births.settle_groups(connection, ["P"], shelf=later, now=NOW)
        put(connection, "x/2", later, ownerGroup="P")
        first, second = read(connection, "x/1"), read(connection, "x/2")
    assert len(keys) == 1
    assert first.policy == "panosc-public@1.0"
    assert first.open_at == datetime(2028, 12, 1, tzinfo=UTC)
    assert second.policy == "panosc-public@2.0"
    assert second.open_at == datetime(2030, 12, 1, tzinfo=UTC)


def test_what_has_opened_stays_open(engine, shelf):
    with engine.begin() as connection:
        proposal(connection, "P", ends=datetime(2020, 1, 1, tzinfo=UTC))
        put(connection, "x/1", shelf, ownerGroup="P")
        assert state(connection, "x/1") == "open"
        for change in (
            {"ends": NOW},
            {"ends": datetime(2030, 1, 1, tzinfo=UTC)},
            {"access_type": "proprietary"},
            {"access_type": "unheard-of"},
            {"access_type": None},
        ):
            proposal(connection, "P", **{"ends": NOW, **change})
            births.settle_groups(connection, ["P"], shelf=shelf, now=NOW)
            put(connection, "x/1", shelf, ownerGroup="P", title=str(change))
            assert state(connection, "x/1") == "open"


def test_what_was_open_before_any_policy_came_stays_open(engine, shelf):
    with engine.begin() as connection:
        opened = NOW - timedelta(days=1)
        put(connection, "x/1", ownerGroup="P")
        connection.execute(sa.update(dataset).values(open_at=opened))
        proposal(connection, "P", ends=NOW)
        births.settle_groups(connection, ["P"], shelf=shelf, now=NOW)
        assert read(connection, "x/1").open_at == opened


def test_a_correction_to_paid_beam_time_hides_what_has_not_opened(engine, shelf):
    with engine.begin() as connection:
        proposal(connection, "P", ends=NOW - timedelta(days=1))
        put(connection, "x/1", shelf, ownerGroup="P")
        assert state(connection, "x/1") == "embargoed"
        proposal(connection, "P", ends=NOW, access_type="proprietary")
        births.settle_groups(connection, ["P"], shelf=shelf, now=NOW)
        assert state(connection, "x/1", now=NOW + timedelta(days=10**5)) == "closed"


def test_a_record_that_speaks_later_speaks_for_itself(engine, shelf):
    with engine.begin() as connection:
        proposal(connection, "P", ends=NOW - timedelta(days=1))
        put(connection, "x/1", shelf, ownerGroup="P")
        put(connection, "x/1", shelf, ownerGroup="P", isPublic=True)
        assert state(connection, "x/1") == "open"
        proposal(connection, "Q", ends=datetime(2020, 1, 1, tzinfo=UTC))
        put(connection, "x/2", shelf, ownerGroup="Q")
        put(connection, "x/2", shelf, ownerGroup="Q", access="closed")
        assert state(connection, "x/2") == "open", "it was open, and open is open"


def test_the_feed_and_the_trail_say_what_changed(engine, shelf):
    with engine.begin() as connection:
        for number in range(6):
            put(connection, f"x/{number}", ownerGroup=f"P{number % 2}")
        proposal(connection, "P0", ends=datetime(2024, 5, 1, tzinfo=UTC))
        proposal(connection, "P1", ends=datetime(2025, 5, 1, tzinfo=UTC))
        before = len(fed(connection))
        births.settle_groups(connection, ["P0", "P1", "P0"], shelf=shelf, now=NOW)
        assert fed(connection)[before:] == [f"x/{number}" for number in range(6)]
        lines = connection.execute(sa.select(audit).order_by(audit.c.subject)).all()
        assert [(line.event, line.subject, line.at) for line in lines] == [
            ("policy.applied", "P0", NOW),
            ("policy.applied", "P1", NOW),
        ]
        assert lines[0].detail == {
            "policy": "panosc-public@2.0",
            "datasets": 3,
            "first_opens": "2029-05-01T00:00:00Z",
            "last_opens": "2029-05-01T00:00:00Z",
        }
        births.settle_groups(connection, ["P0", "P1"], shelf=shelf, now=NOW)
        assert len(connection.execute(sa.select(audit)).all()) == 2
        assert len(fed(connection)) == before + 6


@pytest.mark.parametrize("is_first", [True, False])
def test_a_load_lets_the_policy_decide_in_its_own_transaction(engine, shelf, tmp_path, is_first):
    rows = [
        {"pid": "x/1", "ownerGroup": "P", "endDate": "2020-01-01T00:00:00Z"},
        {"pid": "x/2", "isPublic": True, "ownerGroup": "P"},
    ]
    (tmp_path / "Dataset.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with engine.begin() as connection:
        proposal(connection, "P", ends=datetime(2025, 1, 1, tzinfo=UTC))
        if not is_first:
            put(connection, "x/0")
    born = births.for_writers(shelf, NOW)
    load(engine, tmp_path, now=NOW, born=born)
    with engine.connect() as connection:
        assert read(connection, "x/1").open_at == datetime(2030, 1, 1, tzinfo=UTC)
        assert state(connection, "x/2") == "open"
        assert sorted(fed(connection)).count("x/1") == 1


def test_the_number_of_statements_does_not_grow_with_the_datasets(engine, shelf):
    counts = []
    for number in (2, 500):
        seen = []
        with engine.begin() as connection:
            proposal(connection, f"P{number}", ends=NOW)
            write(
                connection,
                [
                    ("Dataset", {"pid": f"{number}/{item}", "ownerGroup": f"P{number}"})
                    for item in range(number)
                ],
                now=NOW,
            )
            sa.event.listen(engine, "before_cursor_execute", lambda *a, s=seen: s.append(a[2]))
            assert len(births.settle_groups(connection, [f"P{number}"], shelf=shelf, now=NOW)) == (
                number
            )
            counts.append(len(seen))
    assert counts[0] == counts[1] <= 12


FIRST = datetime(2000, 1, 1, tzinfo=UTC)
moments = st.integers(0, 90 * 365 * 86_400).map(
    lambda s: FIRST + timedelta(seconds=s)
) | st.sampled_from([datetime(year, 2, 29, tzinfo=UTC) for year in (2000, 2020, 2024)])


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(moments, st.integers(0, 7)), min_size=40, max_size=60))
def test_the_arithmetic_is_that_of_the_calendar(engine, shelf, cases):
    early = datetime(1900, 1, 1, tzinfo=UTC)
    with engine.connect() as connection:
        connection.execute(
            sa.insert(group),
            [
                {"name": f"P{number}", "access_type": "public", "ends": ends}
                for number, (ends, _) in enumerate(cases)
            ],
        )
        connection.execute(
            sa.insert(dataset),
            [
                {
                    "id": number,
                    "pid": f"x/{number}",
                    "owner_group": f"P{number}",
                    "core_at": NEVER,
                    "open_at": NEVER,
                }
                for number in range(len(cases))
            ],
        )
        connection.execute(
            sa.insert(ruling),
            [
                {"dataset_id": number, "extended_years": extended}
                for number, (_, extended) in enumerate(cases)
            ],
        )
        births.settle(connection, None, shelf=shelf, now=early)
        for number, (ends, extended) in enumerate(cases):
            years = 3 if ends < OLDER else 5
            assert read(connection, f"x/{number}").open_at == oracle(ends, years + extended)
        connection.rollback()


def test_an_extension_counts_from_the_end_of_the_experiment(settings, engine, shelf):
    """Years added to the day that it had would lose the 29th of February for good."""
    with engine.begin() as connection:
        proposal(connection, "P", ends=datetime(2024, 2, 29, tzinfo=UTC))
        put(connection, "x/1", shelf, ownerGroup="P")
        assert read(connection, "x/1").open_at == datetime(2029, 2, 28, tzinfo=UTC)
    policy = build(engine, settings, lambda: NOW)
    leader = Who(person="u-pi", groups=frozenset("P"), duties=frozenset({("pi", "P")}))
    director = Who(person="u-director", roles=frozenset({"director"}))
    for years in (2, 1):
        number = policy.petitions.ask_extension(leader, "x/1", years=years, text="A thesis.")
        policy.petitions.answer(director, number, granted=True)
    with engine.begin() as connection:
        assert read(connection, "x/1").open_at == datetime(2032, 2, 29, tzinfo=UTC)
        assert births.settle(connection, None, shelf=shelf, now=NOW) == []


def test_the_same_record_again_is_no_change(engine, shelf):
    def stamp(connection):
        return connection.execute(sa.select(dataset.c.changed, dataset.c.open_at)).one()

    with engine.begin() as connection:
        proposal(connection, "P", ends=NOW)
        put(connection, "x/1", shelf, ownerGroup="P")
        before = stamp(connection)
    with engine.begin() as connection:
        put(connection, "x/1", shelf, ownerGroup="P")
        assert stamp(connection) == before
    with engine.begin() as connection:
        put(connection, "x/1", shelf, ownerGroup="P", title="another")
        assert stamp(connection).changed > before.changed
        assert stamp(connection).open_at == before.open_at


events = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 1500)),
    st.tuples(st.just("ends"), st.integers(-3000, 3000)),
    st.tuples(st.just("kind"), st.sampled_from(["public", "proprietary", "odd", None])),
    st.tuples(st.just("load"), st.sampled_from([{}, {"kind": "reduced"}, {"kind": "simulated"}])),
    st.tuples(st.just("speak"), st.sampled_from([{"access": "closed"}, {"isPublic": False}])),
    st.tuples(st.just("extend"), st.integers(1, 2)),
    st.tuples(st.just("release"), st.none()),
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(events, min_size=3, max_size=14))
def test_nothing_closes_again_whatever_happens(engine, shelf, story):
    now, kind, ends, was_open = NOW, "public", NOW - timedelta(days=900), False
    with engine.connect() as connection:
        proposal(connection, "P", ends=ends)
        put(connection, "x/1", shelf, ownerGroup="P", now=now)
        for event, value in story:
            was_open = was_open or state(connection, "x/1", now) == "open"
            match event:
                case "wait":
                    now += timedelta(days=value)
                case "ends":
                    ends = NOW + timedelta(days=value)
                case "kind":
                    kind = value
                case "load" | "speak":
                    put(connection, "x/1", shelf, now=now, **{"ownerGroup": "P", **value})
                case "extend":
                    years = ruling.c.extended_years + value
                    connection.execute(sa.update(ruling).values(extended_years=years))
                case "release":
                    if state(connection, "x/1", now) == "embargoed":
                        connection.execute(sa.update(ruling).values(released_at=now))
            # an opening that came by waiting counts before anything else happens
            was_open = was_open or state(connection, "x/1", now) == "open"
            proposal(connection, "P", ends=ends, access_type=kind)
            births.settle_groups(connection, ["P"], shelf=shelf, now=now)
            births.settle(connection, None, shelf=shelf, now=now)
            if was_open:
                assert state(connection, "x/1", now) == "open", (event, value)
        connection.rollback()


def test_another_shelf_reads_the_same(settings, shelf):
    assert [item.name for item in read_shelf(settings).in_force] == [
        item.name for item in shelf.in_force
    ]
