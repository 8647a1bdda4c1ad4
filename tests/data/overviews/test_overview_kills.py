"""The process that makes overviews is killed at any time, and nothing is lost or half made."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import overview_files as given
import pytest
import sqlalchemy as sa

from panosc.catalogue.changes import Follower, append, last
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.data.overviews import following
from panosc.data.overviews.following import Keeper, overviewing
from panosc.data.overviews.keeping import OverviewStore
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROGRAM = Path(__file__).with_name("overview_program.py")


def until(is_so: Callable[[], bool], *, patience_s: float = 60.0) -> None:
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def add(engine: sa.Engine, path: Path, numbers: range) -> None:
    with engine.begin() as connection:
        for number in numbers:
            write(connection, given.rows(path, pid=f"local/{number}"), now=NOW)
            # many datasets of one file: each takes its place
            url = f"{path.as_uri()}#{number}"
            connection.execute(
                sa.text("update location set url = :url where url not like '%#%'"), {"url": url}
            )
        append(connection, [("Dataset", f"local/{number}") for number in numbers])


def is_whole(store: OverviewStore, pid: str) -> bool:
    found = store.look(pid)
    return found is not None and found.failure is None and bool(store.member(pid, "small/max.webp"))


@pytest.fixture(autouse=True)
def first_come(monkeypatch: pytest.MonkeyPatch) -> None:
    # a busy machine is not what is tested
    monkeypatch.setattr(following, "LAST", 0)


def test_killed_at_any_time(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    chance = random.Random(5)
    path = given.written(tmp_path / "stack.nxs", np.arange(3 * 40 * 40).reshape(3, 40, 40))
    add(engine, path, range(60))
    store = OverviewStore(settings.home)
    address = settings.database_url
    assert address is not None
    command = [sys.executable, str(PROGRAM), str(settings.home), address.get_secret_value()]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for turn in range(3):
            before = len(list(store.all()))
            program.stdin.write("\n")
            program.stdin.flush()
            process = int(program.stdout.readline())
            wanted = before + 1 + chance.randrange(12)
            until(lambda wanted=wanted: len(list(store.all())) >= wanted)
            time.sleep(chance.random() * 0.05)
            os.kill(process, signal.SIGKILL)
            add(engine, path, range(60 + 10 * turn, 70 + 10 * turn))
            with engine.begin() as connection:
                gone = f"local/{turn}"
                connection.execute(sa.delete(dataset).where(dataset.c.pid == gone))
                append(connection, [("Dataset", gone)], deleted=True)
        program.stdin.close()
    keeper = Keeper(engine, settings, lambda: NOW)
    thread = threading.Thread(target=keeper.run)
    thread.start()

    def is_done() -> bool:
        with engine.connect() as connection:
            return Follower("overviews").position(connection) == last(connection)

    until(is_done)
    keeper.stop()
    thread.join(20)
    assert not thread.is_alive()
    wanted = {f"local/{number}" for number in range(3, 90)}
    assert {store.pid_of(path) for path in store.all()} == wanted
    assert all(is_whole(store, pid) for pid in wanted)
    assert list(store.path.rglob("*.part")) == []


def test_of_two_one_makes_them_and_the_other_goes_on(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = given.written(tmp_path / "line.nxs", np.arange(30.0))
    store = OverviewStore(settings.home)
    with overviewing(engine, settings, lambda: NOW):
        with overviewing(engine, settings, lambda: NOW):
            given.register(engine, path, pid="local/a", now=NOW)
            until(lambda: store.look("local/a") is not None)
        given.register(engine, path, pid="local/b", now=NOW)
        with engine.begin() as connection:
            append(connection, [("Dataset", "local/b")])
        until(lambda: store.look("local/b") is not None)
        # whoever deletes the folder gets all of it again
        for kept in store.all():
            kept.unlink()
        (store.path / "complete").unlink()
        until(lambda: len(list(store.all())) >= 1)
