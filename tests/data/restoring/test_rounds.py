"""Mounts: few, in order, one at a time; nothing is lost, whatever fails and whoever is killed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from archive import ADA, BEN, PID, TERMS, Archive, person
from slow_tape import SlowTape

from panosc.catalogue.tables import location
from panosc.catalogue.tape.tables import recall, tape_mount
from panosc.data.restoring.tapes import Place, TapeFault, Told


def messages(archive: Archive) -> set[str | None]:
    with archive.engine.connect() as connection:
        return set(connection.scalars(sa.select(recall.c.message)))


def test_one_mount_a_volume_in_the_order_on_tape(archive: Archive) -> None:
    archive.put(PID, ["V1", "V2"] * 5)
    archive.wishes.ask(ADA, PID)
    archive.settle()
    assert sorted(volume for volume, *_ in archive.library.mounts()) == ["V1", "V2"]
    places = archive.tape.volumes(archive.library.recalls())
    for urls in archive.library.orders():
        orders = [places[url].order for url in urls]
        assert orders == sorted(orders, key=lambda order: order or 0)
    assert archive.tiers() == {"online": 10}


def test_wishes_gather_until_nobody_asks_for_more(archive: Archive) -> None:
    archive.put(PID, ["V1"] * 30)
    rounds = archive.rounds(terms=replace(TERMS, settle=timedelta(seconds=60)))
    for number in range(4):
        archive.wishes.ask(ADA, PID, [f"run-{number:04}.nxs"])
        archive.later(seconds=50)
        rounds.round()
    assert archive.states() == {"queued": 4}
    archive.later(seconds=11)
    rounds.round()
    assert archive.states() == {"staging": 4}
    # but nobody waits for ever because others go on to ask
    for number in range(4, 16):
        archive.wishes.ask(ADA, PID, [f"run-{number:04}.nxs"])
        archive.later(seconds=50)
        rounds.round()
    archive.settle(rounds)
    assert archive.tiers() == {"online": 16, "nearline": 14}
    assert len(archive.library.mounts()) == 2


@pytest.mark.parametrize("drives", [1, 2])
def test_no_more_volumes_are_mounted_than_there_are_drives(archive: Archive, drives: int) -> None:
    archive.put(PID, ["V1", "V2", "V3", "V3"])
    archive.wishes.ask(ADA, PID)
    rounds = archive.rounds(terms=replace(TERMS, drives=drives))
    rounds.round()
    assert archive.mounts() == ["live"] * drives
    archive.settle(rounds)
    assert archive.mounts() == ["done"] * 3


def test_what_is_wanted_while_a_volume_is_mounted_waits_for_its_next_mount(
    archive: Archive,
) -> None:
    archive.put(PID, ["V1", "V1", "V1"])
    archive.wishes.ask(ADA, PID, ["run-0000.nxs"])
    rounds = archive.rounds(terms=replace(TERMS, drives=3))
    rounds.round()
    for number in (1, 2):
        archive.wishes.ask(BEN, PID, [f"run-{number:04}.nxs"])
    archive.settle(rounds)
    assert [volume for volume, *_ in archive.library.mounts()] == ["V1", "V1"]
    assert archive.tiers() == {"online": 3}


def test_a_file_that_fails_keeps_no_other(archive: Archive) -> None:
    urls = archive.put(PID, ["V1", "V1", "V1"])
    with archive.library._opened() as database:
        database.execute("update tape set bad = 'The tape is torn.' where url = ?", (urls[0],))
        database.execute("delete from tape where url = ?", (urls[1],))
    archive.wishes.ask(ADA, PID)
    archive.settle()
    assert archive.look() == {
        "run-0000.nxs": "failed",
        "run-0001.nxs": "failed",
        "run-0002.nxs": "online",
    }
    assert messages(archive) >= {"The tape is torn.", "No tape has it, says the tape system."}
    assert archive.mounts() == ["done"]
    # it may be asked for again, once it is mended
    with archive.library._opened() as database:
        database.execute("update tape set bad = null")
    archive.wishes.ask(ADA, PID, ["run-0000.nxs"])
    archive.settle()
    assert archive.look()["run-0000.nxs"] == "online"


def test_a_file_that_comes_back_changed_is_not_made_readable(archive: Archive) -> None:
    (url,) = archive.put(PID, ["V1"])
    kept = archive.library._kept(url)
    kept.write_bytes(b"something else")
    archive.wishes.ask(ADA, PID)
    archive.settle()
    assert archive.look() == {"run-0000.nxs": "failed"}
    assert archive.tiers() == {"nearline": 1}
    assert any("another size or time of change" in str(text) for text in messages(archive))


def test_a_file_that_changed_on_disk_is_not_taken_away(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    archive.settle()
    changed = archive.disk / "run-run-0000.nxs"
    changed.write_bytes(b"written anew")
    archive.later(days=15)
    archive.rounds().round()
    assert list(archive.disk.iterdir()) == [changed]


def test_a_file_that_has_gone_from_the_catalogue_is_not_brought(archive: Archive) -> None:
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    with archive.engine.begin() as connection:
        is_first = location.c.name == "run-0000.nxs"
        connection.execute(sa.update(location).where(is_first).values(tier="removed"))
    archive.settle()
    assert archive.states() == {"failed": 1, "online": 1}
    assert len(archive.library.recalls()) == 1


def test_a_file_that_came_by_itself_is_left_there(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    with archive.engine.begin() as connection:
        connection.execute(sa.update(location).values(tier="online"))
    archive.settle()
    archive.later(days=99)
    archive.rounds().round()
    assert archive.tiers() == {"online": 1}
    assert archive.library.mounts() == []
    assert archive.library.calls("release") == 0


# ---- a tape system that fails ----


class Failing(SlowTape):
    """The library behind a line that breaks: each call fails `times` times."""

    def __init__(self, folder: Path, times: int, *, after: bool) -> None:
        super().__init__(folder, mount_s=0.0, file_s=0.0)
        self.left: dict[str, int] = {}
        self.times, self.after = times, after

    def _break(self, call: str) -> None:
        left = self.left.setdefault(call, self.times)
        if left:
            self.left[call] = left - 1
            raise TapeFault(f"{call}: no answer")

    def volumes(self, urls: Sequence[str]) -> Mapping[str, Place]:
        self._break("volumes")
        return super().volumes(urls)

    def recall(self, request: str, volume: str, urls: Sequence[str]) -> None:
        if self.after:
            super().recall(request, volume, urls)
        self._break("recall")
        super().recall(request, volume, urls)

    def poll(self, request: str) -> Mapping[str, Told]:
        self._break("poll")
        return super().poll(request)

    def release(self, urls: Sequence[str]) -> None:
        if self.after:
            super().release(urls)
        self._break("release")
        super().release(urls)


@pytest.mark.parametrize("after", [False, True], ids=["not taken", "taken"])
def test_calls_that_fail_are_tried_again(archive: Archive, after: bool) -> None:
    """Whether the call did something before the line broke or not: one mount a volume."""
    archive.put(PID, ["V1", "V2"])
    archive.wishes.ask(ADA, PID)
    rounds = archive.rounds(Failing(archive.folder / "library", 3, after=after))
    for _ in range(100):
        rounds.round()
        archive.later(seconds=30)
    assert archive.tiers() == {"online": 2}
    assert sorted(volume for volume, *_ in archive.library.mounts()) == ["V1", "V2"]
    archive.later(days=15)
    for _ in range(20):
        rounds.round()
        archive.later(seconds=30)
    assert archive.tiers() == {"nearline": 2}
    assert archive.states() == {"released": 2}


def test_after_a_fault_the_tape_system_is_left_in_peace(archive: Archive) -> None:
    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    tape = Failing(archive.folder / "library", 10**6, after=False)
    rounds = archive.rounds(tape)
    for _ in range(600):
        rounds.round()
        archive.later(seconds=1)
    assert 10**6 - tape.left["volumes"] < 12
    assert any("tried again" in str(text) for text in messages(archive))
    assert archive.look() == {"run-0000.nxs": "asked"}


class Deaf(SlowTape):
    """A library that takes requests and never brings anything."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, mount_s=10**9)


