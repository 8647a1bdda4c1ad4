"""Why a dataset is closed, embargoed or open, told to whoever may know of it."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from policy_people import (
    CLOSED,
    EMBARGOED,
    ERASED,
    GROUP,
    INSTRUMENT,
    NEVER_WAS,
    NOW,
    OPEN,
    PEOPLE,
    PI,
    STEWARD,
    STRANGER,
    TEAM,
    WITHDRAWN,
)

from panosc.catalogue.people import account, alias
from panosc.catalogue.tables import dataset, group, group_member, ruling
from panosc.catalogue.writer import write
from panosc.domain.access import ANYONE, OPERATOR
from panosc.domain.errors import Gone, NotFound
from panosc.policy import births
from panosc.policy.explaining import Explaining
from panosc.policy.shelf import open_shelf

RULED = "x/ruled"


@pytest.fixture
def shelf(settings, place):
    return open_shelf(settings, place.engine)


@pytest.fixture
def explaining(place, shelf):
    engine = place.engine
    with engine.begin() as connection:
        connection.execute(sa.delete(group).where(group.c.name == GROUP))
        connection.execute(
            sa.insert(group).values(
                name=GROUP, access_type="public", ends=datetime(2025, 3, 1, tzinfo=UTC)
            )
        )
        row = {"pid": RULED, "ownerGroup": GROUP, "instrumentId": INSTRUMENT, "kind": "raw"}
        write(connection, [("Dataset", row)], now=NOW, born=births.for_writers(shelf, NOW))
        connection.execute(sa.delete(group_member))
        connection.execute(sa.delete(alias).where(alias.c.name == "uo:1"))
        if not connection.execute(sa.select(account).where(account.c.id == "u-pi")).first():
            connection.execute(sa.insert(account).values(id="u-pi", kind="person"))
        connection.execute(
            sa.update(account).where(account.c.id == "u-pi").values(name="Lise Meitner")
        )
        connection.execute(sa.insert(alias).values(name="uo:1", person="u-pi"))
        members = [
            (GROUP, "uo:1", "pi", None),
            # the same person, known by the account as well
            (GROUP, "u-pi", "pi", None),
            (GROUP, "uo:2", "team", None),
            (GROUP, "uo:3", "team", NOW - timedelta(days=1)),
            (f"instrument:{INSTRUMENT}", "uo:4", "instrument_scientist", None),
            ("node", "uo:5", "steward", None),
            ("node", "uo:6", "administrator", None),
            ("another", "uo:7", "team", None),
        ]
        connection.execute(
            sa.insert(group_member),
            [
                {"group": name, "person": person, "role": role, "until": until}
                for name, person, role, until in members
            ],
        )
    return Explaining(engine, shelf, lambda: NOW)


def test_a_stranger_learns_when_it_opens_and_no_name(explaining):
    for who in (ANYONE, STRANGER):
        found = explaining.explain(who, RULED)
        assert (found.state, found.until) == ("embargoed", datetime(2028, 3, 1, tzinfo=UTC))
        assert found.policy == "panosc-public@1.0"
        assert "3 years after the end of the experiment, 2025-03-01" in found.reasons[0]
        assert [(item.role, item.number) for item in found.readers] == [
            ("pi", 1),
            ("team", 1),
            ("instrument_scientist", 1),
            ("steward", 1),
        ]
        assert all(item.names is None for item in found.readers)
        assert found.group is None
        assert found.shared_with is None
        assert found.may_request
        assert not any(item.you_may for item in found.can_do)
        assert "Meitner" not in repr(found)


@pytest.mark.parametrize("who", [PI, TEAM, STEWARD, OPERATOR], ids=lambda who: who.person)
def test_those_in_charge_learn_the_names(explaining, who):
    found = explaining.explain(who, RULED)
    assert found.readers[0].names == ("Lise Meitner",)
    assert found.readers[1].names == ("uo:2",)
    assert found.group == GROUP
    assert not found.may_request


def test_what_can_be_done_and_by_whom(explaining):
    found = {item.act: item for item in explaining.explain(PI, RULED).can_do}
    assert found["release"].roles == ("pi",)
    assert found["release"].you_may
    assert found["extend"].terms == "by 2 years at most, before 2028-03-01, approved by director"
    assert (found["approve"].roles, found["approve"].you_may) == (("director",), False)


def test_the_limits_of_an_extension_are_told(explaining, place):
    with place.engine.begin() as connection:
        connection.execute(sa.update(ruling).values(extended_years=6))
    found = {item.act: item for item in explaining.explain(PI, RULED).can_do}
    assert found["extend"].terms.startswith("by 1 year at most")
    with place.engine.begin() as connection:
        connection.execute(sa.update(ruling).values(extended_years=7))
    found = {item.act: item for item in explaining.explain(PI, RULED).can_do}
    assert found["extend"].terms == "no more: 10 years in all are reached"


@pytest.mark.parametrize("name", list(PEOPLE))
def test_it_tells_of_nothing_that_the_caller_may_not_know_of(explaining, name):
    who = PEOPLE[name]
    with pytest.raises(NotFound) as never:
        explaining.explain(who, NEVER_WAS)
    if name in {"anyone", "stranger", "director", "administrator"}:
        with pytest.raises(NotFound) as closed:
            explaining.explain(who, CLOSED)
        assert closed.value.detail.replace(CLOSED, "") == never.value.detail.replace(NEVER_WAS, "")
        assert closed.value.hint == never.value.hint
    else:
        assert explaining.explain(who, CLOSED).state == "closed"
    with pytest.raises(Gone):
        explaining.explain(who, ERASED)
    assert explaining.explain(who, OPEN).state == "open"
    assert "withdrawn" in explaining.explain(who, WITHDRAWN).reasons[0]
    for pid in ("\0", "\ud800", "'; drop table dataset"):
        with pytest.raises(NotFound):
            explaining.explain(who, pid)


def test_a_record_with_its_own_date_is_told_so(explaining):
    found = explaining.explain(ANYONE, EMBARGOED)
    assert found.policy is None
    assert "gives 2028-05-01 as the end of its embargo" in found.reasons[0]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"access_type": "proprietary"}, "leaves out"),
        ({"access_type": "odd"}, "does not name"),
    ],
)
def test_why_it_does_not_open_by_itself(explaining, place, shelf, values, says):
    with place.engine.begin() as connection:
        connection.execute(sa.update(group).where(group.c.name == GROUP).values(values))
        births.settle_groups(connection, [GROUP], shelf=shelf, now=NOW)
    found = explaining.explain(TEAM, RULED)
    assert (found.state, found.until) == ("closed", None)
    assert says in found.reasons[0]
    with pytest.raises(NotFound):
        explaining.explain(STRANGER, RULED)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"owner_group": "nobody"}, "its proposal is not known here"),
        ({"owner_group": None}, "belongs to no proposal"),
    ],
)
def test_why_no_policy_governs_it(explaining, place, values, says):
    with place.engine.begin() as connection:
        row = {"pid": "x/alone", "ownerGroup": values["owner_group"]}
        write(connection, [("Dataset", row)], now=NOW)
    assert says in explaining.explain(STEWARD, "x/alone").reasons[0]


def test_after_its_end_it_says_that_it_opened(place, shelf, explaining):
    later = Explaining(place.engine, shelf, lambda: datetime(2028, 3, 1, tzinfo=UTC))
    found = later.explain(ANYONE, RULED)
    assert (found.state, found.until) == ("open", None)
    assert found.since == datetime(2028, 3, 1, tzinfo=UTC)
    assert found.reasons[1] == "It opened on 2028-03-01 and is not closed again."
    with place.engine.begin() as connection:
        connection.execute(sa.update(dataset).where(dataset.c.pid == RULED).values(open_at=NOW))
        connection.execute(sa.update(ruling).values(released_at=NOW))
    assert "released early" in later.explain(ANYONE, RULED).reasons[0]
