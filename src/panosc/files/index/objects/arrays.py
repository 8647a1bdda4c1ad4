"""Where the values of a dataset lie, or why only the library, or nobody, may read them."""

from typing import Any, Final

import numpy as np
from h5py import h5d, h5p, h5s, h5t

from panosc.files.index.contents import ROW_BYTES, Array, Filter
from panosc.files.index.objects import chunks, values, virtual
from panosc.files.index.objects.ledger import Ledger
from panosc.files.index.objects.values import word
from panosc.files.opening import FAILURES

_RAW: Final = "biufcSVM"
"""Kinds of numpy whose items lie in the file as they do in memory."""
_ODD: Final = (*FAILURES, MemoryError, AttributeError, RecursionError)
_RESERVED: Final = 256
"""Below this filters are of HDF5 itself."""
_COMPACT_BYTES: Final = 65_536


def array_of(
    dataset: h5d.DatasetID, extent: tuple[tuple[int, ...] | None, bool], ledger: Ledger
) -> Array:
    """Return where the values of a dataset lie.

    `extent` is as `heads.extent_of` tells it.
    """
    shape, is_sure = extent
    try:
        return _array(dataset, shape, is_sure=is_sure, ledger=ledger)
    except (chunks.Untold, virtual.Unmapped) as error:
        why = error.why
        layout: Any = "library" if isinstance(error, chunks.Untold) else "refused"
    except _ODD as error:
        ledger.note("damaged", str(error))
        layout, why = "library", "damaged"
    if why == "damaged" and not _has_own_filters(dataset):
        layout = "refused"
    return Array(shape=shape, dtype=_spelling(dataset), layout=layout, why=why)


def _has_own_filters(dataset: h5d.DatasetID) -> bool:
    """Whether all filters are HDF5's own: others trust lengths that damaged chunks tell."""
    try:
        plan = dataset.get_create_plist()
        filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
    except _ODD:
        return False
    return all(one < _RESERVED for one in filters)


def _array(
    dataset: h5d.DatasetID, shape: tuple[int, ...] | None, *, is_sure: bool, ledger: Ledger
) -> Array:
    plan = dataset.get_create_plist()
    dtype = _spelling(dataset)
    if plan.get_external_count():
        file = word(plan.get_external(0)[0])
        ledger.note("external-storage", f"its values lie in {file}; they are not read")
        return Array(shape=shape, dtype=dtype, layout="refused", why="external-storage")
    if shape is None:
        return Array(shape=None, dtype=dtype, layout="values", values=b"null")
    if plan.get_layout() == h5d.VIRTUAL:
        return _virtual(dataset, plan, shape, ledger=ledger)
    why = _why_not_raw(dataset)
    if not why:
        return _raw(dataset, plan, shape, ledger=ledger)
    if why in {"variable-length", "short-texts"} and _is_light(dataset, plan):
        content = values.kept(dataset, shape)
        if content is not None and ledger.hold(len(content)):
            return Array(shape=shape, dtype=dtype, layout="values", values=content)
    return Array(shape=shape, dtype=dtype, layout="library", why=why)


def _virtual(
    dataset: h5d.DatasetID, plan: h5p.PropDCID, shape: tuple[int, ...], *, ledger: Ledger
) -> Array:
    dtype = _spelling(dataset)
    why = _why_not_raw(dataset)
    if why:
        raise virtual.Unmapped(why)
    sources = virtual.map_of(plan, shape)
    if not ledger.hold(sum(200 + len(item.file) + len(item.path) for item in sources)):
        raise virtual.Unmapped("index-full")
    return Array(
        shape=shape, dtype=dtype, layout="virtual", fill=_fill(dataset, plan), sources=sources
    )


def _raw(
    dataset: h5d.DatasetID, plan: h5p.PropDCID, shape: tuple[int, ...], *, ledger: Ledger
) -> Array:
    """Return the place of values that lie in the file as they do in memory."""
    dtype = _spelling(dataset)
    nbytes = np.dtype(dtype).itemsize
    item = nbytes
    for extent in shape:
        nbytes *= extent
    fill, layout = _fill(dataset, plan), plan.get_layout()
    if layout == h5d.COMPACT:
        if nbytes > _COMPACT_BYTES:
            raise chunks.Untold("damaged")
        content = np.zeros(shape, dataset.get_type().dtype)
        dataset.read(h5s.ALL, h5s.ALL, content, dataset.get_type())
        return Array(
            shape=shape,
            dtype=dtype,
            layout="compact",
            nbytes=nbytes,
            fill=fill,
            values=content.tobytes(),
        )
    if layout == h5d.CHUNKED:
        return _chunked(dataset, plan, shape, item=item, ledger=ledger)
    if layout != h5d.CONTIGUOUS:
        raise chunks.Untold("unknown-layout")
    stored = dataset.get_storage_size()
    # where nothing was written the library may tell an offset all the same
    offset = dataset.get_offset() if nbytes and stored else None
    is_empty = dataset.get_space_status() == h5d.SPACE_STATUS_NOT_ALLOCATED
    if (offset is not None and stored < nbytes) or (nbytes and not stored and not is_empty):
        raise chunks.Untold("damaged")
    if offset is None and nbytes and _has_no_fill(plan):
        raise chunks.Untold("no-fill-value")
    first = (0,) * len(shape)
    if offset is None and nbytes and not _is_filled_with(fill, dataset, plan, first):
        raise chunks.Untold("damaged")
    return Array(
        shape=shape,
        dtype=dtype,
        layout="contiguous",
        offset=-1 if offset is None else offset,
        nbytes=nbytes,
        fill=fill,
    )


