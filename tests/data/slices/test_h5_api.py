"""The h5 routes answer as h5grove 4 and h5py do, or say clearly why not."""

import io
import json

import h5py
import numpy as np
import pytest
import tifffile
from h5_files import FILTERS, TYPES
from h5_node import EMBARGOED, OPEN, OTHER
from h5grove.content import get_content_from_file
from h5grove.encoders import encode

NUMERIC = [f"type_{np.dtype(kind).name}_{kind[0]}" for kind in TYPES]
SELECTIONS = ["", "3", "2,10:20,5", ":,7,9", "1:6:2,::7,-3:", "-1,-2,-3", "4:2"]


def grove(path, where, ask, resolve="only_valid"):
    """Return what h5grove answers."""

    def refuse(status, message):
        return LookupError(status, message)

    with get_content_from_file(path, where, refuse, resolve) as content:
        return json.loads(encode(ask(content), "json").content)


def test_trees_are_told_as_h5grove_tells_them(h5):
    path = h5.files[OPEN, "all.h5"]
    with h5py.File(path) as file:
        places = ["/"]
        file.visit(lambda name: places.append(f"/{name}"))
    checked = 0
    for place in [*places, "/entry/soft", "/entry/broken"]:
        answer = h5.h5("meta", "all.h5", place)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        expected = grove(path, place, lambda content: content.metadata())
        if place == "/entry":
            # what lies beside it may be followed, for it is of the same dataset
            kinds = {child["name"]: child["kind"] for child in told["children"]}
            assert (kinds["beside"], kinds["outside"]) == ("dataset", "external_link")
            for side in (told, expected):
                side["children"] = [
                    child
                    for child in side["children"]
                    if child["name"] not in {"beside", "outside"}
                ]
        assert told == expected
        checked += 1
    assert checked > 30


@pytest.mark.parametrize("resolve", ["only_valid", "none"])
def test_links_are_resolved_as_asked(h5, resolve):
    path = h5.files[OPEN, "all.h5"]
    for place in ("/entry/soft", "/entry/broken"):
        told = h5.h5("meta", "all.h5", place, resolve_links=resolve).json()
        assert told == grove(path, place, lambda content: content.metadata(), resolve)
    assert h5.h5("meta", "all.h5", "/entry/broken", resolve_links="all").status_code == 404


def test_attributes(h5):
    path = h5.files[OPEN, "all.h5"]
    told = h5.h5("attr", "all.h5", "/entry/data").json()
    assert told == grove(path, "/entry/data", lambda content: content.attributes())
    assert h5.h5("attr", "all.h5", "/entry/data", attr_keys="signal").json() == {"signal": "frames"}
    assert h5.h5("attr", "all.h5", "/entry/data", attr_keys="none").status_code == 404


@pytest.mark.parametrize("name", [f"with_{name}" for name in FILTERS])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_values_of_every_filter(h5, name, selection):
    where = f"/entry/{name}"
    answer = h5.h5("data", "all.h5", where, selection=selection, format="bin")
    assert answer.status_code == 200, answer.text
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        index = tuple(
            slice(*(int(end) if end else None for end in part.split(":")))
            if ":" in part
            else int(part)
            for part in selection.split(",")
            if part
        )
        expected = file[where][index if selection else ()]
    assert answer.content == np.asarray(expected).tobytes()


@pytest.mark.parametrize("name", NUMERIC)
def test_values_of_every_type_in_every_form(h5, name):
    where = f"/entry/{name}"
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        expected = file[where][()]
    assert h5.h5("data", "all.h5", where, format="bin").content == expected.tobytes()
    loaded = np.load(io.BytesIO(h5.h5("data", "all.h5", where, format="npy").content))
    assert loaded.dtype == expected.dtype
    np.testing.assert_array_equal(loaded, expected)
    safe = h5.h5("data", "all.h5", where, format="bin", dtype="safe").content
    kind = {"float16": "<f4"}.get(expected.dtype.name, expected.dtype.newbyteorder("<"))
    np.testing.assert_array_equal(np.frombuffer(safe, kind).reshape(4, 6), expected)
    told = h5.h5("data", "all.h5", where).json()
    flat = h5.h5("data", "all.h5", where, flatten="true").json()
    if expected.dtype.kind == "c":
        told, flat = np.array(told), np.array(flat)
        np.testing.assert_array_equal(told[..., 0] + 1j * told[..., 1], expected)
        return
    np.testing.assert_array_equal(np.array(told), expected)
    assert flat == np.array(told).reshape(-1).tolist()
    text = h5.h5("data", "all.h5", where, format="csv").text
    np.testing.assert_allclose(np.loadtxt(io.StringIO(text), delimiter=","), expected)
    if expected.dtype.kind != "b":
        image = h5.h5("data", "all.h5", where, format="tiff").content
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(image)), expected)


