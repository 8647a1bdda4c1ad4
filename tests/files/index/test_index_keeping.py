"""Indexes on disk are whole or not there, and made once however many ask."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import hostile
import index_zoo
import numpy as np
import orjson
import pytest

from panosc.domain.errors import Unavailable, Unreadable
from panosc.files.index import keeping
from panosc.files.index.building import build
from panosc.files.index.contents import Contents
from panosc.files.index.indexing import PRELOAD, Indexer
from panosc.files.index.keeping import IndexStore, key_of
from panosc.files.index.telling import FileIndex
from panosc.files.sandbox import Outcome
from panosc.files.workers import Pool


@dataclass(frozen=True, slots=True)
class Measured:
    """A file as the catalogue knows it."""

    url: str
    size: int
    mtime_ns: int
    tier: str = "online"


def _measured(path: Path) -> Measured:
    told = path.stat()
    return Measured(path.as_uri(), told.st_size, told.st_mtime_ns)


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    path = tmp_path / "layouts.h5"
    index_zoo.layouts(path)
    return build(str(path))


@pytest.fixture
def store(tmp_path: Path) -> IndexStore:
    return IndexStore(tmp_path / "index")


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(workers=1, memory_mb=600, time_limit_s=20, preload=PRELOAD) as it:
        yield it


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_all_of_the_contents_come_back(store: IndexStore, contents: Contents) -> None:
    store.write("ab12", contents)
    index = store.open("ab12")
    assert index is not None
    assert index is store.open("ab12")
    for thing in contents.things:
        if thing.array is None:
            continue
        assert index.array_of(thing.number) == replace(thing.array, table=b"")
        assert index.table(thing.number).tobytes() == thing.array.table
    assert index.notes == contents.notes
    assert store.open("cd34") is None
    assert list(store.keys()) == ["ab12"]


def test_nothing_but_the_index_is_left_behind(
    tmp_path: Path, store: IndexStore, contents: Contents
) -> None:
    store.write("ab12", contents)
    store.write("ab12", contents)
    assert _files(tmp_path / "index") == [tmp_path / "index" / "ab" / "ab12.sqlite"]


@pytest.mark.parametrize("harm", ["cut", "empty", "garbage", "version", "mark"])
def test_a_damaged_index_is_as_if_it_were_not_there(
    harm: str, tmp_path: Path, store: IndexStore, contents: Contents
) -> None:
    store.write("ab12", contents)
    store.close()
    path = tmp_path / "index" / "ab" / "ab12.sqlite"
    if harm in {"version", "mark"}:
        name = "user_version" if harm == "version" else "application_id"
        connection = sqlite3.connect(path)
        connection.execute(f"pragma {name} = 77")
        connection.commit()
        connection.close()
    else:
        content = path.read_bytes()
        path.write_bytes({"cut": content[:-4096], "empty": b"", "garbage": b"x" * 9000}[harm])
    assert store.open("ab12") is None
    assert not path.exists()
    store.write("ab12", contents)
    assert store.open("ab12") is not None


def test_damage_that_shows_later_is_told_and_the_index_made_anew(
    tmp_path: Path, pool: Pool
) -> None:
    path = tmp_path / "x.h5"
    index_zoo.dense(path)
    place = _measured(path)
    store = IndexStore(tmp_path / "index")
    indexer = Indexer(store, pool)
    expected = indexer.index_of(place).meta("/")
    store.close()
    kept = next(iter(_files(tmp_path / "index")))
    content = kept.read_bytes()
    kept.write_bytes(content[:4096] + bytes(len(content) - 4096))
    harmed = indexer.index_of(place)
    with pytest.raises(Unavailable, match="damaged"):
        harmed.meta("/")
    assert indexer.index_of(place).meta("/") == expected


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    index_zoo.dense(path)
    program = """
