"""Virtual datasets without an end: how far they reach, and what of them is there.

Their extent is that of their sources, as HDF5 tells it: by its default view up to the last value
that is available, by the other one up to the first that is missing. With ``%b`` in the names of
sources, the first one that is not there ends it. What is missing before the end is kept as such,
so that it is never read as fill value. No file is opened here.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import lcm
from typing import TYPE_CHECKING, Final, Literal

from panosc.domain.errors import NotFound, Unreadable
from panosc.files.index.contents import ENDLESS, Array, Slab
from panosc.files.index.contents import Source as Mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc.files.chunks.mapping import Finder

View = Literal["last-available", "first-missing"]

MOST: Final = 65_536
"""Most sources of one dataset, and parts that one is taken apart into."""
_BLOCKS: Final = "%b"


@dataclass(frozen=True, slots=True)
class _Run:
    """A selection along its dimension without an end: slices that are numbered from 0."""

    axis: int
    start: int
    stride: int
    block: int
    """Slices that lie together; 0 when all do."""

    def count(self, extent: int) -> int:
        """Return how many slices lie within an extent."""
        length = max(0, extent - self.start)
        if not self.block:
            return length
        whole, rest = divmod(length, self.stride)
        return whole * self.block + min(rest, self.block)

    def reach(self, count: int, *, with_gap: bool) -> int:
        """Return the extent that so many slices need, perhaps with the gap behind the last."""
        if not count:
            return self.start if with_gap else 0
        if not self.block:
            return self.start + count
        whole, rest = divmod(count, self.block)
        if rest or with_gap:
            return self.start + whole * self.stride + rest
        return self.start + (whole - 1) * self.stride + self.block

    def part(self, slab: Slab, first: int, last: int) -> Slab:
        """Return the slices from `first` to before `last`: whole blocks, or a part of one."""
        start, stride, count, block = self.start + first, 1, 1, last - first
        if self.block:
            number, within = divmod(first, self.block)
            start = self.start + number * self.stride + within
            if not within and not last % self.block:
                stride, count, block = self.stride, (last - first) // self.block, self.block
        return Slab(
            start=_set(slab.start, self.axis, start),
            stride=_set(slab.stride, self.axis, stride),
            count=_set(slab.count, self.axis, count),
            block=_set(slab.block, self.axis, block),
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """A mapping without an end, and how many of its slices are there."""

    mapping: Mapping
    here: _Run
    there: _Run | None
    """None where each block is of a source of its own."""
    count: int


def settled(array: Array, find: "Finder", *, view: View = "last-available") -> Array:
    """Return a virtual dataset with an end, as its sources are now.

    Raises
    ------
    Unreadable
        ``missing-source`` when a source that its extent depends on is not there, or as `find`
        does; ``too-large`` when there are too many, ``unsupported-mapping`` when one of them has
        no end itself: of those HDF5 takes the extent that stands in the file, however old.
    """
    known = [_known(part, find) for part in array.sources if part.is_endless]
    shape = _extent(array, known, view=view)
    sources = [part for part in array.sources if not part.is_endless]
    for one in known:
        sources += _sources(one, shape[one.here.axis])
        if len(sources) > MOST:
            raise _too_many()
    return replace(array, shape=shape, sources=tuple(sources))


def _known(mapping: Mapping, find: "Finder") -> _Known:
    here, there = _run(mapping.here), _run(mapping.there)
    if here is None:
        raise Unreadable("it has no end that is known", reason="unsupported-mapping")
    if there is None:
        return _Known(mapping, here, None, here.block * _present(mapping, find))
    try:
        found = find(mapping.file, mapping.path)
    except NotFound as error:
        raise Unreadable(
            f"its source {mapping.file}:{mapping.path} is not there, so that its extent is unknown",
            reason="missing-source",
            hint="Add the file to the dataset.",
        ) from error
    source = found.array
    if source.is_endless:
        raise without_end(mapping)
    shape = source.shape or ()
    if len(shape) != len(mapping.there.start):
        raise Unreadable(
            f"its source {mapping.file}:{mapping.path} has not the shape that is mapped",
            reason="missing-source",
        )
    count = there.count(shape[there.axis])
    if 0 < count < there.block:
        # the library takes the whole block for the extent, and then fails to read it
        raise Unreadable(
            f"its source {mapping.file}:{mapping.path} ends within the first block that is mapped",
            reason="unsupported-mapping",
        )
    return _Known(mapping, here, there, count)


def _present(mapping: Mapping, find: "Finder") -> int:
    """Return how many sources there are, up to the first that is not."""
    for number in range(MOST):
        try:
            find(named(mapping.file, number), named(mapping.path, number))
        except NotFound:
            return number
    raise _too_many()


def named(pattern: str, number: int) -> str:
    """Return the name of the source of a block.

    Examples
    --------
    >>> named("frames_%b.h5", 7), named("100%%/%b", 0)
    ('frames_7.h5', '100%/0')
    """
    parts = (part.replace(_BLOCKS, str(number)) for part in pattern.split("%%"))
    return "%".join(parts)


def _extent(array: Array, known: list[_Known], *, view: View) -> tuple[int, ...]:
    found = list(array.shape or ())
    is_last = view == "last-available"
    for axis in range(len(found)):
        ends = [
            one.here.reach(one.count, with_gap=not is_last and bool(one.count or one.there))
            for one in known
            if one.here.axis == axis
        ]
        if not ends:
            continue
        found[axis] = max(ends) if is_last else min(ends)
        if is_last and found[axis] < _least(array, axis):
            # where the library does not fail to read it, it ends the whole process
            raise Unreadable(
                "it has parts with an end beyond those without one", reason="unsupported-mapping"
            )
    return tuple(found)


def _least(array: Array, axis: int) -> int:
    """Return the extent that the parts with an end need."""
    found = 0
    for part in array.sources:
        start, stride = part.here.start[axis], part.here.stride[axis]
        count, block = part.here.count[axis], part.here.block[axis]
        if ENDLESS not in {count, block}:
            found = max(found, start + (count - 1) * stride + block)
    return found


def _sources(known: _Known, extent: int) -> "Iterator[Mapping]":
    """Yield a mapping as parts with an end: those that are there, then those that are not."""
    mapping, here, there = known.mapping, known.here, known.there
    wanted = max(known.count, here.count(extent))
    if there is None:
        for number in range(known.count // here.block):
            yield Mapping(
                file=named(mapping.file, number),
                path=named(mapping.path, number),
                here=here.part(mapping.here, number * here.block, (number + 1) * here.block),
                there=mapping.there,
            )
        number = known.count // here.block
        missing = replace(
            mapping,
            file=named(mapping.file, number),
            path=named(mapping.path, number),
            missing="is not there",
        )
    else:
        for first, last in _cuts(0, known.count, here.block, there.block):
            yield replace(
                mapping,
                here=here.part(mapping.here, first, last),
                there=there.part(mapping.there, first, last),
            )
        missing = replace(mapping, missing="does not reach so far")
    for first, last in _cuts(known.count, wanted, here.block):
        yield replace(missing, here=here.part(mapping.here, first, last))


def _cuts(first: int, last: int, *blocks: int) -> "Iterator[tuple[int, int]]":
    """Yield parts of a range: each is of whole blocks of every length, or within one of each."""
    lengths = [block for block in blocks if block]
    unit = lcm(*lengths)
    low = min(last, -(-first // unit) * unit)
    high = max(low, last // unit * unit)
    marks = {first, low, high, last}
    for begin, end in ((first, low), (high, last)):
        for block in lengths:
            if (end - begin) // block > MOST:
                raise _too_many()
            marks.update(range(-(-begin // block) * block, end, block))
    yield from pairwise(sorted(marks))


def _run(slab: Slab) -> _Run | None:
    for axis, (count, block) in enumerate(zip(slab.count, slab.block, strict=True)):
        if ENDLESS in {count, block}:
            stride = slab.stride[axis]
            return _Run(axis, slab.start[axis], stride, 0 if block == ENDLESS else block)
    return None


def _set(values: tuple[int, ...], axis: int, value: int) -> tuple[int, ...]:
    return (*values[:axis], value, *values[axis + 1 :])


def without_end(mapping: Mapping) -> Unreadable:
    """Return the error for a source that has no end itself."""
    return Unreadable(
        f"its source {mapping.file}:{mapping.path} is a virtual dataset without an end itself",
        reason="unsupported-mapping",
    )


def _too_many() -> Unreadable:
    return Unreadable(f"it has more than {MOST} sources", reason="too-large")
