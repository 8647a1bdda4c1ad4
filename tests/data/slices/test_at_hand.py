"""Short plain values are read from memory where they are at hand, and are never old ones."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from h5_node import OTHER, h5_node

from panosc.catalogue.database import open_database
from panosc.data import handles, reader
from panosc.files.lanes import Lanes
from panosc.settings import Settings

at_hand = pytest.mark.skipif(
    handles._AT_HAND is None, reason="only Linux tells what it has at hand"
)


@pytest.fixture
def plain(tmp_path, new_database, template, monkeypatch):
    """A node with one small file, and how often it was opened anew."""
    path = tmp_path / "plain.h5"
    with h5py.File(path, "w") as file:
        file["d"] = np.arange(1024.0)
        # a tebibyte of which nothing was ever written
        file.create_dataset("late", (2**20, 2**20), "u1")
    opened = []
    original = reader.plain

    def counted(*given):
        opened.append(given)
        return original(*given)

    monkeypatch.setattr(reader, "plain", counted)
    home = tmp_path / "home"
    home.mkdir()
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database)
        with (
            open_database(settings) as engine,
            h5_node(engine, settings, {OTHER: {"plain.h5": path}}) as node,
        ):
            yield node, path, opened


def ask(node, **more):
    return node.h5("data", "plain.h5", "/d", pid=OTHER, format="bin", **more)


def test_long_answers_of_what_was_never_written_are_left_to_readers(plain):
    node, _, opened = plain
    for selection, length in (("0,:100", 100), ("0:4", 4 * 2**20)):
        asked = {"format": "bin", "selection": selection}
        answer = node.h5("data", "plain.h5", "/late", pid=OTHER, **asked)
        assert answer.content == bytes(length)
        # they cost nothing to read; to make them costs memory of the process that serves people
        assert len(opened) == 1


def test_long_texts_of_what_costs_nothing_to_read_go_to_the_slow_lane(plain, monkeypatch):
    node = plain[0]
    taken = []
    original = Lanes.run

    def noted(lanes, lane, *given):
        taken.append(lane)
        return original(lanes, lane, *given)

    monkeypatch.setattr(Lanes, "run", noted)
    # as they are they need no process at all
    for form in ("bin", "csv"):
        asked = {"format": form, "selection": "0,:100000"}
        assert node.h5("data", "plain.h5", "/late", pid=OTHER, **asked).status_code == 200
    assert taken == ["slow"]


@at_hand
def test_a_file_is_opened_once_a_second(plain, monkeypatch):
    node, _, opened = plain
    monkeypatch.setattr(handles, "CHECKED_S", -1)
    for _ in range(3):
        # each time it has expired already
        assert ask(node).status_code == 200
    assert len(opened) == 3
    monkeypatch.setattr(handles, "CHECKED_S", 60)
    for start in range(5):
        answer = ask(node, selection=f"{start}:{start + 3}")
        assert answer.content == np.arange(start, start + 3.0).tobytes()
    assert len(opened) == 4


@at_hand
def test_a_change_in_place_is_noticed_at_once(plain, monkeypatch):
    node, path, _ = plain
    monkeypatch.setattr(handles, "CHECKED_S", 60)
    assert ask(node).status_code == 200
    told = path.stat()
    with path.open("r+b") as file:
        file.seek(told.st_size - 8)
        file.write(b"changed!")
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns + 10**9))
    refused = ask(node, selection="0:2")
    assert refused.status_code == 422
    assert refused.json()["reason"] == "changed"


@at_hand
def test_what_is_cut_off_is_not_made_up(plain, monkeypatch):
    node, path, _ = plain
    monkeypatch.setattr(handles, "CHECKED_S", 60)
    assert ask(node).status_code == 200
    os.truncate(path, 3000)
    refused = ask(node, selection="1000:1010")
    assert refused.status_code == 422
    assert refused.json()["reason"] == "changed"


@at_hand
def test_no_file_stays_open_for_ever(plain, monkeypatch):
    node, path, _ = plain
    monkeypatch.setattr(handles, "MOST", 0)
    assert ask(node).status_code == 200
    links = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
    assert str(path) not in links
