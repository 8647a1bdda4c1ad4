"""Reading by plan: the very bytes that h5py reads, whatever type, filter, layout or selection."""

import pickle
from pathlib import Path
from typing import Any

import chunk_zoo
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc.domain.errors import TooLarge, Unreadable
from panosc.files.chunks import reading
from panosc.files.chunks.planning import ROW, plan, way_of
from panosc.files.chunks.selection import bands, parse, whole
from panosc.files.index.contents import Array
from panosc.files.storage.local import LocalSource

TEXTS = ("", "0", "-1", "1:", "::2", ":,-1", "1:2,::3", "2:2", ":-1,1:", "::100")


@pytest.fixture(scope="session", params=["plain", "latest", "userblock"])
def zoo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zoo") / f"{request.param}.h5"
    chunk_zoo.write_zoo(
        path,
        userblock=1024 if request.param == "userblock" else 0,
        libver="latest" if request.param == "latest" else "earliest",
    )
    return path


def test_every_array_of_the_zoo_is_as_h5py_reads_it(zoo: Path) -> None:
    ways: dict[str, int] = {}
    read = []
    for name, array in chunk_zoo.arrays(zoo).items():
        ways[way_of(array)] = ways.get(way_of(array), 0) + 1
        shape = array.shape or ()
        for text in TEXTS:
            too_many = (len(text.split(",")) if text else 0) > len(shape)
            if too_many or (text in {"0", "-1"} and not shape[0]):
                continue
            selection = parse(text, shape)
            read.append((name, selection, chunk_zoo.ours(zoo, name, array, selection)))
    with h5py.File(zoo) as file:
        for name, selection, values in read:
            assert chunk_zoo.same(values, file[name][selection.index]), (name, selection)
    assert len(read) > 500
    assert ways["plan"] > 95
    # lzf, scale-offset, and what may have been spared its filters
    assert 2 <= ways["library"] <= 10


@st.composite
def spans(draw: st.DrawFn, extent: int) -> str:
    edge = st.one_of(st.none(), st.integers(-extent - 3, extent + 3))
    if extent and draw(st.booleans()):
        return str(draw(st.integers(-extent, extent - 1)))
    parts = ["" if edge_ is None else str(edge_) for edge_ in (draw(edge), draw(edge))]
    step = draw(st.one_of(st.none(), st.integers(1, extent + 2)))
    return ":".join(parts) + ("" if step is None else f":{step}")


