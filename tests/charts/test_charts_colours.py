"""Images: the range is numpy's, the PNG decodes to the values, the map is viridis."""

import base64
import math
import re
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from panosc.charts import colours, images
from panosc.domain.plots import Axis, ImagePlot

VALUES = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=200)


@given(VALUES, st.floats(0, 1))
def test_quantile_is_that_of_numpy(values, share):
    ordered = sorted(values)
    expected = float(np.percentile(values, share * 100))
    assert colours.quantile(ordered, share) == pytest.approx(expected, rel=1e-9, abs=1e-3)


@given(VALUES)
def test_range_is_robust_and_never_turned_around(values):
    low, high = colours.robust_range(values)
    assert low <= high
    expected = np.percentile(values, (1, 99))
    if expected[1] - expected[0] > 1:
        assert (low, high) == pytest.approx(tuple(expected), rel=1e-9, abs=1e-3)


def decoded(image):
    return np.asarray(Image.open(BytesIO(image)).convert("RGBA"))


@pytest.mark.parametrize("log", [False, True])
def test_png_decodes_to_the_colours_of_the_values(log):
    values = np.geomspace(1, 1000, 60).reshape(6, 10)
    rows = [
        [None if (y, x) == (2, 3) else float(v) for x, v in enumerate(row)]
        for y, row in enumerate(values)
    ]
    found = colours.indices(rows, low=1, high=1000, log=log, levels=240)
    pixels = decoded(colours.png(found, levels=240))
    assert pixels.shape == (6, 10, 4)
    assert tuple(pixels[2, 3])[3] == 0, "a missing value is transparent"
    share = np.log10(values) / 3 if log else (values - 1) / 999
    for y, x in np.ndindex(6, 10):
        if (y, x) != (2, 3):
            expected = colours.viridis(float(share[y, x]))
            assert np.abs(pixels[y, x, :3].astype(int) - expected).max() <= 2
            assert pixels[y, x, 3] == 255


def test_what_lies_outside_of_the_range_takes_its_ends():
    found = colours.indices(
        [[-5.0, 0.0, 10.0, 99.0, math.inf, None]], low=0, high=10, log=False, levels=11
    )
    assert list(found[0]) == [0, 0, 10, 10, 11, 11]
    found = colours.indices([[-1.0, 0.0, 1.0, 100.0]], low=1, high=100, log=True, levels=3)
    assert list(found[0]) == [0, 0, 0, 2]


def test_map_is_viridis():
    """Three colours as matplotlib publishes them: both ends and the middle."""
    assert colours.viridis(0) == (68, 1, 84)
    assert colours.viridis(1) == (253, 231, 37)
    assert np.abs(np.array(colours.viridis(0.5)) - (33, 145, 140)).max() <= 4
    bright = [sum(colours.viridis(i / 99)) for i in range(100)]
    assert bright == sorted(bright)


def pixels_of(svg):
    """Decode the first picture inside an SVG."""
    text = re.search(r'class="(?:pixels|photo)"[^>]*base64,([^"]+)"', svg)[1]
    return decoded(base64.b64decode(text))


def plot(rows, **more):
    height, width = len(rows), max(map(len, rows))
    given_axes = {
        "x": Axis(label="x", values=tuple(map(float, range(width)))),
        "y": Axis(label="y", values=tuple(map(float, range(height)))),
        "signal": Axis(label="counts"),
        "shape": (height, width),
    }
    return ImagePlot(title="", path="", rows=rows, **(given_axes | more))


def test_first_row_is_at_the_bottom():
    svg = images.draw_image(plot(((0.0, 0.0), (1.0, 1.0))), width=640, height=340, identifier="a")
    pixels = pixels_of(svg)
    assert tuple(pixels[0, 0, :3]) == (253, 231, 37)
    assert tuple(pixels[1, 0, :3]) == (68, 1, 84)


def test_noise_becomes_coarser_until_it_fits_on_a_page():
    noise = np.random.default_rng(1).random((160, 160))
    rows = tuple(tuple(row) for row in noise.tolist())
    svg = images.draw_image(plot(rows), width=640, height=340, identifier="a")
    assert len(svg) < images.LARGEST_PNG * 1.4 + 3000
    assert pixels_of(svg).shape[0] >= 40


def test_true_to_scale_only_where_axes_can_be_compared():
    rows = tuple(tuple(float(x) for x in range(20)) for _ in range(10))

    def aspect(**more):
        svg = images.draw_image(plot(rows, **more), width=640, height=340, identifier="a")
        image = re.search(r'class="pixels"[^>]*?width="([\d.]+)" height="([\d.]+)"', svg)
        return float(image[1]) / float(image[2])

    assert aspect() == pytest.approx(2.0, rel=0.02)
    energy = Axis(label="E", unit="meV", values=tuple(map(float, range(10))))
    assert aspect(y=energy) != pytest.approx(2.0, rel=0.02)


def test_a_few_bright_pixels_do_not_darken_the_rest():
    y, x = np.mgrid[-40:40, -40:40]
    values = 5000 * np.exp(-np.hypot(x, y) / 4) + np.random.default_rng(2).normal(
        0.1, 0.05, x.shape
    )
    rows = tuple(tuple(row) for row in values.tolist())
    svg = images.draw_image(plot(rows), width=640, height=340, identifier="a")
    pixels = pixels_of(svg)
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) > 20
    assert np.mean((pixels[..., :3] == (68, 1, 84)).all(axis=-1)) < 0.2


def test_an_axis_that_tells_nothing_gives_way_to_places():
    rows = tuple(tuple(float(x) for x in range(20)) for _ in range(10))
    same = Axis(label="Q", unit="1/A", values=(-0.107,) * 20)
    shown = plot(rows, x=same, shape=(3, 1, 1000, 2000))
    svg = images.draw_image(shown, width=640, height=340, identifier="a")
    assert "0.107" not in svg
    assert ">1,500<" in svg, "places are those of the file, not of the thinned picture"
    assert ">column<" in svg


def test_uneven_axes_are_labelled_with_their_values():
    rows = tuple(tuple(float(x) for x in range(5)) for _ in range(5))
    uneven = Axis(label="eta", unit="deg", values=(57.0, 57.01, 57.02, 57.09, 57.1))
    svg = images.draw_image(plot(rows, y=uneven), width=640, height=340, identifier="a")
    for text in ("57", "57.01", "57.02", "57.09", "57.1"):
        assert f">{text}<" in svg
