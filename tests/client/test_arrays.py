"""What is in a file, as the client gives it: value by value what h5py reads of the same file."""

import hashlib
import pickle
import subprocess
import sys
import time

import h5py
import measured
import numpy as np
import pytest
import sqlalchemy as sa

import panosc
from panosc.catalogue.tables import file, location
from panosc.client.data.arrays import Array
from panosc.client.data.groups import Group
from panosc.domain.errors import Conflict, Invalid, NotFound, PanoscError

_DATASETS: list[str] = []


@pytest.fixture
def client(served):
    with panosc.connect(served.address) as opened:
        yield opened


@pytest.fixture
def scan(client):
    return client[measured.DATA].files[measured.NAME]


@pytest.fixture
def local(served):
    with h5py.File(served.folder / measured.NAME) as opened:
        yield opened


def asked(client):
    """Return the addresses that are asked for from now on."""
    found = []
    client._http._client.event_hooks["request"].append(lambda request: found.append(request.url))
    return found


def same(ours, theirs):
    theirs = np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert ours.tobytes() == theirs.tobytes()


NUMBERS = [
    "data/I",
    "data/I_errors",
    "data/x",
    "data/angle",
    "things/one",
    "things/count",
    "things/flags",
    "things/complex",
    "things/big",
    "things/half",
    "things/nothing",
    "things/records",
    "things/states",
    "links/hard",
    "links/soft/I",
    "stack/frames",
    "stack/flat",
]


@pytest.mark.parametrize("path", NUMBERS)
def test_values_are_those_of_h5py(scan, local, path):
    ours, theirs = scan[f"/entry/{path}"], local[f"/entry/{path}"]
    values = theirs[()]
    assert ours.shape == np.shape(values)
    assert ours.chunks == theirs.chunks
    assert ours.dtype == np.asarray(values).dtype
    assert ours.ndim == np.ndim(values)
    assert (ours.size, ours.nbytes) == (np.size(values), np.asarray(values).nbytes)
    same(ours.to_numpy(), values)
    same(np.asarray(ours), values)


SELECTIONS = [
    (),
    ...,
    0,
    -1,
    (2, 3),
    (2, 3, -4),
    (slice(1, 5, 2), ..., 7),
    (..., slice(None, None, 3)),
    slice(-2, None),
    slice(None, None, -1),
    (1, slice(30, 2, -3)),
    (None, 1, slice(2, 4)),
    (slice(4, 2), 0),
    (np.int64(3), slice(0, 100)),
]


@pytest.mark.parametrize("key", SELECTIONS, ids=str)
def test_selections_are_those_of_numpy(scan, local, key):
    ours, theirs = scan["entry/data/I"], local["entry/data/I"][()]
    same(np.asarray(ours[key], dtype="u2"), theirs[key])


def test_single_values_and_texts_are_those_of_python(scan):
    things = scan["entry/things"]
    for name, value in {"one": 0.5, "count": 2**64 - 1}.items():
        assert things[name][()] == value
        assert type(things[name][()]) is type(value)
    assert scan["entry/title"][()] == "Rocking curve of a silicon crystal"
    assert things["names"][0] == "å"
    assert list(things["names"]) == ["å", "b", ""]
    assert things["fixed"][0, 1] == "µm"
    assert things["fixed"].to_numpy().tolist() == [["ab", "µm"], ["", "xyz"]]
    assert things["flags"][0] is True
    assert type(things["big"][-1]) is int
    assert things["records"][1] == (2, -1.0, b"bc")
    assert things["ragged"][2] == [0, 1, 2]
    assert things["none"][()] is None
    assert things["none"].to_numpy().size == 0


def test_rows_come_one_by_one(scan, local, client):
    frames = scan["entry/stack/frames"]
    assert len(frames) == 64
    seen = asked(client)
    for ours, theirs in zip(frames, local["entry/stack/frames"], strict=True):
        same(ours, theirs)
    assert len(seen) < 10
    with pytest.raises(TypeError):
        len(scan["entry/title"])


def test_what_cannot_be_selected_is_said(scan):
    counts = scan["entry/data/I"]
    for key in ([0, 2], np.array([0, 2]), np.ones(6, bool), True, "name", (0, [1])):
        with pytest.raises(Invalid, match="takes numbers, ranges"):
            counts[key]
    for key in (6, -7, (0, 0, 0, 0), (..., ...)):
        with pytest.raises(IndexError):
            counts[key]


