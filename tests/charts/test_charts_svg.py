"""Any plot becomes well-formed SVG that says what it shows, whatever its numbers and words."""

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panosc.charts.bars import draw_bars
from panosc.charts.findings import finding, name_of, unit_of
from panosc.charts.svg import draw, table
from panosc.domain.plots import Axis, ImagePlot, LinePlot

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = st.none() | st.floats() | st.sampled_from([0.0, -0.0, 1e-320, 1e308, -1e308, 5e-324])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80)
EVIL = "</title><script>alert(1)</script>&\"'"


@st.composite
def axes(draw_, size):
    values = draw_(st.lists(NUMBER, min_size=size, max_size=size))
    unit = draw_(st.none() | st.sampled_from(["1/angstrom", "K", "counts", EVIL]) | TEXT)
    return Axis(label=draw_(TEXT), unit=unit, values=tuple(values), log=draw_(st.booleans()))


@st.composite
def lines(draw_):
    size = draw_(st.integers(0, 70))
    errors = draw_(st.none() | st.lists(NUMBER, min_size=size, max_size=size).map(tuple))
    return LinePlot(
        title="", path="", x=draw_(axes(size)), y=draw_(axes(size)), errors=errors, points=size
    )


@st.composite
def pictures(draw_):
    height, width = draw_(st.integers(0, 9)), draw_(st.integers(0, 9))
    rows = draw_(
        st.lists(
            st.lists(NUMBER, min_size=width, max_size=width).map(tuple),
            min_size=height,
            max_size=height,
        )
    )
    signal = draw_(axes(draw_(st.sampled_from([0, 2]))))
    return ImagePlot(
        title="",
        path="",
        x=draw_(axes(width)),
        y=draw_(axes(height)),
        signal=signal,
        rows=tuple(rows),
        shape=(height, width),
    )


def parsed(text):
    """Parse as a browser would inside HTML: the name space comes from the place."""
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


@given(lines() | pictures())
@settings(max_examples=300, deadline=None)
def test_any_plot_is_drawn(plot):
    text = draw(plot)
    root = parsed(text)
    assert root.get("role") == "img"
    name = root.find(f"{SVG}title")
    assert root.get("aria-labelledby") == name.get("id")
    assert name.text == finding(plot)
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<(title|text)[^>]*>.*?</\1>", "", text))
    assert root.findall(f".//{SVG}script") == []
    shown = table(plot)
    assert all(len(row) == len(shown.head) for row in shown.rows)


def curve(y, x=None, **more):
    x = list(range(len(y))) if x is None else x
    return LinePlot(
        title="",
        path="",
        x=Axis(label="Q", unit="1/angstrom", values=tuple(map(float, x))),
        y=Axis(label="I", unit="1/cm", values=tuple(None if v is None else float(v) for v in y)),
        points=len(y),
        **more,
    )


@pytest.mark.parametrize(
    ("y", "text"),
    [
        ([10, 8, 5, 1], "I falls from 10 to 1 cm⁻¹ over Q from 0 to 3 Å⁻¹"),
        ([1, 2, 3], "I rises from 1 to 3 cm⁻¹ over Q from 0 to 2 Å⁻¹"),
        ([7, 7, 7], "I stays at 7 cm⁻¹ over Q from 0 to 2 Å⁻¹"),
        (
            [1, 1.2, 1, 1, 99, 1, 1.1, 1],
            "I peaks at 99 cm⁻¹ near 4 Å⁻¹ over Q from 0 to 7 Å⁻¹",
        ),
        (
            [1, 5, 1, 5, 1, 5, 1],
            "I varies between 1 and 5 cm⁻¹ over Q from 0 to 6 Å⁻¹",
        ),
        ([1e4, 500, 2, 0.1], "I falls from 10,000 to 0.1 cm⁻¹ over Q from 0 to 3 Å⁻¹"),
        ([None, None], "I has no values that can be drawn"),
        ([], "I has no values that can be drawn"),
    ],
)
def test_the_name_states_the_finding(y, text):
    assert finding(curve(y)) == text


