"""The texts of selections: what numpy takes of them, and what is told of those that are none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panosc.domain.errors import Invalid
from panosc.files.chunks.selection import bands, parse, whole


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", ()),
        ("0", (0,)),
        ("-1", (-1,)),
        ("1,2,3", (1, 2, 3)),
        (" 1 , 2 : 5 ", (1, slice(2, 5))),
        (":,::2", (slice(None), slice(None, None, 2))),
        ("0:10:5,2,3:", (slice(0, 10, 5), 2, slice(3, None))),
        ("-3:-1", (slice(-3, -1),)),
        ("3:1", (slice(3, 1),)),
        ("99:", (slice(99, None),)),
        ("::9999999999999999999", (slice(None, None, 9999999999999999999),)),
        (":9999999999999999999", (slice(None, 9999999999999999999),)),
    ],
)
def test_a_text_takes_what_numpy_takes(text: str, index: tuple[int | slice, ...]) -> None:
    content = np.arange(4 * 6 * 8).reshape(4, 6, 8)
    selection = parse(text, content.shape)
    assert selection.shape == content[index].shape
    assert selection.points == content[index].size
    assert np.array_equal(content[selection.index], content[index])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4", "Dimension 0 of the dataset has 4 elements; 4 is outside"),
        ("0,-7", "Dimension 1 of the dataset has 6 elements; -7 is outside"),
        ("1,2,3,4", "names 4 dimensions, but the dataset has 3: its shape is 4 × 6 × 8"),
        ("::-1", "step of '::-1' (dimension 0) has to be 1 or more"),
        ("::0", "has to be 1 or more"),
        ("...", "neither a whole number nor a slice"),
        ("[0;1]", "neither"),
        ("1,", "'' (dimension 1) is neither"),
        ("1:2:3:4", "neither"),
        ("1.5", "neither"),
        ("0x1", "neither"),
        ("1_0", "neither"),
        ("+1", "neither"),
        ("٣", "neither"),
        ("1e3", "neither"),
        ("99999999999999999999999", "neither"),
        ("1" + ":" * 2000, "at most 1000 characters"),
    ],
)
def test_what_is_no_selection_is_told(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(text, (4, 6, 8))
    assert caught.value.field == "selection"
    assert words in caught.value.detail
    assert "such as 0,10:20,::2" in (caught.value.hint or "")


def test_a_single_value_has_no_dimensions() -> None:
    assert parse("", ()).shape == ()
    assert parse(None, ()).points == 1
    with pytest.raises(Invalid, match="a single value"):
        parse("0", ())


@given(text=st.text(alphabet="0123456789:,- ", max_size=30))
def test_any_text_is_as_numpy_has_it_or_invalid(text: str) -> None:
    content = np.arange(60).reshape(3, 4, 5)
    try:
        selection = parse(text, content.shape)
    except Invalid:
        return
    index = tuple(
        slice(*(int(word) if word.strip() else None for word in part.split(":")))
        if ":" in part
        else int(part)
        for part in text.split(",")
        if text.strip()
    )
    assert np.array_equal(content[selection.index], content[index])
    assert selection.shape == content[index].shape


def test_bands_end_where_chunks_end() -> None:
    parts = list(bands(whole((100, 10)), 2, 2 * 10 * 25, chunks=(10, 10)))
    assert [part.counts for part in parts] == [(20, 10)] * 5
    assert [part.counts for part in bands(whole((100, 10)), 2, 500)] == [(25, 10)] * 4
    # a row is more than the limit
    assert [part.counts for part in bands(whole((2, 10)), 2, 12)] == [(1, 6), (1, 4)] * 2
    assert list(bands(whole((0, 10)), 2, 12)) == []
    assert [part.shape for part in bands(whole(()), 8, 1)] == [()]
    several = list(bands(parse("1:90:7,2", (100, 10)), 2, 10, chunks=(10, 10)))
    # 1 8 | 15 | 22 29 | 36 | 43 | 50 57 … : each ends where one of the chunks of ten does
    assert sum(part.points for part in several) == 13