@settings(max_examples=200)
@given(data=st.data())
def test_any_selection_of_any_array_is_as_h5py_reads_it(open_zoo: Any, data: st.DataObject) -> None:
    file, source, found = open_zoo
    name = data.draw(st.sampled_from(sorted(found)))
    dataset, array = file[name], found[name]
    rank = data.draw(st.integers(0, dataset.ndim))
    text = ",".join(data.draw(spans(extent)) for extent in dataset.shape[:rank])
    selection = parse(text, dataset.shape)
    made = pickle.loads(pickle.dumps(plan(array, chunk_zoo.rows_of(array), selection)))
    values = reading.read(source, made)
    assert chunk_zoo.same(values, dataset[selection.index]), (name, text)
    assert values.shape == selection.shape
    assert values.nbytes == made.output_bytes
    limit = data.draw(st.integers(values.nbytes // 20 + 1, values.nbytes + 1))
    parts = []
    for part in bands(selection, array_item(array), limit, chunks=array.chunks):
        piece = reading.read(source, plan(array, chunk_zoo.rows_of(array), part))
        assert piece.nbytes <= max(limit, array_item(array))
        parts.append(piece.tobytes())
    assert b"".join(parts) == np.ascontiguousarray(values).tobytes()


def array_item(array: Array) -> int:
    return np.dtype(array.dtype).itemsize


@pytest.fixture(scope="module")
def open_zoo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("open") / "zoo.h5"
    chunk_zoo.write_zoo(path)
    found = {
        name: array
        for name, array in chunk_zoo.arrays(path).items()
        if way_of(array) == "plan" and name.startswith(("/filters", "/odd"))
    }
    with h5py.File(path) as file, LocalSource(path) as source:
        yield file, source, found


def test_a_plan_has_only_the_chunks_that_are_touched(tmp_path: Path) -> None:
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("d", (100, 100), "u2", chunks=(10, 10), fillvalue=3)
        made[:50] = 1
        made[95, 95] = 2
    array = chunk_zoo.arrays(path)["/d"]
    numbers = chunk_zoo.planned(array, "15:25,95").table["number"]
    assert numbers.tolist() == [19, 29]
    assert chunk_zoo.planned(array, "60:90").cost == 0
    assert chunk_zoo.planned(array, "60:90").touched == 30
    assert chunk_zoo.planned(array, "").table["number"].tolist() == [*range(50), 99]
    assert chunk_zoo.planned(array, "::40").table["number"].tolist() == [*range(10), *range(40, 50)]


def test_a_million_chunks_are_planned_as_quickly_as_one() -> None:
    rows = np.zeros(1_000_000, ROW)
    rows["number"] = np.arange(1_000_000)
    rows["offset"], rows["size"] = 4096 + np.arange(1_000_000) * 100, 100
    array = Array(shape=(10_000, 1_000), dtype="<u2", layout="chunked", chunks=(10, 1))
    made = plan(array, rows, parse("77,5:9", array.shape or ()))
    assert made.table["number"].tolist() == [7005, 7006, 7007, 7008]
    assert len(pickle.dumps(made)) < 1_000
    # gaps, so that numbers are no places
    holes = rows[rows["number"] % 3 != 0]
    made = plan(array, holes, parse("70:79", array.shape or ()))
    assert made.table["number"].tolist() == [n for n in range(7000, 8000) if n % 3]
    with pytest.raises(TooLarge) as caught:
        plan(array, rows, whole(array.shape or ()))
    assert caught.value.limit == 250_000


def test_the_cost_of_blocks_is_less_than_that_of_chunks(tmp_path: Path) -> None:
    path = tmp_path / "stack.h5"
    with h5py.File(path, "w") as file:
        for name in ("gzip", "bitshuffle-lz4"):
            file.create_dataset(
                name, (5, 512, 512), "u2", chunks=(1, 512, 512), **chunk_zoo.PIPELINES[name]
            )[...] = chunk_zoo.values((5, 512, 512), "u2")
    found = chunk_zoo.arrays(path)
    packed, blocks = found["/gzip"], found["/bitshuffle-lz4"]
    assert chunk_zoo.planned(packed, ":,9,9").cost == 5 * 2**19
    assert chunk_zoo.planned(blocks, ":,9,9").cost < 5 * 2**14
    assert chunk_zoo.planned(blocks, "0").cost == 2**19
    assert chunk_zoo.planned(blocks, "0,:,5").cost == 2**19


def test_only_the_bytes_of_what_is_wanted_are_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.h5"
    content = chunk_zoo.values((400, 4000), "<u2")
    stack = chunk_zoo.values((20, 256, 256), "<u2")
    with h5py.File(path, "w") as file:
        file["plain"] = content
        file.create_dataset(
            "stack", data=stack, chunks=(1, 256, 256), **chunk_zoo.PIPELINES["bitshuffle-lz4"]
        )
    found = chunk_zoo.arrays(path)
    with Counting(path) as source:
        values = reading.read(source, chunk_zoo.planned(found["/plain"], "100:102"))
        assert chunk_zoo.same(values, content[100:102])
        assert source.taken == 16_000
        source.taken = 0
        values = reading.read(source, chunk_zoo.planned(found["/plain"], ":,7"))
        assert chunk_zoo.same(values, content[:, 7])
        assert source.taken == 800
        reading.read(source, chunk_zoo.planned(found["/stack"], ":,7,7"))
        source.taken = 0
        # where the blocks are is known by now
        values = reading.read(source, chunk_zoo.planned(found["/stack"], ":,100:103,9:12"))
        assert chunk_zoo.same(values, stack[:, 100:103, 9:12])
        assert 0 < source.taken < 20 * 8192


class Counting(LocalSource):
    taken = 0

    def pread(self, offset: int, size: int) -> bytes:
        self.taken += size
        return super().pread(offset, size)


@pytest.mark.parametrize("name", ["/filters/none", "/filters/gzip", "/filters/bitshuffle-lz4"])
def test_a_file_that_ends_too_early_is_told(tmp_path: Path, name: str) -> None:
    path, cut = tmp_path / "zoo.h5", tmp_path / "cut.h5"
    chunk_zoo.write_zoo(path)
    array = chunk_zoo.arrays(path)[name]
    offset = int(chunk_zoo.rows_of(array)["offset"].max())
    cut.write_bytes(path.read_bytes()[: offset + 10])
    with LocalSource(cut) as source, pytest.raises(Unreadable) as caught:
        reading.read(source, chunk_zoo.planned(array, ""))
    assert caught.value.reason == "truncated"


def test_a_file_that_was_changed_is_not_read_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "changing.h5"
    for number in (1, 2):
        with h5py.File(path, "w") as file:
            file.create_dataset(
                "d", data=np.full((50, 50), number), chunks=(50, 50), compression="gzip"
            )
        array = chunk_zoo.arrays(path)["/d"]
        values = chunk_zoo.ours(path, "/d", array, parse("3,4", (50, 50)))
        assert values == number
    state = path.stat()
    with pytest.raises(Unreadable) as caught:
        LocalSource(path, size=state.st_size, mtime_ns=state.st_mtime_ns - 10**9)
    assert caught.value.reason == "changed"
    with pytest.raises(Unreadable) as caught:
        LocalSource(tmp_path / "none.h5")
    assert caught.value.reason == "gone"


def test_what_is_too_large_is_refused_before_it_is_made() -> None:
    array = Array(shape=(2**19, 2**18), dtype="<u8", layout="contiguous", nbytes=2**40)
    with pytest.raises(Unreadable) as caught:
        reading.read(None, plan(array, np.zeros(0, ROW), whole((2**19, 2**18))))  # type: ignore[arg-type]
    assert caught.value.reason == "too-large"
    bomb = Array(shape=(2**40,), dtype="<u8", layout="chunked", chunks=(2**30,))
    with pytest.raises(Unreadable) as caught:
        plan(bomb, np.zeros(0, ROW), parse("5", (2**40,)))
    assert caught.value.reason == "chunk-too-large"
    odd = Array(shape=(2**40, 2**40), dtype="u1", layout="chunked", chunks=(1, 1))
    with pytest.raises(Unreadable):
        plan(odd, np.zeros(1, ROW), parse("5,5", (2**40, 2**40)))
