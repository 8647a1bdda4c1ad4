"""Statistics of a signal, block by block, as h5grove names them; nothing is read here.

Means and deviations keep their fractions, also those of whole numbers.
"""

import math
from copy import copy
from typing import Any, Final

import numpy as np

Block = np.ndarray[Any, Any]
Statistics = dict[str, int | float | None]

NAMES: Final = ("strict_positive_min", "positive_min", "min", "max", "mean", "std")

_PIECE: Final = 2**16
"""Numbers that are reckoned with at once: few enough for the processor to hold."""


class Running:
    """Statistics of all blocks that were added so far; what is not finite is left out."""

    def __init__(self) -> None:
        self.count = 0
        """Finite numbers so far."""
        self._low: Any = None
        self._high: Any = None
        self._positive: Any = None
        self._strict: Any = None
        self._mean = 0.0
        self._squares = 0.0
        self._room = np.empty(_PIECE)

    def add(self, block: Block) -> None:
        """Take a block of numbers into account."""
        values = block.reshape(-1)
        for begin in range(0, len(values), _PIECE):
            self._add(values[begin : begin + _PIECE])

    def _add(self, values: Block) -> None:
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            if not finite.all():
                values = values[finite]
        if not values.size:
            return
        self._low = _least(self._low, values.min().item())
        high = values.max().item()
        self._high = high if self._high is None else max(self._high, high)
        self._add_positive(values)
        self._add_moments(values)

    def _add_positive(self, values: Block) -> None:
        if self._low > 0:
            self._positive = self._strict = self._low
            return
        if values.dtype.kind in "ub":
            self._positive = self._low
        elif self._positive != 0:
            positive = values[values >= 0]
            if positive.size:
                self._positive = _least(self._positive, positive.min().item())
        if values.dtype.kind != "f" and self._strict == 1:
            # no whole number is smaller
            return
        strict = values[values > 0]
        if strict.size:
            self._strict = _least(self._strict, strict.min().item())

    def _add_moments(self, values: Block) -> None:
        """Join mean and squares of two parts (Chan, Golub and LeVeque)."""
        away = self._room[: values.size]
        away[...] = values
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(away.mean())
            away -= mean
            np.multiply(away, away, out=away)
            squares = float(away.sum())
        total = self.count + values.size
        apart = mean - self._mean
        self._mean += apart * (values.size / total)
        self._squares += squares + apart * apart * (self.count * (values.size / total))
        self.count = total

    def told(self) -> Statistics:
        """Return them by name; None for what nothing is known of."""
        if not self.count:
            return dict.fromkeys(NAMES)
        values = (
            self._strict,
            self._positive,
            self._low,
            self._high,
            self._mean,
            math.sqrt(max(self._squares, 0.0) / self.count),
        )
        return {name: _plain(value) for name, value in zip(NAMES, values, strict=True)}


class Tally:
    """Statistics of all values, and of those without the dead pixels of a detector."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        self.whole = Running()
        self.dead = 0
        self._live: Running | None = None
        self._mark = dead_mark(dtype)

    def add(self, block: Block) -> None:
        """Take a block of numbers into account."""
        if self._mark is not None:
            is_dead = block == self._mark
            dead = int(np.count_nonzero(is_dead))
            if dead and self._live is None:
                # until now there was no difference
                self._live = copy(self.whole)
            if self._live is not None:
                self._live.add(block[~is_dead] if dead else block)
            self.dead += dead
        self.whole.add(block)

    def told(self) -> dict[str, Any]:
        """Return what an overview keeps of it."""
        live = self.whole if self._live is None else self._live
        return {"statistics": self.whole.told(), "live": live.told(), "dead": self.dead}


def dead_mark(dtype: "np.dtype[Any]") -> int | None:
    """Return the largest number of a type that detectors mark dead pixels with."""
    # eight bits are a camera's picture
    return int(np.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize > 1 else None


def _least(before: Any, now: Any) -> Any:
    return now if before is None else min(before, now)


def _plain(value: Any) -> int | float | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return int(value) if isinstance(value, (bool, int)) else float(value)
