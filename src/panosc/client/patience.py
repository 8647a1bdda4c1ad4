"""Trying again when a node is busy or a connection broke, later each time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from panosc.domain.errors import Busy, TooMany, Upstream

T = TypeVar("T")
_FIRST_S = 0.5
_LONGEST_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to wait between `tries` in vain, one after the other."""

    tries: int = 5
    first_s: float = _FIRST_S
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failed: int, error: Exception) -> None:
        """Wait after the `failed`-th failure in a row, or raise `error`: it will not get better."""
        if failed >= self.tries or not is_passing(error):
            raise error
        seconds = min(_LONGEST_S, self.first_s * 2 ** (failed - 1))
        if isinstance(error, Busy | TooMany):
            seconds = min(2 * _LONGEST_S, max(seconds, error.retry_after))
        # so that many who were refused together do not come back together
        self.sleep(seconds * (1 + random.random() / 4))  # noqa: S311

    def insist(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, once it does."""
        failed = 0
        while True:
            try:
                return call()
            except (Busy, TooMany, Upstream) as error:
                failed += 1
                self.wait(failed, error)


class Lasting(Upstream):
    """What a node says is no answer, and would be none a moment later."""


def is_passing(error: Exception) -> bool:
    """Whether it may be over soon."""
    return isinstance(error, Busy | TooMany | Upstream) and not isinstance(error, Lasting)
