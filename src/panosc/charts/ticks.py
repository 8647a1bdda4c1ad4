"""Where the ticks of an axis stand and how numbers are written. Nothing is drawn here."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

LARGEST = 1e300
"""Beyond this a number is not drawn: differences would overflow."""
_SMALLEST = 1e-300
_STEPS = (1.0, 2.0, 5.0, 10.0)
_PLAIN_DECADES = range(-3, 5)
_FLAT = 1e-9
_DEEPEST = 1e-24


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Maps values between `low` and `high` to 0…1; `ticks` lie between them."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where `value` stands, 0 at `low` and 1 at `high`."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        low, high = math.log10(self.low), math.log10(self.high)
        return (math.log10(max(value, _SMALLEST)) - low) / (high - low)


def usable(values: Iterable[float | None]) -> list[float]:
    """Return the values that can be drawn: finite and not absurdly large; tiny ones are 0."""
    return [
        value if abs(value) > _SMALLEST else 0.0
        for value in values
        if value is not None and is_usable(value)
    ]


def is_flat(low: float, high: float) -> bool:
    """Whether two ends are too close together for ticks between them."""
    return high - low <= max(_FLAT * max(abs(low), abs(high)), _SMALLEST)


def is_usable(value: float) -> bool:
    """Whether a value can be drawn on a linear axis."""
    return math.isfinite(value) and abs(value) < LARGEST


def linear(values: Sequence[float], *, count: int = 5, margin: float = 0.0) -> Scale:
    """Return a linear scale over usable `values`, wider by `margin` of their span.

    No values at all are taken for 0 to 1; a constant gets room on both sides.
    """
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if is_flat(low, high):
        largest = max(abs(low), abs(high))
        room = largest * 0.1 if largest > _SMALLEST else 1.0
        low, high = low - room, high + room
    else:
        room = (high - low) * margin
        low, high = low - room, high + room
    return Scale(low=low, high=high, log=False, ticks=linear_ticks(low, high, count=count))


def logarithmic(values: Sequence[float], *, count: int = 6) -> Scale:
    """Return a logarithmic scale over the positive ones of `values`; there is at least one."""
    positive = [value for value in values if value > _SMALLEST]
    high = max(positive)
    low = max(min(positive), high * _DEEPEST)
    if high / low < 1.01:  # noqa: PLR2004 - a constant needs room to be seen
        low, high = low / 2, high * 2
    else:
        room = float((high / low) ** 0.03)
        low, high = low / room, high * room
    return Scale(low=low, high=high, log=True, ticks=log_ticks(low, high, count=count))


def spans_decades(values: Sequence[float]) -> bool:
    """Whether positive values span so much that a linear axis would hide most of them."""
    return bool(values) and min(values) > _SMALLEST and max(values) / 1e3 > min(values)


def linear_ticks(low: float, high: float, *, count: int = 5) -> tuple[float, ...]:
    """Return about `count` multiples of 1, 2 or 5 times a power of ten in [low, high].

    Examples
    --------
    >>> linear_ticks(0.0, 1.0)
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    power = 10.0 ** math.floor(math.log10((high - low) / max(count, 1)))
    step = min(
        (factor * power for factor in _STEPS),
        key=lambda step: abs(math.floor(high / step) - math.ceil(low / step) + 1 - count),
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = min(15, math.ceil(math.log10(max(abs(first), abs(last), 1))) + 2)
    return tuple(_clean(index * step, digits) for index in range(first, last + 1))


def log_ticks(low: float, high: float, *, count: int = 6) -> tuple[float, ...]:
    """Return decades in [low, high], every n-th of many, with 2 and 5 between few.

    A span without two round numbers gets linear ticks.

    Examples
    --------
    >>> log_ticks(0.5, 2000)
    (1.0, 10.0, 100.0, 1000.0)
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / count))
    ticks = [10.0**power for power in range(first, last + 1) if power % stride == 0]
    if len(ticks) < 3:  # noqa: PLR2004
        fine = [
            factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)
        ]
        ticks = [tick for tick in fine if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    if len(ticks) < 2:  # noqa: PLR2004
        return tuple(tick for tick in linear_ticks(low, high, count=4) if tick > 0)
    return tuple(ticks)


def common_power(scale: Scale) -> int:
    """Return the power of ten to take out of the labels of a linear axis, mostly 0."""
    largest = max(map(abs, (*scale.ticks, 0.0)))
    if scale.log or largest == 0 or 1e-3 <= largest < 1e5:  # noqa: PLR2004
        return 0
    return math.floor(math.log10(largest) / 3) * 3


def labels(scale: Scale) -> list[str]:
    """Return the texts of the ticks; those of a linear axis share their decimals.

    A power of ten is written ``10^4``, for the caller to raise.
    """
    if scale.log:
        return [_log_label(tick) for tick in scale.ticks]
    shift = common_power(scale)
    shown = [tick / 10.0**shift for tick in scale.ticks]
    gaps = [b - a for a, b in pairwise(shown)]
    decimals = max(0, -math.floor(math.log10(min(gaps)) + 1e-9)) if gaps else 3
    return [_signed(f"{value + 0.0:,.{min(decimals, 12)}f}") for value in shown]


def number(value: float, *, digits: int = 3) -> str:
    """Return a number for a sentence or a table: few digits, thousands grouped.

    Examples
    --------
    >>> number(12.3456), number(45210.0), number(0.0000123), number(-2.0)
    ('12.3', '45,210', '1.23 × 10^-5', '−2')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "not a number"
    if 1e-3 <= abs(value) < 1e6:  # noqa: PLR2004
        # whole numbers are counts: all their digits mean something
        text = f"{value:,.0f}" if value.is_integer() or abs(value) >= 1e4 else _short(value, digits)  # noqa: PLR2004
        return _signed(text)
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return _signed(f"{mantissa} × 10^{int(power)}")


def _short(value: float, digits: int) -> str:
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def _log_label(tick: float) -> str:
    power = round(math.log10(tick))
    if abs(tick / 10.0**power - 1) < 1e-6 and power not in _PLAIN_DECADES:  # noqa: PLR2004
        return f"10^{power}"
    return number(tick, digits=2)


def _clean(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}") + 0.0
