"""Reading a signal for its overview, inside a worker: plot, statistics, frames, maximum.

What is given back are plain values and pixels, bounded whatever the file says; images of them
are made by whoever asked. Of a signal that is too long a part is read, and told.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from h5py import h5d

from panosc.data.overviews.geometry import (
    Box,
    Layout,
    bands_of,
    chosen_frames,
    frame_boxes,
    index_of,
    layout_of,
)
from panosc.data.overviews.numbers import Tally, dead_mark
from panosc.data.overviews.pictures import (
    Colours,
    Highest,
    Means,
    colours_of,
    grid_of,
    large,
    small,
)
from panosc.domain.errors import Unreadable
from panosc.domain.plots import as_json
from panosc.files.careful import Careful, Dataset
from panosc.files.plots import CHUNK_BYTES, Floats, plot_in
from panosc.files.slabs import Boxes
from panosc.files.tiers import Neighbours, OnlineFile

FRAMES: Final = 5
POINTS: Final = 2_000_000
"""Most values that are reckoned with at once."""
LARGEST_FRAME: Final = 128 * 2**20
"""Most bytes of a frame of which the maximum is kept."""

Found = dict[str, Any]


def read(
    place: OnlineFile, signal: str, limit_s: float, neighbours: Neighbours | None = None
) -> Found:
    """Return the overview of the field at `signal`; after `limit_s` no more of it is read.

    Raises
    ------
    Unreadable
        When there is no such field, or reading it would be dangerous or endless; with the reason
        ``virtual-dataset`` when only with `neighbours` it can be read.
    """
    deadline = time.monotonic() + limit_s
    with place.opened() as handle:
        file = Careful(handle)
        boxes = Boxes(file, neighbours)
        plot = as_json(plot_in(file, boxes, signal))
        return {"plot": plot, **_Signal(file, boxes, signal).overview(deadline)}


class _Signal:
    """One field of an open file."""

    def __init__(self, file: Careful, boxes: Boxes, path: str) -> None:
        node = file.at(file.root, path.encode())
        if not isinstance(node, h5d.DatasetID) or (shape := boxes.extent(node)) is None:
            raise Unreadable(f"{path} is not in the file", reason="no-such-field")
        self._node: Dataset = node
        self._boxes = boxes
        self._dtype = node.dtype.newbyteorder("=")
        if self._dtype.kind not in "iufb":
            raise Unreadable(f"{path} does not hold numbers", reason="no-such-field")
        boxes.must_be_safe(node, limit=CHUNK_BYTES)
        plan = node.get_create_plist()
        chunk = plan.get_chunk() if plan.get_layout() == h5d.CHUNKED else None
        self._layout = layout_of(shape, chunk, self._dtype.itemsize)

    def overview(self, deadline: float) -> Found:
        """Return all but the plot."""
        layout = self._layout
        frames = [] if layout.rows is None else self._frames()
        found: Found = {
            "shape": list(layout.shape),
            "dtype": str(self._dtype),
            "frames": frames,
            "frame_count": layout.frames,
            "highest": None,
        }
        if layout.frames == 1 and frames:
            # all of it has been read already
            same = {name: frames[0][name] for name in ("statistics", "live", "dead")}
            return found | same | {"read": 1}
        tally, highest, read = self._run(deadline)
        if highest is not None:
            found["highest"] = _pictured(highest, colours_of(highest))
        return found | tally.told() | {"read": read}

    def _frames(self) -> list[Found]:
        """Return a few frames; they share a scale, so that they can be compared."""
        layout = self._layout
        found: list[tuple[int, Floats, Tally]] = []
        for number in chosen_frames(layout, FRAMES):
            means, tally = Means(grid_of(layout.height, layout.width)), Tally(self._dtype)
            for box in frame_boxes(layout, number):
                for first, part in self._parts(box):
                    tally.add(part)
                    means.add(first, _shown(part[0]))
            found.append((number, means.told(), tally))
        colours = colours_of(np.concatenate([values.reshape(-1) for _, values, _ in found]))
        return [
            {
                "number": number,
                "index": list(index_of(layout, number)),
                **tally.told(),
                **_pictured(values, colours),
            }
            for number, values, tally in found
        ]

    def _run(self, deadline: float) -> tuple[Tally, Floats | None, int]:
        """Go through all of it, or evenly spaced parts; return also how many frames were read."""
        layout, tally, read = self._layout, Tally(self._dtype), 0
        size = layout.height * layout.width * layout.item
        highest = None
        if layout.rows is not None and size <= LARGEST_FRAME:
            highest = Highest(grid_of(layout.height, layout.width), self._dtype)
        bands = bands_of(layout)
        for band in bands.chosen:
            if read and time.monotonic() > deadline:
                break
            for box in bands.boxes(band):
                for first, part in self._parts(box):
                    tally.add(part)
                    if highest is not None:
                        highest.add(first, part)
            read += bands.frames(band)
        return tally, None if highest is None else highest.told(), read

    def _parts(self, box: Box) -> Iterator[tuple[int, "np.ndarray[Any, Any]"]]:
        """Yield (first row, frames × rows × columns) of a box, a few values at a time."""
        layout, (start, extent) = self._layout, box
        values = self._boxes.read(self._node, start, extent)
        if layout.rows is None:
            values = values.reshape(1, 1, -1)
            first = 0
        else:
            values = np.moveaxis(values, (layout.rows, layout.columns), (-2, -1))
            values = values.reshape(-1, *values.shape[-2:])
            first = start[layout.rows]
        yield from _pieces(values, first, layout)


def _pieces(
    values: "np.ndarray[Any, Any]", first: int, layout: Layout
) -> Iterator[tuple[int, "np.ndarray[Any, Any]"]]:
    count, rows, columns = values.shape
    if layout.rows is None:
        for begin in range(0, columns, POINTS):
            yield first, values[:, :, begin : begin + POINTS]
        return
    together = max(1, POINTS // (rows * columns))
    high = max(1, POINTS // columns)
    for frame in range(0, count, together):
        for row in range(0, rows, high):
            yield first + row, values[frame : frame + together, row : row + high]


def _shown(values: "np.ndarray[Any, Any]") -> Floats:
    """Return values to draw: NaN for what is not finite, and for dead pixels of detectors."""
    found = values.astype(np.float64)
    mark = dead_mark(values.dtype)
    if mark is not None:
        found[values == mark] = np.nan
    elif values.dtype.kind == "f":
        found[~np.isfinite(found)] = np.nan
    return found


def _pictured(values: Floats, colours: Colours) -> Found:
    return {
        "scale": [colours.low, colours.high, colours.log],
        "large": large(values, colours),
        "small": small(values, colours),
    }
