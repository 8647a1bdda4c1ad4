"""Which parts of which sources a virtual dataset needs: a plan, made without opening any.

Where a source lies is for the caller to say, who confines it to the dataset's own files and has
their indices at hand. A source that is missing or damaged is an error with its name. Workers
read by the plan (`files.chunks.virtual`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Final, TypeAlias

import numpy as np

from panosc.domain.errors import NotFound, Unreadable
from panosc.files.chunks.endless import settled, without_end
from panosc.files.chunks.planning import MOST_PIECES, Plan, Rows, item_bytes, plan, way_of
from panosc.files.chunks.selection import Selection, Span
from panosc.files.index.contents import Array, Slab
from panosc.files.index.contents import Source as Mapping

Places: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"

NESTED: Final = 4
"""Virtual datasets of virtual datasets of …"""
DETOUR_BYTES: Final = 64 * 2**20
"""Most of a source that is read as a whole where its mapping follows no pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A dataset that is a source."""

    token: Any
    """Tells the worker which file to open; it is pickled."""
    array: Array
    rows: Rows
    path: str = ""
    """Of the dataset in its file, for what only the library reads."""
    find: "Finder | None" = None
    """Finds the sources of this one, should it be virtual itself."""


Finder: TypeAlias = Callable[[str, str], Found]
"""From the names of a file and of a dataset in it, as the virtual dataset spells them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of the answer that comes from one source."""

    token: Any
    read: "Plan | VirtualPlan | Selection"
    """A selection alone is read by the library."""
    path: str
    pick: "tuple[Places | None, ...]"
    """What is used of what is read, along each of its dimensions; None for all."""
    take: "Places | None"
    """Places in what is picked, in C order, where its dimensions are not those of the answer."""
    put: "tuple[slice, ...] | tuple[Places, ...]"
    """Places in the answer along each of its dimensions."""
    counts: tuple[int, ...]
    """How many that are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPlan:
    """What to read of the sources of a virtual dataset."""

    dtype: str
    selection: Selection
    fill: bytes
    pieces: tuple[Piece, ...]
    cost: int
    output_bytes: int


def plan_virtual(
    array: Array, selection: Selection, find: Finder, *, nested: int = NESTED
) -> VirtualPlan:
    """Return what has to be read of the sources for `selection`.

    Raises
    ------
    Unreadable
        ``missing-source``, with its name, when one that is needed is not there or unreadable;
        ``unsupported-mapping`` when the pattern or the type of a source is not served.
    TooLarge
        When one source would have to be read in too many pieces.
    """
    if array.layout != "virtual" or array.shape is None:
        raise Unreadable("it is not a virtual dataset", reason="unsupported-layout")
    if nested <= 0:
        raise Unreadable("virtual datasets are nested too deeply", reason="too-deep")
    item = item_bytes(array.dtype)
    if array.is_endless:
        array = settled(array, find)
    pieces: list[Piece] = []
    cost = 0
    for mapping in array.sources if selection.points else ():
        wanted = _overlap(mapping.here, selection)
        if wanted is None:
            continue
        piece, weight = _piece(array, mapping, wanted, find=find, nested=nested)
        pieces.append(piece)
        cost += weight
        if len(pieces) > MOST_PIECES:
            raise Unreadable("the selection needs too many sources", reason="too-large")
    return VirtualPlan(
        dtype=array.dtype,
        selection=selection,
        fill=array.fill,
        pieces=tuple(pieces),
        cost=cost,
        output_bytes=selection.points * item,
    )


@dataclass(frozen=True, slots=True)
class _Overlap:
    """What of a mapping is wanted."""

    put: tuple[Places, ...]
    """Where in the answer."""
    nth: tuple[Places, ...]
    """Which of the mapping's own points, along each dimension."""


