"""Reading by plan, in a worker: bytes of the file become the values that were selected.

Everything the plan says of the file is checked against it. What is damaged is an error, never
other values than HDF5 would read. Virtual datasets are `files.chunks.virtual`, what only the
library reads `files.chunks.library`.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from panosc.domain.errors import Unreadable
from panosc.files.chunks import filters
from panosc.files.chunks.blocks import BlockTable, decode_blocks, table_of
from panosc.files.chunks.planning import (
    CHUNK_BYTES,
    Plan,
    grid_of,
    has_blocks,
    item_bytes,
    ranges_depth,
)
from panosc.files.chunks.remembering import Memory
from panosc.files.chunks.selection import Span
from panosc.files.chunks.sources import Source, read_exactly

Values: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

ANSWER_BYTES: Final = 512 * 2**20
"""Largest answer; the lanes allow less."""
_CHUNKS: Final[Memory[Values]] = Memory(64 * 2**20)
"""Decoded chunks, never to be written to again."""
_TABLES: Final[Memory[BlockTable]] = Memory(24 * 2**20)
_OVERHEAD: Final = 400
"""Of a remembered table, in bytes, as Python has it."""
_NEAR: Final = 64 * 2**10
"""Blocks that lie this near to each other are read at once."""
_SCRATCH_BYTES: Final = 16 * 2**20
_SCRATCH: Final[list[Values]] = []
"""Room for the blocks of a chunk: fresh memory costs more than to decode them."""


def read(source: Source, plan: Plan, *, limit_bytes: int = ANSWER_BYTES) -> Values:
    """Return what a plan selects: C order, of the file's own type, perhaps not to be written to.

    Raises
    ------
    Unreadable
        ``truncated`` when the file ends too early, ``damaged`` when it does not hold what it
        says, ``too-large`` when the answer would be.
    """
    item = item_bytes(plan.dtype)
    selection = plan.selection
    if selection.points * item > limit_bytes:
        raise Unreadable(
            f"the answer would have {selection.points * item} bytes, more than {limit_bytes}",
            reason="too-large",
        )
    dtype = np.dtype(plan.dtype)
    if not selection.points:
        return np.empty(selection.shape, dtype)
    if plan.layout == "compact":
        everything = np.frombuffer(plan.values, dtype, count=prod(plan.shape))
        return np.ascontiguousarray(everything.reshape(plan.shape)[selection.index]).reshape(
            selection.shape
        )
    if plan.layout == "contiguous":
        found = _read_contiguous(source, plan, dtype)
    else:
        found = _Chunks(source, plan, dtype).read()
    return found.reshape(selection.shape)


def forget() -> None:
    """Forget all that is remembered."""
    forget_chunks()
    _TABLES.clear()


def forget_chunks() -> None:
    """Forget all that was decoded, but not where the blocks of chunks are."""
    _CHUNKS.clear()


# ---- contiguous ----


def _read_contiguous(source: Source, plan: Plan, dtype: "np.dtype[Any]") -> Values:
    if plan.offset < 0:
        return _filled(plan, plan.selection.counts, dtype)
    item = dtype.itemsize
    if plan.offset + prod(plan.shape) * item > source.size:
        raise Unreadable("it ends before the values of the dataset do", reason="truncated")
    spans, counts = plan.selection.spans, plan.selection.counts
    depth = ranges_depth(plan.selection, plan.shape, item=item)
    strides = _strides(plan.shape, item)
    start = plan.offset + sum(span.start * step for span, step in zip(spans, strides, strict=True))
    inner = tuple(
        span.step * step for span, step in zip(spans[depth:], strides[depth:], strict=True)
    )
    hull = item + sum((count - 1) * step for count, step in zip(counts[depth:], inner, strict=True))
    if not depth:
        return np.ascontiguousarray(
            np.ndarray(counts, dtype, read_exactly(source, start, hull), strides=inner)
        )
    found = np.empty(counts, dtype)
    outer = tuple(
        span.step * step for span, step in zip(spans[:depth], strides[:depth], strict=True)
    )
    for place in np.ndindex(counts[:depth]):
        offset = start + sum(index * step for index, step in zip(place, outer, strict=True))
        raw = read_exactly(source, offset, hull)
        found[place] = np.ndarray(counts[depth:], dtype, raw, strides=inner)
    return found


def _strides(shape: tuple[int, ...], item: int) -> tuple[int, ...]:
    strides = [item] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


def _filled(plan: Plan, shape: tuple[int, ...], dtype: "np.dtype[Any]") -> Values:
    if not any(plan.fill):
        return np.zeros(shape, dtype)
    if len(plan.fill) != dtype.itemsize:
        raise Unreadable("its fill value is not of its type", reason="damaged")
    return np.full(shape, np.frombuffer(plan.fill, dtype)[0], dtype)


# ---- chunked ----


@dataclass(frozen=True, slots=True)
class _Part:
    """What is taken of one chunk, and where it goes in the answer."""

    there: tuple[slice, ...]
    here: tuple[slice, ...]
    count: tuple[int, ...]


class _Chunks:
    """One reading of a chunked array."""

    def __init__(self, source: Source, plan: Plan, dtype: "np.dtype[Any]") -> None:
        self._source, self._plan, self._dtype = source, plan, dtype
        self._shape = plan.chunks
        self._nbytes = prod(plan.chunks) * dtype.itemsize
        if self._nbytes > CHUNK_BYTES:
            raise Unreadable(f"its chunks have {self._nbytes} bytes", reason="chunk-too-large")
        self._key: Hashable = getattr(source, "key", None)
        self._has_blocks = has_blocks(plan.filters)
        self._scratch: Values | None = None
        self._groups: dict[Hashable, list[tuple[int, int]]] = {}

    def read(self) -> Values:
        try:
            return self._read()
        finally:
            if self._scratch is not None:
                _give_back(self._scratch)

    def _read(self) -> Values:
        plan, spans = self._plan, self._plan.selection.spans
        table, grid = plan.table, grid_of(plan.shape, plan.chunks)
        counts = plan.selection.counts
        rows = zip(
            table["number"].tolist(),
            table["offset"].tolist(),
            table["size"].tolist(),
            table["mask"].tolist(),
            strict=True,
        )
        if plan.touched == 1 and len(table) == 1 and counts == self._shape:
            number, offset, size, mask = next(rows)
            part = _part(spans, number, grid=grid, chunks=self._shape)
            if part.count == self._shape:
                return self._holding(part, offset, size, mask)
        found = (
            np.empty(counts, self._dtype)
            if len(table) == plan.touched
            else _filled(plan, counts, self._dtype)
        )
        for number, offset, size, mask in rows:
            part = _part(spans, number, grid=grid, chunks=self._shape)
            found[part.there] = self._holding(part, offset, size, mask)[part.here]
        return found

    def _holding(self, part: _Part, offset: int, size: int, mask: int) -> Values:
        """Return the chunk with at least what is wanted of it decoded."""
        key = (self._key, offset, size, mask, self._plan.filters, self._shape, self._dtype.str)
        found = _CHUNKS.get(key) if self._key is not None else None
        if found is not None:
            return found
        if self._has_blocks and not mask & 1 and 2 * prod(part.count) <= prod(self._shape):
            return self._by_blocks(part, offset, size)
        raw = read_exactly(self._source, offset, size)
        filtered = self._plan.filters
        data = filters.decode(raw, filters=filtered, mask=mask, nbytes=self._nbytes)
        found = data.view(self._dtype).reshape(self._shape)
        found.flags.writeable = False
        if self._key is not None and filtered:
            _CHUNKS.put(key, found, nbytes=found.nbytes)
        return found

    def _by_blocks(self, part: _Part, offset: int, size: int) -> Values:
        """Return a chunk of which only the blocks that hold what is wanted are decoded."""
        key = (self._key, offset, size, self._plan.filters, self._nbytes)
        table = _TABLES.get(key) if self._key is not None else None
        raw = None
        if table is None:
            raw = read_exactly(self._source, offset, size)
            table = table_of(raw, self._plan.filters[0].values, limit=self._nbytes)
            if table.nbytes != self._nbytes:
                raise Unreadable(
                    f"a chunk has {table.nbytes} bytes instead of {self._nbytes}", reason="damaged"
                )
            if self._key is not None:
                _TABLES.put(key, table, nbytes=table.offsets.nbytes + _OVERHEAD)
        if self._scratch is None:
            self._scratch = _borrow(self._nbytes)
        into = self._scratch
        groups = self._blocks_of(part, table)
        for first, last in groups:
            if raw is not None:
                decode_blocks(table, raw, into, first=first, last=last)
                continue
            begin = int(table.offsets[first])
            end = int(table.offsets[last]) if last < table.blocks else size
            some = read_exactly(self._source, offset + begin, end - begin)
            decode_blocks(table, some, into, first=first, last=last, origin=begin)
        return into[: self._nbytes].view(self._dtype).reshape(self._shape)

    def _blocks_of(self, part: _Part, table: BlockTable) -> list[tuple[int, int]]:
        """Return which blocks hold what is wanted: from the first until before the last."""
        key = (tuple((some.start, some.stop, some.step) for some in part.here), table.block)
        found = self._groups.get(key)
        if found is None:
            found = list(_groups(part, self._shape, item=self._dtype.itemsize, block=table.block))
            if len(self._groups) < 64:  # noqa: PLR2004 - most are of the inside, and alike
                self._groups[key] = found
        return found


def _part(
    spans: tuple[Span, ...], number: int, *, grid: tuple[int, ...], chunks: tuple[int, ...]
) -> _Part:
    """Return what the spans take of a chunk, given by its number in C order."""
    there, here, counts = [], [], []
    for span, extent, chunk in zip(reversed(spans), reversed(grid), reversed(chunks), strict=True):
        number, index = divmod(number, extent)
        low = index * chunk
        skipped = max(0, -(-(low - span.start) // span.step))
        first = span.start + skipped * span.step
        count = len(range(first, min(span.stop, low + chunk), span.step))
        there.append(slice(skipped, skipped + count))
        here.append(slice(first - low, first - low + (count - 1) * span.step + 1, span.step))
        counts.append(count)
    if number or not all(counts):
        raise Unreadable("its chunks are not where they should be", reason="damaged")
    return _Part(tuple(there[::-1]), tuple(here[::-1]), tuple(counts[::-1]))


def _are_near(part: _Part, strides: tuple[int, ...], *, block: int, apart: int) -> bool:
    """Whether each row begins so near to the one before that all their blocks are one run."""
    back = 0
    for some, count, stride in zip(
        reversed(part.here[:-1]), reversed(part.count[:-1]), reversed(strides[:-1]), strict=True
    ):
        step = some.step * stride
        if count > 1 and (step - back) // block + 1 > apart:
            return False
        back += (count - 1) * step
    return True


def _borrow(nbytes: int) -> Values:
    """Return room for a chunk, and where it lies; to be given back."""
    found = _SCRATCH.pop() if _SCRATCH else None
    if found is not None and found.nbytes >= nbytes:
        return found
    return np.empty(nbytes, np.uint8)


def _give_back(room: Values) -> None:
    if room.nbytes <= _SCRATCH_BYTES and not _SCRATCH:
        _SCRATCH.append(room)


def _groups(
    part: _Part, shape: tuple[int, ...], *, item: int, block: int
) -> Iterator[tuple[int, int]]:
    """Yield runs of blocks that hold something of the part."""
    strides = _strides(shape, item)
    apart = 1 + _NEAR // (4 * block)
    if _are_near(part, strides, block=block, apart=apart):
        start = sum(some.start * stride for some, stride in zip(part.here, strides, strict=True))
        last = sum(
            (some.stop - 1) * stride for some, stride in zip(part.here, strides, strict=True)
        )
        yield start // block, (last + item - 1) // block + 1
        return
    low = np.zeros((), np.int64)
    for some, stride in zip(part.here[:-1], strides[:-1], strict=True):
        low = low[..., None] + np.arange(some.start, some.stop, some.step, dtype=np.int64) * stride
    row = part.here[-1]
    starts = low.reshape(-1) + row.start * item
    first = starts // block
    last = (starts + (row.stop - row.start) * item - 1) // block
    if len(first) > 1:
        # rows whose blocks touch, or nearly so, are one run
        ends = np.flatnonzero(first[1:] > last[:-1] + apart)
        first, last = first[np.r_[0, ends + 1]], last[np.r_[ends, len(last) - 1]]
    yield from zip(first.tolist(), (last + 1).tolist(), strict=True)
