"""Virtual datasets: equal to h5py where all sources are there, and an error where one is not."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chunk_zoo
import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chunk_reading import spans

from panosc.domain.errors import NotFound, Unreadable
from panosc.files.chunks.mapping import Finder, Found, plan_virtual
from panosc.files.chunks.selection import parse
from panosc.files.chunks.virtual import read_virtual
from panosc.files.index.contents import Array
from panosc.files.storage.local import LocalSource

FRAMES = chunk_zoo.values((6, 9, 7), "<u2")


def finder(folder: Path, file: str, known: dict[Path, dict[str, Array]]) -> Finder:
    """Find sources in one folder, as the node does in one dataset."""

    def find(name: str, path: str) -> Found:
        place = folder / (file if name == "." else name)
        if place.parent != folder or not place.exists():
            raise NotFound(f"There is no file {name}.")
        if place not in known:
            known[place] = chunk_zoo.arrays(place)
        array = known[place].get("/" + path.strip("/"))
        if array is None:
            raise NotFound(f"There is no {path} in {name}.")
        return Found(
            token=str(place),
            array=array,
            rows=chunk_zoo.rows_of(array),
            path=path,
            find=finder(folder, place.name, known),
        )

    return find


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("virtual")
    for number in range(3):
        with h5py.File(folder / f"part{number}.h5", "w") as file:
            content = FRAMES + 100 * number
            pipeline = list(chunk_zoo.PIPELINES.values())[(0, 1, 7)[number]]
            chunks = None if not number else (1, 9, 7)
            file.create_dataset("data", data=content, chunks=chunks, **pipeline)
            file.create_dataset("lzf", data=content, chunks=(1, 9, 7), compression="lzf")
            file["line"] = np.arange(24, dtype="<u2") + 1000 * number
            file["bytes"] = np.arange(24, dtype="u1")
    with h5py.File(folder / "master.h5", "w") as file:
        layouts = {
            "stacked": stacked(),
            "frames": each_frame(),
            "interleaved": interleaved(),
            "tiles": tiles(),
            "folded": folded(),
            "over": overlapping(),
            "wider": wider(),
            "whole": whole_source(),
            "library": by_library(),
        }
        for name, layout in layouts.items():
            file.create_virtual_dataset(name, layout, fillvalue=7)
        inner = h5py.VirtualLayout((18, 9, 7), "<u2")
        inner[...] = h5py.VirtualSource(".", "/stacked", shape=(18, 9, 7))
        file.create_virtual_dataset("nested", inner, fillvalue=1)
        blocks(file)
        lost = stacked()
        lost[0:2] = h5py.VirtualSource("gone.h5", "data", shape=(2, 9, 7))
        file.create_virtual_dataset("lost", lost, fillvalue=0)
    return folder


def part(number: int, name: str = "data", shape: tuple[int, ...] = (6, 9, 7)) -> Any:
    return h5py.VirtualSource(f"part{number}.h5", name, shape=shape)


def stacked() -> Any:
    layout = h5py.VirtualLayout((18, 9, 7), "<u2")
    for number in range(3):
        layout[6 * number : 6 * number + 6] = part(number)
    return layout


def each_frame() -> Any:
    """A frame here for a frame there, backwards, and gaps of fill value."""
    layout = h5py.VirtualLayout((20, 9, 7), "<u2")
    for frame in range(18):
        layout[19 - frame] = part(frame % 3)[frame // 3]
    return layout


def interleaved() -> Any:
    layout = h5py.VirtualLayout((18, 9, 7), "<u2")
    for number in range(3):
        layout[number::3] = part(number)
    return layout


def tiles() -> Any:
    """Modules of a detector with gaps between them."""
    layout = h5py.VirtualLayout((6, 20, 16), "<u2")
    layout[:, :9, :7] = part(0)
    layout[:, 11:, :7] = part(1)
    layout[::2, 4:8, 9:] = part(2)[1::2, 1:8:2, :]
    return layout


def folded() -> Any:
    """Lines become images: the dimensions are not the same."""
    layout = h5py.VirtualLayout((3, 4, 6), "<u2")
    for number in range(3):
        layout[number] = part(number, "line", (24,))
    return layout


def overlapping() -> Any:
    layout = h5py.VirtualLayout((8, 9, 7), "<u2")
    layout[0:6] = part(0)
    layout[4:8] = part(1)[0:4]
    return layout


def wider() -> Any:
    layout = h5py.VirtualLayout((2, 24), ">i4")
    layout[0] = part(0, "line", (24,))
    layout[1] = h5py.VirtualSource("part0.h5", "bytes", shape=(24,), dtype="u1")
    return layout


def whole_source() -> Any:
    layout = h5py.VirtualLayout((6, 9, 7), "<u2")
    layout[...] = part(1)
    return layout


def by_library() -> Any:
    layout = h5py.VirtualLayout((6, 9, 7), "<u2")
    layout[:, 2:5] = part(2, "lzf")[:, 2:5]
    return layout


def blocks(file: h5py.File) -> None:
    """Blocks of two rows out of every five, in both."""
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_fill_value(np.array(7, "<u2"))
    here, there = h5s.create_simple((10, 20)), h5s.create_simple((24,))
    here.select_hyperslab((1, 2), (3, 2), (3, 9), (2, 2))
    there.select_hyperslab((0,), (6,), (4,), (4,))
    plan.set_virtual(here, b"part0.h5", b"line", there)
    made = h5d.create(file.id, b"blocks", h5t.STD_U16LE, h5s.create_simple((10, 20)), plan)
    made.close()


NAMES = (
    *("stacked", "frames", "interleaved", "tiles", "folded", "over", "wider", "whole"),
    *("library", "nested", "blocks"),
)


@pytest.fixture(scope="module")
def opened(folder: Path) -> Any:
    known: dict[Path, dict[str, Array]] = {}
    find = finder(folder, "master.h5", known)
    found = {name: find(".", name) for name in (*NAMES, "lost")}
    with h5py.File(folder / "master.h5") as file:
        expected = {name: file[name][...] for name in NAMES}
    return found, expected


def answer(found: Found, text: str) -> tuple[Any, Any]:
    assert found.find is not None
    selection = parse(text, found.array.shape or ())
    planned = pickle.loads(pickle.dumps(plan_virtual(found.array, selection, found.find)))
    return read_virtual(planned, LocalSource), selection


@pytest.mark.parametrize("name", NAMES)
def test_a_virtual_dataset_is_as_h5py_reads_it(name: str, opened: Any) -> None:
    found, expected = opened
    values, _ = answer(found[name], "")
    assert chunk_zoo.same(values, expected[name])
    assert values.any()


@settings(max_examples=150)
@given(data=st.data())
def test_any_selection_of_a_virtual_dataset(opened: Any, data: st.DataObject) -> None:
    found, expected = opened
    name = data.draw(st.sampled_from(NAMES))
    shape = expected[name].shape
    rank = data.draw(st.integers(0, len(shape)))
    text = ",".join(data.draw(spans(extent)) for extent in shape[:rank])
    values, selection = answer(found[name], text)
    assert chunk_zoo.same(values, expected[name][selection.index]), (name, text)


def test_a_missing_source_is_told_and_never_zeros(opened: Any) -> None:
    found, _ = opened
    with pytest.raises(Unreadable) as caught:
        answer(found["lost"], "")
    assert caught.value.reason == "missing-source"
    assert "gone.h5:data is not there" in caught.value.detail
    # what does not need it can be read
    values, _ = answer(found["lost"], "12:")
    assert chunk_zoo.same(values, FRAMES + 200)


def shrink(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = FRAMES[:, :4]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.unlink(), "missing-source"),
        (lambda path: path.write_bytes(b"not HDF5"), "missing-source"),
        (shrink, "missing-source"),
    ],
    ids=["unlinked", "no-hdf5", "shrunk"],
)
def test_a_spoilt_source_is_told(spoil: Callable[[Path], Any], reason: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part0.h5", "w") as file:
        file["data"] = FRAMES
    layout = h5py.VirtualLayout((6, 9, 7), "<u2")
    layout[...] = h5py.VirtualSource("part0.h5", "data", shape=(6, 9, 7))[...]
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file.create_virtual_dataset("d", layout)
    spoil(tmp_path / "part0.h5")
    found = finder(tmp_path, "master.h5", {})(".", "d")
    with pytest.raises(Unreadable) as caught:
        answer(found, "0")
    assert caught.value.reason == reason
    assert "part0.h5:data" in caught.value.detail


def test_a_source_out_of_the_dataset_is_missing(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "set").mkdir()
    with h5py.File(tmp_path / "secret" / "x.h5", "w") as file:
        file["data"] = FRAMES
    with h5py.File(tmp_path / "set" / "master.h5", "w") as file:
        for number, name in enumerate(("../secret/x.h5", str(tmp_path / "secret" / "x.h5"))):
            layout = h5py.VirtualLayout((6, 9, 7), "<u2")
            layout[...] = h5py.VirtualSource(name, "data", shape=(6, 9, 7))[...]
            file.create_virtual_dataset(f"d{number}", layout)
    for number in range(2):
        found = finder(tmp_path / "set", "master.h5", {})(".", f"d{number}")
        with pytest.raises(Unreadable) as caught:
            answer(found, "")
        assert caught.value.reason == "missing-source"


def test_a_virtual_dataset_of_itself_ends(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "loop.h5", "w") as file:
        layout = h5py.VirtualLayout((4,), "<u2")
        layout[...] = h5py.VirtualSource(".", "d", shape=(4,))[...]
        file.create_virtual_dataset("d", layout)
    with pytest.raises(Unreadable) as caught:
        answer(finder(tmp_path, "loop.h5", {})(".", "d"), "")
    assert caught.value.reason == "too-deep"


def test_a_type_that_is_not_kept_exactly_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "part.h5", "w") as file:
        file["data"] = np.array([1.5, 1e30])
    with h5py.File(tmp_path / "master.h5", "w") as file:
        layout = h5py.VirtualLayout((2,), "<i2")
        layout[...] = h5py.VirtualSource("part.h5", "data", shape=(2,), dtype="f8")[...]
        file.create_virtual_dataset("d", layout)
    with pytest.raises(Unreadable) as caught:
        answer(finder(tmp_path, "master.h5", {})(".", "d"), "")
    assert caught.value.reason == "unsupported-mapping"
