"""A watcher with the real intake: datasets, runs, what goes and comes back; command and node."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from watching_here import PACE, nexus, now, put, run, until

from panosc.catalogue.intake import run as runs
from panosc.catalogue.tables import dataset, location
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.ingest.watching import heartbeat, rounds
from panosc.ingest.watching import service as watching_service
from panosc.ingest.watching.service import watcher_of, watching
from panosc.ingest.watching.tree import Pace
from panosc.settings import Settings


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching_service, "Pace", lambda every_s: PACE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@contextmanager
def watched(engine: sa.Engine, settings: Settings, root: Path) -> Iterator[None]:
    request = Request(roots=[root], kind="watch")
    with watcher_of(engine, settings, request, clock=now) as watcher, run(watcher):
        yield


def titles(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(dataset.c.title)))


def tiers(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(location.c.url, location.c.tier))
        return {row.url.rpartition("/data/")[2]: row.tier for row in rows}


def test_files_become_datasets_as_they_come(
    engine: sa.Engine, settings: Settings, root: Path
) -> None:
    nexus(root / "bl1/a.nxs", "first")
    with watched(engine, settings, root):
        until(lambda: titles(engine) == ["first"])
        nexus(root / "bl2/b.nxs", "second")
        until(lambda: titles(engine) == ["first", "second"])
        (root / "bl2/b.nxs").rename(root / "bl1/c.nxs")
        moved = {"bl1/a.nxs": "online", "bl1/c.nxs": "online", "bl2/b.nxs": "removed"}
        until(lambda: tiers(engine) == moved)
        put(root / "bl1/broken.nxs", b"\x89HDF\r\n\x1a\n and no more")
        until(lambda: _beat(engine)["quarantined"] >= 1)
    assert titles(engine) == ["first", "second"]
    with engine.connect() as connection:
        (written,) = connection.execute(sa.select(runs)).all()
    assert (written.kind, written.state, written.report["new"]) == ("watch", "done", 2)
    assert written.report["removed"] == 1


def _beat(engine: sa.Engine) -> dict[str, int]:
    with engine.connect() as connection:
        seen = heartbeat.seen(connection, now=now())
    return dict(seen[0].content) if seen else {"ticks": 0, "quarantined": 0}


def test_watching_again_changes_nothing_and_writes_no_run(
    engine: sa.Engine, settings: Settings, root: Path
) -> None:
    for number in range(20):
        nexus(root / f"{number % 3}/{number}.nxs", f"{number}")
    ingest(engine, settings, Request(roots=[root]), who=OPERATOR, now=now())
    with watched(engine, settings, root):
        until(lambda: _is_done(engine, 20))
    with engine.connect() as connection:
        assert connection.scalars(sa.select(runs.c.kind)).all() == ["ingest"]
    assert len(titles(engine)) == 20


def _is_done(engine: sa.Engine, taken: int) -> bool:
    with engine.connect() as connection:
        seen = heartbeat.seen(connection, now=now())
    return bool(seen) and seen[0].content["taken"] >= taken and not seen[0].content["backlog"]


def test_what_went_while_nobody_watched_is_noticed(
    engine: sa.Engine, settings: Settings, root: Path
) -> None:
    for name in ("bl1/a", "bl1/b", "bl2/c", "bl3/d", "e"):
        nexus(root / f"{name}.nxs", name)
    ingest(engine, settings, Request(roots=[root]), who=OPERATOR, now=now())
    (root / "bl1/a.nxs").unlink()
    # these two look as if they were not mounted
    (root / "bl2/c.nxs").unlink()
    shutil.rmtree(root / "bl3")
    expected = dict.fromkeys(("bl1/b.nxs", "bl2/c.nxs", "bl3/d.nxs", "e.nxs"), "online")
    with watched(engine, settings, root):
        until(lambda: tiers(engine) == {**expected, "bl1/a.nxs": "removed"})
        nexus(root / "bl1/a.nxs", "bl1/a")
        until(lambda: tiers(engine) == {**expected, "bl1/a.nxs": "online"})
    assert len(titles(engine)) == 5


def test_an_empty_root_lets_nothing_vanish(
    engine: sa.Engine, settings: Settings, root: Path
) -> None:
    nexus(root / "bl1/a.nxs", "a")
    ingest(engine, settings, Request(roots=[root]), who=OPERATOR, now=now())
    root.rename(root.with_name("away"))
    with watched(engine, settings, root):
        until(lambda: _beat(engine)["ticks"] > 5)
        root.mkdir()
        until(lambda: _beat(engine)["ticks"] > 30)
    assert tiers(engine) == {"bl1/a.nxs": "online"}


def test_a_run_ends_after_some_time_and_another_begins(
    engine: sa.Engine, settings: Settings, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LONGEST_S", 0.3)
    with watched(engine, settings, root):
        for number in range(3):
            nexus(root / f"{number}.nxs", f"{number}")
            until(lambda number=number: len(titles(engine)) == number + 1)
            until(lambda number=number: _states(engine) == ["done"] * (number + 1))
    with engine.connect() as connection:
        reports = connection.scalars(sa.select(runs.c.report).order_by(runs.c.id)).all()
    assert [report["new"] for report in reports] == [1, 1, 1]


def _states(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.select(runs.c.state).order_by(runs.c.id)))


def test_a_node_watches_and_another_stands_by(
    engine: sa.Engine, settings: Settings, root: Path
) -> None:
    chosen = settings.model_copy(update={"watch_roots": (root,)})
    with watching(engine, chosen, now, stand_by_s=0.05):
        nexus(root / "a.nxs", "a")
        until(lambda: titles(engine) == ["a"])
        second = watching(engine, chosen, now, stand_by_s=0.05)
        second.__enter__()
    try:
        nexus(root / "b.nxs", "b")
        until(lambda: titles(engine) == ["a", "b"])
    finally:
        second.__exit__(None, None, None)


WATCH = """
import sys
from pathlib import Path
from panosc.cli import terminal
from panosc.cli.intake.watching import watch
from panosc.cli.options import settings_of
from panosc.domain.errors import PanoscError
from panosc.ingest.service import Request

