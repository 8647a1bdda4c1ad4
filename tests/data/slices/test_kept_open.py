"""Readers keep files open for a moment, and notice at each question what became of them."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from h5_node import OPEN, OTHER, h5_node

from panosc.catalogue.database import open_database
from panosc.data import reader, routes
from panosc.files.chunks.planning import ROW, facts_of, plan, restored
from panosc.files.chunks.selection import parse
from panosc.files.index.contents import Array
from panosc.settings import Settings

VALUES = np.arange(64 * 256, dtype="u2").reshape(64, 256)


def write(path, values):
    with h5py.File(path, "w") as file:
        file.create_dataset("d", data=values, chunks=values.shape, **hdf5plugin.Bitshuffle())
    return path


@pytest.fixture(scope="module")
def node(tmp_path_factory, new_database, template):
    folder = tmp_path_factory.mktemp("kept")
    files = {f"{name}.h5": write(folder / f"{name}.h5", VALUES) for name in ("a", "b", "c")}
    home = folder / "home"
    home.mkdir()
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database, data_readers=1)
        with (
            open_database(settings) as engine,
            h5_node(engine, settings, {OTHER: files}) as found,
        ):
            yield found, files


def ask(node, name, selection="3:5,10:20"):
    found, files = node
    for _ in range(2):
        # the second time it is open
        answer = found.h5("data", name, "/d", pid=OTHER, format="bin", selection="0:2,:")
        assert answer.content == VALUES[:2].tobytes()
    return files[name], lambda: found.h5(
        "data", name, "/d", pid=OTHER, format="bin", selection=selection
    )


def test_a_file_that_is_removed_is_gone_at_once(node):
    path, again = ask(node, "a.h5")
    path.unlink()
    answer = again()
    assert (answer.status_code, answer.json()["reason"]) == (422, "gone")


def test_a_file_that_is_written_to_has_changed_at_once(node):
    path, again = ask(node, "b.h5")
    told = path.stat()
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns + 10**9))
    answer = again()
    assert (answer.status_code, answer.json()["reason"]) == (422, "changed")


def test_another_file_in_its_place_is_read_anew(node, tmp_path):
    path, again = ask(node, "c.h5")
    told = path.stat()
    other = Path(shutil.copy(path, tmp_path / "other.h5"))
    with h5py.File(path) as file:
        info = file["d"].id.get_chunk_info(0)
    with other.open("r+b") as file:
        # of the same size and time: only a look at the path tells it from the one that is open
        file.seek(info.byte_offset)
        file.write(bytes(info.size))
    os.utime(other, ns=(told.st_atime_ns, told.st_mtime_ns))
    other.replace(path)
    answer = again()
    assert (answer.status_code, answer.json()["reason"]) == (422, "damaged")


def test_a_file_whose_rights_were_changed_is_opened_anew(tmp_path):
    path = write(tmp_path / "a.h5", VALUES)
    told = path.stat()
    file = reader.File(path=str(path), size=told.st_size, mtime_ns=told.st_mtime_ns)
    kept = reader._Open()
    first = kept.source(file)
    assert kept.source(file) is first
    path.chmod(0o400)
    assert kept.source(file) is not first


def test_few_files_stay_open(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MOST_OPEN", 2)
    paths = [write(tmp_path / f"{number}.h5", VALUES) for number in range(4)]
    kept = reader._Open()
    for path in paths:
        told = path.stat()
        kept.source(reader.File(path=str(path), size=told.st_size, mtime_ns=told.st_mtime_ns))
    open_now = {os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()}
    assert open_now & {str(path) for path in paths} == {str(path) for path in paths[2:]}


@pytest.mark.parametrize("text", ["", "2:9:3,5", "0,0:7", "63:64,255"])
def test_a_plan_comes_to_the_reader_as_it_was_made(text):
    rows = np.array([(0, 4000, 900, 0), (1, 5000, 800, 1)], ROW)
    array = Array(shape=(64, 512), dtype="<u2", layout="chunked", chunks=(64, 256), fill=b"\1\0")
    made = plan(array, rows, parse(text, array.shape))
    spans = [(one.start, one.stop, one.step, one.is_single) for one in made.selection.spans]
    found = restored(facts_of(made), spans, made.rows, made.touched)
    assert replace(found, cost=made.cost, output_bytes=made.output_bytes) == made
    assert (found.selection.counts, found.selection.points) == (
        made.selection.counts,
        made.selection.points,
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/datasets/{OPEN}/-/h5/meta?file=all.h5", 200),
        ("HEAD", f"/datasets/{OPEN}/-/h5/meta?file=all.h5", 200),
        ("POST", f"/datasets/{OPEN}/-/h5/meta?file=all.h5", 405),
        ("GET", f"/datasets/{OPEN}/-/h5/nothing", 404),
        ("GET", f"/datasets/{OPEN}/-/h5/meta/", 404),
        ("GET", "/datasets//-/h5/meta", 404),
        ("GET", f"/datasets/{OPEN}/-/h5/x/-/h5/meta", 404),
        ("GET", f"/datasets/{OPEN}%0A/-/h5/meta", 404),
        ("GET", "/x/-/h5/meta", 404),
    ],
)
def test_the_short_way_to_a_route_is_the_long_way(h5, monkeypatch, method, path, status):
    async def tried(self, scope, receive, send):
        await self._app(scope, receive, send)

    short = h5.client.request(method, path, follow_redirects=False)
    monkeypatch.setattr(routes.Direct, "__call__", tried)
    long = h5.client.request(method, path, follow_redirects=False)
    assert (short.status_code, long.status_code) == (status, status)
    assert "allow" not in short.headers or short.headers["allow"] == long.headers["allow"]
    same = {"content-type", "etag", "cache-control", "vary", "content-length"}
    assert {name: short.headers.get(name) for name in same} == {
        name: long.headers.get(name) for name in same
    }
