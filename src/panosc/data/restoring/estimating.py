"""When a file will be back, as far as earlier mounts tell: pure arithmetic, and no promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

FEWEST = 1
"""Earlier mounts without which nothing is estimated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What stands between a wish and its file."""

    lasted: Sequence[timedelta]
    """How long the last mounts took."""
    running: Mapping[str, datetime]
    """Volumes that are mounted, and since when."""
    waiting: Sequence[str]
    """Volumes that wait, in the order in which they will be mounted."""
    drives: int


def expected(queue: Queue, volume: str | None, *, now: datetime) -> datetime | None:
    """Return when a file of `volume` will be there; None when there is nothing to tell it by.

    Each mount is taken to last as long as the middle one of the last.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> minutes = [timedelta(minutes=10)]
    >>> queue = Queue(lasted=minutes, running={"A": noon}, waiting=["B", "C"], drives=1)
    >>> [expected(queue, name, now=noon).minute for name in "ABC"]
    [10, 20, 30]
    """
    if len(queue.lasted) < FEWEST or volume is None:
        return None
    one = timedelta(seconds=median(item.total_seconds() for item in queue.lasted))
    # one that takes longer than usual may end any moment
    free = sorted(max(now, since + one) for since in queue.running.values())
    if volume in queue.running:
        return max(now, queue.running[volume] + one)
    if volume not in queue.waiting:
        return None
    free = [*[now] * max(0, queue.drives - len(free)), *free]
    for name in queue.waiting:
        begins = free.pop(0)
        if name == volume:
            return begins + one
        free = sorted([*free, begins + one])
    return None
