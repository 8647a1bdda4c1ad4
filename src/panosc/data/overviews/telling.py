"""What pages say of an overview: captions with numbers, and what was not looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

from panosc.charts.ticks import number
from panosc.data.overviews.keeping import Overview
from panosc.data.overviews.service import MAXIMUM


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """One picture with its words; `name` is what its address says after ``frame=``."""

    name: str
    title: str
    caption: str


def statistics(overview: Overview) -> str | None:
    """Return the statistics of the signal in a sentence; None where it holds no numbers."""
    told = _numbers(overview.live)
    if told is None:
        return None
    dead = f", without {overview.dead:,} values marked as dead" if overview.dead else ""
    return f"{told}, standard deviation {_short(overview.live['std'])}{_of(overview)}{dead}."


def pictures(overview: Overview) -> list[Pictured]:
    """Return the pictures of a stack: its maximum and a few of its frames."""
    if overview.frame_count == 1 or not overview.frames:
        return []
    found = []
    if overview.default == MAXIMUM:
        read, count = overview.read, overview.frame_count
        every = f"all {count:,} frames" if read == count else f"{read:,} of {count:,} frames"
        highest = overview.live.get("max")
        largest = "" if highest is None else f"; the largest is {_short(highest)}"
        caption = f"Highest value of each pixel in {every}{largest}"
        found.append(Pictured(name=MAXIMUM, title="Maximum", caption=caption))
    for frame in overview.frames:
        place = "" if len(frame.index) < 2 else f"at {', '.join(map(str, frame.index))}: "  # noqa: PLR2004
        told = _numbers(frame.live) or "no numbers"
        title = f"Frame {frame.number:,}"
        found.append(Pictured(name=str(frame.number), title=title, caption=f"{place}{told}"))
    return found


def chosen(overview: Overview) -> str:
    """Return which frames are shown."""
    shown, count = len(overview.frames), overview.frame_count
    which = f"All {count:,}" if shown == count else f"{shown} of {count:,}, evenly spaced"
    return f"{which}, numbered from 0, on one colour scale."


def _of(overview: Overview) -> str:
    if overview.read == overview.frame_count:
        return ""
    return f", of {overview.read:,} of {overview.frame_count:,} frames, evenly spaced"


def _numbers(found: Mapping[str, int | float | None]) -> str | None:
    low, high, mean = (found.get(name) for name in ("min", "max", "mean"))
    if low is None or high is None or mean is None:
        return None
    return f"{_short(low)} to {_short(high)}, mean {_short(mean)}"


def _short(value: int | float | None) -> str:
    return "–" if value is None else number(float(value), digits=4)
