"""How a signal is taken apart into boxes that are read one after the other, chunk by chunk.

The last two long dimensions make a frame; all before it number the frames. Of more than can be
read in good time evenly spaced parts are chosen.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BOX_BYTES: Final = 32 * 2**20
"""About as much as is read at once."""
SAMPLE_BYTES: Final = 2**20
CHUNK_BYTES: Final = 128 * 2**20
"""Most that is read at once so that a chunk is unpacked once only."""
BUDGET: Final = 640 * 10**6
"""Most bytes of values that are read of one signal."""
_PASSES: Final = (0, 4, 2, 6, 1, 5, 3, 7)

Box = tuple[tuple[int, ...], tuple[int, ...]]
"""Where it starts, and how far it reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A signal as frames; of a curve, one frame of one row."""

    shape: tuple[int, ...]
    chunk: tuple[int, ...]
    """Of ones where it is not kept in chunks."""
    item: int
    """Bytes of one value."""
    rows: int | None
    columns: int
    """Dimensions of a frame."""

    @property
    def leading(self) -> tuple[int, ...]:
        """The dimensions that number the frames."""
        return tuple(i for i in range(len(self.shape)) if i not in {self.rows, self.columns})

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return math.prod(self.shape[dimension] for dimension in self.leading)

    @property
    def height(self) -> int:
        """Rows of a frame."""
        return 1 if self.rows is None else self.shape[self.rows]

    @property
    def width(self) -> int:
        """Columns of a frame."""
        return self.shape[self.columns]


def layout_of(shape: tuple[int, ...], chunk: tuple[int, ...] | None, item: int) -> Layout:
    """Return how to take a signal apart."""
    wide = [index for index, extent in enumerate(shape) if extent > 1] or [len(shape) - 1]
    return Layout(
        shape=shape,
        chunk=tuple(map(min, chunk, shape)) if chunk else (1,) * len(shape),
        item=item,
        rows=wide[-2] if len(wide) > 1 else None,
        columns=wide[-1],
    )


def chosen_frames(layout: Layout, most: int) -> list[int]:
    """Return the numbers of evenly spaced frames, the first and the last among them.

    Examples
    --------
    >>> chosen_frames(layout_of((9, 4, 4), None, 2), 5)
    [0, 2, 4, 6, 8]
    """
    count = layout.frames
    if count <= most:
        return list(range(count))
    return sorted({round(index * (count - 1) / (most - 1)) for index in range(most)})


def index_of(layout: Layout, number: int) -> tuple[int, ...]:
    """Return where a frame stands in the leading dimensions."""
    found = []
    for dimension in reversed(layout.leading):
        number, place = divmod(number, layout.shape[dimension])
        found.append(place)
    return tuple(reversed(found))


def frame_boxes(layout: Layout, number: int) -> Iterator[Box]:
    """Yield the boxes of one frame, from its first row on."""
    index = index_of(layout, number)
    yield from _strips(layout, index, (1,) * len(index))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Runs of frames that lie in the same chunks; `chosen` of them are to be read."""

    layout: Layout
    extents: tuple[int, ...]
    """How far a band reaches in each leading dimension."""
    counts: tuple[int, ...]
    chosen: tuple[int, ...]

    def frames(self, band: int) -> int:
        """Return how many frames a band has."""
        _, extents = self._place(band)
        return math.prod(extents)

    def boxes(self, band: int) -> Iterator[Box]:
        """Yield the boxes of a band."""
        yield from _strips(self.layout, *self._place(band))

    def _place(self, band: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        starts, extents = [], []
        for position in range(len(self.counts) - 1, -1, -1):
            band, place = divmod(band, self.counts[position])
            start = place * self.extents[position]
            whole = self.layout.shape[self.layout.leading[position]]
            starts.append(start)
            extents.append(min(self.extents[position], whole - start))
        return tuple(reversed(starts)), tuple(reversed(extents))


def bands_of(layout: Layout, *, budget: int = BUDGET) -> Bands:
    """Return the bands to read, in an order in which also the first of them are spread evenly."""
    frame = layout.height * layout.width * layout.item
    extents = [layout.chunk[dimension] for dimension in layout.leading]
    if extents:
        # many small frames are read together; fewer where not all are read, so that those that
        # are lie in many places
        whole = math.prod(layout.shape) * layout.item
        together = BOX_BYTES if whole <= budget else SAMPLE_BYTES
        fitting = max(1, together // (math.prod(extents) * frame))
        last = layout.shape[layout.leading[-1]]
        extents[-1] = min(extents[-1] * fitting, last)
    counts = tuple(
        math.ceil(layout.shape[dimension] / extent)
        for dimension, extent in zip(layout.leading, extents, strict=True)
    )
    total = math.prod(counts)
    wanted = max(1, min(total, budget // max(1, math.prod(extents) * frame)))
    if wanted == total:
        spread: range | list[int] = range(total)
    else:
        spread = [index * total // wanted for index in range(wanted)]
    chosen = tuple(band for first in _PASSES for band in spread[first :: len(_PASSES)])
    return Bands(layout=layout, extents=tuple(extents), counts=counts, chosen=chosen)


def _strips(layout: Layout, starts: tuple[int, ...], extents: tuple[int, ...]) -> Iterator[Box]:
    """Yield boxes of whole rows, or of parts of the one row of a curve."""
    cut = layout.columns if layout.rows is None else layout.rows
    line = math.prod(extents) * layout.item * (1 if layout.rows is None else layout.width)
    step = max(1, BOX_BYTES // line)
    chunk = layout.chunk[cut]
    if chunk * line <= CHUNK_BYTES:
        step = max(chunk, step // chunk * chunk)
    for first in range(0, layout.shape[cut], step):
        start, reach = [0] * len(layout.shape), [1] * len(layout.shape)
        for dimension, begin, extent in zip(layout.leading, starts, extents, strict=True):
            start[dimension], reach[dimension] = begin, extent
        reach[layout.columns] = layout.width
        start[cut], reach[cut] = first, min(step, layout.shape[cut] - first)
        yield tuple(start), tuple(reach)
