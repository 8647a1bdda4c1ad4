"""HDF5 files as Zarr: zarr-python and xarray read what h5py does, and what cannot be is said."""

from urllib.parse import quote

import h5py
import numpy as np
import pytest
import xarray
import zarr
from h5_files import FILTERS, TYPES
from h5_node import OPEN, OTHER
from zarr.storage import FsspecStore

from panosc.data.zarr.describing import ROWS_BYTES, grid_of
from panosc.files.index.contents import Array

PASSED_ON = [name for name in FILTERS if name not in {"lzf", "scaled"}]
NUMERIC = [f"type_{np.dtype(kind).name}_{kind[0]}" for kind in TYPES]


@pytest.fixture
def opened(h5):
    """Opens a path of a file as zarr-python does."""

    def open_(path, file="all.h5", pid=OPEN):
        url = f"{h5.address}/datasets/{pid}/-/zarr/{file}{quote(path)}"
        store = FsspecStore.from_url(url, read_only=True)
        return zarr.open(store, mode="r", zarr_format=3)

    return open_


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", [f"with_{name}" for name in PASSED_ON])
def test_arrays_of_every_filter_that_is_passed_on(h5, opened, name):
    array = opened(f"/entry/{name}")
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        node = file["entry"][name]
        assert array.shape == node.shape
        np.testing.assert_array_equal(array[...], node[...])
        np.testing.assert_array_equal(array[3, 10:20, ::7], node[3, 10:20, ::7])


@pytest.mark.parametrize("name", NUMERIC)
def test_arrays_of_every_type(h5, opened, name):
    array = opened(f"/entry/{name}")
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        np.testing.assert_array_equal(array[...], file["entry"][name][...])


def test_chunks_are_the_bytes_of_the_file(h5):
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        for name in ("with_gzip", "with_bitshuffle_lz4"):
            _, raw = file["entry"][name].id.read_direct_chunk((2, 16, 25))
            answer = h5.zarr("all.h5", f"entry/{name}/c/1/1/1")
            assert answer.content == raw
            assert answer.headers["etag"]
            assert "max-age" in answer.headers["cache-control"]


def test_what_was_never_written_is_fill_value(h5, opened):
    assert h5.zarr("all.h5", "entry/sparse/c/0/0").status_code == 404
    array = opened("/entry/sparse")
    assert array[350, 420] == 9
    assert (array[:10, :10] == -1).all()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("entry/with_lzf", "filters"),
        ("entry/with_scaled", "filters"),
        ("entry/texts", "variable length"),
        ("entry/nothing", "holds nothing"),
        ("entry/pairs", "library"),
    ],
)
def test_what_cannot_be_told_is_explained(h5, path, says):
    answer = h5.zarr("all.h5", f"{path}/zarr.json")
    assert answer.status_code == 404
    told = answer.json()
    assert says in told["detail"]
    assert "/-/h5/data" in told["hint"]


@pytest.mark.parametrize(
    "key",
    [
        *("entry/with_gzip/c/9/9/9", "entry/with_gzip/c/0/0", "entry/with_gzip/c/0/0/0/0"),
        *("entry/with_gzip/c/-1/0/0", "entry/with_gzip/c/a/0/0", "entry/with_gzip/0/0/0"),
        *("entry/none/zarr.json", "entry/with_gzip/c/99999999999999999999/0/0"),
    ],
)
def test_keys_that_there_are_not(h5, key):
    assert h5.zarr("all.h5", key).status_code == 404


def test_names_with_slashes(h5, opened):
    assert opened("/entry/more", file="deep/er.h5", pid=OTHER)[...].sum() == 66
    assert h5.zarr("deep", "er.h5", pid=OTHER).status_code == 404


@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning", "ignore::UserWarning")
def test_a_group_opens_lazily_in_xarray(h5):
    url = f"{h5.address}/datasets/{OPEN}/-/zarr/all.h5/entry/data"
    with xarray.open_zarr(url, consolidated=True, chunks=None) as found:
        assert found["frames"].dims[0] == "time"
        assert found["frames"].dims[2] == "x"
        assert found["time"].attrs["units"] == "s"
        with h5py.File(h5.files[OPEN, "all.h5"]) as file:
            np.testing.assert_array_equal(found["frames"][2].values, file["entry/data/frames"][2])


def test_contiguous_values_are_cut_into_rows_of_a_size():
    for shape in ((1000, 1024, 1024), (3,), (10**9,), (5, 1, 7), (2, 3000, 3000, 3)):
        grid = grid_of(Array(shape=shape, dtype="<u2", layout="contiguous"))
        assert grid.is_cut
        assert np.prod(grid.chunks) * 2 <= ROWS_BYTES
        wide = [axis for axis, chunk in enumerate(grid.chunks) if chunk > 1]
        # all behind the first that is cut is whole: a chunk is one range of the file
        assert all(grid.chunks[axis] == shape[axis] for axis in wide[1:])
