"""An image as SVG: viridis over a robust range, with a colour bar.

The pixels are one small PNG inside the SVG; a large noisy image is made coarser until the
PNG fits on a page. The first row is at the bottom, as in other viewers of NeXus files.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from panosc.charts import frame
from panosc.charts.colours import Indices, data_uri, indices, png, quantile, robust_range
from panosc.charts.findings import finding
from panosc.charts.ticks import (
    Scale,
    is_flat,
    labels,
    linear,
    linear_ticks,
    log_ticks,
    number,
    usable,
)
from panosc.domain.plots import Axis, ImagePlot

LARGEST_PNG = 11_500
"""Bytes of the picture; a page has to stay small."""
_FINEST = 240
_COARSER = ((1, 240), (1, 96), (1, 48), (1, 28), (2, 64), (2, 28), (3, 48), (4, 32))
"""Attempts to make a picture small: (pixels averaged in each direction, colours)."""
_EVEN = 0.02
_DARK = 100
_BAR = 14
_SQUARE = 380

Rows = Sequence[Sequence[float | None]]


def draw_image(plot: ImagePlot, *, width: int, height: int, identifier: str) -> str:
    """Return the plot as SVG text."""
    rows = _rectangle(plot.rows)
    wide = [extent for extent in plot.shape if extent > 1]
    up, across = wide[-2:] if len(wide) > 1 else (0, 0)
    plot = replace(
        plot,
        x=_telling(plot.x, len(rows[0]) if rows else 0, across),
        y=_telling(plot.y, len(rows), up),
    )
    colour = _colour_scale(plot.signal, usable(value for row in rows for value in row))
    y_scale = _edge_scale(plot.y, len(rows))
    left, right = frame.left_margin(y_scale), _bar_room(colour)
    box = _box(plot, rows, left=left, width=width - left - right, height=height)
    bar = frame.Box(left=box.right + 16, top=box.top, width=_BAR, height=box.height)
    full = box.right + right
    body = [
        _pixels(rows, colour, box),
        frame.edges(box),
        _across(plot.x, len(rows[0]) if rows else 0, box),
        frame.upwards(y_scale, box, has_grid=False) if _is_even(plot.y) else _uneven(plot.y, box),
        frame.heading(frame.axis_title(plot.y, y_scale, unnamed="row"), x=2, y=18),
        frame.heading(
            frame.axis_title(plot.x, unnamed="column"), x=box.right, y=box.bottom + 44, anchor="end"
        ),
        _embedded(_ramp(), bar),
        frame.upwards(colour, bar, has_grid=False, is_right=True),
        frame.heading(frame.axis_title(plot.signal, colour), x=full - 2, y=18, anchor="end"),
    ]
    return frame.picture(
        "".join(body), width=full, height=box.bottom + 52, name=finding(plot), identifier=identifier
    )


def _telling(axis: Axis, count: int, extent: int) -> Axis:
    """Return the axis, or numbers of places where its values do not tell them apart."""
    values = usable(axis.values)
    if values and not is_flat(min(values), max(values)):
        return axis
    step = max(extent, count) / max(count, 1)
    places = tuple((index + 0.5) * step - 0.5 for index in range(count))
    return Axis(label="index", values=places)


def _rectangle(rows: Rows) -> list[list[float | None]]:
    """Return rows of one length, drawable values only."""
    wide = max(map(len, rows), default=0)
    return [
        [next(iter(usable((value,))), None) for value in row] + [None] * (wide - len(row))
        for row in rows
    ]


def _colour_scale(axis: Axis, values: list[float]) -> Scale:
    low, high = robust_range(values)
    given = usable(axis.values)
    if len(given) == 2 and given[0] < given[1]:  # noqa: PLR2004 - an end and an end
        low, high = given
    positive = sorted(value for value in values if value > 0)
    if positive and (axis.log or _hides_most(values, high)) and high > 0:
        low = max(low, quantile(positive, 0.02), high * 1e-8)
        low = low if low < high else high / 10
        return Scale(low=low, high=high, log=True, ticks=log_ticks(low, high, count=5))
    if is_flat(low, high):
        return linear([low])
    return Scale(low=low, high=high, log=False, ticks=linear_ticks(low, high, count=5))


def _hides_most(values: list[float], high: float) -> bool:
    """Whether a linear scale would show most pixels in its darkest colour."""
    return 0 < quantile(sorted(values), 0.5) < high / _DARK


def _box(plot: ImagePlot, rows: Rows, *, left: float, width: float, height: int) -> frame.Box:
    """Return the inside: true to scale where both axes are one quantity."""
    inner = height - 36 - 52
    shape = _aspect(plot, rows)
    if shape is None:
        return frame.Box(left=left, top=36, width=width, height=inner)
    tall = min(_SQUARE, width / shape)
    return frame.Box(left=left, top=36, width=max(tall * shape, 60), height=max(tall, 40))


def _aspect(plot: ImagePlot, rows: Rows) -> float | None:
    """Return width through height, or None when the axes cannot be compared."""
    if not rows or not rows[0] or plot.x.unit != plot.y.unit:
        return None
    if not _is_even(plot.x) or not _is_even(plot.y):
        return None
    across, up = (
        _span(axis, count) for axis, count in ((plot.x, len(rows[0])), (plot.y, len(rows)))
    )
    shape = across / up if up > 0 else 0.0
    return shape if 1 / 4 <= shape <= 8 else None  # noqa: PLR2004 - thinner would not be seen


def _span(axis: Axis, count: int) -> float:
    values = usable(axis.values)
    if len(values) < 2:  # noqa: PLR2004
        return float(count)
    return abs(values[-1] - values[0]) * len(values) / (len(values) - 1)


def _is_even(axis: Axis) -> bool:
    values = usable(axis.values)
    if len(values) < 3 or len(values) < len(axis.values):  # noqa: PLR2004
        return len(values) == len(axis.values)
    step = (values[-1] - values[0]) / (len(values) - 1)
    most = max(abs(value - values[0] - step * index) for index, value in enumerate(values))
    return step != 0 and most <= _EVEN * abs(values[-1] - values[0])


def _edge_scale(axis: Axis, count: int) -> Scale:
    """Return the scale from the outer edge of the first pixel to that of the last."""
    values = usable(axis.values)
    outer = (min(values), max(values)) if values else (0.0, 0.0)
    if is_flat(*outer) or not _is_even(axis):
        return linear([0.0, float(max(count, 1))])
    half = (values[-1] - values[0]) / (len(values) - 1) / 2
    first, last = values[0] - half, values[-1] + half
    ticks = linear_ticks(min(first, last), max(first, last))
    return Scale(low=first, high=last, log=False, ticks=ticks)


def _across(axis: Axis, count: int, box: frame.Box) -> str:
    if _is_even(axis):
        return frame.across(_edge_scale(axis, count), box, has_grid=False)
    return frame.labelled(
        [(box.left + place * box.width, text) for place, text in _picked(axis)], box
    )


def _uneven(axis: Axis, box: frame.Box) -> str:
    """Return labels of values that do not lie evenly: what stands at each place."""
    texts = [
        f'<text x="{frame.coordinate(box.left - 9)}" dy=".35em" '
        f'y="{frame.coordinate(box.bottom - place * box.height)}">{frame.words(text)}</text>'
        for place, text in _picked(axis)
    ]
    return f'<g text-anchor="end">{"".join(texts)}</g>'


def _picked(axis: Axis) -> list[tuple[float, str]]:
    """Return five places with the values there, with digits enough to tell them apart."""
    last = len(axis.values) - 1
    chosen = sorted({round(last * part / 4) for part in range(5)}) if last >= 0 else []
    known = [
        ((index + 0.5) / (last + 1), value)
        for index in chosen
        if (value := axis.values[index]) is not None
    ]
    different = len({value for _, value in known})
    for digits in range(3, 9):
        if len({number(value, digits=digits) for _, value in known}) == different:
            return [(place, number(value, digits=digits)) for place, value in known]
    return [(place, number(value, digits=9)) for place, value in known]


def _bar_room(scale: Scale) -> float:
    longest = max((len(text.replace("^", "")) for text in labels(scale)), default=1)
    return 16 + _BAR + 14 + min(longest * 8, 110)


def _pixels(rows: Rows, scale: Scale, box: frame.Box) -> str:
    if not rows or not rows[0]:
        return ""
    image = b""
    for block, levels in _COARSER:
        image = _encoded(_averaged(rows, block), scale, levels)
        if len(image) <= LARGEST_PNG:
            break
    is_few = max(len(rows), len(rows[0])) < box.width / 3
    return _embedded(image, box, kind="pixels" if is_few else "photo")


def _encoded(rows: Rows, scale: Scale, levels: int) -> bytes:
    found = indices(rows, low=scale.low, high=scale.high, log=scale.log, levels=levels)
    return png(found[::-1], levels=levels)


def _ramp() -> bytes:
    column: Indices = [bytearray([level]) for level in range(_FINEST - 1, -1, -1)]
    return png(column, levels=_FINEST)


def _averaged(rows: Rows, block: int) -> list[list[float | None]]:
    """Return the mean of each square of `block` × `block` pixels."""
    if block == 1:
        return [list(row) for row in rows]
    return [
        [_mean(rows, y, x, block) for x in range(0, len(rows[0]), block)]
        for y in range(0, len(rows), block)
    ]


def _mean(rows: Rows, y: int, x: int, block: int) -> float | None:
    values = [
        value for row in rows[y : y + block] for value in row[x : x + block] if value is not None
    ]
    return math.fsum(values) / len(values) if values else None


def _embedded(image: bytes, box: frame.Box, *, kind: str = "photo") -> str:
    place = " ".join(
        f'{name}="{frame.coordinate(value)}"'
        for name, value in (
            ("x", box.left),
            ("y", box.top),
            ("width", box.width),
            ("height", box.height),
        )
    )
    return f'<image class="{kind}" {place} preserveAspectRatio="none" href="{data_uri(image)}"/>'
