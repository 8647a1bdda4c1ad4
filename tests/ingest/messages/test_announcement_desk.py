"""The desk: files that come late or never, what goes wrong, several desks at once."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from announcing_node import NOW, Node, write_nexus

from panosc.catalogue.intake import announcement
from panosc.domain.errors import Busy
from panosc.ingest.messages.desk import Desk, Patience
from panosc.ingest.messages.register import Announcement
from panosc.ingest.messages.taking import Outcome


def told(node: Node, name: str = "x") -> tuple[str, int, str | None]:
    found = node.find(name).json()
    return found["state"], found["tries"], found["detail"]


def test_files_that_are_not_there_yet_are_waited_for_longer_and_longer(announcing: Node) -> None:
    path = announcing.data / "later" / "a.nxs"
    announcing.announce(id="x", paths=[str(path)])
    desk = announcing.desk()
    assert desk.step()
    state, tries, detail = told(announcing)
    assert (state, tries) == ("waiting", 1)
    assert str(path) in str(detail)
    assert announcing.find("x").json()["nextTry"] == "2026-06-01T12:00:10Z"
    assert not desk.step()
    announcing.clock.forward(seconds=10)
    assert desk.step()
    # a folder without a file is no dataset either, and half a file is none yet
    whole = write_nexus(announcing.data / "whole.nxs").read_bytes()
    path.parent.mkdir()
    path.write_bytes(whole[: len(whole) // 2])
    announcing.clock.forward(seconds=15)
    announcing.ask("steward", "POST", "/api/v1/ingest/x/retry")
    assert desk.step()
    state, tries, detail = told(announcing)
    assert (state, tries) == ("failed", 3)
    assert "a.nxs" in str(detail)
    assert announcing.ask("steward", "POST", "/api/v1/ingest/x/retry").status_code == 202
    path.write_bytes(whole)
    assert desk.step()
    state, tries, detail = told(announcing)
    assert (state, tries, detail) == ("done", 1, None)
    assert announcing.ask("steward", "POST", "/api/v1/ingest/x/retry").status_code == 409
    assert announcing.events() == [
        "ingest.announced",
        "ingest.failed",
        "ingest.retried",
        "ingest.done",
    ]


def test_a_file_that_is_known_is_found_again(announcing: Node) -> None:
    path = str(write_nexus(announcing.data / "a.nxs"))
    pids = []
    for name in ("one", "two"):
        announcing.announce(id=name, paths=[path])
        announcing.desk().step()
        pids.append(announcing.find(name).json()["pids"])
    assert pids[0] == pids[1]
    assert len(pids[0]) == 1


def test_an_unknown_profile_fails_at_once_with_its_name(announcing: Node) -> None:
    path = str(write_nexus(announcing.data / "a.nxs"))
    announcing.announce(id="x", paths=[path], profile="unheard-of")
    announcing.desk().step()
    state, tries, detail = told(announcing)
    assert (state, tries) == ("failed", 1)
    assert "unheard-of" in str(detail)


def test_one_that_goes_wrong_keeps_no_other_waiting(announcing: Node) -> None:
    for name in ("bad", "busy", "good"):
        announcing.announce(id=name, paths=[str(announcing.data)])

    def take(announced: Announcement) -> Outcome:
        if announced.id.endswith("bad"):
            raise RuntimeError("\x1b[31mred")
        if announced.id.endswith("busy"):
            raise Busy("All are at work.")
        return Outcome(pids=("10.5072/x",))

    desk = Desk(announcing.engine, announcing.settings, announcing.clock, take=take)
    while desk.step():
        pass
    assert told(announcing, "good") == ("done", 1, None)
    assert told(announcing, "busy") == ("waiting", 1, "All are at work.")
    state, _, detail = told(announcing, "bad")
    assert state == "waiting"
    assert detail is not None
    assert "RuntimeError" in detail
    assert detail.isprintable()


def test_several_desks_do_each_once(announcing: Node) -> None:
    rows = [
        {"id": f"x:{n}", "kind": "http", "who": "x", "body": {}, "at": NOW, "next_try": NOW}
        for n in range(30)
    ]
    with announcing.engine.begin() as connection:
        connection.execute(sa.insert(announcement), rows)
    taken: list[str] = []
    both = threading.Barrier(3, timeout=30)

    def take(announced: Announcement) -> Outcome:
        if len(taken) < 3:
            # three are at work at the same moment
            both.wait()
        taken.append(announced.id)
        return Outcome()

    def work() -> None:
        desk = Desk(announcing.engine, announcing.settings, announcing.clock, take=take)
        while desk.step():
            pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(row["id"] for row in rows)
    assert {row.state for row in announcing.rows().values()} == {"done"}


def test_what_was_begun_when_the_node_is_stopped_is_begun_again(announcing: Node) -> None:
    write_nexus(announcing.data / "a.nxs")
    announcing.announce(id="x", paths=[str(announcing.data)])
    desk = announcing.desk()
    desk.stop()
    assert desk.step()
    assert told(announcing) == ("waiting", 0, None)
    assert announcing.desk().step()
    assert told(announcing) == ("done", 1, None)


@pytest.mark.parametrize(("tries", "seconds"), [(1, 10), (2, 20), (3, 40), (4, 60), (1000, 60)])
def test_waits_grow_up_to_a_longest_one(tries: int, seconds: int) -> None:
    patience = Patience(tries=9, first=timedelta(seconds=10), longest=timedelta(seconds=60))
    assert patience.after(tries) == timedelta(seconds=seconds)
