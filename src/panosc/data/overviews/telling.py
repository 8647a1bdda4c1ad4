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
    told = _numbers(overview.statistics)
    if told is None:
        return None
    return f"{told}, standard deviation {_short(overview.statistics['std'])}{_of(overview)}."


def pictures(overview: Overview) -> list[Pictured]:
    """Return the pictures of a stack: its maximum and a few of its frames."""
    if overview.frame_count == 1 or not overview.frames:
        return []
    read, count = overview.read, overview.frame_count
    every = f"all {count:,} frames" if read == count else f"{read:,} of {count:,} frames"
    highest = overview.statistics.get("max")
    found = []
    if overview.default == MAXIMUM:
        largest = "" if highest is None else f"; the largest is {_short(highest)}"
        caption = f"Highest value of each pixel in {every}{largest}"
        found.append(Pictured(name=MAXIMUM, title="Maximum", caption=caption))
    for frame in overview.frames:
        place = "" if len(frame.index) < 2 else f" at {', '.join(map(str, frame.index))}"  # noqa: PLR2004
        told = _numbers(frame.statistics)
        found.append(
            Pictured(
                name=str(frame.number),
                title=f"Frame {frame.number:,}",
                caption=f"of {count:,}, from 0{place}: {told or 'no numbers'}",
            )
        )
    return found


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