def test_groups_are_mappings(scan, client):
    entry = scan["entry"]
    assert isinstance(entry, Group)
    assert list(entry) == ["data", "links", "stack", "things", "title"]
    assert (len(entry), "data" in entry, "data/I" in entry, "no" in entry) == (5, True, True, False)
    assert entry._ipython_key_completions_() == list(entry.keys())
    assert client[measured.DATA]._ipython_key_completions_() == ["entry"]
    assert isinstance(entry["data"]["I"], Array)
    assert entry["data"]["I"] == entry["/entry/data/I"] == client[measured.DATA]["entry/data/I"]
    assert entry.get("nothing") is None
    assert scan["entry/data"].nx_class == "NXdata"
    assert scan.default.path == "/entry/data/I"
    assert scan["entry/data/I"].name == "/entry/data/I"
    with pytest.raises(KeyError):
        entry["nothing"]
    with pytest.raises(NotFound, match="link to /nowhere"):
        entry["links/broken"]
    with pytest.raises(NotFound, match=r"none\.h5"):
        entry["links/outside"]
    with pytest.raises(Invalid, match="8 files"):
        client[measured.MANY]["entry"]


def test_attributes(scan, local):
    counts = scan["entry/data/I"]
    assert dict(counts.attrs) == {"units": "counts", "long_name": "Intensity <b>"}
    assert counts.units == "counts"
    assert scan["entry/title"].units is None
    assert list(scan["entry/data"].attrs["axes"]) == list(local["entry/data"].attrs["axes"])
    with pytest.raises(TypeError):
        counts.attrs["units"] = "1"


def test_little_is_asked(client):
    scan = client[measured.DATA].files[measured.NAME]
    seen = asked(client)
    array = scan["/entry/data/I"]
    assert [url.path.rpartition("/")[2] for url in seen] == ["meta"]
    _ = (array.shape, array.dtype, array[0, 0, 0], scan["/entry/data/I"].chunks, array.units)
    assert [url.path.rpartition("/")[2] for url in seen] == ["meta", "data", "attr"]


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("stack/frames", 150_000),
        ("stack/frames", 1_000_000),
        ("stack/flat", 3_000),
        ("data/I_errors", 4_000),
        ("things/big", 9),
        ("things/names", 100),
    ],
)
def test_large_reads_come_in_bands(scan, local, path, most):
    scan.wire.http.most_bytes = most
    if path == "things/names":
        assert scan["entry/things/names"].to_numpy().tolist() == ["å", "b", ""]
        return
    ours, theirs = scan[f"entry/{path}"], local[f"entry/{path}"][()]
    same(ours.to_numpy(), theirs)
    same(ours[::2][1:], theirs[::2][1:])


def test_bands_follow_chunks(scan, client):
    client._http.most_bytes = 5 * 128 * 4
    seen = asked(client)
    scan["entry/stack/frames"][3:21, :, 5]
    cuts = [url.params["selection"] for url in seen if "selection" in url.params]
    assert cuts == [
        "3:5,0:128,5",
        "5:10,0:128,5",
        "10:15,0:128,5",
        "15:20,0:128,5",
        "20:21,0:128,5",
    ]


def test_reading_into_an_array_on_disk(scan, local, tmp_path):
    frames = scan["entry/stack/frames"]
    target = np.lib.format.open_memmap(
        tmp_path / "a.npy", mode="w+", dtype=frames.dtype, shape=(4, 128, 96)
    )
    frames.read_into(target, np.s_[10:50:10])
    same(np.asarray(target), local["entry/stack/frames"][10:50:10])
    with pytest.raises(ValueError, match="shape"):
        frames.read_into(target)


def test_xarray_has_axes_and_reads_when_used(scan, client, local):
    seen = asked(client)
    found = scan["entry/data/I"].to_xarray()
    assert found.dims == ("angle", "y", "x")
    assert found.attrs["units"] == "counts"
    assert found.coords["angle"].attrs["units"] == "deg"
    assert found.coords["angle"].to_numpy()[-1] == 12.5
    assert np.allclose(found.coords["y"], (np.arange(40) + 0.5) * 0.172)
    assert "41 edges" in found.coords["y"].attrs["edges"]
    repr(found), found._repr_html_()
    read = [url for url in seen if url.path.endswith("/data") and "/data/I" in str(url.params)]
    assert read == []
    part = found.sel(angle=10.5).isel(y=slice(2, 5), x=[1, 7, 3])
    same(part.to_numpy(), local["entry/data/I"][1, 2:5, :][:, [1, 7, 3]])
    read = [
        url.params["selection"]
        for url in seen
        if url.params["path"] == "/entry/data/I" and "selection" in url.params
    ]
    assert read == ["1,2:5,1:8"]
    whole = scan["entry/data"].to_xarray()
    assert set(whole.data_vars) == {"I", "I_errors"}
    same(whole["I_errors"].to_numpy(), local["entry/data/I_errors"])
    assert scan["entry/stack/flat"].to_xarray().dims == ("dim_0", "dim_1")
    assert scan["entry/data/angle"].to_xarray().dims == ("angle",)
    with pytest.raises(NotFound, match="no signal"):
        scan["entry/things"].to_xarray()


