"""Boxes of numbers out of a dataset, chunk by chunk, for plots and overviews; inside a worker.

Chunks go through filters that check what comes out: where a chunk yields too little, the HDF5
library hands out whatever lies behind it in the memory, perhaps of another's file.
"""

import ctypes
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from h5py import h5d, h5s, h5t

from panosc.domain.errors import Unreadable
from panosc.files.careful import Dataset
from panosc.files.chunks.filters import decode
from panosc.files.chunks.known import FLETCHER32, SHUFFLE, are_known
from panosc.files.index.contents import Filter

Values = np.ndarray[Any, Any]
Places = tuple[int, ...]

_LZF: Final = 32_000
_ITS_OWN: Final = {4, 5, 6, SHUFFLE, FLETCHER32}
"""SZIP, n-bit and scale-offset: the library reckons itself how much comes out of them."""
_PERTURB: Final = -6
"""M_PERTURB of mallopt."""
_SLACK: Final = 2**20


def read_box(node: Dataset, start: Places, extent: Places) -> Values:
    """Return a box of a dataset of numbers, in the byte order of this machine.

    What the storage is, `Careful.storage_is_safe` has been asked before.

    Raises
    ------
    Unreadable
        When a chunk does not unpack to what it should, or nothing here unpacks it.
    """
    plan = node.get_create_plist()
    filters = _filters(plan)
    if not filters or plan.get_layout() != h5d.CHUNKED:
        return _by_library(node, start, extent)
    dtype: np.dtype[Any] = node.dtype
    if are_known(filters) and node.get_type().equal(h5t.py_create(dtype, logical=True)):
        return _by_chunks(node, start, extent, filters=filters)
    ids = {step.id for step in filters}
    if ids - {_LZF} <= _ITS_OWN and _is_whole(filters, plan, dtype):
        return _by_library(node, start, extent)
    raise Unreadable(f"nothing here undoes filters {sorted(ids)}", reason="unknown-filter")


def _filters(plan: Any) -> tuple[Filter, ...]:
    found = (plan.get_filter(number) for number in range(plan.get_nfilters()))
    return tuple(
        Filter(id=number, flags=flags, values=tuple(values)) for number, flags, values, _ in found
    )


def _is_whole(filters: tuple[Filter, ...], plan: Any, dtype: "np.dtype[Any]") -> bool:
    """Whether LZF, if it is among them, has room for a whole chunk; what it leaves is blank."""
    lengths = [step.values[2:3] for step in filters if step.id == _LZF]
    if lengths:
        _blank_memory()
    nbytes = int(np.prod(plan.get_chunk(), dtype=np.int64)) * dtype.itemsize
    return all(length == (nbytes,) for length in lengths)


@cache
def _blank_memory() -> None:
    """Let this process overwrite the memory that it frees, where its C library can."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_PERTURB, 0x5A)


def _by_library(node: Dataset, start: Places, extent: Places) -> Values:
    space = node.get_space()
    space.select_hyperslab(start, extent)
    # the library leaves what was never written, and has no fill value, as it is
    values = np.zeros(extent, node.dtype.newbyteorder("="))
    node.read(h5s.create_simple(extent), space, values)
    return values


def _by_chunks(
    node: Dataset, start: Places, extent: Places, *, filters: tuple[Filter, ...]
) -> Values:
    plan, dtype = node.get_create_plist(), node.dtype
    chunk: Places = plan.get_chunk()
    nbytes = int(np.prod(chunk, dtype=np.int64)) * dtype.itemsize
    found = np.empty(extent, dtype.newbyteorder("="))
    for offset in _offsets(start, extent, chunk):
        here, there = _overlap(start, extent, offset, chunk)
        info = node.get_chunk_info_by_coord(offset)
        if info.byte_offset is None:
            found[here] = _fill(plan, dtype)
            continue
        if info.size > 2 * nbytes + _SLACK:
            raise Unreadable(f"a chunk takes {info.size} bytes", reason="damaged")
        mask, raw = node.read_direct_chunk(offset)
        content = decode(raw, filters=filters, mask=mask, nbytes=nbytes)
        found[here] = content.view(dtype).reshape(chunk)[there]
    return found


def _offsets(start: Places, extent: Places, chunk: Places) -> Iterator[Places]:
    """Yield where the chunks begin that a box touches."""
    yield from product(
        *(
            range(begin // size * size, begin + count, size)
            for begin, count, size in zip(start, extent, chunk, strict=True)
        )
    )


def _overlap(
    start: Places, extent: Places, offset: Places, chunk: Places
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return what a chunk and a box have in common, counted in the box and in the chunk."""
    here, there = [], []
    for begin, count, first, size in zip(start, extent, offset, chunk, strict=True):
        low, high = max(begin, first), min(begin + count, first + size)
        here.append(slice(low - begin, high - begin))
        there.append(slice(low - first, high - first))
    return tuple(here), tuple(there)


def _fill(plan: Any, dtype: "np.dtype[Any]") -> Any:
    value = np.zeros((), dtype)
    if plan.fill_value_defined() != h5d.FILL_VALUE_UNDEFINED:
        plan.get_fill_value(value)
    return value[()]
