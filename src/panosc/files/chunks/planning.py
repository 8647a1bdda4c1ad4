"""What has to be read for a selection: a small plan made from the index, without the file.

A `Plan` goes to the worker that reads (`files.chunks.reading`); its `cost` tells beforehand
how much work that is. What only the HDF5 library or other files can answer has no plan:
`way_of` tells which way an array is read.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, Final, Literal, TypeAlias

import numpy as np

from panosc.domain.errors import TooLarge, Unreadable
from panosc.files.chunks.known import BITSHUFFLE, LZ4, ZSTD, are_known
from panosc.files.chunks.selection import Selection, Span
from panosc.files.index.contents import Array, Filter

Rows: TypeAlias = "np.ndarray[Any, np.dtype[np.void]]"
Way: TypeAlias = Literal["plan", "virtual", "values", "library", "refused"]

ROW: Final = np.dtype([("number", "<u8"), ("offset", "<u8"), ("size", "<u4"), ("mask", "<u4")])
"""Of the table of chunks."""
CHUNK_BYTES: Final = 256 * 2**20
"""Largest chunk that is decoded."""
MOST_PIECES: Final = 250_000
"""Most chunks, or separate ranges of bytes, of one plan."""
BLOCK_BYTES: Final = 8_192
"""Of bitshuffle, as nearly everybody has it; the cost is reckoned with it."""
HULL_BYTES: Final = 2**20
"""Contiguous values that lie this near to each other are read at once, gaps and all."""
READ_COST: Final = 4_096
"""What one more read costs, in bytes that could be read instead."""
_FEW: Final = 64
_RANK: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to read of a file, and how to make the answer of it."""

    layout: Literal["contiguous", "compact", "chunked"]
    shape: tuple[int, ...]
    """Of the whole array."""
    dtype: str
    selection: Selection
    offset: int = -1
    chunks: tuple[int, ...] = ()
    filters: tuple[Filter, ...] = ()
    fill: bytes = b""
    rows: bytes = b""
    """Of the chunks that are touched and were ever written, in C order."""
    touched: int = 0
    """How many chunks the selection touches; those without a row are all fill value."""
    values: bytes = b""
    cost: int = 0
    """Bytes that have to be decoded, or read where nothing is to be decoded."""
    output_bytes: int = 0
    """Of the answer."""

    @property
    def table(self) -> Rows:
        """The rows as a structured array."""
        return np.frombuffer(self.rows, ROW)


Facts: TypeAlias = tuple[Any, ...]
"""What all plans for one array have in common."""


def facts_of(plan: Plan) -> Facts:
    """Return what `restored` needs of the array; the rest goes along with each plan."""
    return (
        plan.layout,
        plan.shape,
        plan.dtype,
        plan.offset,
        plan.chunks,
        plan.filters,
        plan.fill,
        plan.values,
    )


def restored(
    facts: Facts, spans: "Sequence[tuple[int, int, int, bool]]", rows: bytes, touched: int
) -> Plan:
    """Return the plan that was taken apart, but for what it costs."""
    layout, shape, dtype, offset, chunks, filters, fill, values = facts
    found = [
        Span(start=start, stop=stop, step=step, is_single=is_single)
        for start, stop, step, is_single in spans
    ]
    return Plan(
        layout=layout,
        shape=shape,
        dtype=dtype,
        selection=Selection(spans=tuple(found)),
        offset=offset,
        chunks=chunks,
        filters=filters,
        fill=fill,
        rows=rows,
        touched=touched,
        values=values,
    )


def way_of(array: Array) -> Way:
    """Return how the values of an array are read; `plan` means by `plan` and `reading.read`."""
    if array.layout in {"virtual", "values", "refused"}:
        return array.layout
    if array.layout == "library" or not array.dtype or array.shape is None:
        return "library"
    if array.layout == "chunked" and not are_known(array.filters):
        return "library"
    return "plan"


