"""Pictures of pixels: colour-mapped arrays and small curves as PNG and WebP.

What stands around a plot is `svg`; a thumbnail has no labels. Backgrounds are transparent, and
the colour of curves can be seen on white and on black.
"""

from io import BytesIO
from typing import Final, Literal

from PIL import Image, ImageDraw

from panosc.charts.colours import viridis
from panosc.charts.ticks import Scale, is_usable, linear, logarithmic, spans_decades, usable
from panosc.domain.plots import LinePlot

SMALL: Final = 96
"""Sides of a thumbnail in a list, in pixels."""
LARGE: Final = 480
"""The longer side of a large picture."""
LEVELS: Final = 255
MISSING: Final = 255
"""Place on the colour scale of a pixel without a value."""
Form = Literal["png", "webp"]
MEDIA: Final[dict[str, str]] = {
    "png": "image/png",
    "webp": "image/webp",
    "svg": "image/svg+xml",
}
_QUALITY: Final = 82
_CURVE: Final = (47, 127, 208, 255)
_AXIS: Final = (128, 140, 152, 255)
_FINER: Final = 4
"""A curve is drawn so many times as large, and then made smaller, so that it is smooth."""
_PALETTE: Final = [part for level in range(LEVELS) for part in viridis(level / (LEVELS - 1))] + [
    128,
    128,
    128,
]


def image(width: int, height: int, pixels: bytes, *, form: Form, side: int | None = None) -> bytes:
    """Return places on the colour scale, row by row from the top, as a picture.

    With `side` it stands in the middle of a square of that side.

    Raises
    ------
    ValueError
        If there are not as many pixels as the sizes say.
    """
    if not (0 < width <= LARGE and 0 < height <= LARGE and len(pixels) == width * height):
        raise ValueError(f"{len(pixels)} pixels are no picture of {width} × {height}")
    found = Image.frombytes("P", (width, height), pixels)
    found.putpalette(_PALETTE)
    if side is not None and (width, height) != (side, side):
        square = Image.new("P", (side, side), MISSING)
        square.putpalette(_PALETTE)
        square.paste(found, ((side - width) // 2, (side - height) // 2))
        found = square
    found.info["transparency"] = MISSING
    return _encoded(found, form)


def curve(plot: LinePlot, *, width: int, height: int, form: Form) -> bytes:
    """Return a curve without labels, as large as it can be."""
    finer = Image.new("RGBA", (width * _FINER, height * _FINER), (*_CURVE[:3], 0))
    draw = ImageDraw.Draw(finer)
    margin = 4 * _FINER
    left, right = margin, width * _FINER - margin
    top, bottom = margin, height * _FINER - margin
    draw.line([(left, top), (left, bottom), (right, bottom)], fill=_AXIS, width=_FINER)
    thick = max(2, height // 96 + 1) * _FINER
    for run in _runs(plot):
        places = [(left + x * (right - left), bottom - y * (bottom - top)) for x, y in run]
        if len(places) > 1:
            draw.line(places, fill=_CURVE, width=thick, joint="curve")
        else:
            x, y = places[0]
            draw.ellipse([x - thick, y - thick, x + thick, y + thick], fill=_CURVE)
    return _encoded(finer.resize((width, height), Image.Resampling.BOX), form)


def as_png(picture: bytes) -> bytes:
    """Return a picture of our own making as PNG."""
    with Image.open(BytesIO(picture), formats=["WEBP", "PNG"]) as found:
        return _encoded(found.convert("RGBA"), "png")


def _runs(plot: LinePlot) -> list[list[tuple[float, float]]]:
    """Return the pieces of the curve between its gaps, from 0 to 1 in both directions."""
    across, upwards = (_scale(axis.values, log=axis.log) for axis in (plot.x, plot.y))
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(plot.x.values, plot.y.values, strict=False):
        if x is None or y is None or not _fits(x, across) or not _fits(y, upwards):
            runs.append([])
        else:
            runs[-1].append((_place(across, x), _place(upwards, y)))
    return [run for run in runs if run]


def _scale(values: tuple[float | None, ...], *, log: bool) -> Scale:
    known = usable(values)
    if any(value > 0 for value in known) and (log or spans_decades(known)):
        return logarithmic(known)
    return linear(known)


def _fits(value: float, scale: Scale) -> bool:
    return is_usable(value) and (value > 0 or not scale.log)


def _place(scale: Scale, value: float) -> float:
    return min(max(scale.place(value), 0.0), 1.0)


def _encoded(found: Image.Image, form: Form) -> bytes:
    sink = BytesIO()
    if form == "png":
        found.save(sink, "PNG", optimize=True)
    elif found.mode == "P":
        found.convert("RGBA").save(sink, "WEBP", quality=_QUALITY, method=4)
    else:
        found.save(sink, "WEBP", lossless=True, method=4)
    return sink.getvalue()
