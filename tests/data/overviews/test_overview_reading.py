"""What the worker reads: statistics as numpy's, frames and maximum, pixels on the right colour."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import overview_files as given
import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from panosc.charts import raster
from panosc.charts.colours import viridis
from panosc.data.overviews import geometry, reading
from panosc.data.overviews.numbers import Running
from panosc.data.overviews.pictures import colours_of
from panosc.domain.errors import Unreadable
from panosc.files import slabs
from panosc.files.tiers import OnlineFile

Array = np.ndarray[Any, Any]
CHANCE = np.random.default_rng(7)


def poisson(shape: tuple[int, ...], kind: str = "u2") -> Array:
    return CHANCE.poisson(20, shape).astype(kind)


def read(path: Path, signal: str = given.SIGNAL, limit_s: float = 30.0) -> dict[str, Any]:
    status = path.stat()
    place = OnlineFile(path=str(path.resolve()), size=status.st_size, mtime_ns=status.st_mtime_ns)
    return reading.read(place, signal, limit_s)


def assert_same(found: dict[str, Any], values: Array) -> None:
    wanted = given.expected(values)
    for name in ("strict_positive_min", "positive_min", "min", "max"):
        assert found[name] == wanted[name], name
    for name in ("mean", "std"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-9, abs=1e-12), name


KINDS = ["u1", "i1", "u2", ">i2", "u4", "i8", "u8", "f4", ">f8"]


@for_all(
    values=st.sampled_from(KINDS).flatmap(
        lambda kind: arrays.arrays(
            kind,
            st.integers(0, 60),
            elements={"min_value": -1e6, "max_value": 1e6} if "f" in kind else None,
        )
    ),
    cut=st.integers(1, 20),
)
def test_statistics_in_parts_are_those_of_the_whole(values: Array, cut: int) -> None:
    native = values.astype(values.dtype.newbyteorder("="))
    running = Running()
    for begin in range(0, len(native), cut):
        running.add(native[begin : begin + cut])
    found, wanted = running.told(), given.expected(native)
    for name in ("strict_positive_min", "positive_min", "min", "max"):
        assert found[name] == wanted[name]
        assert type(found[name]) is type(wanted[name])
    if native.size:
        scale = max(abs(wanted["min"]), abs(wanted["max"]))
        assert found["mean"] == pytest.approx(wanted["mean"], rel=1e-9, abs=scale * 1e-12)
        assert found["std"] == pytest.approx(wanted["std"], rel=1e-6, abs=scale * 1e-7)


STACKS: dict[str, tuple[tuple[int, ...], tuple[int, ...] | None]] = {
    "frame by frame": ((23, 60, 80), (1, 60, 80)),
    "chunks across frames": ((23, 60, 80), (8, 16, 16)),
    "not in chunks": ((23, 60, 80), None),
    "a map of frames": ((4, 6, 30, 40), (1, 3, 30, 40)),
    "a single long dimension behind": ((12, 1, 50, 70), (5, 1, 50, 70)),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack(name: str, tmp_path: Path) -> None:
    shape, chunks = STACKS[name]
    values = poisson(shape)
    path = tmp_path / "stack.nxs"
    if chunks is None:
        given.written(path, values)
    else:
        given.squeezed(path, values, chunks)
    found = read(path)
    assert_same(found["statistics"], values)
    frames = values.reshape(-1, *shape[-2:])
    assert (found["frame_count"], found["read"]) == (len(frames), len(frames))
    numbers = [frame["number"] for frame in found["frames"]]
    last = len(frames) - 1
    assert numbers == [round(part * last / 4) for part in range(5)]
    for frame in found["frames"]:
        index = np.unravel_index(frame["number"], shape[:-2])
        assert tuple(frame["index"]) == index
        assert_same(frame["statistics"], frames[frame["number"]])
        assert_painted(frame, frames[frame["number"]].astype(float))
    assert_painted(found["highest"], frames.max(axis=0).astype(float))


def places(values: Array, scale: list[Any], *, is_rounded: bool = True) -> Array:
    """Return the places on the colour scale that values should have, without the code at test."""
    low, high, log = scale
    shown = np.clip(values, low, high)
    if log:
        shown, low, high = np.log10(shown), np.log10(low), np.log10(high)
    share = (shown - low) / (high - low)
    return np.where(np.isfinite(values), np.round(share * 254) if is_rounded else share * 254, 255)


def assert_painted(found: dict[str, Any], values: Array) -> None:
    """Compare a picture, decoded by Pillow, with the array that it shows."""
    width, height, pixels = found["large"]
    factor = height // values.shape[0]
    assert (height, width) == (values.shape[0] * factor, values.shape[1] * factor)
    assert 240 <= max(width, height) <= 480
    picture = Image.open(BytesIO(raster.image(width, height, pixels, form="png"))).convert("RGBA")
    seen = np.asarray(picture)[::factor, ::factor][::-1].astype(int)
    wanted = places(values, found["scale"])
    palette = np.array([[*viridis(level / 254), 255] for level in range(255)] + [[128] * 3 + [0]])
    off = np.abs(seen - palette[wanted.astype(int)])
    # what lies between two colours may be rounded to either
    between = np.isclose(places(values, found["scale"], is_rounded=False) % 1, 0.5, atol=1e-3)
    assert (off.max(axis=2) <= 8).all()
    assert (off.max(axis=2)[~between] == 0).all()
    assert between.mean() < 0.5


def test_a_thumbnail_has_the_means_of_blocks(tmp_path: Path) -> None:
    values = poisson((192, 192), "f4")
    found = read(given.written(tmp_path / "image.nxs", values))
    assert (found["highest"], found["frame_count"]) == (None, 1)
    frame = found["frames"][0]
    means = values.astype(float).reshape(96, 2, 96, 2).mean(axis=(1, 3))
    width, height, pixels = frame["small"]
    seen = np.frombuffer(pixels, np.uint8).reshape(height, width)[::-1]
    assert np.abs(seen - places(means, frame["scale"])).max() <= 1


def test_webp_shows_what_png_shows(tmp_path: Path) -> None:
    values = np.add.outer(np.arange(96.0), np.arange(96.0))
    frame = read(given.written(tmp_path / "image.nxs", values))["frames"][0]
    png, webp = (
        np.asarray(Image.open(BytesIO(raster.image(*frame["small"], form=form))).convert("RGB"))
        for form in ("png", "webp")
    )
    assert np.abs(png.astype(int) - webp.astype(int)).mean() < 6


def test_dead_pixels_are_not_drawn_but_counted(tmp_path: Path) -> None:
    values = poisson((9, 40, 50))
    values[:, 7, 8] = 65_535
    values[4, 20:, 30:] = 65_535
    found = read(given.squeezed(tmp_path / "dead.nxs", values, (1, 40, 50)))
    assert_same(found["statistics"], values)
    shown = np.where(values == 65_535, np.nan, values)
    highest = np.nanmax(np.where(np.isnan(shown), -1, shown), axis=0)
    assert_painted(found["highest"], np.where(highest < 0, np.nan, highest))
    assert found["highest"]["scale"][1] < 100
    live = values[values != 65_535]
    assert_same(found["live"], live)
    assert found["dead"] == values.size - live.size
    for frame in found["frames"]:
        alive = values[frame["number"]]
        assert_same(frame["live"], alive[alive != 65_535])
    middle = next(frame for frame in found["frames"] if frame["number"] == 4)
    assert_painted(middle, shown[4])


def test_what_is_not_finite_is_left_out(tmp_path: Path) -> None:
    values = poisson((6, 30, 30), "f4")
    values[0] = np.nan
    values[:, 3, :] = np.inf
    values[2, 5, 5] = -np.inf
    found = read(given.written(tmp_path / "nan.nxs", values))
    assert_same(found["statistics"], values)
    assert found["frames"][0]["statistics"] == dict.fromkeys(found["statistics"])
    assert set(found["frames"][0]["large"][2]) == {raster.MISSING}
    shown = np.where(np.isfinite(values), values, np.nan)
    assert_painted(found["highest"], np.fmax.reduce(shown, axis=0))


def test_all_alike_is_neither_dark_nor_bright(tmp_path: Path) -> None:
    values = np.full((3, 20, 20), 4, "i4")
    found = read(given.written(tmp_path / "flat.nxs", values))
    assert_same(found["statistics"], values)
    assert set(found["highest"]["small"][2]) == {127}


def test_wide_ranges_get_logarithms(tmp_path: Path) -> None:
    values = np.exp(CHANCE.normal(0, 3, (40, 40)))
    values[0, :5] = 0
    found = read(given.written(tmp_path / "log.nxs", values))
    scale = found["frames"][0]["scale"]
    assert scale[2] is True
    assert 0 < scale[0] < 0.1
    assert_painted(found["frames"][0], np.maximum(values, scale[0]))


@pytest.mark.parametrize("shape", [(0,), (0, 20, 20), (5, 0, 7)])
def test_nothing_in_it_is_said(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = given.written(tmp_path / "empty.nxs", np.zeros(shape))
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.reason == "empty"


def test_a_curve_has_statistics_of_all_its_points(tmp_path: Path) -> None:
    values = CHANCE.normal(0, 1, 300_001)
    found = read(given.written(tmp_path / "curve.nxs", values, chunks=(5000,)))
    assert_same(found["statistics"], values)
    assert (found["frames"], found["frame_count"], found["plot"]["kind"]) == ([], 1, "line")


def test_a_long_stack_is_sampled_evenly_and_says_so(tmp_path: Path) -> None:
    # 16 GB of which most was never written
    path = tmp_path / "long.nxs"
    shape = (1_000_000, 64, 64)
    given.written(path, None, shape=shape, dtype="f4", chunks=(1, 64, 64), fillvalue=3.0)
    with h5py.File(path, "r+") as file:
        for number in (0, 250_000, 999_999):
            file[given.SIGNAL][number] = np.arange(4096.0).reshape(64, 64)
    began = time.monotonic()
    found = read(path)
    assert time.monotonic() - began < 20
    assert found["frame_count"] == 1_000_000
    assert 1000 < found["read"] < 100_000
    assert [frame["number"] for frame in found["frames"]] == [0, 250_000, 500_000, 749_999, 999_999]
    assert found["frames"][1]["statistics"]["max"] == 4095
    assert found["frames"][2]["statistics"]["max"] == 3


def test_reading_stops_when_its_time_is_over(tmp_path: Path) -> None:
    values = poisson((64, 64, 64))
    path = given.squeezed(tmp_path / "slow.nxs", values, (64, 64, 64))
    assert read(path, limit_s=0.0)["read"] == 64
    layout = geometry.layout_of((64, 1024, 1024), (1, 1024, 1024), 2)
    bands = geometry.bands_of(layout)
    assert sorted(bands.chosen) == list(range(4))


def test_bands_cover_everything_once() -> None:
    layout = geometry.layout_of((7, 5, 33, 21), (2, 3, 10, 8), 4)
    seen = np.zeros(layout.shape, int)
    bands = geometry.bands_of(layout)
    for band in bands.chosen:
        for start, extent in bands.boxes(band):
            seen[tuple(slice(a, a + b) for a, b in zip(start, extent, strict=True))] += 1
    assert (seen == 1).all()
    assert sum(map(bands.frames, bands.chosen)) == 35


def test_a_sample_is_spread_from_the_first_band_on() -> None:
    layout = geometry.layout_of((10_000, 512, 512), (1, 512, 512), 2)
    bands = geometry.bands_of(layout)
    count = len(bands.chosen)
    assert 500 < count < 5_000
    first = sorted(bands.chosen[: count // 8])
    assert max(np.diff(first)) < 100
    assert first[-1] > 4_900


@pytest.mark.parametrize(
    ("shape", "size"),
    [((3, 1000), (480, 120)), ((2000, 4), (120, 480)), ((10, 10), (480, 480)), ((1, 1), None)],
)
def test_pictures_are_never_thin(
    shape: tuple[int, ...], size: tuple[int, int] | None, tmp_path: Path
) -> None:
    path = given.written(tmp_path / "thin.nxs", np.arange(np.prod(shape)).reshape(shape))
    if size is None:
        with pytest.raises(Unreadable):
            read(path)
        return
    frame = read(path)["frames"][0]
    width, height, _ = frame["large"]
    assert 0.65 * size[0] <= width <= size[0]
    assert 0.65 * size[1] <= height <= size[1]
    assert min(frame["small"][:2]) >= 48
    assert max(frame["small"][:2]) == 96


def test_colours_are_not_spoilt_by_hot_pixels() -> None:
    values = poisson((100, 100), "f8")
    values[3, 3] = 1e9
    assert colours_of(values).high < 100


def test_curves_are_drawn_where_they_are(tmp_path: Path) -> None:
    from panosc.domain.plots import from_json  # noqa: PLC0415

    values = np.linspace(0, 1, 200)
    plot = from_json(read(given.written(tmp_path / "line.nxs", values))["plot"])
    seen = Image.open(BytesIO(raster.curve(plot, width=96, height=96, form="png")))
    alpha = np.asarray(seen.convert("RGBA"))
    blue = (alpha[..., 2] > 180) & (alpha[..., 3] > 200)
    rows, columns = np.nonzero(blue)
    # from the lower left to the upper right
    assert np.corrcoef(rows, columns)[0, 1] < -0.95
    assert len(rows) > 100


def test_a_filter_that_yields_too_little_leaves_nothing_of_others(tmp_path: Path) -> None:
    import zlib  # noqa: PLC0415

    secret = np.full((64, 64), 0x7E, "u1")
    others = given.written(tmp_path / "others.nxs", secret, chunks=(64, 64), compression="gzip")
    path = given.written(
        tmp_path / "short.nxs", np.zeros((64, 64), "u1"), chunks=(64, 64), compression="gzip"
    )
    with h5py.File(path, "r+") as file:
        # 16 bytes where 4096 are declared
        file[given.SIGNAL].id.write_direct_chunk((0, 0), zlib.compress(bytes(16)))
    for _ in range(3):
        read(others)
        with pytest.raises(Unreadable, match="16 bytes instead of 4096"):
            read(path)


PIPELINES: dict[str, dict[str, Any]] = {
    "gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "szip": {"compression": "szip"} if h5py.h5z.filter_avail(4) else {"compression": "gzip"},
    "scale-offset": {"scaleoffset": 0},
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="zstd")),
    "blosc": dict(hdf5plugin.Blosc()),
    "zstd": dict(hdf5plugin.Zstd()),
    "none": {},
}


@pytest.mark.parametrize("kind", ["u2", ">i4", "f8"])
@pytest.mark.parametrize("name", PIPELINES)
def test_boxes_are_what_h5py_reads(name: str, kind: str, tmp_path: Path) -> None:
    if name == "scale-offset" and kind == "f8":
        # it would round
        kind = "i8"
    values = poisson((7, 33, 20), kind)
    path = given.written(tmp_path / "box.nxs", values, chunks=(3, 16, 7), **PIPELINES[name])
    with h5py.File(path, "r+") as file:
        node = file[given.SIGNAL]
        for start, extent in (
            ((0, 0, 0), (7, 33, 20)),
            ((2, 5, 6), (4, 20, 9)),
            ((6, 32, 19), (1, 1, 1)),
        ):
            place = tuple(slice(a, a + b) for a, b in zip(start, extent, strict=True))
            found = slabs.read_box(node.id, start, extent)
            assert found.dtype == values.dtype.newbyteorder("=")
            np.testing.assert_array_equal(found, node[place])


def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path: Path) -> None:
    options = {"shape": (8, 8), "dtype": "i2", "chunks": (4, 4), "compression": "gzip"}
    path = given.written(tmp_path / "fill.nxs", None, **options, fillvalue=-3)
    with h5py.File(path, "r+") as file:
        file[given.SIGNAL][5, 6] = 9
        found = slabs.read_box(file[given.SIGNAL].id, (0, 0), (8, 8))
        np.testing.assert_array_equal(found, file[given.SIGNAL][()])
