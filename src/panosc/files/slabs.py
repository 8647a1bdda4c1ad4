"""Boxes of numbers out of a dataset, chunk by chunk, for plots and overviews; inside a worker.

Chunks go through filters that check what comes out: where a chunk yields too little, the HDF5
library hands out whatever lies behind it in the memory, perhaps of another's file. Sources of a
virtual dataset are looked for among its neighbours alone; one that is missing is an error.
"""

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any, Final

import numpy as np
from h5py import h5d, h5o, h5s, h5t

from panosc.domain.errors import NotFound, Unreadable
from panosc.files.careful import Careful, Dataset, extent_of, is_virtual, name_of
from panosc.files.chunks.endless import settled
from panosc.files.chunks.filters import decode
from panosc.files.chunks.known import FLETCHER32, SHUFFLE, are_known
from panosc.files.chunks.mapping import Finder, Found, plan_virtual
from panosc.files.chunks.planning import ROW
from panosc.files.chunks.selection import Selection, Span
from panosc.files.chunks.sources import Source
from panosc.files.chunks.virtual import read_virtual
from panosc.files.index.contents import Filter
from panosc.files.index.objects import heads
from panosc.files.index.objects.arrays import array_of
from panosc.files.index.objects.ledger import Ledger
from panosc.files.index.walking import beside
from panosc.files.storage.ahead import Ahead
from panosc.files.tiers import NEARLINE, Neighbours, OnlineFile

Values = np.ndarray[Any, Any]
Places = tuple[int, ...]

_LZF: Final = 32_000
_ITS_OWN: Final = {4, 5, 6, SHUFFLE, FLETCHER32}
"""SZIP, n-bit and scale-offset: the library reckons itself how much comes out of them."""
_PERTURB: Final = -6
"""M_PERTURB of mallopt."""
_SLACK: Final = 2**20


class Boxes:
    """Reads boxes of the datasets of one file, with `neighbours` of virtual ones, too."""

    def __init__(self, file: Careful, neighbours: Neighbours | None = None) -> None:
        self._file = file
        self._near = neighbours
        # what all sources together may take of the memory
        self._ledger = Ledger()
        self._virtual: dict[int, Found] = {}
        self._found: dict[tuple[str, str], Found] = {}

    def extent(self, node: Dataset) -> Places | None:
        """Return the extent; None when other files would have to be opened to tell it."""
        if self._near is None or not is_virtual(node):
            return extent_of(node)
        return self._array(node).array.shape

    def must_be_safe(self, node: Dataset, *, limit: int) -> None:
        """Refuse what reaches out of the dataset, or has chunks of more than `limit` bytes.

        Raises
        ------
        Unreadable
        """
        if self._near is not None and is_virtual(node):
            self._array(node)
        elif not self._file.storage_is_safe(node, node.get_type().get_size(), limit=limit):
            last = self._file.refusals[-1]
            raise Unreadable(last.detail, reason=last.reason)

    def read(self, node: Dataset, start: Places, extent: Places) -> Values:
        """Return a box of numbers in the byte order of this machine; the storage is safe.

        Raises
        ------
        Unreadable
            ``missing-source`` or ``nearline`` when a part of it is not there; else as `read_box`.
        """
        if self._near is None or not is_virtual(node):
            return read_box(node, start, extent)
        found = self._array(node)
        spans = (Span(start=at, stop=at + n) for at, n in zip(start, extent, strict=True))
        planned = plan_virtual(found.array, Selection(spans=tuple(spans)), self._find_in(found))
        values = read_virtual(planned, _source)
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def _array(self, node: Dataset) -> Found:
        near = self._near
        if near is None:
            raise Unreadable("it lies in other files", reason="virtual-dataset")
        number = h5o.get_info(node).addr
        found = self._virtual.get(number)
        if found is None:
            found = self._virtual[number] = self._told(node, name_of(node), near.name)
            if found.array.layout != "virtual":
                why = found.array.why or found.array.layout
                raise Unreadable(f"{name_of(node)} cannot be read: {why}", reason=why)
            if found.array.is_endless:
                found = replace(found, array=settled(found.array, self._find_in(found)))
                self._virtual[number] = found
        return found

    def _told(self, node: Dataset, path: str, name: str) -> Found:
        """Return where the values of a dataset of a file of this name lie."""
        array = array_of(node, heads.extent_of(node), self._ledger)
        rows = np.frombuffer(array.table, ROW)
        token = None if self._near is None else self._near.files.get(name)
        return Found(token=token, array=array, rows=rows, path=path, find=self._finder(name))

    def _find_in(self, found: Found) -> Finder:
        return found.find or self._finder("")

    def _finder(self, own: str) -> Finder:
        """Return what finds sources for a file of the name `own`."""

        def find(file: str, path: str) -> Found:
            name = own if file in {".", ""} else beside(own, file)
            key = (name or "", path)
            if key not in self._found:
                self._found[key] = self._sought(name, path)
            return self._found[key]

        return find

    def _sought(self, name: str | None, path: str) -> Found:
        near = self._near
        if name is None or near is None:
            raise NotFound("It is not of this dataset.")
        if name == near.name:
            return self._at(self._file, path, name)
        there = near.files.get(name)
        if there is None:
            raise _away(near.away.get(name))
        with there.opened() as handle:
            return self._at(Careful(handle), path, name)

    def _at(self, file: Careful, path: str, name: str) -> Found:
        node = file.at(file.root, path.encode("utf-8", "surrogateescape"))
        if not isinstance(node, h5d.DatasetID):
            raise NotFound("There is no such dataset.")
        return self._told(node, path, name)


def _away(reason: str | None) -> NotFound | Unreadable:
    if reason == NEARLINE:
        return Unreadable("it is on tape", reason=NEARLINE)
    return NotFound("It is not of this dataset, or not there any more.")


def _source(file: OnlineFile) -> Source:
    source = file.source()
    return Ahead(source, ()) if source.is_remote else source


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
