"""Where the index says that values lie, there they are."""

import itertools
import math
import os
from pathlib import Path

import h5py
import index_zoo
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t

from panosc.files.index.building import build
from panosc.files.index.contents import Array, Slab
from panosc.files.index.keeping import IndexStore
from panosc.files.index.telling import FileIndex

LAYOUTS = ("layouts", "latest", "user-block", "numbers", "texts")


def _index(path: Path) -> FileIndex:
    store = IndexStore(path.with_name("index"))
    store.write("a1", build(str(path)))
    found = store.open("a1")
    assert found is not None
    return found


def _plain(dataset: h5py.Dataset) -> bytes:
    """Return what the file holds, byte by byte."""
    values = dataset[()]
    return np.asarray(values).tobytes()


@pytest.mark.parametrize("name", LAYOUTS)
def test_contiguous_and_compact_values_are_at_the_offset(name: str, tmp_path: Path) -> None:
    path = tmp_path / "zoo.h5"
    index_zoo.ZOO[name](path)
    index, content, seen = _index(path), path.read_bytes(), 0
    with h5py.File(path) as file:
        for number, place in index.datasets():
            array = index.array_of(number)
            if array.layout not in {"contiguous", "compact"}:
                continue
            expected = _plain(file[place])
            if array.layout == "compact":
                found = array.values
            elif array.offset < 0:
                found = array.fill * math.prod(array.shape or ())
            else:
                found = content[array.offset : array.offset + array.nbytes]
            assert found == expected, place
            assert np.dtype(array.dtype) == np.dtype(file[place].dtype.str), place
            seen += 1
    assert seen > 2


