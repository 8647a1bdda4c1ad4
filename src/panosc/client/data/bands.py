"""A large selection as bands that one answer can hold each, cut along the borders of chunks.

So no chunk is asked for twice while a band can hold it, and memory stays bounded.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from panosc.client.data.selecting import Part, Selection

Band = tuple[Selection, tuple[slice, ...]]
"""What to read, and where it stands in the result."""


def block(lengths: Sequence[int], chunks: Sequence[int], *, most: int) -> tuple[int, ...]:
    """Return how long a block of at most `most` elements is in each dimension.

    It is whole chunks where that fits, longer in the last dimensions first; else a part of one.

    Examples
    --------
    >>> block((200, 1024, 1024), (1, 1024, 1024), most=16 * 2**20)
    (16, 1024, 1024)
    >>> block((200, 1024, 1024), (200, 64, 64), most=2**20)
    (200, 64, 64)
    """
    found = [max(1, min(chunk, length)) for chunk, length in zip(chunks, lengths, strict=True)]
    for axis, length in enumerate(found):
        if prod(found) <= most:
            break
        found[axis] = max(1, min(length, most // max(1, prod(found) // length)))
    for axis in reversed(range(len(found))):
        times = most // max(1, prod(found))
        whole = found[axis] == min(chunks[axis], lengths[axis])
        if times > 1 and whole:
            found[axis] = max(1, min(lengths[axis], found[axis] * times))
    return tuple(found)


def bands(selection: Selection, chunks: Sequence[int] | None, *, most: int) -> Iterator[Band]:
    """Yield a selection in bands of at most `most` elements, in C order; none if it is empty."""
    if selection.size == 0:
        return
    parts = selection.parts
    lengths = [part.count for part in parts]
    # a chunk holds fewer of the positions when a step leaves some out
    given = chunks or (1,) * len(parts)
    fewer = [max(1, chunk // part.step) for chunk, part in zip(given, parts, strict=True)]
    sizes = block(lengths, fewer, most=most)
    cut = [
        list(_cuts(part, size, chunk))
        for part, size, chunk in zip(parts, sizes, given, strict=True)
    ]
    for places in product(*cut):
        taken = tuple(part.cut(*place) for part, place in zip(parts, places, strict=True))
        there = tuple(
            slice(*place) for part, place in zip(parts, places, strict=True) if not part.is_one
        )
        yield Selection(parts=taken), there


def _cuts(part: Part, size: int, chunk: int) -> Iterator[tuple[int, int]]:
    """Yield from which number to which the positions of a dimension are read together."""
    first = 0
    while first < part.count:
        after = min(first + size, part.count)
        if after < part.count:
            border = (part.start + after * part.step) // chunk * chunk
            # the first position at or behind the border begins the next band
            aligned = -((part.start - border) // part.step)
            after = aligned if aligned > first else after
        yield first, after
        first = after