def _chunked(
    dataset: h5d.DatasetID,
    plan: h5p.PropDCID,
    shape: tuple[int, ...],
    *,
    item: int,
    ledger: Ledger,
) -> Array:
    dtype, chunk = _spelling(dataset), tuple(map(int, plan.get_chunk()))
    if not ledger.hold(dataset.get_num_chunks() * ROW_BYTES):
        ledger.note("index-full", "more chunks than the index can list")
        raise chunks.Untold("index-full")
    table = chunks.table_of(dataset, shape, chunk, item=item)
    fill = _fill(dataset, plan)
    hole = chunks.first_hole(shape, chunk, table)
    if hole is not None and not _is_filled_with(fill, dataset, plan, hole):
        raise chunks.Untold("damaged")
    steps = [plan.get_filter(number) for number in range(plan.get_nfilters())]
    return Array(
        shape=shape,
        dtype=dtype,
        layout="chunked",
        nbytes=dataset.get_storage_size(),
        chunks=chunk,
        filters=tuple(
            Filter(id=int(step[0]), flags=int(step[1]), values=tuple(map(int, step[2])))
            for step in steps
        ),
        fill=fill,
        table=table,
    )


def _spelling(dataset: h5d.DatasetID) -> str:
    """Return numpy's name of the type; empty where it has none."""
    try:
        dtype = dataset.get_type().dtype
    except _ODD:
        return ""
    if dtype.fields is not None or dtype.subdtype is not None or dtype.kind not in _RAW:
        return ""
    return str(dtype.str)


def _why_not_raw(dataset: h5d.DatasetID) -> str:
    """Return why items do not lie in the file as in memory; empty when they do."""
    kind = dataset.get_type()
    try:
        dtype = kind.dtype
        if dtype.hasobject:
            return "variable-length"
        if kind.get_class() == h5t.ENUM and dtype.kind != "b":
            # numpy knows the numbers alone
            kind, dtype = kind.get_super(), np.dtype(dtype.str)
        if not _spelling(dataset):
            return "compound" if dtype.fields is not None else "unusual-type"
        if dtype.kind == "S":
            # what lies behind the first NUL, or in spaces at the end, is no part of such texts
            is_exact = kind.get_strpad() == h5t.STR_NULLPAD
            return "" if is_exact else "short-texts"
        return "" if kind.equal(h5t.py_create(dtype, logical=True)) else "unusual-type"
    except _ODD:
        return "unusual-type"


_FILLED = frozenset({h5d.FILL_TIME_ALLOC, h5d.FILL_TIME_IFSET})
"""When HDF5 fills what was not written; it does not at any other time, be it one that is none."""


def _is_light(dataset: h5d.DatasetID, plan: h5p.PropDCID) -> bool:
    """Whether reading a few values unpacks no large chunk, by filters that are here."""
    if plan.get_layout() != h5d.CHUNKED:
        return plan.get_layout() in {h5d.CONTIGUOUS, h5d.COMPACT}
    size = dataset.get_type().get_size()
    for extent in plan.get_chunk():
        size *= extent
    return size <= values.CHUNK_BYTES and bool(plan.all_filters_avail())


def _has_no_fill(plan: h5p.PropDCID) -> bool:
    is_undefined = plan.fill_value_defined() == h5d.FILL_VALUE_UNDEFINED
    return bool(is_undefined and plan.get_fill_time() in _FILLED)


def _fill(dataset: h5d.DatasetID, plan: h5p.PropDCID) -> bytes:
    """Return what h5py makes of an item that was never written."""
    value = np.zeros((), dataset.get_type().dtype)
    is_defined = plan.fill_value_defined() != h5d.FILL_VALUE_UNDEFINED
    if is_defined and plan.get_fill_time() in _FILLED:
        plan.get_fill_value(value)
    return value.tobytes()


def _is_filled_with(
    fill: bytes, dataset: h5d.DatasetID, plan: h5p.PropDCID, hole: tuple[int, ...]
) -> bool:
    """Whether the library makes `fill` of an item that was never written.

    Of a damaged file, whose fill value is not as long as an item, it tells whatever lies behind it
    in its memory.
    """
    if plan.fill_value_defined() != h5d.FILL_VALUE_USER_DEFINED:
        return True
    item = np.zeros(1, dataset.get_type().dtype)
    there = dataset.get_space()
    one = (1,) * len(hole)
    if hole:
        there.select_hyperslab(hole, one)
    dataset.read(h5s.create_simple((1,)), there, item, dataset.get_type())
    return item.tobytes() == fill