settings = settings_of(Path(sys.argv[1]), watch_every_s=0.1)
try:
    watch(
        settings,
        Request(roots=[Path(sys.argv[2])], kind="watch"),
        heartbeat=Path(sys.argv[3]),
        as_json=sys.argv[4] == "json",
    )
except PanoscError as error:
    terminal.complain(error)
    sys.exit(error.exit_code)
"""


def _start(settings: Settings, root: Path, form: str) -> "subprocess.Popen[str]":
    assert settings.database_url is not None
    beat = root.with_name("beat.json")
    return subprocess.Popen(
        [sys.executable, "-c", WATCH, str(settings.home), str(root), str(beat), form],
        env={**os.environ, "PANOSC_DATABASE_URL": settings.database_url.get_secret_value()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("form", "number"), [("text", signal.SIGINT), ("json", signal.SIGTERM)])
def test_the_command_tells_of_batches_and_ends_when_asked(
    engine: sa.Engine, settings: Settings, root: Path, form: str, number: int
) -> None:
    nexus(root / "a.nxs", "a")
    process = _start(settings, root, form)
    until(lambda: titles(engine) == ["a"])
    nexus(root / "b.nxs", "b")
    until(lambda: titles(engine) == ["a", "b"])
    if form == "text":
        other = _start(settings, root, form)
        said = other.communicate(timeout=60)[1]
        assert (other.returncode, "Another watcher has" in said) == (1, True)
    assert json.loads(root.with_name("beat.json").read_text())["state"] == "watching"
    process.send_signal(number)
    told, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert json.loads(root.with_name("beat.json").read_text())["state"] == "stopped"
    lines = told.splitlines()
    if form == "json":
        assert [line["registered"] for line in map(json.loads, lines)] == [1, 1, 2]
    else:
        assert [line.partition("  ")[2] for line in lines] == ["1 files, 1 datasets"] * 2
        assert "Ended: 2 files taken, 2 datasets registered" in said


def test_a_look_is_as_often_as_the_settings_say() -> None:
    assert Pace().every_s == Settings.model_fields["watch_every_s"].default
