"""A curve as SVG: gaps where values are missing, error bars when there are few points."""

from itertools import pairwise

from panosc.charts import frame
from panosc.charts.findings import finding
from panosc.charts.ticks import Scale, is_usable, linear, logarithmic, spans_decades, usable
from panosc.domain.plots import Axis, LinePlot

FEW = 60
"""Up to so many points each gets a marker and its error bar."""

_Point = tuple[float, float, float | None]


def draw_line(plot: LinePlot, *, width: int, height: int, identifier: str) -> str:
    """Return the plot as SVG text."""
    x_scale, y_scale = _across(plot.x), _upwards(plot)
    left = frame.left_margin(y_scale)
    box = frame.Box(left=left, top=36, width=width - left - 22, height=height - 36 - 54)
    runs = _runs(plot, x_scale, y_scale)
    is_few = sum(map(len, runs)) <= FEW
    body = [
        frame.across(x_scale, box),
        frame.upwards(y_scale, box),
        frame.edges(box),
        frame.heading(frame.axis_title(plot.y, y_scale), x=2, y=18),
        frame.heading(frame.axis_title(plot.x, x_scale), x=box.right, y=height - 10, anchor="end"),
        _bars(runs, x_scale, y_scale, box) if is_few else "",
        _curve(runs, x_scale, y_scale, box),
        _markers(runs, x_scale, y_scale, box) if is_few else "",
    ]
    return frame.picture(
        "".join(body), width=width, height=height, name=finding(plot), identifier=identifier
    )


def _across(axis: Axis) -> Scale:
    values = usable(axis.values)
    positive = [value for value in values if value > 0]
    # a linear grid of points belongs on a linear axis, however far it reaches
    bunched = spans_decades(values) and sorted(values)[len(values) // 2] < max(values) / 10
    if positive and (axis.log or bunched):
        return logarithmic(values)
    return linear(values, count=6)


def _upwards(plot: LinePlot) -> Scale:
    values = usable(plot.y.values)
    if any(value > 0 for value in values) and (plot.y.log or spans_decades(values)):
        return logarithmic(values, count=5)
    if plot.errors is not None and len(values) <= FEW:
        values = [*values, *_ends(plot)]
    return linear(values, margin=0.04)


def _ends(plot: LinePlot) -> list[float]:
    return [
        end
        for y, error in zip(plot.y.values, plot.errors or (), strict=False)
        if y is not None and error is not None
        for end in (y - error, y + error)
        if is_usable(end)
    ]


def _runs(plot: LinePlot, x_scale: Scale, y_scale: Scale) -> list[list[_Point]]:
    """Return the pieces of the curve between its gaps."""
    runs: list[list[_Point]] = [[]]
    errors = plot.errors or (None,) * len(plot.y.values)
    for x, y, error in zip(plot.x.values, plot.y.values, errors, strict=False):
        if x is None or y is None or not _fits(x, x_scale) or not _fits(y, y_scale):
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((x, y, error if error is None or is_usable(error) else None))
    return [run for run in runs if run]


def _fits(value: float, scale: Scale) -> bool:
    return is_usable(value) and (value > 0 or not scale.log)


def _curve(runs: list[list[_Point]], x_scale: Scale, y_scale: Scale, box: frame.Box) -> str:
    pieces: list[str] = []
    for run in runs:
        # steps are taken between rounded places, so that rounding does not add up
        places = [_place(point, x_scale, y_scale, box) for point in run]
        steps = [
            f"{frame.coordinate((x - x0) / 10)} {frame.coordinate((y - y0) / 10)}"
            for (x0, y0), (x, y) in pairwise(places)
            if (x, y) != (x0, y0)
        ] or ["0 0"]
        start = f"M{frame.coordinate(places[0][0] / 10)} {frame.coordinate(places[0][1] / 10)}"
        pieces.append(f"{start}l{' '.join(steps).replace(' -', '-')}")
    return (
        '<path class="line" stroke="#0b5cad" stroke-width="1.8" stroke-linejoin="round" '
        f'stroke-linecap="round" d="{"".join(pieces)}"/>'
    )


def _place(point: _Point, x_scale: Scale, y_scale: Scale, box: frame.Box) -> tuple[int, int]:
    """Return where a point stands, in tenths."""
    x, y, _ = point
    up = min(max(y_scale.place(y), 0.0), 1.0)
    return (
        round((box.left + x_scale.place(x) * box.width) * 10),
        round((box.bottom - up * box.height) * 10),
    )


def _markers(runs: list[list[_Point]], x_scale: Scale, y_scale: Scale, box: frame.Box) -> str:
    dots = "".join(
        f'<circle cx="{frame.coordinate(x / 10)}" cy="{frame.coordinate(y / 10)}" r="2.8"/>'
        for run in runs
        for x, y in (_place(point, x_scale, y_scale, box) for point in run)
    )
    return f'<g class="dots" fill="#0b5cad">{dots}</g>'


def _bars(runs: list[list[_Point]], x_scale: Scale, y_scale: Scale, box: frame.Box) -> str:
    pieces = []
    for x, y, error in (point for run in runs for point in run):
        if error is None or error == 0:
            continue
        at, top = _place((x, y + abs(error), None), x_scale, y_scale, box)
        down = y - abs(error)
        low = y_scale.low if y_scale.log and down <= 0 else down
        _, bottom = _place((x, low, None), x_scale, y_scale, box)
        pieces.append(
            f"M{frame.coordinate(at / 10)} {frame.coordinate(top / 10)}"
            f"V{frame.coordinate(bottom / 10)}"
        )
    return f'<path class="error" stroke="#4d5b69" d="{"".join(pieces)}"/>' if pieces else ""
