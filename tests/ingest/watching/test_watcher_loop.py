"""The loop: nothing is lost, whatever fails; one watcher a folder; signs of life."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DataError, OperationalError
from watching_here import PACE, Recording, now, put, run, until, watcher

from panosc.catalogue.intake import watcher as watchers
from panosc.catalogue.people import audit
from panosc.domain.errors import Conflict, Unavailable
from panosc.ingest.watching import heartbeat
from panosc.ingest.watching import watcher as watcher_module
from panosc.ingest.watching.folders import Folders


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def test_files_are_taken_settled_and_let_go(engine: sa.Engine, root: Path) -> None:
    put(root / "run/a")
    intake = Recording()
    with run(watcher(engine, intake, root)):
        until(lambda: intake.names == ["a"])
        put(root / "run/b")
        until(lambda: intake.names == ["a", "b"])
        (root / "run/a").rename(root / "c")
        until(lambda: intake.gone)
        assert intake.names == ["a", "b", "c"]
        assert intake.gone == [f"file://{root}/run/a"]
        until(lambda: intake.settled > 2)


@pytest.mark.parametrize(
    "error",
    [Unavailable("no reader is left"), OperationalError("select", None, Exception("gone away"))],
    ids=["readers", "database"],
)
def test_what_could_not_be_written_is_tried_again(
    engine: sa.Engine, root: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "FIRST_WAIT_S", 0.01)
    if isinstance(error, OperationalError):
        error.connection_invalidated = True
    for number in range(30):
        put(root / f"{number:02}")
    intake, faults = Recording(), {"take": 3, "vanish": 2, "settle": 2, "tend": 1}

    def fault(act: str, given: Sequence[object]) -> None:
        if faults[act]:
            faults[act] -= 1
            raise error

    intake.fault = fault
    with run(watcher(engine, intake, root)):
        until(lambda: len(intake.names) == 30)
        (root / "07").unlink()
        until(lambda: intake.gone)
        until(lambda: not any(faults.values()))
    assert sorted(intake.names) == [f"{number:02}" for number in range(30)]
    assert intake.gone == [f"file://{root}/07"]


def test_a_database_that_is_away_is_waited_for(
    engine: sa.Engine, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections are cut by the server, that of the locks, too."""
    monkeypatch.setattr(watcher_module, "FIRST_WAIT_S", 0.05)
    intake, file = Recording(), tmp_path / "beat.json"
    with run(watcher(engine, intake, root, file=file)):
        put(root / "a")
        until(lambda: intake.names == ["a"])
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()"
        for number in range(3):
            with engine.begin() as connection:
                connection.execute(sa.text(f"{cut} and datname = current_database()"))
            put(root / str(number))
            until(lambda number=number: str(number) in intake.names)
    assert sorted(intake.names) == ["0", "1", "2", "a"]
    told = orjson.loads(file.read_bytes())
    assert told["state"] == "stopped"
    assert any("the database was lost" in text for text in told["troubles"])


def test_a_file_that_brings_the_intake_down_is_set_apart(engine: sa.Engine, root: Path) -> None:
    for number in range(100):
        put(root / f"{number:02}")
    intake = Recording()

    def fault(act: str, given: Sequence[object]) -> None:
        if any(str(item.path).endswith("/42") for item in given if act == "take"):  # type: ignore[attr-defined]
            raise DataError("insert", None, Exception("no such character"))

    intake.fault = fault
    with run(watcher(engine, intake, root)):
        until(lambda: len(intake.names) == 99)
        put(root / "later")
        until(lambda: "later" in intake.names)
    assert "42" not in intake.names
    with engine.connect() as connection:
        (seen,) = heartbeat.seen(connection, now=now())
    assert [text for text in seen.content["troubles"] if text.endswith("/42: DataError")]


def test_places_that_cannot_be_completed_hold_up_no_files(engine: sa.Engine, root: Path) -> None:
    intake = Recording()

    def fault(act: str, given: Sequence[object]) -> None:
        if act == "settle":
            raise ValueError("a fault of ours")

    intake.fault = fault
    with run(watcher(engine, intake, root)):
        for name in "abc":
            put(root / name)
            until(lambda name=name: name in intake.names)
    with engine.connect() as connection:
        (seen,) = heartbeat.seen(connection, now=now())
    assert any("completing datasets: ValueError" in text for text in seen.content["troubles"])


