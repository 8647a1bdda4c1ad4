"""Virtual datasets without an end: as long as HDF5 says, and never values that are not there."""

from pathlib import Path
from typing import Any

import chunk_zoo
import h5py
import numpy as np
import pytest
from h5py import h5d, h5p, h5s, h5t
from hypothesis import given, settings
from hypothesis import strategies as st
from test_chunk_virtual import finder

from panosc.domain.errors import Unreadable
from panosc.files.chunks.endless import settled
from panosc.files.chunks.mapping import Found, plan_virtual
from panosc.files.chunks.selection import Selection, Span, whole
from panosc.files.chunks.virtual import read_virtual
from panosc.files.storage.local import LocalSource

END = h5s.UNLIMITED
WIDTH = 4
FILL = 9999
Run = tuple[int, int, int, int]
"""Start, stride, count, block along the first dimension."""


def space(run: Run, *, extent: int = 0) -> h5s.SpaceID:
    made = h5s.create_simple((extent, WIDTH), (END, WIDTH))
    start, stride, count, block = run
    made.select_hyperslab((start, 0), (count, 1), (stride, 1), (block, WIDTH))
    return made


def frames(number: int, count: int) -> Any:
    return (1000 * (number + 1) + np.arange(count * WIDTH).reshape(count, WIDTH)).astype("<u2")


def source(path: Path, number: int, count: int, name: str = "data") -> None:
    with h5py.File(path, "a") as file:
        file.create_dataset(
            name, data=frames(number, count), maxshape=(None, WIDTH), chunks=(3, WIDTH)
        )


def master(path: Path, maps: list[tuple[Run, str, str, Run]], *, extent: int = 0) -> None:
    """Write a virtual dataset of `maps`: where here, file, path, and where there."""
    plan = h5p.create(h5p.DATASET_CREATE)
    plan.set_fill_value(np.array(FILL, "<u2"))
    for here, file, name, there in maps:
        plan.set_virtual(space(here, extent=extent), file.encode(), name.encode(), space(there))
    with h5py.File(path, "w", libver="latest") as file:
        room = h5s.create_simple((extent, WIDTH), (END, WIDTH))
        h5d.create(file.id, b"v", h5t.STD_U16LE, room, plan).close()


def by_h5py(path: Path) -> Any:
    with h5py.File(path) as file:
        return file["v"][()]


def shape_of(path: Path, view: int = h5d.VDS_LAST_AVAILABLE) -> tuple[int, ...]:
    access = h5p.create(h5p.DATASET_ACCESS)
    access.set_virtual_view(view)
    access.set_virtual_printf_gap(0)
    with h5py.File(path) as file:
        found: tuple[int, ...] = h5d.open(file.id, b"v", access).shape
        return found


def ours(path: Path) -> Found:
    return finder(path.parent, path.name, {})(".", "v")


def read(found: Found, array: Any, spans: tuple[Span, ...]) -> Any:
    """Return what is selected; None where a source is said to be missing."""
    assert found.find is not None
    try:
        planned = plan_virtual(array, Selection(spans=spans), found.find)
    except Unreadable as error:
        if error.reason != "missing-source":
            raise
        return None
    return read_virtual(planned, LocalSource)


def compare(path: Path) -> int:
    """Hold our rows against those of h5py; return how many are told to be missing."""
    found = ours(path)
    assert found.find is not None
    expected = by_h5py(path)
    array = settled(found.array, found.find)
    assert array.shape == expected.shape
    first = settled(found.array, found.find, view="first-missing")
    assert first.shape == shape_of(path, h5d.VDS_FIRST_MISSING)
    missing = 0
    for row in range(expected.shape[0]):
        spans = (Span(start=row, stop=row + 1), Span(start=0, stop=WIDTH))
        values = read(found, array, spans)
        if values is None:
            assert (expected[row] == FILL).all()
            missing += 1
        else:
            assert np.array_equal(values[0], expected[row]), row
    # as far as the other view reaches nothing is missing
    assert first.shape is not None
    if not missing:
        everything = read(found, array, whole(array.shape or ()).spans)
        assert chunk_zoo.same(everything, expected)
        # what was not settled before is settled by who plans
        again = plan_virtual(found.array, whole(array.shape or ()), found.find)
        assert chunk_zoo.same(read_virtual(again, LocalSource), expected)
    return missing


