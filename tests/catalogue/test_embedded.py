"""The server of a home: started by its first user, stopped by its last."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from catalogue.homes import another_user, processes, server_pid, start_user, until
from panosc.catalogue.embedded import folder as folders
from panosc.catalogue.embedded import locks, postmaster, server
from panosc.catalogue.embedded.server import running
from panosc.domain.errors import Unavailable


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home of its own, which must be without processes at the end."""
    path = open_folder / f"{request.node.name[:60]}"
    yield path
    until(lambda: not processes(path))


@pytest.fixture(scope="module")
def made(open_folder: Path) -> Path:
    """A home whose cluster has been made."""
    path = open_folder / "made"
    with running(path):
        pass
    return path


@pytest.fixture
def used(made: Path) -> Iterator[Path]:
    """The same home for many tests, which leave it sound and without processes."""
    yield made
    until(lambda: not processes(made))


SERVER = "bin/postgres -D"


def scalar(connection: "psycopg.Connection[object]", statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert isinstance(row, tuple)
    return row[0]


def test_it_runs_while_it_is_used_and_keeps_what_was_written(home: Path) -> None:
    with running(home) as server:
        with server.connect() as connection:
            connection.execute("create table kept as select 42 as answer")
        assert processes(home)
    assert not processes(home)
    with running(home) as server, server.connect() as connection:
        assert scalar(connection, "select answer from kept") == 42


def test_two_users_share_it_and_the_last_one_stops_it(used: Path) -> None:
    with another_user(used):
        first = server_pid(used)
        with running(used) as server, server.connect() as connection:
            scalar(connection, "select 1")
            assert server_pid(used) == first
        assert server_pid(used) == first
    assert not processes(used)


def test_users_that_arrive_together_get_one_server(home: Path) -> None:
    users = [start_user(home) for _ in range(4)]
    try:
        lines = [user.stdout.readline() for user in users if user.stdout]
        assert lines == ["ready\n"] * 4
        pid = server_pid(home)
        # what a server has just begun bears its name for a moment
        until(lambda: [p for p, words in processes(home).items() if SERVER in words] == [pid])
    finally:
        for user in users:
            user.communicate()


def test_users_that_come_and_go_always_find_it(used: Path) -> None:
    """Each arrives while another leaves: the server is either kept or started again."""
    problems: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(6):
                with running(used) as server, server.connect() as connection:
                    scalar(connection, "select 1")
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_the_application_is_no_superuser_but_owns_its_database(home: Path) -> None:
    with running(home) as server, server.connect() as connection:
        assert scalar(connection, "select current_user") == "panosc"
        assert scalar(connection, "select rolsuper from pg_roles where rolname = user") is False
        assert scalar(connection, "show data_checksums") == "on"
        assert scalar(connection, "show fsync") == "on"
        connection.execute("create extension pg_trgm")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select pg_read_file('/etc/hostname')")


def test_without_the_password_nobody_gets_in(used: Path) -> None:
    with running(used) as server:
        for password in ("", "wrong"):
            for user in ("panosc", "postgres"):
                address = server.address() | {"user": user, "password": password}
                with pytest.raises(psycopg.OperationalError, match="password"):
                    psycopg.connect(dbname="panosc", **address)
    for name in ("password", "admin-password"):
        assert (used / "database" / name).stat().st_mode & 0o777 == 0o600
    for name in (".", "run", "data"):
        assert (used / "database" / name).stat().st_mode & 0o777 == 0o700


def test_it_listens_on_no_port(used: Path) -> None:
    with running(used) as server, server.connect() as connection:
        assert scalar(connection, "show listen_addresses") == ""
        sockets = {
            str(link.readlink()).removeprefix("socket:[").removesuffix("]")
            for link in Path(f"/proc/{server_pid(used)}/fd").iterdir()
            if str(link.readlink()).startswith("socket:")
        }
        lines = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        assert sockets
        assert not sockets & {word for line in lines.splitlines() for word in line.split()[9:10]}


@pytest.mark.parametrize(
    "name", ["long" * 60, "a,b", 'it\'s "quoted" 100%', "Messgerät $HOME"], ids=str
)
def test_any_name_of_a_home_will_do(open_folder: Path, name: str) -> None:
    home = open_folder / name / "home"
    with running(home) as server, server.connect() as connection:
        assert scalar(connection, "select 1") == 1
    assert not processes(home)


def test_without_a_way_to_the_socket_it_listens_on_loopback(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "DESCRIPTORS", Path("/there/is/none"))
    monkeypatch.setattr(folders, "LONGEST_SOCKET_BYTES", 10)
    with running(home) as server, server.connect(is_admin=True) as connection:
        assert scalar(connection, "show listen_addresses") == "127.0.0.1"
        assert scalar(connection, "show unix_socket_directories") == ""
        assert connection.info.host == "127.0.0.1"
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dbname="panosc", **server.address() | {"password": "wrong"})


