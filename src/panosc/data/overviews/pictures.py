"""Numbers as pictures: blocks become pixels, pixels become places on a colour scale.

Only arrays here; `charts.raster` makes images of them. The first row of an array is the lowest
of its picture, as in plots.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from panosc.charts.raster import LARGE, LEVELS, MISSING, SMALL
from panosc.files.plots import Floats, robust_scale

FINEST: Final = LARGE
_FLATTEST: Final = 4
"""Pictures are at most so many times as long as they are high."""
_SMALL_FLATTEST: Final = 2
_HALF: Final = LARGE // 2
_STRIP: Final = 2**21
_DEEPEST: Final = 1e-8

Pixels = tuple[int, int, bytes]
"""Width, height, and one place on the colour scale a pixel from the upper left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How many rows and columns of a frame become one of its picture."""

    rows: int
    columns: int
    y_step: int
    x_step: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return math.ceil(self.rows / self.y_step), math.ceil(self.columns / self.x_step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """A colour scale."""

    low: float
    high: float
    log: bool


def grid_of(rows: int, columns: int) -> Grid:
    """Return the grid for a frame: both ways alike unless it is very long."""
    step = math.ceil(max(rows, columns) / FINEST)
    y_step = x_step = step
    # what is a thousand times as long as high would be a line
    if rows * _FLATTEST < columns:
        y_step = max(1, math.ceil(rows / max(1, columns // step // _FLATTEST)))
    elif columns * _FLATTEST < rows:
        x_step = max(1, math.ceil(columns / max(1, rows // step // _FLATTEST)))
    return Grid(rows=rows, columns=columns, y_step=y_step, x_step=x_step)


class Means:
    """The mean of each block of a frame, whatever the strips it is read in."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._sums = np.zeros(grid.size)
        self._counts = np.zeros(grid.size)

    def add(self, first: int, strip: Floats) -> None:
        """Take rows from `first` on into account; what is NaN is left out."""
        known = np.isfinite(strip)
        rows, sums = _blocks(np.where(known, strip, 0.0), first, self._grid, np.add)
        _, counts = _blocks(known.astype(np.float64), first, self._grid, np.add)
        self._sums[rows] += sums
        self._counts[rows] += counts

    def told(self) -> Floats:
        """Return the picture; NaN where nothing is known."""
        return np.where(self._counts > 0, self._sums / np.maximum(self._counts, 1), np.nan)


class Highest:
    """The highest value of each pixel in all frames that were added, as they are in the file."""

    def __init__(self, grid: Grid, dtype: "np.dtype[Any]") -> None:
        self._grid = grid
        self._kind = dtype.kind if dtype.itemsize > 1 else "i"
        least = -np.inf if dtype.kind == "f" else 0 if dtype.kind in "ub" else np.iinfo(dtype).min
        self._values = np.full((grid.rows, grid.columns), least, dtype)

    def add(self, first: int, strip: "np.ndarray[Any, Any]") -> None:
        """Take rows of one or more frames into account."""
        if self._kind == "u":
            # what is dead in one frame only counts in the others: it becomes the lowest
            strip = strip + strip.dtype.type(1)
        elif self._kind == "f":
            strip = np.where(np.isfinite(strip), strip, -np.inf)
        kept = self._values[first : first + strip.shape[1]]
        for frame in strip:
            np.maximum(kept, frame, out=kept)

    def told(self) -> Floats:
        """Return the picture, of each block the highest; NaN where nothing is known."""
        found = np.empty(self._grid.size)
        step = self._grid.y_step * max(1, _STRIP // self._grid.columns // self._grid.y_step)
        for first in range(0, self._grid.rows, step):
            rows, values = _blocks(self._known(first, step), first, self._grid, np.fmax)
            found[rows] = values
        return found

    def _known(self, first: int, count: int) -> Floats:
        values = self._values[first : first + count].astype(np.float64)
        if self._kind == "u":
            return np.where(values == 0, np.nan, values - 1)
        if self._kind == "f":
            values[~np.isfinite(values)] = np.nan
        return values


def _blocks(strip: Floats, first: int, grid: Grid, join: np.ufunc) -> tuple[slice, Floats]:
    """Return which rows of the picture a strip belongs to, and what it adds to them."""
    top, below = first // grid.y_step, (first + len(strip) - 1) // grid.y_step + 1
    joined = strip
    if grid.x_step > 1:
        across = np.arange(0, strip.shape[1], grid.x_step)
        joined = join.reduceat(joined, across, axis=1)
    if grid.y_step > 1:
        edges = [max(row * grid.y_step - first, 0) for row in range(top, below)]
        joined = join.reduceat(joined, edges, axis=0)
    return slice(top, below), joined


def colours_of(values: Floats) -> Colours:
    """Return a scale that hot pixels do not spoil; of a wide range the logarithm."""
    low, high, log = robust_scale(values)
    if log:
        positive = values[np.isfinite(values) & (values > 0)]
        low = max(low, float(np.quantile(positive, 0.02)), high * _DEEPEST)
        low = low if low < high else high / 10
    return Colours(low=low, high=high, log=log)


def large(values: Floats, colours: Colours) -> Pixels:
    """Return a picture about 480 pixels long; few pixels become squares."""
    height, width = _shown_size(values)
    return _painted(_nearest(values, height, width), colours)


def small(values: Floats, colours: Colours) -> Pixels:
    """Return a picture 96 pixels long, at most twice as long as high."""
    height, width = _shown_size(values)
    longest = max(height, width)
    rows, columns = (
        max(SMALL // _SMALL_FLATTEST, round(SMALL * extent / longest)) for extent in (height, width)
    )
    return _painted(_resampled(values, rows, columns), colours)


def _shown_size(values: Floats) -> tuple[int, int]:
    height, width = values.shape
    tall = max(1, width // _FLATTEST // height)
    wide = max(1, height // _FLATTEST // width)
    factor = max(1, LARGE // max(height * tall, width * wide))
    return height * tall * factor, width * wide * factor


def _nearest(values: Floats, rows: int, columns: int) -> Floats:
    picked: Floats = values[_places(values.shape[0], rows)][:, _places(values.shape[1], columns)]
    return picked


def _places(count: int, wanted: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    return ((np.arange(wanted) + 0.5) * count / wanted).astype(np.int64)


def _resampled(values: Floats, rows: int, columns: int) -> Floats:
    """Return means where there are more values than pixels, and the nearest value where not."""
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0), known.astype(np.float64)
    for axis, wanted in ((0, rows), (1, columns)):
        count = values.shape[axis]
        if count > wanted:
            edges = np.arange(wanted) * count // wanted
            sums, counts = (np.add.reduceat(item, edges, axis=axis) for item in (sums, counts))
        else:
            places = _places(count, wanted)
            sums, counts = (np.take(item, places, axis=axis) for item in (sums, counts))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _painted(values: Floats, colours: Colours) -> Pixels:
    low, high, shown = colours.low, colours.high, values
    if colours.log:
        low, high = math.log10(low), math.log10(high)
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = np.where(values > 0, np.log10(values), low)
        shown = np.where(np.isfinite(values), shown, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        if high > low:
            share = (np.clip(shown, low, high) - low) / (high - low)
        else:
            # all the same: neither dark nor bright
            share = np.where(np.isfinite(shown), 0.5, np.nan)
        places = np.where(np.isfinite(share), share * (LEVELS - 1) + 0.5, MISSING)
    pixels = places.astype(np.uint8)[::-1]
    return pixels.shape[1], pixels.shape[0], pixels.tobytes()