WHOLE: Run = (0, 1, 1, END)


def test_one_that_grows_with_its_source(tmp_path: Path) -> None:
    source(tmp_path / "a.h5", 0, 7)
    master(tmp_path / "m.h5", [(WHOLE, "a.h5", "data", WHOLE)])
    assert compare(tmp_path / "m.h5") == 0
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["data"].resize((12, WIDTH))
        file["data"][7:] = 5
    assert ours(tmp_path / "m.h5").array.is_endless
    assert compare(tmp_path / "m.h5") == 0


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_file_for_each_block(tmp_path: Path, count: int) -> None:
    for number in range(count):
        source(tmp_path / f"part_{number}.h5", number, 5, name=f"frames%{number}")
    # behind a gap nobody looks
    source(tmp_path / f"part_{count + 1}.h5", 8, 5, name=f"frames%{count + 1}")
    block: Run = (2, 6, END, 5)
    master(tmp_path / "m.h5", [(block, "part_%b.h5", "frames%%%b", (0, 1, 1, 5))])
    assert compare(tmp_path / "m.h5") == 0


def test_files_of_which_some_are_shorter_are_told(tmp_path: Path) -> None:
    for number, length in enumerate((5, 3, 4)):
        source(tmp_path / f"{number}.h5", number, length)
    maps = [((number, 3, END, 1), f"{number}.h5", "data", WHOLE) for number in range(3)]
    master(tmp_path / "m.h5", maps)
    # h5py shows 13 rows, one of which it fills
    assert compare(tmp_path / "m.h5") == 1


@pytest.mark.parametrize("length", [8, 3])
def test_what_has_an_end_beside_what_has_none(tmp_path: Path, length: int) -> None:
    source(tmp_path / "a.h5", 0, length)
    source(tmp_path / "b.h5", 1, 4)
    maps = [((0, 2, END, 1), "a.h5", "data", WHOLE), ((7, 2, 4, 1), "b.h5", "data", (0, 1, 4, 1))]
    master(tmp_path / "m.h5", maps, extent=14)
    if length == 8:
        assert compare(tmp_path / "m.h5") == 0
        return
    # of a shorter one HDF5 2.0 ends the process that reads it
    found = ours(tmp_path / "m.h5")
    assert found.find is not None
    with pytest.raises(Unreadable) as caught:
        settled(found.array, found.find)
    assert caught.value.reason == "unsupported-mapping"


runs = st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(0, 3)).map(
    lambda drawn: (drawn[0], drawn[1] + drawn[2], END, drawn[1])
)


@settings(max_examples=50, deadline=None)
@given(
    maps=st.lists(st.tuples(runs, runs, st.integers(0, 14)), min_size=1, max_size=3),
    parts=st.none() | st.tuples(runs, st.integers(0, 3)),
)
def test_any_pattern_is_as_h5py_has_it(
    tmp_path_factory: pytest.TempPathFactory, maps: Any, parts: Any
) -> None:
    folder = tmp_path_factory.mktemp("endless")
    told = []
    for number, (here, there, extra) in enumerate(maps):
        # not within its first block: see below
        length = extra and there[0] + there[3] + extra - 1
        source(folder / f"{number}.h5", number, length)
        told.append((here, f"{number}.h5", "data", there))
    if parts is not None:
        here, count = parts
        for number in range(count):
            source(folder / f"p{number}.h5", 20 + number, here[3])
        told.append((here, "p%b.h5", "data", (0, 1, 1, here[3])))
    master(folder / "m.h5", told)
    if len(told) == 1:
        compare(folder / "m.h5")
        return
    # which of two that overlap is on top does not matter here
    found = ours(folder / "m.h5")
    assert found.find is not None
    array = settled(found.array, found.find)
    assert array.shape == shape_of(folder / "m.h5")
    first = settled(found.array, found.find, view="first-missing")
    assert first.shape == shape_of(folder / "m.h5", h5d.VDS_FIRST_MISSING)