def test_nothing_is_staging_for_ever(archive: Archive) -> None:
    """What does not come is tried again, then given up; a volume is dropped before the next."""
    archive.put(PID, ["V1", "V1"])
    archive.wishes.ask(ADA, PID)
    rounds = archive.rounds(Deaf(archive.folder / "library"))
    for _ in range(40):
        rounds.round()
        archive.later(minutes=10)
    assert archive.states() == {"given up": 2}
    assert archive.mounts() == ["lost"] * 3
    assert archive.library.calls("drop") == 3
    assert archive.look() == dict.fromkeys(["run-0000.nxs", "run-0001.nxs"], "given up")
    archive.wishes.ask(BEN, PID)
    archive.settle()
    assert archive.tiers() == {"online": 2}


def test_a_mount_that_cannot_be_dropped_keeps_its_volume(archive: Archive) -> None:
    """Nobody knows whether it is still mounted; its files are not staging all the same."""

    class Stuck(Deaf):
        def drop(self, request: str) -> None:
            raise TapeFault("no answer")

    archive.put(PID, ["V1"])
    archive.wishes.ask(ADA, PID)
    rounds = archive.rounds(Stuck(archive.folder / "library"))
    for _ in range(40):
        rounds.round()
        archive.later(minutes=10)
    assert archive.mounts() == ["dropping"]
    assert archive.states() == {"queued": 1}
    archive.settle()
    assert archive.mounts() == ["lost", "done"]


def test_the_time_is_estimated_by_earlier_mounts(archive: Archive) -> None:
    archive.put(PID, ["V1", "V2"])
    archive.wishes.ask(ADA, PID)
    assert {item.expected for item in archive.wishes.look(ADA, PID)} == {None}
    started = archive.now() - timedelta(days=1)
    row = {"request": "r", "volume": "V9", "state": "done", "files": 1}
    times = {"started": started, "beat": started, "ended": started + timedelta(minutes=20)}
    with archive.engine.begin() as connection:
        connection.execute(sa.insert(tape_mount).values(**row, **times))
    archive.rounds().round()
    expected = [item.expected for item in archive.wishes.look(person("x"), PID)]
    assert expected == [
        archive.now() + timedelta(minutes=20),
        archive.now() + timedelta(minutes=40),
    ]