@pytest.mark.parametrize("name", ["layouts", "latest", "user-block"])
def test_the_table_names_the_chunks_that_the_library_names(name: str, tmp_path: Path) -> None:
    path = tmp_path / "zoo.h5"
    index_zoo.ZOO[name](path)
    index, content, seen = _index(path), path.read_bytes(), 0
    with h5py.File(path) as file:
        for number, place in index.datasets():
            array, dataset = index.array_of(number), file[place]
            if array.layout != "chunked":
                continue
            assert array.chunks == dataset.chunks
            assert array.fill == _fill_of(file, place)
            rows = {int(row["number"]): row for row in index.table(number)}
            grid = [-(-extent // step) for extent, step in zip(*_grid(array), strict=True)]
            told = [dataset.id.get_chunk_info(n) for n in range(dataset.id.get_num_chunks())]
            assert len(rows) == len(told), place
            for chunk in told:
                at = [first // step for first, step in zip(chunk.chunk_offset, array.chunks)]  # noqa: B905
                row = rows[int(np.ravel_multi_index(at, grid))]
                assert (row["offset"], row["size"], row["mask"]) == (
                    chunk.byte_offset,
                    chunk.size,
                    chunk.filter_mask,
                )
                mask, raw = dataset.id.read_direct_chunk(chunk.chunk_offset)
                assert (content[chunk.byte_offset :][: chunk.size], row["mask"]) == (raw, mask)
            plan = dataset.id.get_create_plist()
            steps = [plan.get_filter(number)[:3] for number in range(plan.get_nfilters())]
            assert [(step.id, step.flags, step.values) for step in array.filters] == steps
            seen += 1
    assert seen > 8


def _grid(array: Array) -> tuple[tuple[int, ...], tuple[int, ...]]:
    assert array.shape is not None
    return array.shape, array.chunks


def _fill_of(file: h5py.File, place: str) -> bytes:
    """Return what h5py reads of a chunk that was never written, here or in a twin."""
    dataset = file[place]
    if place in {"/unfilled", "/undefined"}:
        return bytes(4)
    return np.asarray(dataset.fillvalue, dataset.dtype).tobytes()


def test_unwritten_chunks_read_as_the_fill_value(tmp_path: Path) -> None:
    path = tmp_path / "zoo.h5"
    index_zoo.layouts(path)
    index = _index(path)
    with h5py.File(path) as file:
        for place in ("/unfilled", "/undefined", "/never_chunked", "/some"):
            array = index.array(place)
            last = file[place][-1, -1]
            assert np.frombuffer(array.fill, array.dtype)[0] == last, place


def test_rows_are_found_without_reading_the_whole_table(tmp_path: Path) -> None:
    path = tmp_path / "long.h5"
    with h5py.File(path, "w", libver="latest") as file:
        made = file.create_dataset("x", (5000, 2), "u1", chunks=(1, 2))
        made[::2] = 1
    index = _index(path)
    number = index.number("/x")
    assert index.table(number)["number"].tolist() == list(range(0, 5000, 2))
    for first, last in ((0, 0), (1, 1), (17, 4002), (2046, 2050), (4999, 4999), (0, 2**40), (3, 2)):
        expected = [number for number in range(0, 5000, 2) if first <= number <= last]
        assert index.rows(number, first, last)["number"].tolist() == expected
    assert index.rows(number, 0, -1).size == 0


def test_types_without_an_exact_name_are_left_to_the_library(tmp_path: Path) -> None:
    numbers, compounds, texts = (tmp_path / f"{name}.h5" for name in "abc")
    index_zoo.numbers(numbers)
    index_zoo.compounds(compounds)
    index_zoo.texts(texts)
    found = {
        (path.stem, place.lstrip("/")): index.array_of(number)
        for path in (numbers, compounds, texts)
        for index in (_index(path),)
        for number, place in index.datasets()
    }
    left = {key[1]: array.why for key, array in found.items() if array.layout == "library"}
    assert left == {
        "bitfield": "unusual-type",
        "odd_float": "unusual-type",
        "opaque": "unusual-type",
        "twelve_bits": "unusual-type",
        "record": "compound",
        "arrays": "unusual-type",
    }
    kept = {key[1]: array.dtype for key, array in found.items() if array.layout == "values"}
    assert kept["nul"] == kept["spaces"] == "|S6"
    assert kept["text"] == kept["lengths"] == kept["references"] == ""
    assert found["c", "nulls"].layout == "contiguous"
    assert found["a", "bool"].dtype == "|b1"
    assert found["a", "enum"].dtype == "<i2"
    assert found["a", "time"].dtype == "<M8[ns]"
    assert found["a", "nothing"].shape is None


def test_chunks_over_the_edge_may_have_been_spared_their_filters(tmp_path: Path) -> None:
    path = tmp_path / "edges.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("even", data=np.arange(16), chunks=(4,), shuffle=True)
        file.create_dataset("over", data=np.arange(18), chunks=(4,), shuffle=True)
        file.create_dataset("packed", data=np.arange(18), chunks=(4,), compression="gzip")
    index = _index(path)
    found = {place: index.array_of(number) for number, place in index.datasets()}
    assert found["/even"].layout == "chunked"
    assert (found["/over"].layout, found["/over"].why) == ("library", "edge-chunks")
    assert found["/packed"].layout == "chunked"


# ---- virtual datasets ----


def _indices(slab: Slab) -> list[tuple[int, ...]]:
    axes = [
        [start + number * stride + offset for number in range(count) for offset in range(block)]
        for start, stride, count, block in zip(
            slab.start, slab.stride, slab.count, slab.block, strict=True
        )
    ]
    return list(itertools.product(*axes))


def _assembled(array: Array, folder: Path) -> np.ndarray:  # type: ignore[type-arg]
    assert array.shape is not None
    values = np.full(array.shape, np.frombuffer(array.fill, array.dtype)[0])
    for source in array.sources:
        with h5py.File(folder / source.file) as file:
            there = file[source.path][()]
        taken = (
            there.reshape(-1)
            if not source.there.start
            else [there[index] for index in _indices(source.there)]
        )
        for index, value in zip(_indices(source.here), taken, strict=True):
            values[index] = value
    return values


def test_the_map_of_a_virtual_dataset_is_that_of_the_library(tmp_path: Path) -> None:
    path = tmp_path / "virtual.h5"
    for number in range(4):
        with h5py.File(tmp_path / f"part%{number}.h5", "w") as file:
            file["data"] = np.arange(60, dtype="<i4").reshape(3, 4, 5) + 1000 * number
    layout = h5py.VirtualLayout((14, 4, 6), "<i4", maxshape=(None, 4, 6))
    parts = [h5py.VirtualSource(f"part%%{n}.h5", "data", (3, 4, 5)) for n in range(4)]
    layout[0:3, :, 0:5] = parts[0]
    layout[3:9:2, :, 1:6] = parts[1]
    layout[4:6, 1:3, :3] = parts[2][1:, ::2, 1:4]
    layout[9:12, 0, 0:5:2] = parts[3][:, 3, ::2]
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset("v", layout, fillvalue=-7)
        scalar = h5py.VirtualLayout((2,), "<i4")
        scalar[:] = h5py.VirtualSource(file["v"])[0, 0, :2]
        file.create_virtual_dataset("of_itself", scalar)
    index = _index(path)
    array = index.array("/v")
    assert array.layout == "virtual"
    assert [source.file for source in array.sources] == [f"part%{n}.h5" for n in range(4)]
    with h5py.File(path) as file:
        assert np.array_equal(_assembled(array, tmp_path), file["v"][()])
        assert file["v"][0, 0, 1] == 1
    assert index.array("/of_itself").sources[0].file == "."


def _unlimited(path: Path, source: bytes) -> None:
    space = h5s.create_simple((4, 8), (h5s.UNLIMITED, 8))
    space.select_hyperslab((0, 0), (h5s.UNLIMITED, 1), stride=(4, 8), block=(4, 8))
    there = h5s.create_simple((4, 8))
    with h5py.File(path, "w", libver="latest") as file:
        plan = h5p.create(h5p.DATASET_CREATE)
        plan.set_virtual(space, source, b"/d", there)
        whole = h5s.create_simple((4, 8), (h5s.UNLIMITED, 8))
        h5d.create(file.id, b"v", h5t.NATIVE_DOUBLE, whole, plan)


def test_the_sources_of_an_unlimited_virtual_dataset_stay_closed(tmp_path: Path) -> None:
    # opening a pipe that nobody writes to would never end
    os.mkfifo(tmp_path / "pipe-0")
    path = tmp_path / "v.h5"
    _unlimited(path, b"pipe-%b")
    array = _index(path).array("/v")
    assert (array.layout, array.is_endless) == ("virtual", True)
    # as it stands in the file; how long it is now is for who knows its sources
    assert array.shape == (4, 8)


def test_other_virtual_datasets_keep_their_sources_closed_too(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "v.h5"
    layout = h5py.VirtualLayout((4, 8), "f8", maxshape=(None, 8))
    layout[:] = h5py.VirtualSource("pipe", "/d", (4, 8))
    texts = h5py.VirtualLayout((4,), h5py.string_dtype())
    texts[:] = h5py.VirtualSource("pipe", "/t", (4,))
    odd = h5py.VirtualLayout((4,), "f8")
    odd[[0, 1, 3]] = h5py.VirtualSource("pipe", "/t", (3,))
    with h5py.File(path, "w", libver="latest") as file:
        file.create_virtual_dataset("v", layout)
        file.create_virtual_dataset("texts", texts)
        file.create_virtual_dataset("odd", odd)
    index = _index(path)
    assert index.array("/v").layout == "virtual"
    assert (index.array("/texts").layout, index.array("/texts").why) == (
        "refused",
        "variable-length",
    )
    assert (index.array("/odd").layout, index.array("/odd").why) == ("refused", "odd-selection")


def test_a_fill_time_that_is_none_fills_nothing(tmp_path: Path) -> None:
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("d", (20,), "<i2", chunks=(5,), fillvalue=-3)
        data[6:9] = 4
    content = path.read_bytes()
    # version, time of allocation, time of filling, that there is a value, its size and itself
    message = bytes([2, 3, 2, 1, 2, 0, 0, 0, 0xFD, 0xFF])
    assert content.count(message) == 1
    path.write_bytes(content.replace(message, bytes([2, 3, 0xFF]) + message[3:]))
    with h5py.File(path) as file:
        assert file["d"][0] == 0
    index = _index(path)
    assert index.array("/d").fill == bytes(2)


def test_a_fill_value_that_is_shorter_than_an_item_is_left_to_the_library(tmp_path: Path) -> None:
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("d", (20,), "<i2", chunks=(5,), fillvalue=-3)
        data[6:9] = 4
        file.create_dataset("whole", (20,), "<i2", chunks=(5,), fillvalue=-3)[:] = 7
    index = _index(path)
    assert [index.array(name).fill for name in ("/d", "/whole")] == [b"\xfd\xff"] * 2
    content = path.read_bytes()
    message = bytes([2, 3, 2, 1, 2, 0, 0, 0, 0xFD, 0xFF])
    assert content.count(message) == 2
    path.write_bytes(content.replace(message, message[:4] + bytes([1]) + message[5:]))
    index = _index(path)
    # the library tells the second byte from wherever it is in its memory
    assert index.array("/d").layout == "library"
    # nothing of it has to be filled
    assert index.array("/whole").layout == "chunked"