def test_a_source_that_is_not_there_leaves_the_extent_open(tmp_path: Path) -> None:
    source(tmp_path / "a.h5", 0, 7)
    maps = [((0, 2, END, 1), "a.h5", "data", WHOLE), ((1, 2, END, 1), "b.h5", "data", WHOLE)]
    master(tmp_path / "m.h5", maps)
    # h5py would show seven rows, and six of them filled
    assert by_h5py(tmp_path / "m.h5").shape == (13, WIDTH)
    found = ours(tmp_path / "m.h5")
    assert found.find is not None
    with pytest.raises(Unreadable) as caught:
        settled(found.array, found.find)
    assert caught.value.reason == "missing-source"
    assert "b.h5:data" in caught.value.detail


def test_one_of_itself_ends(tmp_path: Path) -> None:
    master(tmp_path / "m.h5", [(WHOLE, ".", "v", WHOLE)])
    found = ours(tmp_path / "m.h5")
    assert found.find is not None
    with pytest.raises(Unreadable) as caught:
        settled(found.array, found.find)
    assert caught.value.reason == "unsupported-mapping"


@pytest.mark.parametrize("is_endless", [True, False], ids=["endless", "with-an-end"])
def test_one_of_another_without_an_end_is_refused(tmp_path: Path, is_endless: bool) -> None:
    """HDF5 takes the extent that the inner one was written with."""
    source(tmp_path / "a.h5", 0, 6)
    master(tmp_path / "inner.h5", [((0, 3, END, 2), "a.h5", "data", WHOLE)])
    count = END if is_endless else 3
    maps = [((0, 1, 1, count), "inner.h5", "v", (0, 1, 1, count))]
    master(tmp_path / "m.h5", maps, extent=3)
    assert (by_h5py(tmp_path / "m.h5") == FILL).all()
    found = ours(tmp_path / "m.h5")
    assert found.find is not None
    with pytest.raises(Unreadable) as caught:
        plan_virtual(found.array, whole((3, WIDTH)), found.find)
    assert caught.value.reason == "unsupported-mapping"


def test_one_that_ends_within_its_first_block_is_refused(tmp_path: Path) -> None:
    source(tmp_path / "a.h5", 0, 3)
    master(tmp_path / "m.h5", [((1, 6, END, 4), "a.h5", "data", (1, 7, END, 4))])
    # the library does not read what it takes for the extent
    with pytest.raises(OSError, match="different number of elements"):
        by_h5py(tmp_path / "m.h5")
    found = ours(tmp_path / "m.h5")
    assert found.find is not None
    with pytest.raises(Unreadable) as caught:
        settled(found.array, found.find)
    assert caught.value.reason == "unsupported-mapping"


def test_what_cannot_be_decided_is_refused(tmp_path: Path) -> None:
    """The dimension that grows is the first here and the second there."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.ones((WIDTH, 5), "<u2"), maxshape=(WIDTH, None))
    plan = h5p.create(h5p.DATASET_CREATE)
    there = h5s.create_simple((WIDTH, 5), (WIDTH, END))
    there.select_hyperslab((0, 0), (1, 1), (1, 1), (WIDTH, END))
    plan.set_virtual(space(WHOLE), b"a.h5", b"data", there)
    with h5py.File(tmp_path / "m.h5", "w", libver="latest") as file:
        room = h5s.create_simple((0, WIDTH), (END, WIDTH))
        h5d.create(file.id, b"v", h5t.STD_U16LE, room, plan).close()
    array = ours(tmp_path / "m.h5").array
    assert (array.layout, array.why) == ("refused", "odd-selection")
