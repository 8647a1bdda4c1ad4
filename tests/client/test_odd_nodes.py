"""Nodes that answer otherwise than expected: with limits, in pieces, wrongly, or not at all."""

import io
import json
import tracemalloc

import httpx
import numpy as np
import pytest

from panosc.client.data import cards
from panosc.client.data.groups import Group
from panosc.client.data.items import item_of
from panosc.client.data.reading import Reading
from panosc.client.data.wire import Wire
from panosc.client.datasets import Dataset
from panosc.client.http import Http
from panosc.client.patience import Patience
from panosc.client.progress import shown, size
from panosc.domain.errors import Conflict, NotFound, PanoscError, TooLarge, Unreadable, Upstream

VALUES = np.arange(24_000, dtype="<i4").reshape(30, 40, 20)
TYPE = {"class": 0, "dtype": "<i4", "size": 4, "order": 0, "sign": 1}
ARRAY = {"name": "a", "kind": "dataset", "shape": [30, 40, 20], "chunks": [1, 40, 20], "type": TYPE}


def part(request):
    texts = request.url.params.get("selection", "").split(",")
    key = [int(one) if ":" not in one else slice(*map(int, one.split(":"))) for one in texts if one]
    return VALUES[tuple(key)]


def npy(values, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(values), **options)
    return file.getvalue()


def problem(code, status, **more):
    told = {"type": f"/docs/errors/#{code}", "detail": "It is so.", **more}
    return httpx.Response(status, json=told)


def group(handler, **meta):
    """Return the root of a file at a node that answers as `handler` does."""
    asked = []

    def answer(request):
        asked.append(request)
        kind = request.url.path.rpartition("/")[2]
        if kind == "meta":
            if request.headers.get("If-None-Match") == '"1"':
                return httpx.Response(304)
            return httpx.Response(200, json=ARRAY | meta, headers={"ETag": '"1"'})
        if kind == "attr":
            return httpx.Response(200, json={})
        return handler(request)

    http = Http("http://127.0.0.1:1")
    http._client.close()
    http._client = httpx.Client(transport=httpx.MockTransport(answer))
    found = Group(Wire(http, pid="x", name="f"), "/")
    return found, asked


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(
        "panosc.client.data.arrays.Reading",
        lambda **given: Reading(**given, patience=Patience(tries=3, sleep=lambda _: None)),
    )


def test_a_limit_is_learned():
    def handler(request):
        values = part(request)
        too_large = values.nbytes > 20_000
        return problem("too-large", 413) if too_large else httpx.Response(200, content=npy(values))

    root, asked = group(handler)
    assert np.array_equal(root["a"].to_numpy(), VALUES)
    first = len(asked)
    assert np.array_equal(root["a"].to_numpy(), VALUES)
    assert len(asked) - first < 12
    root, _ = group(lambda _: problem("too-large", 413, limit=5))
    with pytest.raises(TooLarge, match="It is so"):
        root["a"].to_numpy()


def test_memory_is_one_array_and_a_band():
    row = npy(np.zeros((5, 100, 100), "<i4"))
    root, _ = group(lambda _: httpx.Response(200, content=row), shape=[200, 100, 100], chunks=None)
    root.wire.http.most_bytes = 200_000
    array = root["a"]
    tracemalloc.start()
    array.to_numpy()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert array.nbytes < peak < 1.2 * array.nbytes


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_in_either_order(version):
    root, _ = group(
        lambda request: httpx.Response(
            200, content=npy(np.asfortranarray(part(request)), version=version)
        )
    )
    assert np.array_equal(root["a"].to_numpy(), VALUES)


def test_one_byte_at_a_time():
    def pieces(content):
        yield from (content[place : place + 1] for place in range(len(content)))

    root, _ = group(lambda request: httpx.Response(200, content=pieces(npy(part(request)))))
    assert np.array_equal(root["a"][0, :2], VALUES[0, :2])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        b"\x93NUMPY\x09\x00" + b"x" * 200,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"x" * 20_000,
        npy(VALUES[0])[:-1],
        npy(VALUES[0]) + b"x",
    ],
    ids=range(6),
)
def test_answers_that_are_none(content):
    root, asked = group(lambda _: httpx.Response(200, content=content))
    with pytest.raises(Upstream, match="does not answer as a node"):
        root["a"][0]
    assert sum("selection" in request.url.params for request in asked) == 1


@pytest.mark.parametrize("values", [VALUES[0].astype("f8"), VALUES[0, :3], VALUES[0].astype(">i4")])
def test_an_array_that_is_another_than_was_told(values):
    root, _ = group(lambda _: httpx.Response(200, content=npy(values)))
    with pytest.raises(Conflict, match="changed"):
        root["a"][0]


def test_a_node_that_fails_twice():
    count = []

    def handler(request):
        count.append(1)
        if len(count) < 3:
            raise httpx.ReadError("broken")
        return httpx.Response(200, content=npy(part(request)))

    root, _ = group(handler)
    assert np.array_equal(root["a"][2], VALUES[2])
    root, _ = group(lambda _: problem("busy", 503))
    with pytest.raises(PanoscError, match="It is so"):
        root["a"][2]
    root, asked = group(lambda _: problem("unreadable", 422, reason="nearline"))
    with pytest.raises(Unreadable) as told:
        root["a"][2]
    assert told.value.reason == "nearline"
    assert len(asked) == 2


@pytest.mark.parametrize(
    "meta",
    [
        {"kind": 5},
        {"shape": [-1]},
        {"shape": "3"},
        {"shape": [True]},
        {"shape": [2.5]},
        {"kind": "datatype"},
        {"kind": "soft_link", "target_path": "/x"},
    ],
    ids=range(7),
)
def test_descriptions_that_are_none(meta):
    root, _ = group(lambda _: problem("error", 500), **meta)
    with pytest.raises(PanoscError):
        root["a"]


