"""Which part of a virtual dataset lies where, as far as the file itself says it.

No source is opened, and none is looked for: that is for who reads, within the dataset's files.
"""

from dataclasses import dataclass
from typing import Final

from h5py import h5p, h5s

from panosc.files.index.contents import Slab, Source
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
    here_space, there_space = plan.get_virtual_vspace(number), plan.get_virtual_srcspace(number)
    here, there = _slab(here_space, shape), _slab(there_space, None)
    if here is None or (there != _WHOLE and _points(here) != _points(there)):
        raise Unmapped("odd-selection")
    return Source(
        file=_name(plan.get_virtual_filename(number)),
        path=_name(plan.get_virtual_dsetname(number)),
        here=here,
        there=there or _WHOLE,
    )


def _slab(space: h5s.SpaceID, shape: tuple[int, ...] | None) -> Slab | None:
    """Return what is selected; all of a space is its `shape`, or unknown without one."""
    kind = space.get_select_type()
    if kind == h5s.SEL_ALL:
        if shape is None:
            return _WHOLE
        ones = (1,) * len(shape)
        return Slab(start=(0,) * len(shape), stride=ones, count=ones, block=shape)
    if kind != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        raise Unmapped("odd-selection")
    start, stride, count, block = (tuple(map(int, part)) for part in space.get_regular_hyperslab())
    if h5s.UNLIMITED in count or h5s.UNLIMITED in block:
        raise Unmapped("unlimited-selection")
    return Slab(start=start, stride=stride, count=count, block=block)


def _points(slab: Slab | None) -> int:
    points = 1
    for count, block in zip(slab.count, slab.block, strict=True) if slab else ():
        points *= count * block
    return points


def _name(pattern: str | bytes) -> str:
    """Return a name as it is meant; ``%b`` counts blocks of unlimited selections only."""
    name = word(pattern) if isinstance(pattern, bytes) else pattern
    if "%b" in name.replace("%%", ""):
        raise Unmapped("unlimited-selection")
    return name.replace("%%", "%")
