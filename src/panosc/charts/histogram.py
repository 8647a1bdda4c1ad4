"""A small histogram for the side of a list: how many values lie in each part of a range.

The picture has no axis upwards; its numbers stand in the table that a page puts beside it.
"""

from dataclasses import dataclass

from panosc.charts import frame
from panosc.charts.ticks import Scale, is_flat, linear_ticks, log_ticks, number
from panosc.domain.units import display

_WIDTH = 256
_HEIGHT = 76
_LETTER = 6.0
_LEAST = 2.0
"""Height of a bar that counts at all."""
_NO_UNITS = {"", "1", "dimensionless"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """Counts between edges: one more edge than counts, each larger than the one before."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    unit: str
    is_log: bool = False

    @property
    def shown_unit(self) -> str:
        """The unit with a space before it, or nothing."""
        shown = display(self.unit) if self.unit else ""
        return "" if shown in _NO_UNITS else f" {shown}"


def draw_histogram(
    bins: Bins, *, name: str, identifier: str, low: float | None = None, high: float | None = None
) -> str:
    """Return the bins as SVG text; those that `low` to `high` does not reach are paler.

    Parameters
    ----------
    name : str
        What the picture shows, in a sentence that is read out instead of it.
    low, high : float, optional
        The chosen range, in the unit of the edges; None is an open end.
    """
    scale = _scale(bins)
    box = frame.Box(left=1, top=2, width=_WIDTH - 2, height=_HEIGHT - 24)
    most = max(bins.counts, default=0) or 1
    inside: list[str] = []
    outside: list[str] = []
    for count, start, end in zip(bins.counts, bins.edges, bins.edges[1:], strict=False):
        if not count:
            continue
        left = box.left + scale.place(start) * box.width
        wide = (scale.place(end) - scale.place(start)) * box.width - 1
        tall = max(_LEAST, count / most * box.height)
        bar = f"M{frame.coordinate(left)} {frame.coordinate(box.bottom)}"
        bar += (
            f"v-{frame.coordinate(tall)}h{frame.coordinate(max(wide, 1))}v{frame.coordinate(tall)}"
        )
        is_in = (high is None or start <= high) and (low is None or end >= low)
        (inside if is_in else outside).append(bar)
    body = _bars("bars off", outside, "#a9b6c3") + _bars("bars", inside, "#0b5cad")
    body += _axis(scale, box)
    return frame.picture(body, width=_WIDTH, height=_HEIGHT, name=name, identifier=identifier)


def told(bins: Bins, *, what: str) -> str:
    """Return what the histogram shows, in a sentence.

    Examples
    --------
    >>> told(Bins(edges=(0.0, 1.0, 2.0), counts=(1, 3), unit="nm"), what="Wavelength")
    'Wavelength from 0 to 2 nm; most values between 1 and 2 nm: 3 of 4'
    """
    unit = bins.shown_unit
    low, high = number(bins.edges[0]), number(bins.edges[-1])
    total = sum(bins.counts)
    if not total:
        return f"{what}: no value between {low} and {high}{unit}"
    best = max(range(len(bins.counts)), key=bins.counts.__getitem__)
    start, end = number(bins.edges[best]), number(bins.edges[best + 1])
    most = f"{bins.counts[best]:,} of {total:,}"
    return f"{what} from {low} to {high}{unit}; most values between {start} and {end}{unit}: {most}"


def rows(bins: Bins) -> list[tuple[str, int]]:
    """Return the bins that count at all: from where to where, and how many."""
    return [
        (f"{number(start, digits=4)} to {number(end, digits=4)}", count)
        for start, end, count in zip(bins.edges, bins.edges[1:], bins.counts, strict=False)
        if count
    ]


def _scale(bins: Bins) -> Scale:
    low, high = bins.edges[0], bins.edges[-1]
    if bins.is_log and low > 0:
        return Scale(low=low, high=high, log=True, ticks=log_ticks(low, high, count=4))
    if is_flat(low, high):
        room = abs(high) * 0.1 or 1.0
        return Scale(low=low - room, high=high + room, log=False, ticks=(low,))
    return Scale(low=low, high=high, log=False, ticks=linear_ticks(low, high, count=4))


def _bars(kind: str, bars: list[str], colour: str) -> str:
    return f'<path class="{kind}" fill="{colour}" d="{"".join(bars)}"/>' if bars else ""


def _axis(scale: Scale, box: frame.Box) -> str:
    bottom = frame.coordinate(box.bottom)
    line = f"M{frame.coordinate(box.left)} {bottom}H{frame.coordinate(box.right)}"
    texts = []
    free = float(-_WIDTH)
    for tick in scale.ticks:
        x = box.left + scale.place(tick) * box.width
        line += f"M{frame.coordinate(x)} {bottom}v4"
        text = number(tick)
        wide = len(text.replace("10^", "10")) * _LETTER
        middle = min(max(x, box.left + wide / 2), box.right - wide / 2)
        if middle - wide / 2 < free:
            continue
        free = middle + wide / 2 + _LETTER
        place = f'x="{frame.coordinate(middle)}" y="{frame.coordinate(box.bottom + 17)}"'
        texts.append(f'<text {place} text-anchor="middle">{frame.words(text)}</text>')
    return f'<path class="axis" stroke="#76828f" d="{line}"/>{"".join(texts)}'