def test_odd_values(h5):
    def ask(name, **more):
        return h5.h5("data", "all.h5", f"/entry/{name}", **more).json()

    assert ask("odd") == [1.5, None, None, None, -0.0]
    assert ask("large") == [2**53 + 1, -(2**60), 7]
    assert ask("large", dtype="safe") == [str(2**53 + 1), str(-(2**60)), "7"]
    assert ask("scalar") == 3.25
    assert ask("text") == "µm"
    assert ask("latin") == "µm"
    assert ask("texts") == ["a", "ö", ""]
    assert ask("texts", selection="1") == "ö"
    assert ask("fixed") == ["ab", "c"]
    assert ask("empty") == []
    assert ask("nothing") is None
    assert ask("pairs") == [[1, 2.5], [3, -1.0]]
    assert ask("vectors", selection="1:3") == [[3, 4, 5], [6, 7, 8]]
    assert ask("vectors", selection="-1") == [9, 10, 11]
    assert ask("sparse", selection="350,418:422") == [-1, -1, 9, -1]
    assert ask("sparse", selection="0,:3") == [-1, -1, -1]


def test_statistics_are_those_of_numpy(h5):
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        stack = file["entry/with_gzip"][()]
    told = h5.h5("stats", "all.h5", "/entry/with_gzip").json()
    assert told["min"] == stack.min()
    assert told["max"] == stack.max()
    assert told["strict_positive_min"] == stack[stack > 0].min()
    assert told["mean"] == pytest.approx(stack.mean(), rel=1e-12)
    assert told["std"] == pytest.approx(stack.std(), rel=1e-12)
    odd = h5.h5("stats", "all.h5", "/entry/odd").json()
    assert (odd["min"], odd["max"], odd["positive_min"]) == (-0.0, 1.5, 0.0)
    empty = h5.h5("stats", "all.h5", "/entry/empty").json()
    assert set(empty.values()) == {None}
    part = h5.h5("stats", "all.h5", "/entry/with_gzip", selection="2,:,3").json()
    assert part["mean"] == pytest.approx(stack[2, :, 3].mean())


def test_links_to_files_of_the_dataset_are_followed_and_to_no_others(h5):
    assert h5.h5("data", "all.h5", "/entry/beside", selection="1").json() == [4, 5, 6, 7]
    assert h5.h5("meta", "all.h5", "/entry/beside").json()["name"] == "beside"
    # the file is there, and holds a dataset of that name
    refused = h5.h5("data", "all.h5", "/entry/outside")
    assert refused.status_code == 404
    assert "not of this dataset" in refused.json()["detail"]


def test_virtual_datasets_come_from_files_of_the_dataset(h5):
    with h5py.File(h5.files[OPEN, "master.h5"]) as file:
        stack = file["frames"][()]
    assert stack.any()
    answer = h5.h5("data", "master.h5", "/frames", format="bin")
    assert answer.content == stack.tobytes()
    pixel = h5.h5("data", "master.h5", "/frames", selection=":,25,25").json()
    assert pixel == stack[:, 25, 25].tolist()


@pytest.mark.parametrize("name", ["lost.h5", "thief.h5"])
def test_a_virtual_dataset_without_its_source_is_never_zeros(h5, name):
    refused = h5.h5("data", name, "/frames", format="bin")
    assert refused.status_code == 422, refused.content[:100]
    assert "part_" in refused.json()["detail"]
    # what does not need it is there
    if name == "lost.h5":
        assert h5.h5("data", name, "/frames", selection="0,0,0").status_code == 200


