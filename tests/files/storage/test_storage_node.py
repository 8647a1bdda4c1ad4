"""A node whose files lie in a real S3: looked into, sliced, fetched; and what it says when not."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import h5py
import hdf5plugin
import httpx
import numpy as np
import pytest
import sqlalchemy as sa
from seaweed import BUCKET, KEY, SECRET, Seaweed, free_ports

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.tables import location
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.files.storage.places import stores_of
from panosc.ingest.places.adding import Adding, Wish
from panosc.settings import Settings, Storage

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PID = "local/stored"
NAME = "scan 1.h5"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / NAME
    stack = np.random.default_rng(5).poisson(3, (30, 200, 210)).astype("u2")
    with h5py.File(path, "w") as file:
        how = dict(hdf5plugin.Bitshuffle())
        file.create_dataset("entry/data/stack", data=stack, chunks=(1, 200, 210), **how)
        file["entry/data/flat"] = stack[:5]
        odd = {"scaleoffset": 4, "chunks": (1, 200, 210)}
        file.create_dataset("entry/data/odd", data=stack[:4] % 8, **odd)
        file["entry/title"] = "a µ scan"
    return path


def storage(seaweed: Seaweed, **changed: str) -> Storage:
    return Storage(
        **{
            "name": "archive",
            "url": f"s3://{BUCKET}/node/",
            "endpoint": seaweed.endpoint,
            "addressing": "path",
            "key": KEY,
            "secret": SECRET,
            "private": True,
            "time_limit_s": 5,
            **changed,
        }
    )


@pytest.fixture
def known(engine: sa.Engine, settings: Settings, seaweed: Seaweed, path: Path) -> Settings:
    """Settings of a node that knows of a file, which lies in the storage alone."""
    data = path.read_bytes()
    seaweed.put(f"node/{NAME}", data)
    settings = settings.model_copy(update={"storages": (storage(seaweed),)})
    row = {"datasetId": PID, "name": NAME, "size": len(data)}
    place = {**row, "url": path.as_uri(), "mtimeNs": path.stat().st_mtime_ns}
    rows = [
        ("Dataset", {"pid": PID, "access": "open", "title": "Stored"}),
        ("File", {**row, "sha256": hashlib.sha256(data).hexdigest()}),
        ("Location", place),
    ]
    with engine.begin() as connection:
        write(connection, rows, now=NOW)
    adding = Adding(engine, stores_of(settings), lambda: NOW)
    wish = Wish(
        old=f"{path.parent.as_uri()}/", new=f"s3://{BUCKET}/node/", replace=True, verify=True
    )
    assert adding.add(OPERATOR, wish).replaced == 1
    with engine.connect() as connection:
        urls = connection.scalars(sa.select(location.c.url)).all()
    assert urls == [f"s3://{BUCKET}/node/{NAME}"]
    return settings


@pytest.fixture
def http(engine: sa.Engine, known: Settings) -> Iterator[httpx.Client]:
    app = create_app(known, engine, clock=lambda: NOW)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def h5(what: str, path: str, **asked: str) -> httpx.URL:
    at = httpx.URL(f"/datasets/{PID}/-/h5/{what}")
    return at.copy_merge_params({"file": NAME, "path": path, **asked})


def test_it_is_looked_into_sliced_and_fetched(http: httpx.Client, path: Path) -> None:
    told = http.get(h5("meta", "/entry/data/stack"))
    assert told.status_code == 200, told.text
    assert told.json()["shape"] == [30, 200, 210]
    title = http.get(h5("data", "/entry/title"))
    assert title.json() == "a µ scan"
    with h5py.File(path) as file:
        for name, selection, index in (
            ("stack", "3", np.s_[3]),
            ("stack", ":,7,9", np.s_[:, 7, 9]),
            ("stack", "5:9,10:40,::7", np.s_[5:9, 10:40, ::7]),
            ("flat", "1:3,5,:", np.s_[1:3, 5, :]),
            ("flat", "", np.s_[...]),
            # only the HDF5 library knows its filter
            ("odd", "1:4,3,:", np.s_[1:4, 3, :]),
        ):
            asked = {"format": "bin"} | ({"selection": selection} if selection else {})
            answer = http.get(h5("data", f"/entry/data/{name}", **asked))
            assert answer.status_code == 200, answer.text
            assert answer.content == file[f"entry/data/{name}"][index].tobytes()
        zarr = f"/datasets/{PID}/-/zarr/{NAME}/entry/data/stack"
        assert http.get(f"{zarr}/zarr.json").json()["shape"] == [30, 200, 210]
        chunk = http.get(f"{zarr}/c/3/0/0")
        assert chunk.content == file["entry/data/stack"].id.read_direct_chunk((3, 0, 0))[1]
    data = path.read_bytes()
    download = f"/datasets/{PID}/-/download"
    whole = http.get(download, params={"file": NAME})
    assert whole.content == data
    part = http.get(download, params={"file": NAME}, headers={"Range": "bytes=100-70000"})
    assert (part.status_code, part.content) == (206, data[100:70_001])
    archive = http.get(download)
    assert archive.status_code == 200, archive.text
    with zipfile.ZipFile(io.BytesIO(archive.content)) as file:
        (inside,) = (name for name in file.namelist() if name.endswith(NAME))
        assert file.read(inside) == data


def test_what_it_says_when_the_file_is_another_or_gone(
    http: httpx.Client, seaweed: Seaweed, path: Path
) -> None:
    download = f"/datasets/{PID}/-/download"
    assert http.get(h5("meta", "/entry/data/stack")).status_code == 200
    seaweed.put(f"node/{NAME}", path.read_bytes()[::-1])
    for answer in (
        http.get(h5("data", "/entry/data/stack", selection="3", format="bin")),
        http.get(download, params={"file": NAME}),
    ):
        assert answer.status_code == 422
        assert "has changed since" in answer.text
    seaweed.delete(f"node/{NAME}")
    for answer in (
        http.get(h5("data", "/entry/data/stack", selection="4", format="bin")),
        http.get(download, params={"file": NAME}),
    ):
        assert answer.status_code == 422
        assert "is not where it was registered" in answer.text


def test_a_storage_that_is_down_or_not_set_up(
    engine: sa.Engine, known: Settings, seaweed: Seaweed
) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"
    down = known.model_copy(update={"storages": (storage(seaweed, endpoint=endpoint),)})
    for settings in (down, known.model_copy(update={"storages": ()})):
        app = create_app(settings, engine, clock=lambda: NOW)
        with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            for answer in (
                client.get(h5("data", "/entry/data/stack", selection="3")),
                client.get(f"/datasets/{PID}/-/download", params={"file": NAME}),
            ):
                assert answer.status_code in {422, 502}, answer.text
                assert SECRET not in answer.text
                told = json.loads(answer.text)["detail"]
                assert "archive" in told if settings is down else "this machine" in told
            # the page of the dataset does not need it
            assert client.get(f"/datasets/{PID}").status_code == 200
