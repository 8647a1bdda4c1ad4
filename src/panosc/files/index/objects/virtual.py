"""Which part of a virtual dataset lies where, as far as the file itself says it.

No source is opened, and none is looked for: that is for who reads, within the dataset's files.
"""

from dataclasses import dataclass
from math import prod
from typing import Final

from h5py import h5p, h5s

from panosc.files.index.contents import ENDLESS, Slab, Source
from panosc.files.index.objects.values import word

SOURCES: Final = 65_536
"""Most sources of one dataset."""
_WHOLE = Slab(start=(), stride=(), count=(), block=())


@dataclass(frozen=True, slots=True)
class Unmapped(Exception):
    """The map cannot be told; `why` is a stable word."""

    why: str


def map_of(plan: h5p.PropDCID, shape: tuple[int, ...]) -> tuple[Source, ...]:
    """Return the sources of a virtual dataset.

    Raises
    ------
    Unmapped
        When not all of them can be told from this file alone.
    """
    count = plan.get_virtual_count()
    if count > SOURCES:
        raise Unmapped("many-sources")
    return tuple(_source(plan, number, shape) for number in range(count))


def _source(plan: h5p.PropDCID, number: int, shape: tuple[int, ...]) -> Source:
    here = _slab(plan.get_virtual_vspace(number), shape)
    there = _slab(plan.get_virtual_srcspace(number), None)
    names = _text(plan.get_virtual_filename(number)), _text(plan.get_virtual_dsetname(number))
    is_many = any("%b" in name.replace("%%", "") for name in names)
    if not _is_told(here, there, is_many=is_many):
        raise Unmapped("odd-selection")
    if not is_many:
        names = names[0].replace("%%", "%"), names[1].replace("%%", "%")
    return Source(file=names[0], path=names[1], here=here, there=there)


def _is_told(here: Slab, there: Slab, *, is_many: bool) -> bool:
    """Whether it is sure which points belong together."""
    lengths, others = _lengths(here), _lengths(there)
    ends, theirs = lengths.count(ENDLESS), others.count(ENDLESS)
    if ends > 1 or theirs > ends or is_many == (ends == theirs):
        # several without an end; or names that count nothing, or one name for all blocks
        return False
    if theirs:
        # as one grows the others stay as they are, so that the same points remain together
        return [n for n in lengths if n != 1] == [n for n in others if n != 1]
    if ends:
        if ENDLESS in here.block:
            return False
        lengths = [n * m for n, m in zip(_ones(here.count), here.block, strict=True)]
    return there == _WHOLE or prod(lengths) == prod(others)


def _lengths(slab: Slab) -> list[int]:
    pairs = zip(slab.count, slab.block, strict=True)
    return [ENDLESS if ENDLESS in pair else pair[0] * pair[1] for pair in pairs]


def _ones(count: tuple[int, ...]) -> list[int]:
    return [1 if n == ENDLESS else n for n in count]


def _slab(space: h5s.SpaceID, shape: tuple[int, ...] | None) -> Slab:
    """Return what is selected; all of a space is its `shape`, or unknown without one."""
    kind = space.get_select_type()
    if kind == h5s.SEL_ALL:
        if shape is None:
            return _WHOLE
        ones = (1,) * len(shape)
        return Slab(start=(0,) * len(shape), stride=ones, count=ones, block=shape)
    if kind != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        raise Unmapped("odd-selection")
    start, stride, count, block = (
        tuple(ENDLESS if part == h5s.UNLIMITED else int(part) for part in parts)
        for parts in space.get_regular_hyperslab()
    )
    return Slab(start=start, stride=stride, count=count, block=block)


def _text(name: str | bytes) -> str:
    return word(name) if isinstance(name, bytes) else name