def points_of(svg):
    """Return the pieces of the curve as absolute places."""
    path = parsed(svg).find(f".//{SVG}path[@class='line']").get("d")
    pieces = []
    for piece in path.split("M")[1:]:
        numbers = [float(text) for text in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", piece)]
        pieces.append(np.cumsum(np.array(numbers).reshape(-1, 2), axis=0))
    return pieces


def place_of_ticks(svg, anchor):
    """Return where the labels of one axis stand, by their number."""
    group = next(g for g in parsed(svg).iter(f"{SVG}g") if g.get("text-anchor") == anchor)
    key = "x" if anchor == "middle" else "y"
    found = {}
    for text in group:
        raised = text.find(f"{SVG}tspan[@class='sup']")
        power = "" if raised is None else raised.text
        label = "".join(text.itertext()).removesuffix(power).replace(",", "").replace("−", "-")
        value = float(label) if raised is None else 10.0 ** float(power.replace("−", "-"))
        found[value] = float(text.get(key))
    return found


def test_points_stand_where_the_axes_say():
    x, y = [0.0, 1.0, 4.0, 10.0], [-3.0, 7.0, 2.0, 5.0]
    svg = draw(curve(y, x))
    across, up = place_of_ticks(svg, "middle"), place_of_ticks(svg, "end")
    fit_x = np.polyfit(list(across), list(across.values()), 1)
    fit_y = np.polyfit(list(up), list(up.values()), 1)
    (points,) = points_of(svg)
    assert points[:, 0] == pytest.approx(np.polyval(fit_x, x), abs=0.2)
    assert points[:, 1] == pytest.approx(np.polyval(fit_y, y), abs=0.2)


def test_log_axis_is_taken_when_the_data_span_decades():
    y = [10.0**-index for index in range(6)]
    svg = draw(curve(y))
    (points,) = points_of(svg)
    assert np.diff(points[:, 1]) == pytest.approx(np.diff(points[:, 1])[0], abs=0.2)
    up = place_of_ticks(svg, "end")
    assert {1.0, 0.01, 1e-4} <= set(up)
    mixed = draw(curve([-1.0, *y]))
    assert 0.0 in place_of_ticks(mixed, "end"), "a negative value needs a linear axis"


def test_gaps_stay_gaps():
    assert len(points_of(draw(curve([1, 2, None, 3, math.nan, 4])))) == 3


def test_rounding_does_not_add_up():
    y = np.sin(np.linspace(0, 20, 1000)).tolist()
    svg = draw(curve(y))
    up = place_of_ticks(svg, "end")
    fit = np.polyfit(list(up), list(up.values()), 1)
    (points,) = points_of(svg)
    assert points[-1, 1] == pytest.approx(np.polyval(fit, y[-1]), abs=0.2)
    assert len(svg) < 12_000


def test_error_bars_when_there_are_few_points():
    few = draw(curve([5.0] * 10, errors=(1.0,) * 10))
    many = draw(curve([5.0] * 100, errors=(1.0,) * 100))
    assert 'class="error"' in few
    assert 'class="error"' not in many
    up = place_of_ticks(few, "end")
    fit = np.polyfit(list(up), list(up.values()), 1)
    bar = re.search(r'class="error"[^>]*d="M[\d.]+ ([\d.]+)V([\d.]+)', few)
    assert [float(bar[1]), float(bar[2])] == pytest.approx(np.polyval(fit, [6, 4]), abs=0.2)


def test_words_of_a_file_stay_words():
    axis = Axis(label=EVIL, unit=EVIL, values=(1.0, 2.0))
    text = draw(LinePlot(title=EVIL, path=EVIL, x=axis, y=axis, points=2))
    assert "<script" not in text
    assert "alert(1)" in "".join(parsed(text).itertext())


def test_table_gives_the_numbers():
    shown = table(curve([10.0, None, 0.5], errors=(0.1, 0.2, None)))
    assert shown.caption == "All 3 points."
    assert shown.head == ("Q (Å⁻¹)", "I (cm⁻¹)", "uncertainty")
    assert shown.rows == (("0", "10", "0.1"), ("1", "–", "0.2"), ("2", "0.5", "–"))
    long = table(curve(range(1000)))
    assert (len(long.rows), long.rows[0][0], long.rows[-1][0]) == (40, "0", "999")
    assert long.caption == "40 of 1,000 points."


def test_bars_are_as_tall_as_their_counts():
    svg = draw_bars([("2019", 4), ("2020", 8), ("2021", 0)], name="Datasets by year of test")
    heights = [float(bar.get("height")) for bar in parsed(svg).iter(f"{SVG}rect")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] <= 0.5
    assert parsed(svg).find(f"{SVG}title").text == "Datasets by year of test"
    parsed(draw_bars([], name="Nothing"))


@pytest.mark.parametrize(
    ("axis", "name", "unit"),
    [
        (Axis(label="Q", unit="1/A"), "Q", "Å⁻¹"),
        (Axis(label="current", unit="A"), "current", "A"),
        (Axis(label="Time-of-Flight [microseconds]", unit="us"), "Time-of-Flight", "µs"),
        (Axis(label="two_theta (degrees)", unit="deg"), "two_theta", "°"),
        (Axis(label="f(x)", unit="deg"), "f(x)", "°"),
        (Axis(label="Neutron Counts", unit="counts"), "Neutron Counts", ""),
        (Axis(label="data", unit="counts"), "data", "counts"),
        (Axis(label="image", unit="No unit"), "image", ""),
        (Axis(label="index"), "point", ""),
        (Axis(label="a\nb\tc"), "a b c", ""),
    ],
)
def test_axes_are_named_as_people_do(axis, name, unit):
    assert (name_of(axis), unit_of(axis)) == (name, unit)


def test_powers_of_ten_are_raised_in_words():
    text = finding(curve([1e9, 5e8, 1e-5]))
    assert text == "I falls from 1 × 10⁹ to 1 × 10⁻⁵ cm⁻¹ over Q from 0 to 2 Å⁻¹"