@pytest.mark.parametrize(
    ("what", "given", "status", "says"),
    [
        ("data", {"path": "/entry/large", "selection": "9"}, 422, "outside"),
        ("data", {"path": "/entry/large", "selection": "1,1"}, 422, "dimensions"),
        ("data", {"path": "/entry/large", "selection": "a"}, 422, "neither"),
        ("data", {"path": "/entry/large", "selection": "::-1"}, 422, "step"),
        ("data", {"path": "/entry/large", "format": "xls"}, 422, "format"),
        ("data", {"path": "/entry/large", "dtype": "float"}, 422, "dtype"),
        ("data", {"path": "/entry"}, 422, "not a dataset"),
        ("data", {"path": "/entry/with_gzip", "format": "csv"}, 422, "dimensions"),
        ("data", {"path": "/entry/text", "format": "npy"}, 422, "no numbers"),
        ("data", {"path": "/entry/none"}, 404, "nothing"),
        ("meta", {"path": "/entry", "resolve_links": "maybe"}, 422, "resolved"),
        ("paths", {"path": "/entry/large"}, 422, "not a group"),
        ("stats", {"path": "/entry/text"}, 422, "no numbers"),
        ("attr", {"path": "/entry\0"}, 422, "no path"),
        ("data", {"path": "/entry/sparse", "format": "bin"}, 413, "bytes"),
    ],
)
def test_what_cannot_be_answered_is_explained(h5, what, given, status, says):
    answer = h5.client.get(f"/datasets/{OPEN}/-/h5/{what}", params={"file": "all.h5"} | given)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert says in told["detail"]
    assert told["message"] == told["detail"]


@pytest.mark.parametrize(
    "file",
    [
        *("../outside.h5", "files/../../outside.h5", "%2e%2e/outside.h5", "/etc/passwd", ""),
        *(
            "all.h5/",
            "./all.h5",
            "all.h5\0",
            "ALL.H5",
            "\ud800".encode("utf-8", "replace").decode(),
        ),
    ],
)
def test_only_names_of_the_dataset_are_files(h5, file):
    assert h5.h5("meta", file).status_code == 404
    assert h5.zarr(file, "zarr.json").status_code in {301, 307, 404}


def test_files_of_other_datasets_are_not_of_this_one(h5):
    assert h5.h5("meta", "deep/er.h5", pid=OTHER).status_code == 200
    assert h5.h5("meta", "deep/er.h5").status_code == 404
    path = str(h5.files[OTHER, "deep/er.h5"])
    assert h5.h5("meta", path).status_code == 404


def test_a_tag_saves_reading_and_tells_nobody_more(h5):
    first = h5.h5("data", "all.h5", "/entry/with_gzip", selection="1")
    tag = first.headers["etag"]
    assert first.headers["cache-control"].startswith("public, max-age=")
    again = {"If-None-Match": tag}
    address = first.request.url
    assert h5.client.get(address, headers=again).status_code == 304
    assert h5.client.head(address).headers["etag"] == tag
    other = h5.h5("data", "all.h5", "/entry/with_gzip", selection="2")
    assert other.headers["etag"] != tag
    hidden = h5.client.get(
        f"/datasets/{EMBARGOED}/-/h5/meta", params={"file": "a.h5"}, headers={"If-None-Match": "*"}
    )
    assert hidden.status_code == 403
    assert "etag" not in hidden.headers
    assert hidden.json()["until"] == "2031-05-01T00:00:00Z"


def test_long_answers_come_in_pieces_that_are_the_whole(h5, monkeypatch):
    monkeypatch.setattr("panosc.data.slices.BAND_BYTES", 5000)
    with h5py.File(h5.files[OPEN, "all.h5"]) as file:
        stack = file["entry/with_blosc"][()]
    for selection, index in (
        ("", ()),
        ("1:7:2", slice(1, 7, 2)),
        (":,3:40,::2", np.s_[:, 3:40, ::2]),
    ):
        answer = h5.h5("data", "all.h5", "/entry/with_blosc", selection=selection, format="npy")
        assert int(answer.headers["content-length"]) == len(answer.content)
        np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), stack[index])
