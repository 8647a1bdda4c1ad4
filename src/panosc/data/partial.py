"""Extremes, mean and deviation of numbers that come in parts.

Parts are put together as Chan, Golub and LeVeque (1983) do, without a loss of precision. Numbers
that are not finite do not count.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_PART: Final = 2**20


@dataclass(frozen=True, slots=True)
class Moments:
    """What is known of some numbers."""

    count: int = 0
    low: float | int | None = None
    high: float | int | None = None
    positive: float | int | None = None
    """The least of those that are 0 or more."""
    strictly_positive: float | int | None = None
    mean: float = 0.0
    spread: float = 0.0
    """Sum of the squares of the distances from the mean."""

    def with_(self, other: "Moments") -> "Moments":
        """Return what is known of both together."""
        if not self.count or not other.count:
            return self if self.count else other
        count = self.count + other.count
        apart = other.mean - self.mean
        return Moments(
            count=count,
            low=min(self.low, other.low),  # type: ignore[type-var]
            high=max(self.high, other.high),  # type: ignore[type-var]
            positive=_least(self.positive, other.positive),
            strictly_positive=_least(self.strictly_positive, other.strictly_positive),
            mean=self.mean + apart * other.count / count,
            spread=self.spread + other.spread + apart**2 * self.count * other.count / count,
        )

    def told(self) -> dict[str, Any]:
        """Return it as h5grove's ``/stats`` names it; mean and deviation keep their fractions."""
        is_known = self.count > 0
        return {
            "strict_positive_min": self.strictly_positive,
            "positive_min": self.positive,
            "min": self.low,
            "max": self.high,
            "mean": self.mean if is_known else None,
            "std": math.sqrt(self.spread / self.count) if is_known else None,
        }


def moments(array: Array) -> Moments:
    """Return what is known of the numbers of an array."""
    found = Moments()
    flat = array.reshape(-1)
    for start in range(0, len(flat), _PART):
        found = found.with_(_of(flat[start : start + _PART]))
    return found


def _of(part: Array) -> Moments:
    if part.dtype.kind == "b":
        part = part.view(np.uint8)
    if part.dtype.kind == "f":
        part = part[np.isfinite(part)]
    if not part.size:
        return Moments()
    kind = float if part.dtype.kind == "f" else int
    numbers = part.astype(np.float64)
    mean = float(numbers.mean())
    positive = part[part >= 0]
    strictly = positive[positive > 0]
    return Moments(
        count=part.size,
        low=kind(part.min()),
        high=kind(part.max()),
        positive=kind(positive.min()) if positive.size else None,
        strictly_positive=kind(strictly.min()) if strictly.size else None,
        mean=mean,
        spread=float(np.square(numbers - mean).sum()),
    )


def _least(first: float | None, second: float | None) -> float | None:
    known = [item for item in (first, second) if item is not None]
    return min(known) if known else None
