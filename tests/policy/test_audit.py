"""The audit trail: what is chosen from it, who may watch it, and that it stays as it was."""

from datetime import UTC, datetime, timedelta

import policy_people as given
import pytest
import sqlalchemy as sa
from policy_people import NOW, PI

from panosc.catalogue.people import audit as table
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Forbidden, Invalid, Unauthenticated, WrongScope
from panosc.policy import audit
from panosc.policy.decisions.watching import Chosen, watcher


@pytest.fixture
def trail(engine):
    with engine.begin() as connection:
        for number in range(7):
            audit.record(
                connection,
                PI if number % 2 else OPERATOR,
                ("dataset.released", "share.given", "share_given")[number % 3],
                now=NOW + timedelta(minutes=number),
                subject=f"10.5072/{number % 2}",
                reason="so",
                number=number,
            )
    return engine


def numbers(events):
    return [event.detail["number"] for event in events]


def test_lines_are_chosen_by_what_is_asked_for(trail):
    every = Chosen()
    assert numbers(every.read(trail, 0, 100)) == [0, 1, 2, 3, 4, 5, 6]
    assert numbers(every.newest(trail, None, 3)) == [6, 5, 4]
    fourth = every.newest(trail, None, 3)[-1].number
    assert numbers(every.newest(trail, fourth, 3)) == [3, 2, 1]
    assert numbers(every.read(trail, fourth, 100)) == [5, 6]
    assert numbers(Chosen(person=PI.person).read(trail, 0, 100)) == [1, 3, 5]
    assert numbers(Chosen(subject="10.5072/0").read(trail, 0, 2)) == [0, 2]
    assert numbers(Chosen(event="share.given").read(trail, 0, 100)) == [1, 4]
    # a star ends a name, and nothing else in it is a pattern
    assert numbers(Chosen(event="share.*").read(trail, 0, 100)) == [1, 4]
    assert numbers(Chosen(event="share_*").read(trail, 0, 100)) == [2, 5]
    assert numbers(Chosen(event="%*").read(trail, 0, 100)) == []
    assert numbers(Chosen(person="", subject="", event="").read(trail, 0, 100)) == list(range(7))
    for bad in ("\0", "\ud800"):
        with pytest.raises(Invalid):
            Chosen(subject=bad).check()


def test_a_follower_misses_no_line_of_a_transaction_that_takes_longer(engine):
    """It has its number early: whoever had gone on with a higher one would never see it."""
    every, now = Chosen(), datetime.now(UTC)
    with engine.connect() as slow, engine.begin() as quick:
        audit.record(slow, OPERATOR, "group.imported", now=now, number=1)
        audit.record(quick, PI, "dataset.released", now=now, number=2)
        quick.commit()
        assert numbers(every.read(engine, 0, 100)) == []
        assert numbers(every.read(engine, 0, 100, is_followed=False)) == [2]
        slow.commit()
    assert numbers(every.read(engine, 0, 100)) == [1, 2]


def test_watched_by_stewards_and_administrators_alone():
    for name, who in given.PEOPLE.items():
        if name in {"steward", "administrator"}:
            watcher(who)
            with pytest.raises(WrongScope):
                watcher(given.without(who, "manage"))
        else:
            with pytest.raises(Unauthenticated if name == "anyone" else Forbidden):
                watcher(who)


def test_a_line_says_how_its_person_was_known(trail, engine):
    with engine.begin() as connection:
        audit.record(connection, given.without(PI, "manage"), "share.given", now=NOW)
    (newest,) = Chosen().newest(engine, None, 1)
    assert (newest.person, newest.via) == ("u-pi", "token")


def test_young_lines_stay_whatever_is_tried(trail):
    for statement in (
        sa.update(table).values(person=None),
        sa.delete(table),
        sa.text("truncate audit"),
    ):
        with pytest.raises(sa.exc.DBAPIError), trail.begin() as connection:
            connection.execute(statement)
    with trail.begin() as connection:
        # by the clock of the database, which no caller turns
        audit.record(connection, PI, "share.given", now=datetime.now(UTC), number=7)
    with trail.begin() as connection:
        audit.prune(connection, before=datetime.now(UTC) + timedelta(days=99999))
    assert numbers(Chosen().newest(trail, None, 1)) == [7]
