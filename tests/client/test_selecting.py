"""Selections and bands against numpy: whatever is selected, each element is read, and once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.client.data.bands import bands, block
from panosc.client.data.selecting import parse, select
from panosc.domain.errors import Invalid


@st.composite
def cases(draw):
    """Draw a shape, a key of numpy for it, chunks, and how much a band may hold."""
    shape = tuple(draw(st.lists(st.integers(1, 9), max_size=3)))
    whole = st.none() | st.integers(-11, 11)
    steps = st.sampled_from([None, 1, 2, 3, 7, -1, -2])
    used = draw(st.integers(0, len(shape)))
    key = [
        draw(st.integers(-length, length - 1) | st.builds(slice, whole, whole, steps))
        for length in shape[:used]
    ]
    if draw(st.booleans()):
        key.append(Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    chunks = tuple(draw(st.integers(1, length)) for length in shape)
    return shape, tuple(key), draw(st.none() | st.just(chunks)), draw(st.integers(1, 40))


def read(values, text):
    """Read as a node does, from its grammar."""
    parts = [part for part in text.split(",") if part]
    key = [int(part) if ":" not in part else slice(*map(int, part.split(":"))) for part in parts]
    return values[tuple(key)]


@given(cases())
def test_bands_make_what_numpy_selects(case):
    shape, key, chunks, most = case
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    selection = select(key, shape)
    found = np.full(selection.shape, -1)
    count = 0
    for band, there in bands(selection, chunks, most=most):
        assert band.size <= most
        found[there] = read(values, band.text)
        count += band.size
    assert count == selection.size == values[key].size
    whole = selection.finish(found)
    assert whole.shape == values[key].shape
    assert np.array_equal(whole, values[key])


@given(cases())
def test_rows_make_the_whole(case):
    shape, key, _, each = case
    key = tuple(item for item in key if item is not None)
    selection = select(key, shape)
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    if not selection.shape:
        return
    whole = values[key]
    for first in range(0, selection.shape[0], each):
        rows = selection.rows(first, min(first + each, selection.shape[0]))
        if rows.size:
            part = rows.finish(read(values, rows.text))
            assert np.array_equal(part, whole[first : first + each])


@pytest.mark.parametrize(
    ("lengths", "chunks", "most", "found"),
    [
        ((200, 1024, 1024), (1, 1024, 1024), 2**23, (8, 1024, 1024)),
        ((200, 1024, 1024), (200, 64, 64), 2**20, (200, 64, 64)),
        ((200, 1024, 1024), (200, 64, 64), 2**10, (1, 16, 64)),
        ((200, 1024, 1024), (1, 1, 1), 2**21, (2, 1024, 1024)),
        ((5,), (100,), 1000, (5,)),
        ((), (), 10, ()),
    ],
)
def test_blocks_are_whole_chunks_where_they_fit(lengths, chunks, most, found):
    assert block(lengths, chunks, most=most) == found


def test_texts():
    assert parse("0, 10:20 ,::2,...") == (0, slice(10, 20), slice(None, None, 2), Ellipsis)
    assert parse("-1") == (-1,)
    assert parse("") == parse("  ") == ()
    for text in ("a", "1,,2", "1:2:3:4", "1.5", "[1]", "1:x", "9" * 5000):
        with pytest.raises(Invalid):
            parse(text)
    for key in (slice("a"), slice(0, 5, 0), slice(1.5)):
        with pytest.raises(Invalid):
            select(key, (5,))
