"""HDF5 files of a real S3: indexed and sliced in worker processes, as h5py reads the local file."""

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from range_server import serving
from seaweed import SECRET, Seaweed

from panosc.domain.errors import Unreadable
from panosc.files.chunks import reading
from panosc.files.chunks.planning import ROW, plan
from panosc.files.chunks.selection import parse
from panosc.files.index.building import build
from panosc.files.index.contents import Contents
from panosc.files.storage.ahead import Ahead, Blocks
from panosc.files.storage.fileobj import FileObject, opened
from panosc.files.storage.opening import connected, open_place, open_source
from panosc.files.storage.places import Place, Store
from panosc.files.workers import Pool

SELECTIONS = ("", "3", "0:7,10:20,5", "::4,7,::50", "11,3:5,:")


def write(path: Path) -> None:
    chance = np.random.default_rng(3)
    stack = chance.poisson(2, (12, 100, 120)).astype("u2")
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        for number in range(60):
            group = file.create_group(f"entry/group{number}")
            group.attrs["title"] = f"the group of the number {number}"
            group["x"] = chance.random(50)
        data = file.create_group("entry/data")
        data["plain"] = stack
        for name, how in (
            ("bitshuffle", dict(hdf5plugin.Bitshuffle())),
            ("gzip", {"compression": "gzip", "shuffle": True}),
        ):
            data.create_dataset(name, data=stack, chunks=(1, 100, 120), **how)
        data["text"] = ["one", "two", "µ"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hdf5") / "a file.h5"
    write(path)
    return path


@pytest.fixture
def place(seaweed: Seaweed, path: Path) -> Place:
    seaweed.put("hdf5/a file.h5", path.read_bytes())
    url, store = "s3://data/hdf5/a file.h5", seaweed.store()
    source = open_source(url, [store])
    return Place(url=url, size=source.size, mtime_ns=source.mtime_ns, store=store)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=1, memory_mb=1024, time_limit_s=60, preload=["hdf5plugin"]) as it:
        yield it


def array_at(contents: Contents, name: str) -> Any:
    number = next(link.thing for link in contents.links if link.name == name)
    return next(thing.array for thing in contents.things if thing.number == number)


def test_the_index_is_that_of_the_local_file(place: Place, path: Path, pool: Pool) -> None:
    outcome = pool.run("panosc.files.index.building:build", place)
    assert outcome.reason is None, outcome.detail
    assert outcome.value == build(str(path))


def test_an_index_takes_few_requests(place: Place, path: Path) -> None:
    assert place.store is not None
    before = connected(place.store).requests
    build(place)
    asked = connected(place.store).requests - before
    # blocks of a megabyte, each once: of this file all of them
    assert asked <= -(-path.stat().st_size // 2**20)


@pytest.mark.parametrize("name", ["plain", "bitshuffle", "gzip"])
def test_slices_are_those_of_the_local_file(place: Place, path: Path, name: str) -> None:
    array = array_at(build(place), name)
    rows = np.frombuffer(array.table, ROW)
    with h5py.File(path) as file:
        for text in SELECTIONS:
            reading.forget()
            planned = plan(array, rows, parse(text, array.shape))
            table = planned.table
            ranges = list(zip(table["offset"].tolist(), table["size"].tolist(), strict=True))
            index = tuple(
                slice(*[int(x) if x else None for x in one.split(":")]) if ":" in one else int(one)
                for one in text.split(",")
                if one
            )
            wanted = file[f"entry/data/{name}"][index]
            with Ahead(open_place(place), ranges) as source:
                found = reading.read(source, planned)
            assert np.array_equal(found, wanted)
            assert found.dtype == wanted.dtype
            with open_place(place) as plain:
                assert np.array_equal(reading.read(plain, planned), wanted)


def test_chunks_come_several_at_a_time(place: Place) -> None:
    assert place.store is not None
    ranges = [(number * 90_001, 5_000) for number in range(3)]
    with open_place(place) as source, Ahead(source, ranges, window=10_000) as ahead:
        before = connected(place.store).requests
        data = [ahead.pread(offset, size) for offset, size in ranges]
        assert data == [source.pread(offset, size) for offset, size in ranges]
        assert connected(place.store).requests - before <= 3 + 3
        assert ahead.pread(100, 50) == source.pread(100, 50)


def test_the_library_reads_values_of_variable_length(place: Place) -> None:
    with opened(place) as handle:
        found = h5py.File(handle)["entry/data/text"].asstr()[:].tolist()
    assert found == ["one", "two", "µ"]


def test_a_file_that_changes_while_it_is_read_is_not_believed(
    seaweed: Seaweed, place: Place, path: Path
) -> None:
    seaweed.put("hdf5/a file.h5", path.read_bytes()[::-1])
    with pytest.raises(Unreadable) as caught:
        build(place)
    assert caught.value.reason == "changed"


def test_a_storage_that_fails_later_spoils_all(path: Path) -> None:
    data = path.read_bytes()
    with serving(data) as server:
        url = f"http://127.0.0.1:{server.port}/"
        store = Store(name="web", url=url, private=True, time_limit_s=1.0)
        place = Place(url=url + "a", size=len(data), store=store)

        def read() -> None:
            with opened(place, block=4096) as handle:
                server.manner = "failing"
                # the library makes it an error of its own, which somebody may pass over
                with pytest.raises(KeyError):
                    h5py.File(handle)["entry/group59/x"][0]

        with pytest.raises(Unreadable, match="storage web"):
            read()
        server.manner = "well"
        with open_place(place) as source:
            file = FileObject(source, block=1000)
            file.seek(-3000, 2)
            assert file.read(10_000) == data[-3000:]
            assert file.read(5) == b""
            blocks = Blocks(source, block=1000, blocks=2)
            assert blocks.pread(999, 1002) == data[999:2001]
            with pytest.raises(Unreadable):
                blocks.pread(len(data), 1)


def test_secrets_reach_workers_and_nothing_else(place: Place, pool: Pool) -> None:
    before = threading.active_count()
    assert SECRET in pickle.dumps(place).decode("latin-1")
    assert SECRET not in repr(place)
    wrong = Place(url=place.url + "x", size=place.size, store=place.store)
    outcome = pool.run("panosc.files.index.building:build", wrong)
    assert outcome.reason == "gone"
    assert SECRET not in outcome.detail
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert SECRET.encode() not in entry.read_bytes()
        except OSError:
            continue
    assert threading.active_count() <= before + 8
