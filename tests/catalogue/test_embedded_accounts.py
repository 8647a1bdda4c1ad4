"""Which account the server runs as.

Only root can become someone else: for an ordinary user the tests at the end do not exist.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalogue.homes import another_user, processes, server_pid, start_user, until
from panosc.catalogue.embedded import account, postmaster
from panosc.catalogue.embedded.server import running
from panosc.domain.errors import Unavailable

if TYPE_CHECKING:
    import psycopg

DAC_READ_SEARCH = 1 << 2


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A home of its own, which must be without processes at the end."""
    path = open_folder / f"{request.node.name[:60]}"
    yield path
    until(lambda: not processes(path))


def status(pid: int) -> dict[str, str]:
    """Return what the system says about a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities(pid: int) -> set[int]:
    """Return the sets of capabilities that a process has or may come to, as numbers."""
    told = status(pid)
    return {int(told[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


def answers(connection: "psycopg.Connection[object]") -> bool:
    return connection.execute("select 1").fetchone() == (1,)


def test_a_folder_closed_to_an_account_is_found(tmp_path: Path) -> None:
    stranger = account.Account(name="stranger", uid=54321, gid=54321, is_other=True)
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    found = account.closed_folder(stranger, inner)
    (tmp_path / "closed").chmod(0o700)
    assert found is None or tmp_path.is_relative_to(found)  # pytest's own are 0700
    owner = account.Account(name="me", uid=os.geteuid(), gid=os.getegid(), is_other=False)
    assert account.closed_folder(owner, inner) is None
    (tmp_path / "closed").chmod(0o077)
    assert account.closed_folder(owner, inner) == (tmp_path / "closed").resolve()
    (tmp_path / "closed").chmod(0o700)


if os.geteuid() == 0:
    NOBODY = pwd.getpwnam("nobody")
    OTHERS = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in {"postgres", "nobody"}]

    def as_nobody() -> tuple[str, ...]:
        """Return the words that run this Python as `nobody`, even if it lies under /root."""
        nobody = account.Account(name="nobody", uid=NOBODY.pw_uid, gid=NOBODY.pw_gid, is_other=True)
        places = [Path(sys.executable), Path(__file__), Path(account.__file__)]
        launch = account.launch_for(nobody, places)
        return launch.prefix or (
            *("setpriv", f"--reuid={nobody.uid}", f"--regid={nobody.gid}"),
            *("--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--"),
        )

    @pytest.fixture
    def homes_of_nobody(open_folder: Path) -> Path:
        folder = open_folder / "nobody"
        folder.mkdir(exist_ok=True)
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        return folder

    def test_as_root_it_runs_as_an_ordinary_account(home: Path) -> None:
        with running(home) as server, server.connect() as connection:
            assert answers(connection)
            told = status(server_pid(home))
            assert int(told["Uid"].split()[0]) in OTHERS
            assert set(told["Uid"].split()) == {told["Uid"].split()[0]}
            assert set(told["Gid"].split()) != {"0"}
            assert told["Groups"] in {"", told["Gid"].split()[0]}
            assert capabilities(server_pid(home)) == {0}

    def test_under_a_closed_folder_it_may_look_through_folders_and_no_more(home: Path) -> None:
        home.mkdir(mode=0o700)
        before = home.stat()
        inner = home / "node"
        with running(inner) as server, server.connect() as connection:
            assert answers(connection)
            told = status(server_pid(inner))
            assert int(told["Uid"].split()[0]) in OTHERS
            assert told["Groups"] in {"", told["Gid"].split()[0]}
            assert capabilities(server_pid(inner)) == {DAC_READ_SEARCH}
            assert int(told["CapBnd"], 16) == DAC_READ_SEARCH
            assert told["NoNewPrivs"] == "1"
            assert postmaster.living(inner / "database" / "data") is not None
        after = home.stat()
        assert (before.st_mode, before.st_uid) == (after.st_mode, after.st_uid)

    def test_where_that_cannot_be_had_the_closed_folder_is_named(
        home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home.mkdir(mode=0o700)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(Unavailable) as caught, running(home / "node"):
            pass
        assert f"may not enter {home.resolve()}" in caught.value.detail
        assert "PANOSC_DATABASE_URL" in str(caught.value.hint)

    def test_root_and_an_ordinary_user_live_side_by_side(home: Path, homes_of_nobody: Path) -> None:
        theirs = homes_of_nobody / "own"
        with another_user(theirs, prefix=as_nobody()), running(home) as server:
            assert int(status(server_pid(theirs))["Uid"].split()[0]) == NOBODY.pw_uid
            with server.connect() as connection:
                assert answers(connection)
        assert (theirs / "database" / "data").stat().st_uid == NOBODY.pw_uid
        until(lambda: not processes(theirs))

    def test_root_in_the_home_of_an_ordinary_user_works_as_that_user(
        homes_of_nobody: Path,
    ) -> None:
        theirs = homes_of_nobody / "visited"
        theirs.mkdir()
        os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
        with running(theirs) as server:
            pid = server_pid(theirs)
            assert int(status(pid)["Uid"].split()[0]) == NOBODY.pw_uid
            with another_user(theirs, "create table note()", prefix=as_nobody()):
                assert server_pid(theirs) == pid
            with server.connect() as connection:
                connection.execute("select from note")
        for path in [theirs / "database", *(theirs / "database").iterdir()]:
            assert path.stat().st_uid == NOBODY.pw_uid, path
        with another_user(theirs, "insert into note default values", prefix=as_nobody()):
            pass
        until(lambda: not processes(theirs))

    def test_an_ordinary_user_is_kept_out_of_the_home_of_root(home: Path) -> None:
        with running(home):
            user = start_user(home, prefix=as_nobody())
            _, said = user.communicate()
            assert user.returncode == 1
            assert "cannot be used: Permission denied" in said or "belongs to" in said
            assert "Traceback" not in said

    def test_a_home_that_came_from_another_account_is_taken_over(home: Path) -> None:
        with running(home) as server:
            with server.connect() as connection:
                connection.execute("create table note()")
            outside = home / "outside"
            outside.write_text("not the server's")
        os.link(outside, home / "database" / "data" / "linked")
        for path in [home / "database", *(home / "database").rglob("*")]:
            os.chown(path, 12345, 12345, follow_symlinks=False)
        os.chown(outside, 0, 0)
        with running(home) as server, server.connect() as connection:
            connection.execute("select from note")
        assert outside.stat().st_uid == 0
