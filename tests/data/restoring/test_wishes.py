"""Who may ask for what from tape, what they see of it, and what they may take back."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from archive import ADA, BEN, LATER, PID, SECRET, Archive, person

from panosc.catalogue.changes import since
from panosc.catalogue.people import audit
from panosc.catalogue.tables import location
from panosc.catalogue.tape.tables import wish
from panosc.domain.access import ANYONE, NODE_ROLES, Who
from panosc.domain.errors import (
    Conflict,
    Embargoed,
    NotFound,
    OverBudget,
    PanoscError,
    Unauthenticated,
    WrongScope,
)

TEAM = {"ownerGroup": "P-1"}


def test_a_file_comes_and_stays_for_its_time_and_goes_back(archive: Archive) -> None:
    urls = archive.put(PID, ["V1", "V1", "V2"])
    assert set(archive.look().values()) == {"on tape"}
    done = archive.wishes.ask(ADA, PID, ["run-0000.nxs"])
    assert (done.files, done.new, done.size) == (1, 1, 1)
    assert archive.look()["run-0000.nxs"] == "asked"
    archive.settle()
    (found,) = [item for item in archive.wishes.look(ADA, PID) if item.state == "online"]
    assert found.name == "run-0000.nxs"
    assert found.until == archive.now() + timedelta(days=14)
    assert archive.tiers() == {"online": 1, "nearline": 2}
    assert archive.library.recalls() == [urls[0]]
    archive.later(days=13.9)
    archive.rounds().round()
    assert archive.tiers() == {"online": 1, "nearline": 2}
    archive.later(days=0.2)
    archive.rounds().round()
    assert archive.tiers() == {"nearline": 3}
    assert archive.states() == {"released": 1}
    assert not list(archive.disk.iterdir())
    # and again
    archive.wishes.ask(ADA, PID)
    archive.settle()
    assert archive.tiers() == {"online": 3}


def test_every_change_of_tier_is_in_the_feed(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    with archive.engine.connect() as connection:
        before = since(connection, 0, limit=100)[-1].number
    archive.wishes.ask(ADA, PID)
    archive.settle()
    with archive.engine.connect() as connection:
        (came,) = since(connection, before, limit=100)
    assert (came.model, came.pid) == ("Dataset", PID)
    archive.later(days=15)
    archive.rounds().round()
    with archive.engine.connect() as connection:
        (went,) = since(connection, came.number, limit=100)
    assert (went.model, went.pid) == ("Dataset", PID)


def test_several_people_share_a_recall_and_all_see_it(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    again = archive.wishes.ask(ADA, PID)
    assert (again.files, again.new) == (2, 0)
    archive.wishes.ask(BEN, PID, ["run-0001.nxs"])
    by_name = {item.name: item for item in archive.wishes.look(BEN, PID)}
    assert (by_name["run-0001.nxs"].people, by_name["run-0001.nxs"].is_mine) == (2, True)
    assert (by_name["run-0000.nxs"].people, by_name["run-0000.nxs"].is_mine) == (1, False)
    assert archive.look(ANYONE) == archive.look(BEN)
    archive.settle()
    assert len(archive.library.recalls()) == 2
    assert len(archive.library.mounts()) == 1


def test_taking_back_a_wish_leaves_that_of_others(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    archive.wishes.ask(BEN, PID, ["run-0001.nxs"])
    assert archive.wishes.cancel(ADA, PID) == 2
    assert archive.wishes.cancel(ADA, PID) == 0
    assert archive.look() == {"run-0000.nxs": "on tape", "run-0001.nxs": "asked"}
    archive.settle()
    assert archive.look() == {"run-0000.nxs": "on tape", "run-0001.nxs": "online"}
    assert len(archive.library.recalls()) == 1
    # who is done with it says so, and it goes back before its time
    archive.wishes.cancel(BEN, PID, ["run-0001.nxs"])
    archive.rounds().round()
    assert archive.tiers() == {"nearline": 2}


def test_what_is_taken_back_while_it_is_read_goes_back_at_once(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    rounds = archive.rounds()
    rounds.round()
    assert archive.states() == {"staging": 1}
    archive.wishes.cancel(ADA, PID)
    archive.settle(rounds)
    rounds.round()
    rounds.round()
    assert archive.states() == {"released": 1}
    assert archive.tiers() == {"nearline": 1}


def test_asking_again_keeps_it_on_disk_for_longer(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    archive.settle()
    archive.later(days=10)
    assert archive.wishes.ask(BEN, PID).new == 1
    (found,) = archive.wishes.look(BEN, PID)
    assert found.until == archive.now() + timedelta(days=14)
    archive.later(days=10)
    archive.rounds().round()
    assert archive.tiers() == {"online": 1}
    assert len(archive.library.mounts()) == 1


NO_SCOPE = Who(person="u-x", scopes=frozenset({"read", "write"}), via="token")
REFUSED: tuple[tuple[Who, str, type[PanoscError]], ...] = (
    (ANYONE, PID, Unauthenticated),
    (NO_SCOPE, PID, WrongScope),
    (BEN, LATER, Embargoed),
    (BEN, SECRET, NotFound),
    (BEN, "10.5072/never", NotFound),
    (BEN, "no\0name", NotFound),
)


def test_who_may_ask(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    later = (archive.now() + timedelta(days=99)).isoformat()
    archive.put(LATER, ["V1"], access="embargoed", embargoUntil=later, **TEAM)
    archive.put(SECRET, ["V1"], access="closed", **TEAM)
    archive.put("10.5072/online", ["disk"], tier="online")
    for who, pid, error in REFUSED:
        with pytest.raises(error):
            archive.wishes.ask(who, pid)
        if pid != PID:
            with pytest.raises(error):
                archive.wishes.look(who, pid)
    assert archive.states() == {}
    assert archive.wishes.ask(BEN, "10.5072/online").files == 0
    assert archive.wishes.ask(ADA, LATER).files == 1
    assert archive.wishes.ask(ADA, SECRET).files == 1


def test_a_file_that_is_none_is_not_asked_for(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    with pytest.raises(NotFound, match=r"no file “\.\./x”"):
        archive.wishes.ask(ADA, PID, ["run-0000.nxs", "../x"])
    assert archive.states() == {}


def test_a_node_without_tapes_says_so(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.settings = archive.settings.model_copy(update={"tape": None})
    with pytest.raises(Conflict, match="cannot bring files back"):
        archive.wishes.ask(ADA, PID)


def test_a_day_has_a_share_of_files_and_bytes(archive: Archive) -> None:
    archive.settings = archive.settings.model_copy(
        update={"restore_max_files": 3, "restore_max_bytes": 100}
    )
    archive.put(PID, ["V1"] * 4)
    with pytest.raises(OverBudget, match="3 files"):
        archive.wishes.ask(ADA, PID)
    assert archive.states() == {}
    archive.wishes.ask(ADA, PID, ["run-0000.nxs", "run-0001.nxs"])
    # what has cost nothing yet is given back
    archive.wishes.cancel(ADA, PID, ["run-0001.nxs"])
    archive.wishes.ask(ADA, PID, ["run-0001.nxs", "run-0002.nxs"])
    archive.later(hours=20)
    with pytest.raises(OverBudget) as caught:
        archive.wishes.ask(ADA, PID, ["run-0003.nxs"])
    assert caught.value.retry_after == 4 * 3600
    # another person has a share of their own, a steward needs none
    archive.wishes.ask(BEN, PID, ["run-0003.nxs"])
    archive.wishes.ask(Who(person="u-s", roles=NODE_ROLES, via="session"), PID)
    archive.later(hours=4, seconds=1)
    archive.wishes.ask(ADA, PID, ["run-0003.nxs"])


def test_bytes_count_as_well(archive: Archive) -> None:
    archive.settings = archive.settings.model_copy(update={"restore_max_bytes": 5})
    archive.put(PID, ["V1"] * 4)
    archive.wishes.ask(ADA, PID, ["run-0001.nxs", "run-0002.nxs"])
    with pytest.raises(OverBudget, match="5 bytes"):
        archive.wishes.ask(ADA, PID, ["run-0000.nxs"])


def test_acts_stand_in_the_audit_trail(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    archive.wishes.ask(ADA, PID)
    archive.wishes.cancel(ADA, PID)
    columns = (audit.c.event, audit.c.person, audit.c.subject, audit.c.detail)
    with archive.engine.connect() as connection:
        lines = [tuple(row) for row in connection.execute(sa.select(*columns))]
    assert lines == [
        ("restore.asked", "u-ada", PID, {"files": 2, "bytes": 3}),
        ("restore.taken_back", "u-ada", PID, {"files": 2}),
    ]


def test_a_place_that_the_disk_lost_early_is_asked_for_anew(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    archive.settle()
    with archive.engine.begin() as connection:
        connection.execute(sa.update(location).values(tier="nearline"))
    assert archive.look() == {"run-0000.nxs": "on tape"}
    assert archive.wishes.ask(person("eve"), PID).new == 1
    assert archive.states() == {"released": 1, "asked": 1}
    archive.settle()
    assert archive.look() == {"run-0000.nxs": "online"}


def test_what_was_wanted_by_a_person_who_left_is_not_brought(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    archive.wishes.ask(BEN, PID, ["run-0001.nxs"])
    with archive.engine.begin() as connection:
        connection.execute(sa.delete(wish).where(wish.c.account == "u-ada"))
    archive.settle()
    assert archive.states() == {"cancelled": 1, "online": 1}


def test_what_is_over_is_forgotten_in_time(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    archive.settle()
    archive.later(days=15)
    rounds = archive.rounds()
    rounds.round()
    archive.later(days=89)
    rounds.round()
    assert archive.states() == {"released": 1}
    archive.later(days=2)
    rounds.round()
    assert archive.states() == {}
    assert archive.mounts() == []
