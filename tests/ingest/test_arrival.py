"""Whatever the order in which the files of a dataset come, and whatever breaks: the same one."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from arriving import SCENES, Scene
from hypothesis import HealthCheck, given
from hypothesis import settings as examples_of
from hypothesis import strategies as st

from panosc.catalogue.dumping import dump
from panosc.catalogue.tables import metadata
from panosc.domain.access import OPERATOR
from panosc.ingest import passing, service
from panosc.ingest.readers import Readers, readers
from panosc.ingest.report import Report
from panosc.ingest.service import Intake, Request
from panosc.ingest.walking import Walk
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Crash(Exception):
    """Stands for the end of the process, at the moment it is raised."""


class Node:
    """One database, one folder, and a watcher that may be stopped at any time."""

    def __init__(self, engine: sa.Engine, settings: Settings, root: Path) -> None:
        self.engine, self.settings, self.root = engine, settings, root
        self.now = NOW

    def look(self, *, crash_at: int | None = None, complete: bool = False) -> Report:
        """Look at the folder once, as a watcher does; perhaps end at a commit."""
        request = Request(roots=[self.root], complete=complete)
        intake = Intake(self.engine, self.settings, request, who=OPERATOR, clock=lambda: self.now)
        with pytest.MonkeyPatch.context() as patch:
            if crash_at is not None:
                patch.setattr(passing.Passage, "_commit", crashing(crash_at))
            try:
                with intake.running(is_live=True) as passage:
                    passage.take(list(Walk([self.root]).files()))
                    passage.settle()
            except Crash:
                pass
        return intake.report

    def dump(self, folder: Path) -> dict[str, bytes]:
        shutil.rmtree(folder, ignore_errors=True)
        dump(self.engine, folder, bare=True)
        return {path.name: path.read_bytes() for path in folder.glob("*.ndjson")}

    def empty(self) -> None:
        names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
        with self.engine.begin() as connection:
            connection.execute(sa.text(f"truncate {names} cascade"))


def crashing(at: int) -> Callable[..., None]:
    """Return a commit that ends the process before (even) or after (odd) a transaction."""
    real, left = passing.Passage._commit, [at]

    def commit(self: Any, *arguments: Any) -> None:
        left[0] -= 2
        if left[0] == -2:
            raise Crash
        real(self, *arguments)
        if left[0] == -1:
            raise Crash

    return commit


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for name, scene in SCENES.items():
        found[name] = tmp_path_factory.mktemp(name)
        scene.make(found[name])
        for number, path in enumerate(sorted(found[name].rglob("*"))):
            os.utime(path, ns=(0, (1_700_000_000 + number) * 10**9))
    return found


@pytest.fixture(scope="module")
def reading() -> Iterator[Readers]:
    """One set of processes for all looks: they keep nothing from one to the next."""
    with readers(Settings()) as those_who_read:
        yield those_who_read


@pytest.fixture
def stage(
    engine: sa.Engine,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reading: Readers,
) -> Callable[[Scene], Node]:
    root = tmp_path / "in"
    root.mkdir()
    monkeypatch.setattr(service, "readers", lambda _: nullcontext(reading))

    def set_up(scene: Scene) -> Node:
        monkeypatch.setattr(service, "profile_of", lambda *_: scene.profile(root))
        return Node(engine, settings, root)

    return set_up


def bring(source: Path, root: Path, name: str) -> None:
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / name, target)


def names_of(source: Path) -> list[str]:
    return sorted(str(path.relative_to(source)) for path in source.rglob("*") if path.is_file())


def rows_of(dumped: dict[str, bytes], model: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in dumped.get(f"{model}.ndjson", b"").splitlines()]


@pytest.mark.parametrize("name", SCENES)
def test_a_folder_of_a_facility_is_one_dataset(
    stage: Callable[[Scene], Node], scenes: dict[str, Path], name: str, tmp_path: Path
) -> None:
    scene, source = SCENES[name], scenes[name]
    node = stage(scene)
    for item in names_of(source):
        bring(source, node.root, item)
    report = node.look(complete=True)
    assert report.quarantined == []
    dumped = node.dump(tmp_path / "dump")
    datasets = rows_of(dumped, "Dataset")
    assert len(datasets) == scene.datasets
    assert {row["name"] for row in rows_of(dumped, "File")} == set(names_of(source))
    assert {row["name"] for row in rows_of(dumped, "Location")} == set(names_of(source))
    assert datasets[0]["size"] == sum((source / item).stat().st_size for item in names_of(source))
    if scene.title is not None:
        assert datasets[0]["title"] == scene.title
    assert len(rows_of(dumped, "Member")) == scene.people
    assert {row["name"] for row in rows_of(dumped, "Parameter")} >= scene.parameters


def test_a_missing_source_is_said(
    stage: Callable[[Scene], Node], scenes: dict[str, Path], tmp_path: Path
) -> None:
    node = stage(SCENES["virtual"])
    for item in names_of(scenes["virtual"]):
        bring(scenes["virtual"], node.root, item)
    report = node.look(complete=True)
    assert [item.reason for item in report.warnings] == ["missing-source"]
    rows = rows_of(node.dump(tmp_path / "dump"), "Parameter")
    assert [row["value"] for row in rows if row["name"] == "missing_source"] == ["part1.h5"]


@pytest.mark.parametrize("name", SCENES)
@examples_of(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_files_may_come_in_any_order_twice_and_with_crashes(
    stage: Callable[[Scene], Node],
    scenes: dict[str, Path],
    tmp_path: Path,
    name: str,
    data: st.DataObject,
) -> None:
    scene, source = SCENES[name], scenes[name]
    node = stage(scene)
    node.empty()
    shutil.rmtree(node.root)
    node.root.mkdir()
    files = names_of(source)
    for item in files:
        bring(source, node.root, item)
    node.look(complete=True)
    expected = node.dump(tmp_path / "expected")
    node.empty()
    shutil.rmtree(node.root)
    node.root.mkdir()
    order = data.draw(st.permutations(files))
    again = data.draw(st.lists(st.sampled_from(files), max_size=2))
    for item in [*order, *again]:
        bring(source, node.root, item)
        what = data.draw(st.sampled_from(["look", "crash before", "crash after", "wait"]))
        if what != "wait":
            crash = {"look": None, "crash before": 0, "crash after": 1}[what]
            node.look(crash_at=crash)
            node.now += timedelta(seconds=5)
    if data.draw(st.booleans()):
        node.look(crash_at=data.draw(st.integers(0, 3)), complete=True)
    node.now += timedelta(minutes=10)
    node.look()
    node.now += timedelta(minutes=10)
    node.look()
    assert node.dump(tmp_path / "found") == expected


def test_a_late_file_makes_a_version_with_all_of_them(
    stage: Callable[[Scene], Node], scenes: dict[str, Path], tmp_path: Path
) -> None:
    node = stage(SCENES["cbf"])
    *early, late = names_of(scenes["cbf"])
    for item in early:
        bring(scenes["cbf"], node.root, item)
    assert node.look(complete=True).new == 1
    bring(scenes["cbf"], node.root, late)
    assert (node.look().waiting, node.look().versions) == (1, 0)
    node.now += timedelta(minutes=2)
    assert node.look().versions == 1
    dumped = node.dump(tmp_path / "dump")
    first, second = sorted(rows_of(dumped, "Dataset"), key=lambda row: "isNewVersionOf" in row)
    assert second["isNewVersionOf"] == first["pid"]
    names = [row["name"] for row in rows_of(dumped, "File") if row["datasetId"] == second["pid"]]
    assert sorted(names) == [*early, late]
    assert node.look().unchanged == 5


def test_nothing_vanishes_with_a_file_system_that_is_not_there(
    stage: Callable[[Scene], Node], scenes: dict[str, Path]
) -> None:
    node = stage(SCENES["binaries"])
    for item in names_of(scenes["binaries"]):
        bring(scenes["binaries"], node.root, item)
    request = Request(roots=[node.root], complete=True)

    def go() -> Report:
        return service.ingest(node.engine, node.settings, request, who=OPERATOR, now=node.now)

    assert (go().new, go().removed) == (1, 0)
    moved = node.root.with_name("elsewhere")
    node.root.rename(moved)
    node.root.mkdir()
    assert go().removed == 0
    node.root.rmdir()
    moved.rename(node.root)
    (node.root / "frame1.raw").unlink()
    assert (go().removed, go().removed) == (1, 0)
    with node.engine.connect() as connection:
        tiers = connection.execute(sa.text("select tier, count(*) from location group by 1")).all()
        assert sorted(map(tuple, tiers)) == [("online", 4), ("removed", 1)]
        assert connection.execute(sa.text("select count(*) from dataset")).scalar() == 1