def test_it_ends_after_the_batch_that_it_is_at(engine: sa.Engine, root: Path) -> None:
    put(root / "a")
    intake, begun, go = Recording(), threading.Event(), threading.Event()

    def fault(act: str, given: Sequence[object]) -> None:
        if act == "take":
            begun.set()
            assert go.wait(30)

    intake.fault = fault
    watching = watcher(engine, intake, root)
    with run(watching):
        assert begun.wait(30)
        watching.stop()
        go.set()
    assert intake.names == ["a"]
    with engine.connect() as connection:
        events = connection.scalars(sa.select(audit.c.event).order_by(audit.c.number)).all()
        state = connection.scalar(sa.select(watchers.c.content["state"].astext))
    assert events == ["watch.started", "watch.stopped"]
    assert state == "stopped"


def test_a_folder_has_one_watcher(engine: sa.Engine, tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/d").mkdir()
    first = watcher(engine, Recording(), tmp_path / "a/b")
    with run(first):
        for root in ("a/b", "a", "a/b/c"):
            assert watcher(engine, Recording(), tmp_path / root).acquire() is not None, root
        both = watcher(engine, Recording(), tmp_path / "a/d", tmp_path / "a/b/c")
        assert both.acquire() == str(tmp_path / "a/b/c")
        # one that got only some of its roots holds none of them
        beside = watcher(engine, Recording(), tmp_path / "a/d")
        with run(beside):
            pass
    again = watcher(engine, Recording(), tmp_path / "a")
    with run(again):
        pass


def test_who_finds_the_roots_taken_after_an_outage_ends(
    engine: sa.Engine, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher_module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(watcher_module, "HELD_S", 0.1)
    intake, other = Recording(), watcher(engine, Recording(), root)
    watching = watcher(engine, intake, root)

    def fault(act: str, given: Sequence[object]) -> None:
        watching._locks.release()
        assert other.acquire() is None
        raise Unavailable("away")

    intake.fault = fault
    assert watching.acquire() is None
    with pytest.raises(Conflict, match="Another watcher has taken"):
        watching.run()
    other._locks.release()


def test_signs_of_life_tell_of_backlog_and_troubles(
    engine: sa.Engine, root: Path, tmp_path: Path
) -> None:
    put(root / "run/a")
    missing, file = tmp_path / "not there", tmp_path / "beat.json"
    with run(watcher(engine, Recording(), root, missing, file=file)):
        until(lambda: file.exists() and orjson.loads(file.read_bytes())["taken"] == 1)
        told = orjson.loads(file.read_bytes())
        with engine.connect() as connection:
            (seen,) = heartbeat.seen(connection, now=now())
            (later,) = heartbeat.seen(connection, now=now() + timedelta(minutes=5))
    assert not seen.is_late
    assert later.is_late
    assert seen.content.keys() <= told.keys()
    assert (told["state"], told["waiting"], told["files"]) == ("watching", 3, 1)
    good, bad = told["roots"]
    assert (good["path"], good["state"], good["troubles"]) == (str(root), "watched", {})
    assert bad["state"] == "trouble"
    assert "cannot be looked at" in bad["troubles"][str(missing)]


def test_a_root_that_does_not_answer_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "good/a")
    put(tmp_path / "bad/b")
    folders = Folders([tmp_path / "good", tmp_path / "bad"], PACE)
    folders.look()
    assert len(folders.found(10)) == 2
    hangs, real = threading.Event(), folders._roots[1].tree.look

    def look(at: float, wall: float) -> None:
        hangs.wait(60)
        real(at, wall)

    monkeypatch.setattr(folders._roots[1].tree, "look", look)
    put(tmp_path / "bad/d")
    for number in range(3):
        put(tmp_path / f"good/{number}")
        until(lambda: not folders.look(patience_s=0.1) and folders.found(10))
    folders._clock = lambda: folders._roots[1].begun + 100
    assert [state.state for state in folders.states()] == ["watched", "late"]
    assert "has not answered for 100 s" in folders.states()[1].troubles[str(tmp_path / "bad")]
    hangs.set()
    folders._roots[1].wait(30)
    folders.look()
    assert [Path(item.path).name for item in folders.found(10)][-1:] == ["d"]