def plan(array: Array, rows: Rows, selection: Selection) -> Plan:
    """Return what has to be read for `selection` of an array.

    Raises
    ------
    Unreadable
        When it is not read this way, or what the file says of itself cannot be.
    TooLarge
        When it is more than `MOST_PIECES` chunks or ranges.
    """
    if way_of(array) != "plan" or array.shape is None:
        raise Unreadable(
            f"its values are not read chunk by chunk: {array.why or array.layout}",
            reason="unsupported-layout",
        )
    if len(array.shape) > _RANK or len(selection.spans) != len(array.shape):
        raise Unreadable("its shape is not one of HDF5", reason="damaged")
    item = item_bytes(array.dtype)
    output = selection.points * item
    if array.layout == "chunked":
        return _plan_chunked(array, rows, selection, item=item, output=output)
    if array.layout == "compact" and len(array.values) < prod(array.shape) * item:
        raise Unreadable("it holds fewer values than its shape says", reason="damaged")
    is_written = array.layout == "contiguous" and array.offset >= 0
    if is_written and array.nbytes < prod(array.shape) * item:
        raise Unreadable("it has less room in the file than its shape says", reason="damaged")
    return Plan(
        layout="compact" if array.layout == "compact" else "contiguous",
        shape=array.shape,
        dtype=array.dtype,
        selection=selection,
        offset=array.offset,
        fill=array.fill,
        values=array.values,
        cost=_cost_of_ranges(selection, shape=array.shape, item=item) if is_written else 0,
        output_bytes=output,
    )


@lru_cache(maxsize=256)
def item_bytes(dtype: str) -> int:
    """Return the size of one value."""
    try:
        size = np.dtype(dtype).itemsize
    except TypeError:
        size = 0
    if not size:
        raise Unreadable(f"its type {dtype!r} has no size", reason="damaged")
    return size


# ---- contiguous ----


def ranges_depth(selection: Selection, shape: tuple[int, ...], *, item: int) -> int:
    """Return how many dimensions are gone through one by one; the rest is read at once.

    What lies between the first and the last byte of the rest is read with it, when that is
    little or not much more than what is wanted.
    """
    hull = wanted = item
    depth = len(shape)
    stride = item
    for span, extent in zip(reversed(selection.spans), reversed(shape), strict=True):
        hull += (span.last - span.start) * stride
        wanted *= span.count
        if hull > max(HULL_BYTES, 2 * wanted):
            return depth
        stride *= extent
        depth -= 1
    return 0


def _cost_of_ranges(selection: Selection, *, shape: tuple[int, ...], item: int) -> int:
    if not selection.points:
        return 0
    depth = ranges_depth(selection, shape, item=item)
    reads = prod(selection.counts[:depth])
    _bound(reads)
    hull = stride = item
    for span, extent in zip(
        reversed(selection.spans[depth:]), reversed(shape[depth:]), strict=True
    ):
        hull += (span.last - span.start) * stride
        stride *= extent
    return reads * (hull + (READ_COST if depth else 0))


# ---- chunked ----


def _plan_chunked(
    array: Array, rows: Rows, selection: Selection, *, item: int, output: int
) -> Plan:
    shape, chunks = array.shape or (), array.chunks
    if len(chunks) != len(shape) or not chunks or min(chunks) < 1:
        raise Unreadable(f"its chunks {chunks} do not fit its shape {shape}", reason="damaged")
    chunk_bytes = prod(chunks) * item
    if chunk_bytes > CHUNK_BYTES:
        raise Unreadable(
            f"its chunks have {chunk_bytes} bytes each, more than {CHUNK_BYTES}",
            reason="chunk-too-large",
        )
    touched, found = 0, rows[:0]
    if output:
        indices = [
            _touched(span, chunk) for span, chunk in zip(selection.spans, chunks, strict=True)
        ]
        touched = prod(len(some) for some in indices)
        _bound(touched)
        found = _find(rows, indices, grid_of(shape, chunks))
    return Plan(
        layout="chunked",
        shape=shape,
        dtype=array.dtype,
        selection=selection,
        chunks=chunks,
        filters=array.filters,
        fill=array.fill,
        rows=found.tobytes(),
        touched=touched,
        cost=len(found) * _cost_of_chunk(array, selection, touched=touched, item=item)
        if len(found)
        else 0,
        output_bytes=output,
    )


