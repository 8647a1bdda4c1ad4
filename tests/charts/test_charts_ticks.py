"""Ticks stand where people expect them, and labels say where they stand."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from panosc.charts import ticks

NUMBERS = st.floats(-1e299, 1e299, allow_nan=False)
POSITIVE = st.floats(1e-290, 1e270)


def is_round(value):
    """Whether a number is 1, 2 or 5 times a power of ten, or a multiple with few digits."""
    mantissa = f"{abs(value):.6e}".split("e")[0].rstrip("0").rstrip(".")
    return len(mantissa.replace(".", "")) <= 6


@given(low=NUMBERS, high=NUMBERS)
def test_linear_ticks_lie_inside_evenly_and_are_round(low, high):
    assume(high - low > 1e-9 * max(abs(low), abs(high)))
    assume(high - low > 1e-290)
    found = np.array(ticks.linear_ticks(low, high))
    assert 2 <= len(found) <= 12
    slack = (high - low) * 1e-6
    assert found.min() >= low - slack
    assert found.max() <= high + slack
    steps = np.diff(found)
    assert np.allclose(steps, steps[0], rtol=1e-4)
    mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-6)
    assert min(abs(mantissa - nice) for nice in (1, 2, 5, 10)) < 1e-3
    assert np.allclose(found / steps[0], np.round(found / steps[0]), atol=1e-2, rtol=1e-5)


@given(low=POSITIVE, span=st.floats(1.01, 1e20))
def test_log_ticks_lie_inside_and_rise(low, span):
    high = low * span
    found = ticks.log_ticks(low, high)
    assert 1 <= len(found) <= 14
    assert list(found) == sorted(set(found))
    assert low * (1 - 1e-6) <= found[0]
    assert found[-1] <= high * (1 + 1e-6)
    if span > 1000:
        decades = [math.log10(tick) for tick in found]
        assert all(abs(power - round(power)) < 1e-6 for power in decades)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, (0, 2, 4, 6, 8, 10)),
        (-1, 1, (-1, -0.5, 0, 0.5, 1)),
        (17.92, 17.93, (17.92, 17.922, 17.924, 17.926, 17.928, 17.93)),
        (0, 7e6, (0, 1e6, 2e6, 3e6, 4e6, 5e6, 6e6, 7e6)),
    ],
)
def test_known_ticks(low, high, expected):
    found = ticks.linear_ticks(low, high)
    assert set(found) <= set(expected)
    assert len(found) >= 4


@given(st.lists(NUMBERS, max_size=30))
def test_a_scale_holds_its_values(values):
    scale = ticks.linear(values, margin=0.04)
    assert scale.low < scale.high
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-9 for value in values)
    assert len(ticks.labels(scale)) == len(scale.ticks)


@given(st.lists(st.floats(1e-280, 1e280), min_size=1, max_size=30))
def test_a_log_scale_holds_its_values_or_their_floor(values):
    scale = ticks.logarithmic(values)
    assert 0 < scale.low < scale.high
    top = max(values)
    inside = [value for value in values if value > top * 1e-23]
    assert all(-1e-9 <= scale.place(value) <= 1 + 1e-9 for value in inside)


@given(low=st.floats(-1e9, 1e9), span=st.floats(1e-3, 1e9))
def test_labels_read_back_as_the_ticks(low, span):
    scale = ticks.linear([low, low + span])
    power = ticks.common_power(scale)
    shown = [text.replace(",", "").replace("−", "-") for text in ticks.labels(scale)]
    assert len(set(shown)) == len(shown), "two ticks read alike"
    assert [float(text) * 10**power for text in shown] == pytest.approx(
        list(scale.ticks), rel=1e-9, abs=1e-9 * span
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.01, 100), ["0.01", "0.1", "1", "10", "100"]),
        ((1e-9, 1), ["10^-8", "10^-6", "10^-4", "0.01", "1"]),
        ((1, 1e6), ["1", "10", "100", "1,000", "10,000", "10^5", "10^6"]),
        ((2, 30), ["2", "5", "10", "20"]),
    ],
)
def test_labels_of_log_scales(values, expected):
    assert ticks.labels(ticks.logarithmic(values, count=7)) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1284.0, "1,284"),
        (41817.25, "41,817"),
        (0.004, "0.004"),
        (0.00081, "8.1 × 10^-4"),
        (-3.14159, "−3.14"),
        (2.5e9, "2.5 × 10^9"),
        (math.nan, "not a number"),
        (math.inf, "not a number"),
    ],
)
def test_numbers_in_sentences(value, text):
    assert ticks.number(value) == text
