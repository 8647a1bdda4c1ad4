"""Axes, ticks, labels: what stands around every plot. What is inside is `lines` and `images`.

Colours and sizes of text come from the page's style sheet by class; the attributes here are
what a plot falls back to outside of a page. On narrow screens the style sheet enlarges the
text and hides every other label (class ``alt``), for which the margins leave room.
"""

import re
from dataclasses import dataclass
from html import escape

from panosc.charts.findings import name_of, unit_of
from panosc.charts.ticks import Scale, common_power, labels
from panosc.domain.plots import Axis

_LETTER = 8.0
_RAISED = re.compile(r"10\^(−?-?\d+)|([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_LOWER = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "−0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where the inside of a plot lies, in the units of the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


def coordinate(value: float) -> str:
    """Return a coordinate to a tenth, as short as can be.

    Examples
    --------
    >>> coordinate(12.04), coordinate(-0.01), coordinate(0.5)
    ('12', '0', '.5')
    """
    text = f"{value:.1f}".removesuffix(".0")
    if text in {"-0", "0"}:
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def words(text: str) -> str:
    """Return text for inside an SVG, exponents raised without special letters.

    Examples
    --------
    >>> words("10^-3")
    '10<tspan class="sup" dy="-.4em" font-size="75%">−3</tspan>'
    """
    parts: list[str] = []
    position, is_below = 0, False

    def plain(piece: str) -> None:
        if piece:
            parts.append(f'<tspan dy=".3em">{escape(piece)}</tspan>' if is_below else escape(piece))

    for match in _RAISED.finditer(text):
        plain(text[position : match.start()] + ("10" if match[1] else ""))
        power = match[1].replace("-", "−") if match[1] else match[2].translate(_LOWER)
        parts.append(f'<tspan class="sup" dy="-.4em" font-size="75%">{power}</tspan>')
        position, is_below = match.end(), True
    plain(text[position:])
    return "".join(parts)


def axis_title(axis: Axis, scale: Scale | None = None, *, unnamed: str = "point") -> str:
    """Return name, unit, and the power of ten that the labels leave out."""
    unit = unit_of(axis)
    power = common_power(scale) if scale is not None else 0
    shown = f"10^{power} {unit}".strip() if power else unit
    name = name_of(axis, unnamed=unnamed)
    return f"{name} ({shown})" if shown else name


def left_margin(scale: Scale) -> float:
    """Return the room that the labels of a vertical axis need."""
    longest = max((len(text.replace("^", "")) for text in labels(scale)), default=1)
    return min(max(longest * _LETTER + 18, 52), 150)


def across(scale: Scale, box: Box, *, has_grid: bool = True) -> str:
    """Return ticks, labels and grid lines of the horizontal axis."""
    places = [(box.left + scale.place(tick) * box.width) for tick in scale.ticks]
    texts = labels(scale)
    return labelled(list(zip(places, texts, strict=True)), box, has_grid=has_grid)


def labelled(marks: list[tuple[float, str]], box: Box, *, has_grid: bool = False) -> str:
    """Return the same for labels at given places."""
    grid, ticks, text = [], [], []
    for index, (x, label) in enumerate(marks):
        at = coordinate(x)
        grid.append(f"M{at} {coordinate(box.top)}V{coordinate(box.bottom)}")
        ticks.append(f"M{at} {coordinate(box.bottom)}v5")
        odd = ' class="alt"' if index % 2 else ""
        text.append(f'<text{odd} x="{at}" y="{coordinate(box.bottom + 20)}">{words(label)}</text>')
    lines = _path("grid", grid) if has_grid else ""
    return f'{lines}{_path("axis", ticks)}<g text-anchor="middle">{"".join(text)}</g>'


def upwards(scale: Scale, box: Box, *, has_grid: bool = True, is_right: bool = False) -> str:
    """Return ticks, labels and grid lines of the vertical axis, or of a colour bar."""
    grid, ticks, text = [], [], []
    edge, side = (box.right, 5) if is_right else (box.left, -5)
    for tick, label in zip(scale.ticks, labels(scale), strict=True):
        y = box.bottom - scale.place(tick) * box.height
        grid.append(f"M{coordinate(box.left)} {coordinate(y)}H{coordinate(box.right)}")
        ticks.append(f"M{coordinate(edge)} {coordinate(y)}h{side}")
        x = coordinate(edge + side + (4 if is_right else -4))
        text.append(f'<text x="{x}" y="{coordinate(y)}" dy=".35em">{words(label)}</text>')
    anchor = "start" if is_right else "end"
    lines = _path("grid", grid) if has_grid else ""
    return f'{lines}{_path("axis", ticks)}<g text-anchor="{anchor}">{"".join(text)}</g>'


def heading(text: str, *, x: float, y: float, anchor: str = "start") -> str:
    """Return the title of an axis."""
    place = f'x="{coordinate(x)}" y="{coordinate(y)}"'
    return f'<text class="title" {place} text-anchor="{anchor}">{words(text)}</text>'


def picture(body: str, *, width: float, height: float, name: str, identifier: str) -> str:
    """Return the whole SVG; `name` is what is read out instead of it."""
    size = f'viewBox="0 0 {coordinate(width)} {coordinate(height)}"'
    return (
        f'<svg class="plot" {size} role="img" aria-labelledby="{escape(identifier)}" '
        f'fill="none" font-size="13" font-family="sans-serif">'
        f'<title id="{escape(identifier)}">{escape(name)}</title>{body}</svg>'
    )


def edges(box: Box) -> str:
    """Return the two lines on which an axis stands."""
    left, top, right, bottom = map(coordinate, (box.left, box.top, box.right, box.bottom))
    return f'<path class="axis" stroke="#76828f" d="M{left} {top}V{bottom}H{right}"/>'


def _path(kind: str, pieces: list[str]) -> str:
    colour = "#d3dae2" if kind == "grid" else "#76828f"
    return f'<path class="{kind}" stroke="{colour}" d="{"".join(pieces)}"/>' if pieces else ""
