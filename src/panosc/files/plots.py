"""Reading the numbers of a default plot, thinned out to what a page can show.

A curve keeps the lowest and the highest point of each bucket, an image the mean of each
block; of a stack the first frame is read and nothing else. It draws nothing (`charts`).
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from h5py import h5d, h5g, h5t

from panosc.domain.errors import Unreadable
from panosc.domain.plots import Axis, ImagePlot, LinePlot, Plot, as_json
from panosc.files.axes import axes_of
from panosc.files.careful import Careful, Dataset, Group
from panosc.files.slabs import Boxes
from panosc.files.tiers import Neighbours, OnlineFile

Floats = np.ndarray[Any, np.dtype[np.float64]]

LINE_POINTS: Final = 1000
IMAGE_PIXELS: Final = 160
"""Most columns and rows of an image."""
POINTS: Final = 20_000_000
"""Most numbers that are read for one plot."""
BLOCK: Final = 4_000_000
CHUNK_BYTES: Final = 64 * 2**20
DIGITS: Final = 6
_UNCERTAINTIES: Final = (b"uncertainties", b"uncertainty")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signal:
    file: Careful
    boxes: Boxes
    group: Group
    node: Dataset
    name: bytes
    path: str


def read(file: OnlineFile, signal: str, neighbours: Neighbours | None = None) -> dict[str, Any]:
    """Return the plot of the field at `signal` in a file, as JSON.

    Raises
    ------
    Unreadable
        When there is no such field, or reading it would be dangerous or endless; with the reason
        ``virtual-dataset`` when only with `neighbours` it can be read.
    """
    with file.opened() as handle:
        careful = Careful(handle)
        return as_json(plot_in(careful, Boxes(careful, neighbours), signal))


def plot_in(file: Careful, boxes: Boxes, path: str) -> Plot:
    """Return the plot of the field at `path` in an open file.

    Raises
    ------
    Unreadable
        As `read` does.
    """
    where, _, name = path.rpartition("/")
    group, node = file.at(file.root, where.encode()), file.at(file.root, path.encode())
    if not isinstance(group, h5g.GroupID) or not isinstance(node, h5d.DatasetID):
        raise Unreadable(f"{path} is not in the file", reason="no-such-field")
    signal = _Signal(file=file, boxes=boxes, group=group, node=node, name=name.encode(), path=path)
    shape = boxes.extent(node)
    if shape is None:
        raise Unreadable(f"{path} lies in other files", reason="virtual-dataset")
    if 0 in shape:
        raise Unreadable(f"{path} holds no values", reason="empty")
    wide = [index for index, extent in enumerate(shape) if extent > 1]
    if not wide:
        raise Unreadable(f"{path} is a single number", reason="no-such-field")
    return _line(signal, shape, wide[0]) if len(wide) == 1 else _image(signal, shape, wide[-2:])


# ---- curves ----


def _line(signal: _Signal, shape: tuple[int, ...], dimension: int) -> LinePlot:
    count = shape[dimension]
    if count > POINTS:
        raise Unreadable(f"{signal.path} has {count} points", reason="too-large")
    y = _row(signal.boxes, signal.node, shape, dimension)
    axes = axes_of(signal.file, signal.group, signal.name, shape)
    x = _axis_values(signal.boxes, axes[dimension], count, dimension)
    errors = _errors(signal, shape, dimension)
    order = np.argsort(x, kind="stable") if _is_scattered(x) else None
    if order is not None:
        x, y = x[order], y[order]
        errors = None if errors is None else errors[order]
    keep = _extremes(y)
    logarithmic = _is_scattering(signal, axes[dimension])
    return LinePlot(
        title=_title(signal),
        path=signal.path,
        x=_axis(signal.file, axes[dimension], x[keep], log=logarithmic and _is_positive(x)),
        y=_axis(
            signal.file, (signal.name, signal.node), y[keep], log=logarithmic and _is_positive(y)
        ),
        errors=None if errors is None else _numbers(errors[keep]),
        points=count,
    )


def _row(boxes: Boxes, node: Dataset, shape: tuple[int, ...], dimension: int) -> Floats:
    """Read along one dimension, at the start of all others."""
    parts = []
    for begin in range(0, shape[dimension], BLOCK):
        start, extent = [0] * len(shape), [1] * len(shape)
        start[dimension], extent[dimension] = begin, min(BLOCK, shape[dimension] - begin)
        parts.append(_slab(boxes, node, tuple(start), tuple(extent)).reshape(-1))
    return np.concatenate(parts)


def _slab(boxes: Boxes, node: Dataset, start: tuple[int, ...], extent: tuple[int, ...]) -> Floats:
    kind = node.get_type()
    boxes.must_be_safe(node, limit=CHUNK_BYTES)
    values = boxes.read(node, start, extent).astype(np.float64)
    if kind.get_class() == h5t.INTEGER and kind.get_sign() == h5t.SGN_NONE:
        # detectors mark dead pixels with the largest number that they can count to
        top = float(2 ** (8 * kind.get_size()) - 1)
        if top > 255:  # noqa: PLR2004 - eight bits are a camera's picture
            values[values >= top] = np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _errors(signal: _Signal, shape: tuple[int, ...], dimension: int) -> Floats | None:
    words = (signal.file.attribute(signal.node, name) for name in _UNCERTAINTIES)
    names = [word.encode() for word in words if isinstance(word, str)]
    for name in (*names, signal.name + b"_errors", b"errors"):
        node = signal.file.member(signal.group, name)
        if isinstance(node, h5d.DatasetID) and signal.boxes.extent(node) == shape:
            return _row(signal.boxes, node, shape, dimension)
    return None


def _extremes(y: Floats) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return the indices to keep: the lowest and the highest of each bucket, in order."""
    count = len(y)
    if count <= LINE_POINTS:
        return np.arange(count)
    edges = np.linspace(0, count, LINE_POINTS // 2).astype(int)
    keep: set[int] = {0, count - 1}
    for begin, end in pairwise(edges.tolist()):
        part = y[begin:end]
        if np.isfinite(part).any():
            keep.update((begin + int(np.nanargmin(part)), begin + int(np.nanargmax(part))))
    return np.array(sorted(keep))


def _is_scattered(x: Floats) -> bool:
    steps = np.diff(x)
    return bool(np.isfinite(x).all() and (steps < 0).any() and (steps > 0).any())


def _is_positive(values: Floats) -> bool:
    finite = values[np.isfinite(values)]
    return bool(finite.size and (finite > 0).mean() > 0.9)  # noqa: PLR2004


def _is_scattering(signal: _Signal, axis: tuple[bytes, Dataset] | None) -> bool:
    """Whether this is an intensity over momentum transfer, which is read on two log scales."""
    return axis is not None and axis[0].upper() == b"Q" and signal.name.upper().startswith(b"I")


# ---- images ----


def _image(signal: _Signal, shape: tuple[int, ...], wide: list[int]) -> ImagePlot:
    rows, columns = wide
    y_step, x_step = (math.ceil(shape[index] / IMAGE_PIXELS) for index in wide)
    if shape[rows] * shape[columns] > POINTS * 4:
        raise Unreadable(f"{signal.path} has frames of {shape} points", reason="too-large")
    band = max(1, BLOCK // shape[columns] // y_step) * y_step
    parts = []
    for begin in range(0, shape[rows], band):
        start, extent = [0] * len(shape), [1] * len(shape)
        start[rows], extent[rows] = begin, min(band, shape[rows] - begin)
        extent[columns] = shape[columns]
        frame = _slab(signal.boxes, signal.node, tuple(start), tuple(extent))
        parts.append(_means(frame.reshape(extent[rows], extent[columns]), y_step, x_step))
    pixels = np.concatenate(parts)
    axes = axes_of(signal.file, signal.group, signal.name, shape)
    low, high, logarithmic = robust_scale(pixels)
    name = (signal.name, signal.node)
    return ImagePlot(
        title=_title(signal),
        path=signal.path,
        x=_axis(signal.file, axes[columns], _thin(signal.boxes, axes[columns], shape, columns)),
        y=_axis(signal.file, axes[rows], _thin(signal.boxes, axes[rows], shape, rows)),
        signal=_axis(signal.file, name, np.array([low, high]), log=logarithmic),
        rows=tuple(_numbers(row) for row in pixels),
        shape=shape,
    )


def _means(frame: Floats, y_step: int, x_step: int) -> Floats:
    """Return the mean of each block; blocks at the edge are smaller."""
    padded = np.full(
        (math.ceil(frame.shape[0] / y_step) * y_step, math.ceil(frame.shape[1] / x_step) * x_step),
        np.nan,
    )
    padded[: frame.shape[0], : frame.shape[1]] = frame
    blocks = padded.reshape(padded.shape[0] // y_step, y_step, padded.shape[1] // x_step, x_step)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0.0).sum(axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def robust_scale(pixels: Floats) -> tuple[float, float, bool]:
    """Return the ends of the colour scale, robust against hot pixels, and whether it is log."""
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return 0.0, 1.0, False
    low, middle, high = (float(value) for value in np.percentile(finite, (1, 50, 99.5)))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    logarithmic = low >= 0 and high > 100 * max(middle, 1e-300) and high > 0
    return low, high, logarithmic


def _thin(
    boxes: Boxes, axis: tuple[bytes, Dataset] | None, shape: tuple[int, ...], dimension: int
) -> Floats:
    count = shape[dimension]
    step = math.ceil(count / IMAGE_PIXELS)
    values = _axis_values(boxes, axis, count, dimension)
    return np.array([float(np.mean(values[i : i + step])) for i in range(0, count, step)])


# ---- what they share ----


def _axis_values(
    boxes: Boxes, axis: tuple[bytes, Dataset] | None, count: int, dimension: int
) -> Floats:
    """Return one value a point; the middles of bins where the file gives their edges."""
    if axis is None:
        return np.arange(count, dtype=np.float64)
    shape = boxes.extent(axis[1]) or ()
    fitting = [index for index, extent in enumerate(shape) if extent in {count, count + 1}]
    along = dimension if dimension in fitting else fitting[0]
    values = _row(boxes, axis[1], shape, along)
    return values if len(values) == count else (values[1:] + values[:-1]) / 2


def _axis(
    file: Careful, source: tuple[bytes, Dataset] | None, values: Floats, *, log: bool = False
) -> Axis:
    if source is None:
        return Axis(label="index", values=_numbers(values))
    name, node = source
    label = file.attribute(node, b"long_name")
    unit = file.attribute(node, b"units") or file.attribute(node, b"unit")
    return Axis(
        label=label if isinstance(label, str) and label else name.decode("utf-8", "replace"),
        unit=unit if isinstance(unit, str) and unit and not unit.startswith("NX_") else None,
        values=_numbers(values),
        log=log,
    )


def _title(signal: _Signal) -> str:
    title = signal.file.member(signal.group, b"title")
    found = signal.file.value(title) if isinstance(title, h5d.DatasetID) else None
    found = found or signal.file.attribute(signal.group, b"title")
    return found if isinstance(found, str) and found else signal.path.strip("/")


def _numbers(values: Floats) -> tuple[float | None, ...]:
    return tuple(
        float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in values.tolist()
    )