def _overlap(here: Slab, selection: Selection) -> _Overlap | None:
    put, nth = [], []
    for axis, span in enumerate(selection.spans):
        start, stride = here.start[axis], here.stride[axis]
        count, block = here.count[axis], here.block[axis]
        end = start + (count - 1) * stride + block
        if not count or not block or span.last < start or span.start >= end:
            return None
        skipped = max(0, -(-(start - span.start) // span.step))
        upto = len(range(span.start, min(span.stop, end), span.step))
        places = np.arange(skipped, upto, dtype=np.int64)
        beyond = span.start + places * span.step - start
        number, within = np.divmod(beyond, max(stride, 1) if count > 1 else end)
        inside = within < block
        if not inside.any():
            return None
        places, number, within = places[inside], number[inside], within[inside]
        put.append(places)
        nth.append(number * block + within)
    return _Overlap(tuple(put), tuple(nth))


def _piece(
    array: Array, mapping: Mapping, wanted: _Overlap, *, find: Finder, nested: int
) -> tuple[Piece, int]:
    if mapping.missing:
        raise _missing(mapping, mapping.missing)
    found = _find(mapping, find)
    there = _there(mapping, found.array)
    if not _can_become(found.array.dtype, array.dtype):
        raise Unreadable(
            f"its source {_name(mapping)} is of type {found.array.dtype!r}, "
            f"which is not turned into {array.dtype!r}",
            reason="unsupported-mapping",
        )
    here_lengths = tuple(
        count * block for count, block in zip(mapping.here.count, mapping.here.block, strict=True)
    )
    there_lengths = tuple(
        count * block for count, block in zip(there.count, there.block, strict=True)
    )
    if prod(here_lengths) != prod(there_lengths):
        raise _missing(mapping, f"has not the points that are mapped, but {found.array.shape}")
    take: Places | None = None
    if _long(here_lengths) == _long(there_lengths):
        steps = iter(
            [nth for nth, length in zip(wanted.nth, here_lengths, strict=True) if length > 1]
        )
        zero = np.zeros(1, np.int64)
        places = [next(steps) if length > 1 else zero for length in there_lengths]
    else:
        if prod(there_lengths) * item_bytes(array.dtype) > DETOUR_BYTES:
            raise Unreadable(
                f"its source {_name(mapping)} is mapped in a way that is not served",
                reason="unsupported-mapping",
            )
        take = np.zeros((), np.int64)
        for nth, length in zip(wanted.nth, here_lengths, strict=True):
            take = (take * length)[..., None] + nth
        take = take.reshape(-1)
        places = [np.arange(length, dtype=np.int64) for length in there_lengths]
    spans, pick = [], []
    for axis, nth in enumerate(places):
        block = there.block[axis]
        coordinates = there.start[axis] + nth // block * there.stride[axis] + nth % block
        span = _span_of(coordinates)
        pick.append(None if span else coordinates - coordinates[0])
        spans.append(span or Span(start=int(coordinates[0]), stop=int(coordinates[-1]) + 1))
    read, cost = _plan_source(found, Selection(spans=tuple(spans)), mapping, nested=nested)
    piece = Piece(
        token=found.token,
        read=read,
        path=found.path,
        pick=tuple(pick),
        take=take,
        put=_short(wanted.put),
        counts=tuple(len(part) for part in wanted.put),
    )
    return piece, cost


def _find(mapping: Mapping, find: Finder) -> Found:
    try:
        found = find(mapping.file, mapping.path)
    except NotFound as error:
        raise _missing(mapping, "is not there") from error
    except Unreadable as error:
        if error.reason in {"nearline", "not-reachable"}:
            why = "on tape" if error.reason == "nearline" else f"out of reach: {error.detail}"
            raise Unreadable(
                f"its source {_name(mapping)} is {why}", reason=error.reason, hint=error.hint
            ) from error
        raise _missing(mapping, f"cannot be read: {error.detail}") from error
    if found.array.shape is None or found.array.layout == "refused":
        raise _missing(mapping, f"cannot be read: {found.array.why or 'it holds nothing'}")
    if found.array.is_endless:
        raise without_end(mapping)
    return found


def _there(mapping: Mapping, array: Array) -> Slab:
    """Return the part of the source, which has to be within it."""
    shape = array.shape or ()
    there = mapping.there
    if not there.start and shape:
        ones = (1,) * len(shape)
        return Slab(start=(0,) * len(shape), stride=ones, count=ones, block=shape)
    if len(there.start) != len(shape) or any(
        start + (count - 1) * stride + block > extent
        for start, stride, count, block, extent in zip(
            there.start, there.stride, there.count, there.block, shape, strict=True
        )
    ):
        raise _missing(mapping, f"has not the shape that is mapped, but {shape}")
    return there


def _plan_source(
    found: Found, selection: Selection, mapping: Mapping, *, nested: int
) -> tuple[Plan | VirtualPlan | Selection, int]:
    way = way_of(found.array)
    if way == "plan":
        planned = plan(found.array, found.rows, selection)
        return planned, planned.cost
    if way == "virtual" and found.find is not None:
        deeper = plan_virtual(found.array, selection, found.find, nested=nested - 1)
        return deeper, deeper.cost
    if way == "library" and found.array.dtype and found.path:
        return selection, selection.points * item_bytes(found.array.dtype)
    raise Unreadable(
        f"its source {_name(mapping)} cannot be read: {found.array.why or found.array.layout}",
        reason="unsupported-mapping",
    )


def _can_become(source: str, target: str) -> bool:
    """Whether HDF5 and numpy turn all values of one type into the same of another."""
    if source == target:
        return True
    if not source or not target:
        return False
    first, second = np.dtype(source), np.dtype(target)
    if first.kind not in "iuf" or second.kind not in "iuf":
        return first.kind == second.kind == "c" and first.itemsize == second.itemsize
    return bool(np.can_cast(first, second, "safe"))


def _long(lengths: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in lengths if length > 1)


def _short(put: tuple[Places, ...]) -> tuple[slice, ...] | tuple[Places, ...]:
    """Return slices for the places, where that can be."""
    spans = [_span_of(places) for places in put]
    found = tuple(slice(span.start, span.stop, span.step) for span in spans if span is not None)
    return found if len(found) == len(put) else put


def _span_of(places: Places) -> Span | None:
    """Return the span that has just these places; None when there is none."""
    if len(places) == 1:
        return Span(start=int(places[0]), stop=int(places[0]) + 1)
    step = int(places[1] - places[0])
    if (np.diff(places) != step).any():
        return None
    return Span(start=int(places[0]), stop=int(places[-1]) + 1, step=step)


def _name(mapping: Mapping) -> str:
    return mapping.path if mapping.file == "." else f"{mapping.file}:{mapping.path}"


def _missing(mapping: Mapping, why: str) -> Unreadable:
    return Unreadable(
        f"its source {_name(mapping)} {why}",
        reason="missing-source",
        hint="Add the file to the dataset; without it there is nothing to show.",
    )
