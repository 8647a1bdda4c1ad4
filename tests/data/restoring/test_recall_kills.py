"""Nothing is lost and nothing mounted twice, whoever is killed, and whoever acts at once."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import sqlalchemy as sa
from archive import ADA, PID, Archive, person


class Killed(BaseException):
    """Stands for the end of a process at this very place."""


class Doomed:
    """A tape system and a database under a process that is killed at its n-th step."""

    def __init__(self, archive: Archive, steps: int) -> None:
        self.tape, self.left = archive.tape, steps

    def step(self, *_: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def __getattr__(self, name: str) -> object:
        call = getattr(self.tape, name)

        def stepped(*arguments: object) -> object:
            self.step()
            found = call(*arguments)
            self.step()
            return found

        return stepped


def test_a_kill_at_any_step_loses_nothing_and_mounts_nothing_twice(archive: Archive) -> None:
    """Before and after each call and each commit, one process after the other is killed."""
    archive.put(PID, ["V1", "V2", "V1"])
    kills = 0
    for turn in range(3):
        archive.wishes.ask(ADA, PID)
        before = len(archive.library.mounts())
        for steps in range(60):
            doomed = Doomed(archive, steps % 7)
            sa.event.listen(archive.engine, "commit", doomed.step)
            try:
                rounds = archive.rounds(doomed)  # type: ignore[arg-type]
                for _ in range(4):
                    rounds.round()
            except Killed:
                kills += 1
            finally:
                sa.event.remove(archive.engine, "commit", doomed.step)
            if archive.tiers() == {"online": 3}:
                break
        archive.settle()
        assert archive.tiers() == {"online": 3}
        volumes = [volume for volume, *_ in archive.library.mounts()][before:]
        assert sorted(volumes) == ["V1", "V2"], turn
        archive.later(days=15)
        archive.settle()
        archive.rounds().round()
        archive.settle()
        assert archive.tiers() == {"nearline": 3}
    assert kills > 20


NODE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
import threading
sys.path.insert(0, sys.argv[3])
from slow_tape import SlowTape
from panosc.catalogue.database import open_database
from panosc.data.restoring.rounds import Terms
from panosc.data.restoring.running import beside
from panosc.settings import Settings

settings = Settings(home=Path(sys.argv[1]) / "home", database_url=sys.argv[2])
terms = Terms(drives=1, settle=timedelta(0), patience=timedelta(hours=1),
              stay=timedelta(days=14), poll=timedelta(0))
tape = SlowTape(Path(sys.argv[1]) / "library", mount_s=0.1, file_s=0.02)
with open_database(settings) as engine:
    with beside(engine, tape, terms, lambda: datetime.now(UTC), look_s=0.005):
        print("ready", flush=True)
        threading.Event().wait()
"""


def test_nodes_that_are_killed_by_force_leave_the_rest_to_others(
    archive: Archive, database_url: str
) -> None:
    """Two stand by for each other; the one that leads is killed again and again."""
    archive.time[0] = archive.time[0].replace(year=2020)
    archive.put(PID, ["V1", "V2", "V3", "V4"] * 6)
    archive.wishes.ask(ADA, PID)
    words = [sys.executable, "-c", NODE, str(archive.folder), database_url]
    here = str(Path(__file__).parent)

    def start() -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*words, here], stdout=subprocess.PIPE)

    nodes = [start() for _ in range(3)]
    try:
        for node in nodes:
            assert node.stdout is not None
            assert node.stdout.readline() == b"ready\n"
        for node in nodes[:2]:
            came = archive.tiers().get("online", 0)
            _until(lambda came=came: archive.tiers().get("online", 0) > came)  # type: ignore[misc]
            node.kill()
        _until(lambda: archive.tiers() == {"online": 24})
    finally:
        for node in nodes:
            node.kill()
            node.communicate()
    assert sorted(volume for volume, *_ in archive.library.mounts()) == ["V1", "V2", "V3", "V4"]
    assert archive.mounts() == ["done"] * 4


def _until(is_so: object, *, most_s: float = 60.0) -> None:
    ends = time.monotonic() + most_s
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_people_who_ask_and_take_back_at_once_hold_nobody_up(archive: Archive) -> None:
    """Whatever they do in whatever order: no deadlock, and what is on disk is what is wanted."""
    names = [f"run-{number:04}.nxs" for number in range(12)]
    archive.put(PID, ["V1", "V2", "V3"] * 4)
    archive.settings = archive.settings.model_copy(update={"restore_max_files": 10_000})

    def act(number: int) -> None:
        chance, who = Random(number), person(f"p{number}")
        for _ in range(12):
            chosen = chance.sample(names, 5)
            if chance.random() < 0.6:
                archive.wishes.ask(who, PID, chosen)
            else:
                archive.wishes.cancel(who, PID, chosen)

    rounds = archive.rounds()
    with ThreadPoolExecutor(6) as pool:
        acts = [pool.submit(act, number) for number in range(6)]
        while not all(item.done() for item in acts):
            rounds.round()
        for item in acts:
            item.result()
    archive.settle(rounds)
    rounds.round()
    rounds.round()
    wanted = {
        item.name
        for item in archive.wishes.look(ADA, PID)
        if item.state == "online" and item.people
    }
    there = {path.name.removeprefix("run-") for path in archive.disk.iterdir()}
    assert there == wanted
    assert archive.tiers().get("online", 0) == len(wanted)
    assert set(archive.mounts()) == {"done"}