def test_two_homes_have_nothing_to_do_with_each_other(home: Path) -> None:
    with running(home / "a") as a, running(home / "b") as b:
        with a.connect() as connection:
            connection.execute("create table only_here()")
        with b.connect() as connection:
            assert scalar(connection, "select to_regclass('only_here')") is None
        assert a.address()["password"] != b.address()["password"]


def ends(home: Path, *, within_s: float) -> bool:
    """Whether every process of a home has gone within some seconds."""
    until = time.monotonic() + within_s
    while processes(home) and time.monotonic() < until:
        time.sleep(0.1)
    return not processes(home)


def test_children_do_not_keep_it_running(used: Path) -> None:
    """Neither a forked child nor a program that got every open file."""
    with running(used) as server:
        spawned = subprocess.Popen(["sleep", "60"], close_fds=False)
        forked = os.fork()
        if not forked:
            try:
                locks.is_held(server.folder.users_lock)
                os.execvp("sleep", ["sleep", "60"])
            finally:
                os._exit(1)
    try:
        assert ends(used, within_s=20)
        assert spawned.poll() is None
    finally:
        spawned.kill()
        spawned.wait()
        os.kill(forked, 9)
        os.waitpid(forked, 0)


def test_a_forked_child_that_goes_on_does_not_keep_it_running(used: Path) -> None:
    reading, writing = os.pipe()
    with running(used):
        forked = os.fork()
        if not forked:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    try:
        assert not processes(used) or list(processes(used)) == [forked]
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(forked, 0)


def test_nothing_outside_the_home_is_touched(home: Path) -> None:
    home.mkdir()
    watched = [*home.resolve().parents, *postmaster.programs().resolve().parents]
    watched += [postmaster.programs(), postmaster.programs() / "postgres"]

    def look() -> list[tuple[int, ...]]:
        return [
            (status.st_mode, status.st_uid, status.st_gid)
            for status in (path.stat() for path in watched)
        ]

    before = look()
    with running(home), another_user(home):
        pass
    assert look() == before
    assert [path.name for path in home.iterdir()] == ["database"]


def test_a_lost_password_is_replaced(used: Path) -> None:
    for name in ("password", "admin-password"):
        (used / "database" / name).unlink()
    with running(used) as server:
        with server.connect() as connection:
            assert scalar(connection, "select 1") == 1
        with server.connect("postgres", is_admin=True) as connection:
            assert scalar(connection, "select 1") == 1


def test_a_home_that_is_no_folder_is_refused(home: Path) -> None:
    home.write_text("I am a file")
    with pytest.raises(Unavailable, match="cannot be used") as caught, running(home):
        pass
    assert "--home" in str(caught.value.hint)


def test_a_database_folder_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "database").symlink_to(tmp_path)
    before = tmp_path.stat()
    with pytest.raises(Unavailable), running(home):
        pass
    assert (tmp_path.stat().st_uid, tmp_path.stat().st_mode) == (before.st_uid, before.st_mode)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    (home / "database").mkdir(parents=True)
    (home / "database" / "users.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable), running(home):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_start_says_why(used: Path) -> None:
    conf = used / "database" / "data" / "postgresql.auto.conf"
    sound = conf.read_bytes()
    conf.write_bytes(sound + b"nonsense_of_ours = 1\n")
    with pytest.raises(Unavailable, match="nonsense_of_ours"), running(used):
        pass
    assert not processes(used)
    conf.write_bytes(sound)
    with running(used) as server, server.connect() as connection:
        assert scalar(connection, "select 1") == 1


def test_a_server_that_runs_on_another_machine_is_told(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it holds the lock of a watchdog, and its socket does not lead anywhere here."""
    monkeypatch.setattr(server, "ELSEWHERE_S", 0.3)
    monkeypatch.setattr(server, "GOODBYE_S", 0.3)
    lines = ["1", "/elsewhere", "1", "5432", "../run", "", "1", "ready"]
    (used / "database" / "data" / "postmaster.pid").write_text("\n".join(lines))
    descriptor = os.open(used / "database" / "watchdog.lock", os.O_RDWR)
    try:
        assert locks.try_lock(descriptor)
        with pytest.raises(Unavailable, match="does not answer here"), running(used):
            pass
    finally:
        os.close(descriptor)
    with running(used) as sound, sound.connect() as connection:
        assert scalar(connection, "select 1") == 1


def test_the_first_start_says_what_takes_time(home: Path) -> None:
    said: list[str] = []
    with running(home, progress=said.append):
        assert said[0] == "A new database is being made"
    said.clear()
    with running(home, progress=said.append):
        assert "A new database is being made" not in said


def test_a_cluster_of_another_version_is_refused(used: Path) -> None:
    version = used / "database" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(Unavailable, match="17") as caught, running(used):
        pass
    version.write_text("18\n")
    assert "dump" in str(caught.value.hint)


def test_a_full_disk_is_told_and_leaves_nothing_half_made(home: Path) -> None:
    """A limit on the size of files stands for the full disk, of which it is the poor cousin."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("node_user.py")), str(home)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "database" / "data").exists()
    assert not (home / "database" / "data.new").exists()
    with running(home) as server, server.connect() as connection:
        assert scalar(connection, "select 1") == 1
