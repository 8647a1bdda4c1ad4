"""Whatever is killed, the next use finds what was committed, and nothing is left after it."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalogue.homes import (
    another_user,
    processes,
    server_pid,
    start_user,
    until,
    watchdog_pid,
)
from panosc.catalogue.embedded import postmaster, watchdog
from panosc.catalogue.embedded.server import Server, running

NOTE = "create table if not exists note (number int); insert into note values (1)"


@pytest.fixture(scope="module")
def made(open_folder: Path) -> Path:
    """A home whose cluster has been made."""
    path = open_folder / "killed"
    with running(path):
        pass
    return path


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """The same home for many tests; each begins without notes and ends without processes."""
    yield made
    until(lambda: not processes(made))
    with running(made) as server, server.connect() as connection:
        connection.execute("drop table if exists note")


def notes(server: Server) -> int:
    """Return how many notes were committed."""
    with server.connect() as connection:
        row = connection.execute("select count(*) from note").fetchone()
    assert row is not None
    return int(row[0])


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{pid}/cmdline").exists())


def test_without_users_the_server_goes_by_itself(home: Path) -> None:
    with another_user(home, NOTE) as one, another_user(home, NOTE) as two:
        one.kill()
        one.wait()
        assert server_pid(home)
        two.kill()
        two.wait()
        until(lambda: not processes(home))
    with running(home) as server:
        assert notes(server) == 2


def test_a_killed_server_is_started_again(home: Path) -> None:
    with another_user(home, NOTE), running(home) as server:
        for _ in range(3):
            old = server_pid(home)
            kill(old)
            assert notes(server) == 1
            assert server_pid(home) != old


def test_a_killed_backend_does_no_harm(home: Path) -> None:
    with running(home) as server:
        with server.connect() as connection:
            connection.execute(NOTE.encode())
        connection = server.connect()
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
        assert notes(server) == 1


def test_a_killed_watchdog_leaves_the_server_to_its_users(home: Path) -> None:
    with running(home) as server:
        with server.connect() as connection:
            connection.execute(NOTE.encode())
        old = server_pid(home)
        kill(watchdog_pid(home))
        assert notes(server) == 1
        with another_user(home, NOTE):
            assert server_pid(home) == old
        assert notes(server) == 2
        assert server_pid(home) == old


def test_the_last_user_stops_a_server_whose_watchdog_was_killed(home: Path) -> None:
    with running(home):
        kill(watchdog_pid(home))
        assert server_pid(home)
    assert not processes(home)


def test_watchdog_and_server_killed_together_come_back_together(home: Path) -> None:
    with running(home) as server:
        with server.connect() as connection:
            connection.execute(NOTE.encode())
        kill(watchdog_pid(home))
        kill(server_pid(home))
        assert notes(server) == 1
        assert watchdog_pid(home) in processes(home)
    assert not processes(home)


def test_after_everybody_was_killed_the_next_use_finds_everything(home: Path) -> None:
    with another_user(home, NOTE) as user:
        kill(watchdog_pid(home))
        user.kill()
        user.wait()
        orphan = server_pid(home)
    with running(home) as server:
        assert server_pid(home) == orphan
        assert notes(server) == 1
    assert not processes(home)
    with another_user(home, NOTE) as user:
        for pid in (watchdog_pid(home), user.pid, server_pid(home)):
            os.kill(pid, signal.SIGKILL)
    with running(home) as server:
        assert notes(server) == 2


def test_a_leftover_number_of_another_program_is_not_taken_for_the_server(home: Path) -> None:
    with running(home):
        pass
    lines = [str(os.getpid()), str(home / "database" / "data"), "1", "5432", "../run", "", "1"]
    (home / "database" / "data" / "postmaster.pid").write_text("\n".join([*lines, "ready"]))
    assert postmaster.living(home / "database" / "data") is None
    # PostgreSQL itself is as careful as that only with numbers that are not its ancestors'.
    (home / "database" / "data" / "postmaster.pid").write_text("\n".join(["1", *lines[1:]]))
    assert postmaster.living(home / "database" / "data") is None
    with running(home) as server, server.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_watchdog_that_is_asked_to_end_stops_the_server(home: Path) -> None:
    with running(home) as server:
        os.kill(watchdog_pid(home), signal.SIGTERM)
        until(lambda: not processes(home))
        with server.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_recovery_is_waited_for_and_told_about(home: Path) -> None:
    """The recovery is held up for longer than a second by stopping the process that does it."""
    with another_user(home, NOTE) as user:
        for pid in (watchdog_pid(home), user.pid, server_pid(home)):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not processes(home))
    held_up: list[int] = []
    done = threading.Event()

    def hold_up() -> None:
        while not held_up and not done.is_set():
            for pid, words in processes(home).items():
                if words.startswith("postgres: startup"):
                    os.kill(pid, signal.SIGSTOP)
                    held_up.append(pid)
        if held_up:
            time.sleep(2.5)
            os.kill(held_up[0], signal.SIGCONT)

    thread = threading.Thread(target=hold_up)
    thread.start()
    said: list[str] = []
    began = time.monotonic()
    try:
        with running(home, progress=said.append) as server:
            lasted = time.monotonic() - began
            assert notes(server) == 1
    finally:
        done.set()
        thread.join()
    assert held_up
    assert 2 <= len(said) <= lasted
    assert all(line.startswith("The database is starting: ") for line in said)
    assert not any("FATAL" in line for line in said)
    assert any("interrupted" in line or "recovery" in line for line in said)


@pytest.mark.slow
def test_a_kill_while_the_cluster_is_made_does_no_harm(home: Path) -> None:
    """At six random moments of the first start; half the time the programs it runs go on."""
    rng = random.Random(20240607)
    for number in range(6):
        new = home / str(number)
        user = start_user(new, NOTE, start_new_session=True)
        time.sleep(rng.uniform(0.1, 1.2))
        if number % 2:
            os.killpg(user.pid, signal.SIGKILL)
        else:
            user.kill()
        user.communicate()
        with running(new) as server:
            with server.connect() as connection:
                connection.execute(NOTE.encode())
            assert notes(server) in {1, 2}
        until(lambda new=new: not processes(new))
        assert not (new / "database" / "data.new").exists()


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing_that_was_committed(home: Path) -> None:
    rng = random.Random(11)
    committed = 0
    with running(home) as server:
        with server.connect() as connection:
            connection.execute("create table note (number int)")
        for _ in range(10):
            victim = rng.choice((server_pid, watchdog_pid))(home)
            timer = threading.Timer(rng.uniform(0, 0.2), os.kill, (victim, signal.SIGKILL))
            timer.start()
            deadline = time.monotonic() + 0.4
            while time.monotonic() < deadline:
                try:
                    with server.connect() as connection:
                        connection.execute("insert into note values (1)")
                    committed += 1
                except psycopg.OperationalError:
                    continue
            timer.join()
            with running(home):  # whoever comes next brings the watchdog back
                pass
        assert committed <= notes(server) <= committed + 10


def test_a_second_watchdog_goes_without_a_word(home: Path) -> None:
    with running(home) as server:
        first = watchdog_pid(home)
        reading, writing = os.pipe()
        words = [sys.executable, "-P", "-m", watchdog.__name__, str(home), "socket"]
        done = subprocess.run([*words, str(writing)], pass_fds=[writing], check=False, timeout=60)
        os.close(reading)
        os.close(writing)
        assert done.returncode == 0
        assert watchdog_pid(home) == first
        assert sum(watchdog.__name__ in words for words in processes(home).values()) == 1
        with server.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def test_a_user_killed_while_the_watchdog_starts_leaves_room_for_the_next(home: Path) -> None:
    """The orphaned starter and the next user's must not wait for each other."""
    rng = random.Random(5)
    for _ in range(12):
        user = start_user(home)
        time.sleep(rng.uniform(0.15, 0.45))
        user.kill()
        with another_user(home):
            assert sum(watchdog.__name__ in words for words in processes(home).values()) == 1
        user.communicate()