@lru_cache(maxsize=1024)
def grid_of(shape: tuple[int, ...], chunks: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many chunks there are along each dimension."""
    grid = tuple(-(-extent // chunk) for extent, chunk in zip(shape, chunks, strict=True))
    if prod(grid) >= 2**63:
        raise Unreadable("it has more chunks than can be counted", reason="too-large")
    return grid


def _touched(span: Span, chunk: int) -> "range | np.ndarray[Any, np.dtype[np.int64]]":
    """Return the chunks of one dimension that hold something of the span."""
    if span.step <= chunk:
        return range(span.start // chunk, span.last // chunk + 1)
    _bound(span.count)
    # each is in another chunk, for the step is the larger
    return (span.start + np.arange(span.count, dtype=np.int64) * span.step) // chunk


def _find(rows: Rows, indices: "list[Any]", grid: tuple[int, ...]) -> Rows:
    """Return the rows of chunks, given by their places along each dimension."""
    if not len(rows):
        return rows[:0]
    column = rows["number"]
    is_complete = len(rows) == prod(grid)
    if all(len(some) == 1 for some in indices):
        number = _number([some[0] for some in indices], grid)
        place = number if is_complete else bisect_left(column, number)
        is_there = place < len(rows) and column[place] == number
        return rows[place : place + 1] if is_there else rows[:0]
    if prod(len(some) for some in indices) <= _FEW:
        numbers = [_number(place, grid) for place in product(*indices)]
        found = numbers if is_complete else [bisect_left(column, number) for number in numbers]
        return rows[_matching(column, found, numbers)]
    table = np.zeros((), np.int64)
    for some, extent in zip(indices, grid, strict=True):
        table = (table * extent)[..., None] + np.asarray(some, np.int64)
    wanted = table.reshape(-1)
    low, high = (
        (0, 0)
        if is_complete
        else (bisect_left(column, int(wanted[0])), bisect_left(column, int(wanted[-1]) + 1))
    )
    if is_complete:
        places = wanted
    else:
        # the column has gaps between its numbers: only the part that matters is copied
        places = low + np.searchsorted(column[low:high].astype(np.int64), wanted)
    inside = places < len(rows)
    places, wanted = places[inside], wanted[inside]
    chosen: Rows = rows[places[column[places] == wanted]]
    return chosen


def _matching(column: Any, found: Iterable[int], numbers: list[int]) -> list[int]:
    count = len(column)
    return [
        place
        for place, number in zip(found, numbers, strict=True)
        if place < count and column[place] == number
    ]


def _number(place: Iterable[int], grid: tuple[int, ...]) -> int:
    number = 0
    for index, extent in zip(place, grid, strict=True):
        number = number * extent + int(index)
    return number


def _cost_of_chunk(array: Array, selection: Selection, *, touched: int, item: int) -> int:
    """Return how many bytes of each chunk are decoded, about."""
    whole = prod(array.chunks) * item
    if not array.filters:
        return min(whole, max(READ_COST, selection.points * item // touched))
    if not has_blocks(array.filters):
        return whole
    runs = 1
    inner = item
    for number, (span, chunk) in enumerate(zip(selection.spans, array.chunks, strict=True)):
        within = min(span.count, -(-chunk // span.step))
        if number < len(array.chunks) - 1:
            runs *= within
        else:
            inner *= (within - 1) * span.step + 1
    hull = item
    stride = item
    for span, chunk in zip(reversed(selection.spans), reversed(array.chunks), strict=True):
        hull += min(span.last - span.start, chunk - 1) * stride
        stride *= chunk
    return min(whole, runs * (inner + BLOCK_BYTES), hull + BLOCK_BYTES)


def has_blocks(filters: tuple[Filter, ...]) -> bool:
    """Whether parts of a chunk can be decoded without the rest of it."""
    return (
        len(filters) == 1
        and filters[0].id == BITSHUFFLE
        and len(filters[0].values) > 4  # noqa: PLR2004 - the fifth is the compressor
        and filters[0].values[4] in {LZ4, ZSTD}
    )


def _bound(pieces: int) -> None:
    if pieces > MOST_PIECES:
        raise TooLarge(
            f"The selection lies in {pieces} pieces of the file; at most {MOST_PIECES} are read "
            "for one answer.",
            limit=MOST_PIECES,
            hint="Ask for a smaller part, one after the other.",
        )
