"""What a plot shows, in one sentence: its accessible name and its caption."""

import math
import re
from collections.abc import Sequence

from panosc.charts.ticks import number, usable
from panosc.domain.plots import Axis, ImagePlot, LinePlot, Plot
from panosc.domain.units import canonical, display

_BRACKETS = re.compile(r"\s*[\[(]([^\[\]()]*)[\])]\s*$")
_PLACES = "index"
_NO_UNITS = {"1", "dimensionless", "no unit", "none", "unitless"}
_POWER = re.compile(r"10\^(-?\d+)")
_RAISE = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_COUNTS = {"count", "counts"}
_NAMELESS = {"point", "row", "column", ""}
_SHARE = 0.6
_RARE = 0.2


def finding(plot: Plot) -> str:
    """Return what the plot shows, with numbers and units.

    Examples
    --------
    >>> q = Axis(label="Q", unit="1/angstrom", values=(0.01, 0.4))
    >>> intensity = Axis(label="I", unit="1/cm", values=(12.3, 0.004))
    >>> finding(LinePlot(title="", path="", x=q, y=intensity))
    'I falls from 12.3 to 0.004 cm⁻¹ over Q from 0.01 to 0.4 Å⁻¹'
    """
    text = _line(plot) if isinstance(plot, LinePlot) else _image(plot)
    return _POWER.sub(lambda found: "10" + found[1].translate(_RAISE), text)


def unit_of(axis: Axis) -> str:
    """Return the unit of an axis as people read it, or nothing."""
    unit = axis.unit or ""
    if axis.label.lower().startswith("q"):
        # momentum transfer: an A is an ångström there, not an ampere
        unit = canonical(unit, category="NX_WAVENUMBER") or unit
    shown = display(unit) if unit else ""
    if shown in _COUNTS:
        return "" if "count" in axis.label.lower() else "counts"
    return "" if shown.lower() in _NO_UNITS else shown


def name_of(axis: Axis, *, unnamed: str = "point") -> str:
    """Return the name of an axis on one line, not too long, without a unit in brackets.

    `unnamed` is what the places of an axis without a name are called.
    """
    if axis.label == _PLACES:
        return unnamed
    text, found = axis.label, _BRACKETS.search(axis.label)
    if found and axis.unit and display(found[1]) == display(axis.unit):
        text = text[: found.start()]
    label = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return label if len(label) <= 60 else label[:59] + "…"  # noqa: PLR2004


def _line(plot: LinePlot) -> str:
    name = name_of(plot.y) or "the signal"
    pairs = [
        (x, y)
        for x, y in zip(plot.x.values, plot.y.values, strict=False)
        if usable((x, y)) == [x, y]
    ]
    points = [(float(x), float(y)) for x, y in pairs if x is not None and y is not None]
    if not points:
        return f"{name} has no values that can be drawn"
    ends = f"{_range(points[0][0], points[-1][0])}{_spaced(unit_of(plot.x))}"
    along = name_of(plot.x)
    over = f"points {ends}" if along in _NAMELESS else f"{along} {ends}"
    return f"{name} {_trend(points, plot)} over {over}"


def _trend(points: Sequence[tuple[float, float]], plot: LinePlot) -> str:
    values = [y for _, y in points]
    low, high = min(values), max(values)
    unit = _spaced(unit_of(plot.y))
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        return f"stays at {number(high)}{unit}"
    heights = values
    if low > 0 and (plot.y.log or high / 1e3 > low):
        heights = [math.log10(value) for value in values]
    span = max(heights) - min(heights)
    change = (heights[-1] - heights[0]) / span if span > 0 else 0.0
    if abs(change) >= _SHARE:
        verb = "rises" if change > 0 else "falls"
        return f"{verb} from {number(values[0])} to {number(values[-1])}{unit}"
    place, peak = max(points, key=lambda point: point[1])
    upper = sum(value > (low + high) / 2 for value in values)
    if upper <= _RARE * len(values):
        where = f"{number(place)}{_spaced(unit_of(plot.x))}"
        return f"peaks at {number(peak)}{unit} near {where}"
    return f"varies between {number(low)} and {number(high)}{unit}"


def _image(plot: ImagePlot) -> str:
    name = name_of(plot.signal) or "the signal"
    values = usable(value for row in plot.rows for value in row)
    size = " × ".join(f"{extent:,}" for extent in plot.shape) or (
        f"{len(plot.rows)} × {max(map(len, plot.rows), default=0)}"
    )
    if not values:
        return f"{name} ({size}) has no values that can be drawn"
    unit = _spaced(unit_of(plot.signal))
    if min(values) == max(values):
        return f"{name} ({size}) is {number(values[0])}{unit} everywhere"
    which = "first frame with values" if len(plot.shape) > 2 else "values"  # noqa: PLR2004
    bounds = f"between {number(min(values))} and {number(max(values))}{unit}"
    middle = number(sorted(values)[len(values) // 2])
    return f"{name} ({size}): {which} {bounds}, half of them below {middle}"


def _range(first: float, last: float) -> str:
    """Return both ends, with as many digits as it takes to tell them apart."""
    for digits in range(3, 12):
        low, high = number(first, digits=digits), number(last, digits=digits)
        if low != high:
            return f"from {low} to {high}"
    return f"from {number(first)} to {number(last)}"


def _spaced(unit: str) -> str:
    return "°" if unit == "°" else f" {unit}" if unit else ""