def test_dask_follows_chunks(scan, local):
    frames = scan["entry/stack/frames"]
    assert frames.pieces(5 * 32 * 96 * 4) == (5, 32, 96)
    lazy = frames.to_dask(chunks=(10, 64, 96))
    same(lazy[7:30, 3].compute(scheduler="threads"), local["entry/stack/frames"][7:30, 3])
    assert lazy.name == scan["entry/stack/frames"].to_dask(chunks=(10, 64, 96)).name
    assert frames.to_dask().sum().compute(scheduler="sync") == local["entry/stack/frames"][()].sum()
    half = scan["entry/things/one"].to_dask().compute(scheduler="sync")
    assert half.dtype == np.float32


def test_arrays_travel_to_other_processes(scan, local):
    frames = pickle.loads(pickle.dumps(scan["entry/stack/frames"]))
    same(frames[5], local["entry/stack/frames"][5])
    frames.wire.http.close()


@pytest.mark.parametrize("is_registered", [False, True])
def test_a_file_that_changes_between_two_bands(served, client, is_registered):
    path = served.folder / measured.MANY[-1] / measured.NAME
    frames = client[measured.MANY].files[measured.NAME]["entry/stack/frames"]
    client._http.most_bytes = frames.nbytes // 8
    before = path.read_bytes()
    count = []

    def change(request):
        count.append(request)
        if len(count) == 4:
            with h5py.File(path, "r+") as opened:
                opened["entry/stack/frames"][...] = 1
            if is_registered:
                register(served, path)

    client._http._client.event_hooks["request"].append(change)
    try:
        with pytest.raises(Conflict if is_registered else PanoscError, match="changed"):
            frames.to_numpy()
        assert len(count) >= 4
        if is_registered:
            again = client[measured.MANY].files[measured.NAME]["entry/stack/frames"]
            assert set(np.unique(again.to_numpy())) == {1}
    finally:
        path.write_bytes(before)
        register(served, path)


def register(served, path):
    """Tell the catalogue of a file as it is now."""
    status = path.stat()
    where = (location.c.url == path.as_uri(),)
    known = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    with served.engine.begin() as connection:
        connection.execute(sa.update(location).where(*where).values(known))
        ours = sa.select(location.c.dataset_id).where(*where).scalar_subquery()
        changed = sa.update(file).where(file.c.dataset_id == ours, file.c.name == measured.NAME)
        connection.execute(changed.values(sha256=content, size=status.st_size))
    time.sleep(0.2)  # what is open to anyone is remembered for a moment


def test_who_may_not_have_bytes_gets_none(served, client):
    with pytest.raises(PanoscError):
        client[measured.TEAM]["entry"]
    with panosc.connect(served.address, token=served.token) as member:
        assert member[measured.TEAM]["entry/things/one"][()] == 0.5


def test_cards_hold_text_never_mark_up(scan, client):
    for shown in (client[measured.DATA], scan, scan["entry"], scan["entry/data/I"]):
        html = shown._repr_html_()
        assert "<script" not in html
        assert "<b>" not in html
    assert "Intensity &lt;b&gt;" in scan["entry/data/I"]._repr_html_()
    assert "6 × 40 × 30" in scan["entry/data"]._repr_html_()
    assert repr(scan["entry/data/I"]) == "<Array /entry/data/I: 6 × 40 × 30 uint16>"
    assert repr(scan) == f"<File {measured.NAME} of {measured.DATA}>"
    assert repr(scan["entry"]).startswith("<Group /entry: data, links")


def test_walking_through_a_file_loads_no_numpy(served):
    code = (
        "import sys, panosc\n"
        f"scan = panosc.connect({served.address!r})[{measured.DATA!r}].files[{measured.NAME!r}]\n"
        "counts = scan['entry/data/I']\n"
        "print(counts.shape, counts.units, counts, 'numpy' in sys.modules)\n"
        "print(counts[0, 0, 0] >= 0, 'numpy' in sys.modules, 'xarray' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    first, second = done.stdout.splitlines()
    assert first.endswith("False")
    assert second == "True True False"
