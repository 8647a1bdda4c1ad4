"""Counts as bars: how many of each. Labels are short words or numbers."""

from collections.abc import Sequence

from panosc.charts import frame
from panosc.charts.ticks import linear

_MOST_LABELS = 8


def draw_bars(
    counts: Sequence[tuple[str, int]],
    *,
    name: str,
    width: int = 640,
    height: int = 200,
    identifier: str = "bars",
) -> str:
    """Return bars as SVG text, each with its label under it.

    Parameters
    ----------
    counts : sequence of (label, count)
        From left to right.
    name : str
        What the bars show, in a sentence that is read out instead of them.
    """
    scale = linear([0.0, float(max((count for _, count in counts), default=1) or 1)], count=3)
    left = frame.left_margin(scale)
    box = frame.Box(left=left, top=14, width=width - left - 10, height=height - 14 - 34)
    step = box.width / max(len(counts), 1)
    pieces, marks = [], []
    skip = -(-len(counts) // _MOST_LABELS) or 1
    for index, (label, count) in enumerate(counts):
        x, tall = box.left + step * index, scale.place(count) * box.height
        wide = min(step * 0.8, 48)
        start = x + (step - wide) / 2
        pieces.append(
            f'<rect x="{frame.coordinate(start)}" y="{frame.coordinate(box.bottom - tall)}" '
            f'width="{frame.coordinate(wide)}" height="{frame.coordinate(max(tall, 0.5))}"/>'
        )
        if index % skip == 0:
            marks.append((x + step / 2, label))
    body = (
        frame.upwards(scale, box)
        + frame.labelled(marks, box)
        + f'<g class="bars" fill="#0b5cad">{"".join(pieces)}</g>'
        + frame.edges(box)
    )
    return frame.picture(body, width=width, height=height, name=name, identifier=identifier)