import resource, signal, sys
from pathlib import Path
from panosc.domain.errors import Unavailable
from panosc.files.index.building import build
from panosc.files.index.keeping import IndexStore
contents = build(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    IndexStore(Path(sys.argv[2])).write("ab12", contents)
except Unavailable as error:
    print(error.hint)
"""
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", program, str(path), str(tmp_path / "index")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("Make room"), done
    assert _files(tmp_path / "index") == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, contents: Contents) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable):
        IndexStore(tmp_path / "file" / "index").write("ab12", contents)


def test_pruning_keeps_what_is_needed(
    tmp_path: Path, store: IndexStore, contents: Contents
) -> None:
    for key in ("ab12", "ab34", "cd56"):
        store.write(key, contents)
    old, new = (tmp_path / "index" / "ab" / f"{name}.new" for name in ("old", "fresh"))
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    assert store.prune({"ab34", "ff00"}) == 2
    assert list(store.keys()) == ["ab34"]
    assert (old.exists(), new.exists()) == (False, True)


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_few_indexes_are_open_at_a_time_and_those_in_use_go_on(
    store: IndexStore, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "OPEN_FILES", 3)
    keys = [f"ab{number}" for number in range(8)]
    for key in keys:
        store.write(key, contents)
    before = _open_files()
    first = store.open(keys[0])
    assert first is not None
    for key in keys:
        assert store.open(key) is not None
    assert _open_files() <= before + 4
    assert first.meta("/")


def test_answers_kept_ready_are_bounded(tmp_path: Path, store: IndexStore) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for number in range(60):
            file[f"x{number}"] = number
            file[f"x{number}"].attrs["text"] = "long " * 10_000
    store.write("ab12", build(str(path)))
    index = store.open("ab12")
    assert index is not None
    for number in range(60):
        assert len(index.attributes(f"/x{number}")) > 50_000
    assert index._ready._nbytes <= 2 * 2**20


def test_one_index_answers_many_threads(store: IndexStore, contents: Contents) -> None:
    store.write("ab12", contents)
    expected: dict[str, bytes] = {}
    alone = store.open("ab12")
    assert alone is not None
    places = orjson.loads(alone.paths("/"))
    expected = {place: alone.meta(place) for place in places}
    store.close()

    def ask(number: int) -> bool:
        index = store.open("ab12")
        assert index is not None
        order = places[number % len(places) :] + places[: number % len(places)]
        return all(index.meta(place) == expected[place] for place in order)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(ask, range(64)))


# ---- made when there is none ----


class Counting(Pool):
    """A pool that counts its tasks."""

    count = 0

    def run(self, function: str, *arguments: object):  # type: ignore[no-untyped-def]
        self.count += 1
        return super().run(function, *arguments)


@pytest.fixture
def counting() -> Iterator[Counting]:
    with Counting(workers=1, memory_mb=600, time_limit_s=20, preload=PRELOAD) as it:
        yield it


def test_an_index_is_made_once_however_many_ask(tmp_path: Path, counting: Counting) -> None:
    path = tmp_path / "x.h5"
    index_zoo.layouts(path)
    place, indexer = _measured(path), Indexer(IndexStore(tmp_path / "index"), counting)
    assert indexer.opened(place) is None
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: indexer.index_of(place), range(16)))
    assert counting.count == 1
    assert {index.meta("/") for index in found} == {found[0].meta("/")}
    assert indexer.opened(place) is not None
    assert indexer._turns == {}
    # another process, or this one later, finds it
    Indexer(IndexStore(tmp_path / "index"), counting).index_of(place)
    assert counting.count == 1


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    tmp_path: Path, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.h5"
    index_zoo.layouts(path)
    place, store = _measured(path), IndexStore(tmp_path / "index")
    run = Counting.run

    def slow(self: Counting, function: str, *arguments: object) -> object:
        outcome = run(self, function, *arguments)
        os.utime(path, ns=(1, 1))
        return outcome

    monkeypatch.setattr(Counting, "run", slow)
    with pytest.raises(Unreadable) as error:
        Indexer(store, counting).index_of(place)
    assert error.value.reason == "changed"
    assert list(store.keys()) == []


def test_a_failure_is_remembered_for_a_while(tmp_path: Path, counting: Counting) -> None:
    path = tmp_path / "x.h5"
    path.write_bytes(b"no HDF5 at all")
    now = [100.0]
    place = _measured(path)
    indexer = Indexer(IndexStore(tmp_path / "index"), counting, clock=lambda: now[0])
    for _ in range(5):
        with pytest.raises(Unreadable) as error:
            indexer.index_of(place)
        assert error.value.reason == "bad-signature"
    assert counting.count == 1
    now[0] += 301
    with pytest.raises(Unreadable):
        indexer.index_of(place)
    assert counting.count == 2


@pytest.mark.parametrize("reason", ["gone", "changed", "nearline"])
def test_a_file_that_is_not_as_it_was_is_not_opened(
    reason: str, tmp_path: Path, counting: Counting
) -> None:
    path = tmp_path / "x.h5"
    index_zoo.layouts(path)
    place = _measured(path)
    if reason == "gone":
        path.unlink()
    elif reason == "changed":
        place = replace(place, size=place.size + 1)
    else:
        place = replace(place, tier="nearline")
    with pytest.raises(Unreadable) as error:
        Indexer(IndexStore(tmp_path / "index"), counting).index_of(place)
    assert error.value.reason == reason
    assert counting.count == 0


def test_the_index_of_a_file_stays_when_it_goes_to_tape(tmp_path: Path, pool: Pool) -> None:
    path = tmp_path / "x.nxs"
    hostile.nexus(path).close()
    place = _measured(path)
    indexer = Indexer(IndexStore(tmp_path / "index"), pool)
    expected = indexer.index_of(place).meta("/entry")
    path.unlink()
    assert indexer.index_of(replace(place, tier="nearline")).meta("/entry") == expected


def test_a_changed_file_has_another_key() -> None:
    keys = {
        key_of("file:///a", 1, 2),
        key_of("file:///a", 1, 3),
        key_of("file:///a", 12, 3),
        key_of("file:///b", 1, 2),
        key_of("file:///a\udcff", 1, 2),
    }
    assert len(keys) == 5
    assert all(len(key) == 32 for key in keys)


def test_a_worker_that_lies_is_not_believed(tmp_path: Path, store: IndexStore) -> None:
    path = tmp_path / "x.h5"
    index_zoo.layouts(path)
    honest = build(str(path))
    lies = [
        replace(honest, things=(replace(honest.things[0], head=b"no JSON"),)),
        replace(honest, things=(replace(honest.things[0], number=2**80),)),
        replace(honest, links=(replace(honest.links[0], name=["a", "list"]),)),  # type: ignore[arg-type]
        replace(honest, things=(honest.things[0], honest.things[0])),
        replace(honest, things=("no thing",)),  # type: ignore[arg-type]
    ]

    class Liar:
        """Answers as it likes."""

        def __init__(self, contents: Contents) -> None:
            self._contents = contents

        def run(self, *_: object) -> object:
            from panosc.files.sandbox import Outcome  # noqa: PLC0415

            return Outcome(value=self._contents)

    for contents in lies:
        indexer = Indexer(store, Liar(contents))  # type: ignore[arg-type]
        with pytest.raises(Unreadable, match="no sense"):
            indexer.index_of(_measured(path))
    assert _files(tmp_path / "index") == []


def _timed(ask: object, times: int = 1) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        ask()  # type: ignore[operator]
    return (time.perf_counter() - begun) / times


def test_metadata_of_fifty_members_is_quick(tmp_path: Path, store: IndexStore) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        for number in range(50):
            file[f"g/x{number}"] = np.arange(10.0)
            file[f"g/x{number}"].attrs["units"] = "mm"
    store.write("ab12", build(str(path)))
    cold = []
    for _ in range(20):
        store.close()
        index = store.open("ab12")
        assert isinstance(index, FileIndex)
        cold.append(_timed(lambda index=index: index.meta("/g")))  # type: ignore[misc]
    again = min(_timed(lambda: index.meta("/g"), 1000) for _ in range(5))  # type: ignore[union-attr]
    # ten times what it takes, for busy machines
    assert min(cold) < 3e-3
    assert again < 1e-4


def test_threads_that_wait_for_a_build_do_not_hold_up_others(
    tmp_path: Path, pool: Pool, store: IndexStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = tmp_path / "slow.h5", tmp_path / "quick.h5"
    hostile.many_groups(slow, 400)
    hostile.nexus(quick).close()
    indexer = Indexer(store, pool)
    indexer.index_of(_measured(quick))
    run, begun, gate, late = pool.run, threading.Event(), threading.Event(), threading.Event()

    def held(*given: Any) -> Outcome:
        begun.set()
        if not gate.wait(30):
            late.set()
        return run(*given)

    monkeypatch.setattr(pool, "run", held)
    thread = threading.Thread(target=indexer.index_of, args=[_measured(slow)])
    thread.start()
    assert begun.wait(60)
    assert indexer.index_of(_measured(quick)).meta("/entry")
    gate.set()
    thread.join()
    assert not late.is_set()
    assert indexer.opened(_measured(slow)) is not None
    shutil.rmtree(tmp_path / "index")
