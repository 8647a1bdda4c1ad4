"""Sparing a catalogue that fails: not asked for a while, then one question on trial."""

import random
import time
from collections import deque
from collections.abc import Callable

IN_A_ROW = 5
LAST = 20
SHORTEST_S = 2.0
LONGEST_S = 60.0
_JITTER = 0.2


class Breaker:
    """Tells whether a catalogue is to be asked. Used within one event loop.

    It opens after `IN_A_ROW` failures in a row, or when half of the `LAST` questions failed. After
    a time, which doubles with each trial that fails, one question is let through.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._now = now
        self._jitter = jitter
        self._last: deque[bool] = deque(maxlen=LAST)
        self._wait = 0.0
        self._until = 0.0
        self._is_open = False
        self._is_on_trial = False

    @property
    def is_open(self) -> bool:
        """Whether the catalogue is held for down."""
        return self._is_open

    def admits(self) -> bool:
        """Whether a question may be put; if so, `note` or `forget` must follow."""
        if not self._is_open:
            return True
        if self._is_on_trial or self._now() < self._until:
            return False
        self._is_on_trial = True
        return True

    def note(self, *, is_fine: bool) -> None:
        """Learn what became of a question."""
        if is_fine and self._is_open:
            # how it did before it was down tells nothing any more
            self._last.clear()
            self._is_open, self._wait = False, 0.0
        self._last.append(is_fine)
        if not is_fine and (self._is_on_trial or (not self._is_open and self._is_broken())):
            self._open()
        self._is_on_trial = False

    def forget(self) -> None:
        """Learn that nothing can be said of a question; if it was a trial, it is made again."""
        self._is_on_trial = False

    def _is_broken(self) -> bool:
        row = list(self._last)[-IN_A_ROW:]
        if len(row) == IN_A_ROW and not any(row):
            return True
        return len(self._last) == LAST and self._last.count(False) * 2 >= LAST

    def _open(self) -> None:
        self._is_open = True
        self._wait = min(LONGEST_S, max(SHORTEST_S, self._wait * 2))
        self._until = self._now() + self._wait * self._jitter(1 - _JITTER, 1 + _JITTER)
