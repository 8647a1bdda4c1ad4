"""Reading by a real Dask scheduler and real workers gives what the local pool gives."""

import itertools
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dask_cluster
import dask_tasks
import hostile
import pytest
import sqlalchemy as sa
from distributed import Client

from panosc.catalogue.dumping import dump
from panosc.catalogue.tables import metadata
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Unavailable
from panosc.files.sandbox import Outcome
from panosc.ingest.readers import far, local, readers
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dask_cluster.Cluster]:
    with dask_cluster.cluster(tmp_path_factory.mktemp("dask") / "it", workers=2) as it:
        _await_workers(it, 2)
        yield it


@pytest.fixture(scope="module")
def folder(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About sixty files: real ones, copies, generated ones, hostile ones and no HDF5 at all."""
    folder = tmp_path_factory.mktemp("many") / "data"
    folder.mkdir()
    for path in sorted(examples.rglob("*")):
        if path.is_file() and path.stat().st_size < 300_000:
            shutil.copy(path, folder)
    for number in range(34):
        with hostile.nexus(folder / f"{number:03}.nxs", title=f"run {number}"):
            pass
    for number in range(3):
        shutil.copy(folder / "000.nxs", folder / f"copy {number}.nxs")
        (folder / f"broken {number}.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(number))
        (folder / f"notes {number}.bin").write_bytes(bytes(range(number, 200)))
    hostile.filter_bomb(folder / "bomb.nxs")
    return folder


def _await_workers(cluster: dask_cluster.Cluster, number: int) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(number, timeout=60)


def _dump(engine: sa.Engine, settings: Settings, folder: Path, to: Path) -> dict[str, bytes]:
    """Ingest into an emptied catalogue and return its bare dump."""
    # the audit trail refuses; an ingest does not read it
    names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))
    report = ingest(engine, settings, Request(roots=[folder]), who=OPERATOR, now=NOW)
    assert report.new >= 45
    dump(engine, to, bare=True)
    return {path.name: path.read_bytes() for path in to.glob("*.ndjson")}


def _far(settings: Settings, cluster: dask_cluster.Cluster) -> Settings:
    return settings.model_copy(update={"dask_scheduler": cluster.address})


def _tasks(folder: Path) -> list[tuple[object, ...]]:
    return [
        (str(path), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.iterdir())
    ]


def test_two_dask_workers_answer_as_the_local_pool_does(
    settings: Settings, two: dask_cluster.Cluster, folder: Path
) -> None:
    with readers(settings) as it:
        here = list(it.map_in_order(_tasks(folder)))
    with readers(_far(settings, two)) as it:
        there = list(it.map_in_order(_tasks(folder)))
    assert there == here
    assert len(here) == len(list(folder.iterdir())) > 60


def test_two_dask_workers_give_the_same_catalogue(
    engine: sa.Engine, settings: Settings, two: dask_cluster.Cluster, folder: Path, tmp_path: Path
) -> None:
    here = _dump(engine, settings, folder, tmp_path / "here")
    there = _dump(engine, _far(settings, two), folder, tmp_path / "there")
    assert there == here
    assert here["Dataset.ndjson"].count(b"\n") >= 45


@pytest.fixture
def doomed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, list[int]]]:
    """A cluster of two, one of which is killed while both have much to do."""
    monkeypatch.setattr(far, "CHUNK", 2)
    killed: list[int] = []
    stopped: list[str] = []
    submitted = itertools.count()
    submit, answers = far._Far._submit, far._Far._answers

    def stopping(self: far._Far, tasks: list[tuple[object, ...]]) -> far._Chunk:
        if next(submitted) == 10:
            # what it has now, or is given next, it does not finish
            pids = self._client.run(dask_tasks.identity)
            stopped.extend(at for at, pid in pids.items() if pid == cluster.workers[0].pid)
            cluster.workers[0].send_signal(signal.SIGSTOP)
        return submit(self, tasks)

    def killing(self: far._Far, chunk: far._Chunk) -> list[Outcome]:
        if stopped and not killed:
            while not self._client.processing()[stopped[0]]:
                time.sleep(0.01)
            cluster.workers[0].kill()
            killed.append(cluster.workers[0].pid)
        return answers(self, chunk)

    monkeypatch.setattr(far._Far, "_submit", stopping)
    monkeypatch.setattr(far._Far, "_answers", killing)
    with dask_cluster.cluster(tmp_path / "dask", workers=2) as cluster:
        _await_workers(cluster, 2)
        yield _far(settings, cluster), killed


def test_a_worker_killed_in_the_middle_changes_nothing(
    engine: sa.Engine,
    settings: Settings,
    doomed: tuple[Settings, list[int]],
    folder: Path,
    tmp_path: Path,
) -> None:
    through_dask, killed = doomed
    here = _dump(engine, settings, folder, tmp_path / "here")
    there = _dump(engine, through_dask, folder, tmp_path / "there")
    assert killed
    assert there == here


@pytest.fixture
def other_tasks(two: dask_cluster.Cluster) -> Iterator[Callable[[str], None]]:
    """Lets the confined processes of the Dask workers run another function."""
    with Client(two.address, set_as_default=False) as client:
        yield lambda function: client.run(dask_tasks.swap, function)
        client.run(dask_tasks.swap, local.FUNCTION)
        pids = client.run(dask_tasks.identity)
    # whatever it was, no Dask worker has come to harm
    assert sorted(pids.values()) == sorted(worker.pid for worker in two.workers)


def test_a_file_that_kills_its_reader_fails_alone(
    settings: Settings,
    two: dask_cluster.Cluster,
    other_tasks: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(far, "CHUNK", 3)
    other_tasks("worker_tasks:sometimes_die")
    with readers(_far(settings, two)) as it:
        found = list(it.map_in_order((number,) for number in range(60)))
    assert [item.value for item in found if item.reason is None] == [
        number for number in range(60) if number % 50 != 7
    ]
    assert {item.reason for item in (found[7], found[57])} == {"crashed"}


def test_a_reader_that_a_file_has_taken_over_harms_nobody(
    settings: Settings, two: dask_cluster.Cluster, other_tasks: Callable[[str], None]
) -> None:
    other_tasks("dask_tasks:evil")
    with readers(_far(settings, two)) as it:
        assert [item.reason for item in it.map_in_order([(), ()])] == ["crashed", "crashed"]
    assert not dask_tasks.RAN


def test_what_is_not_plain_does_not_arrive(two: dask_cluster.Cluster, settings: Settings) -> None:
    with far.far_readers(settings, two.address) as it:
        future = it._client.submit(dask_tasks.evil, pure=False)
        with pytest.raises(TypeError):
            future.result(timeout=30)
        for answer in (pickle.dumps(dask_tasks.Evil()), pickle.dumps([1, 2]), b"junk", 7):
            with pytest.raises(Unavailable, match="no sense"):
                it._decoded(answer, 2)
    assert not dask_tasks.RAN


def test_a_scheduler_that_is_lost(
    settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far, "CHUNK", 2)
    with dask_cluster.cluster(tmp_path / "dask", workers=1) as cluster:
        _await_workers(cluster, 1)
        begun = time.monotonic()
        with readers(_far(settings, cluster)) as it:
            answers = it.map_in_order(_tasks(folder))
            assert next(answers).reason is None
            cluster.scheduler.kill()
            with pytest.raises(Unavailable, match="was lost") as caught:
                list(answers)
        assert "goes on from there" in str(caught.value.hint)
        assert time.monotonic() - begun < 60


def test_a_scheduler_that_is_not_there(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "CONNECT_S", 0.5)
    nobody = settings.model_copy(update={"dask_scheduler": "tcp://127.0.0.1:9"})
    with pytest.raises(Unavailable, match="does not answer") as caught, readers(nobody):
        pass
    assert "PANOSC_DASK_SCHEDULER" in str(caught.value.hint)


def test_a_scheduler_with_tls_needs_certificates(settings: Settings) -> None:
    wanted = settings.model_copy(update={"dask_scheduler": "tls://127.0.0.1:9"})
    with pytest.raises(Unavailable, match="no certificates") as caught, readers(wanted):
        pass
    assert "CA_FILE" in str(caught.value.hint)


def test_a_scheduler_without_workers(
    settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(far, "LOOK_S", 0.3)
    monkeypatch.setattr(far, "WORKERLESS_S", 0.6)
    with (
        dask_cluster.cluster(tmp_path / "dask", workers=0) as cluster,
        readers(_far(settings, cluster)) as it,
        pytest.raises(Unavailable, match="no workers"),
    ):
        list(it.map_in_order(_tasks(folder)))


def test_the_extra_is_named_when_it_is_missing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    wanted = settings.model_copy(update={"dask_scheduler": "tcp://127.0.0.1:9"})
    with pytest.raises(Unavailable, match="extra `dask`"), readers(wanted):
        pass


def test_without_a_scheduler_the_local_pool_reads(settings: Settings, folder: Path) -> None:
    with readers(settings) as it:
        assert isinstance(it, local._Local)
        found = list(it.map_in_order(_tasks(folder)))
    assert len(found) == len(list(folder.iterdir()))
