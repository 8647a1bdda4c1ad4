"""Trying again, a few times and not for long; and not at all where a storage has been down.

A `Line` belongs to one storage in one process: all who read from it share what is known of it.
"""

import random
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from panosc.domain.errors import Unreachable, Unreadable

T = TypeVar("T")

TRIES: Final = 4
FIRST_PAUSE_S: Final = 0.1
FAILURES: Final = 3
"""Failed readings in a row after which a storage is down."""
FIRST_BREAK_S: Final = 2.0
LONGEST_BREAK_S: Final = 60.0


class Transient(Exception):
    """It did not work, and may the next time; the text says what happened."""


class Line:
    """Readings from one storage: tried again when they fail, refused while it is down.

    Parameters
    ----------
    name : str
        What the storage is called in messages.
    clock : callable
        Seconds that only grow.
    pause : callable
        Waits for some seconds.
    """

    def __init__(
        self,
        name: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        self._last = ""

    def tried(self, action: Callable[[float], T], *, limit_s: float) -> T:
        """Return what `action` returns; it is told the seconds that it has left.

        Raises
        ------
        Unreachable
            If it failed too often, or the storage has been down until now.
        """
        self.check()
        end, told = self._clock() + limit_s, ""
        for number in range(TRIES):
            try:
                found = action(max(end - self._clock(), 0.01))
            except Transient as error:
                told = str(error)
            except Unreadable:
                self.worked()
                raise
            else:
                self.worked()
                return found
            wait = _pause_s(number)
            if number + 1 == TRIES or self._clock() + wait >= end:
                break
            self._pause(wait)
        raise self.failed(told)

    def wait(self, failures: int) -> None:
        """Wait before the next try, the longer the more have failed."""
        self._pause(_pause_s(failures - 1))

    def check(self) -> None:
        """Refuse at once while the storage is down; now and then one reading may try it."""
        with self._lock:
            now = self._clock()
            if self._failures < FAILURES:
                return
            if now >= self._closed_until:
                # this one tries; the others wait for what becomes of it
                self._closed_until = now + FIRST_BREAK_S
                return
            raise self._error(self._last, wait=self._closed_until - now)

    def worked(self) -> None:
        """Note that the storage has answered."""
        with self._lock:
            self._failures = 0

    def failed(self, told: str) -> Unreachable:
        """Note that a reading failed for good; return the error to raise."""
        with self._lock:
            self._failures += 1
            self._last = told
            more = max(self._failures - FAILURES, 0)
            pause = min(FIRST_BREAK_S * 2 ** min(more, 10), LONGEST_BREAK_S)
            self._closed_until = self._clock() + pause
            return self._error(told)

    def _error(self, told: str, *, wait: float | None = None) -> Unreachable:
        again = "Try again later" if wait is None else f"Try again in {wait:.0f} seconds"
        return Unreachable(
            f"The storage {self.name} cannot be read from: {told}.",
            hint=f"{again}; if it stays so, tell those who run this node.",
        )


def _pause_s(number: int) -> float:
    return FIRST_PAUSE_S * 4.0**number * (0.5 + random.random() / 2)  # noqa: S311