@pytest.mark.parametrize(
    "dtype", ["<i999", "O,O", "V0", "<f3", "M8[s]", "i4, (2,)f8", "", None, 3, {"a": "|O"}, ["x"]]
)
def test_types_that_are_none_are_never_guessed(dtype):
    try:
        item = item_of({"class": 0, "dtype": dtype})
    except Unreadable:
        return
    assert item.form == "json"


def test_a_shape_larger_than_any_memory():
    root, asked = group(lambda _: httpx.Response(200), shape=[2**40, 2**20], chunks=None)
    array = root["a"]
    assert array.nbytes == 2**62
    repr(array), array._repr_html_()
    with pytest.raises(TooLarge, match="do not fit"):
        array.to_numpy()
    assert sum("selection" in request.url.params for request in asked) == 0


def test_metadata_is_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr("panosc.client.kept._MOST", 3)
    root, asked = group(lambda _: problem("error", 500))
    for name in "abcdea":
        root[name]
    assert len(asked) == 6
    root["e"]
    assert len(asked) == 6
    assert len(root.wire.http.kept._kept) == 3


def test_pictures_of_cards():
    assert cards.picture("image/png", b"x", words='"><script>').count("<") == 1
    for kind, content in (("text/html", b"x"), ("image/png", b""), ("image/png", b"x" * 2**20)):
        assert cards.picture(kind, content, words="") == ""
    assert "javascript" not in cards.card("x", "", link="javascript:alert(1)")


@pytest.mark.parametrize("is_told_as_text", [False, True])
def test_elements_that_are_arrays_or_records(is_told_as_text):
    vectors = np.arange(12.0).reshape(4, 3)
    records = np.array([(1, 0.5, b"a"), (2, 1.5, b"bc")], [("n", "<i4"), ("v", "<f8"), ("s", "S2")])

    def handler(request):
        form = request.url.params["format"]
        if form == "json":
            told = vectors.tolist() if form_of == "npy" else [[1, 0.5, "a"], [2, 1.5, "bc"]]
            return httpx.Response(200, json=told)
        if is_told_as_text:
            return problem("invalid", 422)
        assert form == form_of
        return httpx.Response(200, content=npy(vectors) if form == "npy" else records.tobytes())

    form_of = "npy"
    base = {"class": 1, "dtype": "<f8"}
    kind = {"class": 10, "dtype": "|V24", "dims": [3], "base": base}
    array = group(handler, shape=[4], chunks=None, type=kind)[0]["a"]
    assert (array.shape, array.dtype, array.size) == ((4, 3), np.dtype("f8"), 12)
    assert np.array_equal(array.to_numpy(), vectors)
    assert array[:, 1].tolist() == vectors[:, 1].tolist()
    assert array[:, ::-2].tolist() == vectors[:, ::-2].tolist()
    form_of = "bin"
    told = {name: records.dtype[name].str for name in records.dtype.names}
    kind = {"class": 6, "dtype": told, "size": records.dtype.itemsize}
    array = group(handler, shape=[2], chunks=None, type=kind)[0]["a"]
    assert array.to_numpy().tolist() == records.tolist()
    assert array.dtype == records.dtype


def test_text_cannot_tell_infinities():
    def handler(request):
        if request.url.params["format"] == "json":
            return httpx.Response(200, json=[[None]])
        return problem("invalid", 422)

    kind = {"class": 6, "dtype": {"v": "<f8"}, "size": 8}
    root, _ = group(handler, shape=[1], chunks=None, type=kind)
    with pytest.raises(Unreadable, match="no word for"):
        root["a"].to_numpy()


def test_a_dataset_shows_its_plot():
    record = {
        "pid": "x",
        "title": "<i>T",
        "url": "https://node.example/datasets/x",
        "access": "open",
        "people": [],
        "techniques": [],
    }

    def answer(request):
        assert request.url.path == "/datasets/x/-/thumbnail"
        assert dict(request.url.params) in (
            {"size": "large", "form": "png"},
            {"size": "small", "form": "png"},
        )
        return httpx.Response(200, content=b"RIFF", headers={"Content-Type": "image/png"})

    http = Http("http://127.0.0.1:1")
    http._client.close()
    http._client = httpx.Client(transport=httpx.MockTransport(answer))
    html = Dataset(record, http)._repr_html_()
    assert 'src="data:image/png;base64,UklGRg=="' in html
    assert Dataset(record, http).thumbnail(size="small") == b"RIFF"
    assert 'href="https://node.example/datasets/x"' in html
    assert "<i>" not in html
    http._client = httpx.Client(transport=httpx.MockTransport(lambda _: problem("not-found", 404)))
    assert "<img" not in Dataset(record, http)._repr_html_()
    with pytest.raises(NotFound):
        Dataset(record, http).thumbnail()
    offline = Dataset(record, Http("http://127.0.0.1:1"))
    with pytest.raises(Upstream, match="does not answer"):
        offline.thumbnail()
    assert "<img" not in offline._repr_html_()


def test_progress_is_shown_where_somebody_looks(capsys, monkeypatch):
    with shown("a", 10) as advance:
        advance(10)
    with shown("a", 10, wanted=False) as advance:
        advance(10)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("panosc.client.progress._is_notebook", lambda: True)
    with shown("a\x1b[31m", 2_000_000) as advance:
        advance(1_500_000)
    told = capsys.readouterr().err
    assert "1.5 MB of 2.0 MB" in told
    assert "\x1b" not in told
    assert size(999_960) == "1.0 MB"
    assert json.dumps(size(0)) == '"0 B"'
