"""Default plots of real files: found as silx finds them, read as h5py reads them."""

import math
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401 - registers the filters for the h5py of this test
import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from silx.io import nxdata

from panosc.domain.errors import Unreadable
from panosc.domain.plots import ImagePlot, LinePlot, from_json
from panosc.files import plots
from panosc.files.careful import Careful
from panosc.files.nexus import default_signal
from panosc.files.opening import open_path
from panosc.files.tiers import OnlineFile


def online(path: Path) -> OnlineFile:
    status = path.stat()
    return OnlineFile(path=str(path.resolve()), size=status.st_size, mtime_ns=status.st_mtime_ns)


def _signal(path: Path) -> str | None:
    handle = open_path(path)
    try:
        found = default_signal(Careful(handle))
    finally:
        handle.close()
    return None if found is None else found.decode()


def _files(examples: Path) -> list[Path]:
    return sorted(path for path in examples.rglob("*") if path.suffix not in {".md", ""})


@pytest.mark.filterwarnings("ignore")
def test_the_default_plot_is_the_one_that_silx_shows(examples: Path) -> None:
    shown = 0
    for path in _files(examples):
        ours = _signal(path)
        with h5py.File(path) as file:
            data = nxdata.get_default(file, validate=False)
            if data is None or data.signal is None or data.signal_dataset_name is None:
                continue
            shown += 1
            assert ours == f"{data.group.name}/{data.signal_dataset_name}", path.name
    assert shown >= 12


def test_every_curve_is_what_the_file_holds(examples: Path) -> None:
    curves = 0
    for path in _files(examples):
        signal = _signal(path)
        if signal is None:
            continue
        try:
            plot = from_json(plots.read(online(path), signal))
        except Unreadable as error:
            if error.reason not in {"virtual-dataset", "no-such-field"}:
                raise
            continue
        if not isinstance(plot, LinePlot):
            continue
        curves += 1
        with h5py.File(path) as file:
            y = file[signal][()].astype(float).reshape(-1)
        assert plot.points == y.size
        drawn = np.array([math.nan if v is None else v for v in plot.y.values])
        assert len(plot.x.values) == len(drawn) <= plots.LINE_POINTS
        assert np.nanmax(drawn) == pytest.approx(np.nanmax(y[np.isfinite(y)]), rel=1e-5)
        assert np.nanmin(drawn) == pytest.approx(np.nanmin(y[np.isfinite(y)]), rel=1e-5)
        if y.size <= plots.LINE_POINTS and not np.isnan(y).any():
            assert sorted(drawn) == pytest.approx(sorted(y), rel=1e-5)
    assert curves >= 12


def test_a_sans_curve_has_its_axes_units_errors_and_log_scales(examples: Path) -> None:
    path = next(examples.rglob("33837rear_1D_1.75_16.5_NXcanSAS_v3.h5"))
    plot = from_json(plots.read(online(path), _signal(path) or ""))
    assert isinstance(plot, LinePlot)
    assert (plot.x.label, plot.x.unit, plot.x.log) == ("Q", "1/A", True)
    assert (plot.y.label, plot.y.unit, plot.y.log) == ("I", "Counts", True)
    with h5py.File(path) as file:
        data = file["sasentry01/sasdata"]
        assert plot.x.values == pytest.approx(data["Q"][()], rel=1e-5)
        assert plot.errors == pytest.approx(data["Idev"][()], rel=1e-5)


def test_an_image_is_the_first_frame_in_means_of_blocks(examples: Path) -> None:
    path = examples / "nexusformat" / "chopper.nxs"
    plot = from_json(plots.read(online(path), _signal(path) or ""))
    assert isinstance(plot, ImagePlot)
    assert plot.shape == (148, 750)
    with h5py.File(path) as file:
        counts = file["entry/data/data"][()].astype(float)
        times = file["entry/data/time_of_flight"][()]
    assert (len(plot.rows), len(plot.rows[0])) == (148, 150)
    assert plot.rows[3][7] == pytest.approx(counts[3, 35:40].mean(), rel=1e-5)
    assert plot.x.unit == "microseconds"
    assert plot.y.label == "Polar Angle [degrees]"
    # the file gives the edges of bins: an axis is their middles
    assert plot.x.values[0] == pytest.approx((times[:5].mean() + times[1:6].mean()) / 2, rel=1e-5)


def test_only_one_frame_of_a_stack_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path) as file:
        del file["entry/data/I"]
        stack = file["entry/data"].create_dataset(
            "I", (100_000, 300, 400), "u2", chunks=(1, 300, 400), compression="gzip"
        )
        stack[0] = np.arange(300 * 400).reshape(300, 400) % 1000
    plot = from_json(plots.read(online(path), "/entry/data/I"))
    assert isinstance(plot, ImagePlot)
    assert plot.shape == (100_000, 300, 400)
    assert plot.rows[0][0] == pytest.approx(np.mean([[0, 1, 2], [400, 401, 402]]))


def test_dead_pixels_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path) as file:
        del file["entry/data/I"]
        frame = np.full((40, 40), 7, "u4")
        frame[5, 5] = 2**32 - 1
        file["entry/data/I"] = frame
    plot = from_json(plots.read(online(path), "/entry/data/I"))
    assert isinstance(plot, ImagePlot)
    assert plot.rows[5][5] is None
    assert plot.rows[5][6] == 7
    assert plot.signal.values == (7, 7)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5000),
)
@settings(max_examples=60, deadline=None)
def test_thinning_keeps_ends_extremes_and_order(values: list[float]) -> None:
    y = np.array(values)
    keep = plots._extremes(y)
    assert len(keep) <= plots.LINE_POINTS
    assert (np.diff(keep) > 0).all()
    assert (keep[0], keep[-1]) == (0, len(y) - 1)
    assert y[keep].max() == y.max()
    assert y[keep].min() == y.min()


@pytest.mark.parametrize(
    ("write", "labels"),
    [
        (lambda data: data.attrs.update(axes=["b", "a"]), ("a", "b")),
        (lambda data: data.attrs.update(axes=["a", "b"], a_indices=1, b_indices=0), ("a", "b")),
        (lambda data: data["I"].attrs.update(axes="b:a"), ("a", "b")),
        (lambda data: data["I"].attrs.update(axes="[b,a]"), ("a", "b")),
        (lambda data: (data["a"].attrs.update(axis=2), data["b"].attrs.update(axis=1)), ("a", "b")),
        (
            lambda data: (data["a"].attrs.update(axis="1"), data["b"].attrs.update(axis="2")),
            ("a", "b"),
        ),
        (lambda data: data.attrs.update(axes=[".", "a"]), ("a", "index")),
        (lambda data: data.attrs.update(axes=["a", "b"]), ("index", "index")),
    ],
)
def test_axes_are_found_by_all_generations_of_rules(tmp_path, write, labels) -> None:
    path = tmp_path / "x.nxs"
    with hostile.nexus(path) as file:
        data = file["entry/data"]
        del data["I"], data["Q"], data.attrs["axes"]
        data["I"], data["a"], data["b"] = np.ones((4, 6)), np.arange(6.0), np.arange(4.0)
        write(data)
    plot = from_json(plots.read(online(path), "/entry/data/I"))
    assert isinstance(plot, ImagePlot)
    assert (plot.x.label, plot.y.label) == labels
