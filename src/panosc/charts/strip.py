"""Days as a strip of thin bars: how much of each was good. The words beside it say the same."""

from collections.abc import Sequence

from panosc.charts import frame

_STEP, _WIDE = 12.0, 9.0
_LOWEST = 0.12
_FINE = 0.99


def draw_strip(
    shares: Sequence[float | None], *, name: str, ends: tuple[str, str], identifier: str = "strip"
) -> str:
    """Return one bar a day as SVG text: high and green if all was good, low and red if nothing.

    Parameters
    ----------
    shares : sequence of float or None
        From 0 to 1, the oldest first; None where there is nothing to tell.
    name : str
        What the strip shows, in a sentence that is read out instead of it.
    ends : (str, str)
        What the first and the last day are called.
    """
    tall = 72.0
    width = max(len(shares) * _STEP, 200.0)
    bars = "".join(
        _bar(index * _STEP, share, top=2.0, tall=tall) for index, share in enumerate(shares)
    )
    line = frame.coordinate(tall + 22)
    text = (
        f'<text x="0" y="{line}">{frame.words(ends[0])}</text>'
        f'<text x="{frame.coordinate(width)}" y="{line}" text-anchor="end">'
        f"{frame.words(ends[1])}</text>"
    )
    return frame.picture(
        bars + text, width=width, height=tall + 30, name=name, identifier=identifier
    )


def _bar(x: float, share: float | None, *, top: float, tall: float) -> str:
    if share is None:
        height, colour = 2.0, "var(--control, #76828f)"
    else:
        height = max(share, _LOWEST) * tall
        colour = "var(--err, #b3261e)" if not share else "var(--warn, #8a5200)"
        colour = "var(--ok, #1a6b3c)" if share >= _FINE else colour
    return (
        f'<rect x="{frame.coordinate(x)}" y="{frame.coordinate(top + tall - height)}" '
        f'width="{frame.coordinate(_WIDE)}" height="{frame.coordinate(height)}" fill="{colour}"/>'
    )
