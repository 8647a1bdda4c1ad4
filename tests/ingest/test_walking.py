"""Walking: the same order always, nothing outside the root, nothing that is no file."""

import os
import random
import socket
import threading
import time
from pathlib import Path

import pytest

from panosc.domain.errors import Invalid
from panosc.ingest import walking
from panosc.ingest.walking import Walk


def _names(walk: Walk, root: Path) -> list[str]:
    return [os.path.relpath(found.path, root) for found in walk.files()]


@pytest.fixture(params=["fast", "slow"], autouse=True)
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test walks a file system that answers at once, and one that lets calls wait."""
    monkeypatch.setattr(walking, "SLOW_S", -1.0 if request.param == "slow" else 100.0)
    monkeypatch.setattr(walking, "GLANCE", 2)
    return str(request.param)


def test_a_slow_file_system_is_looked_at_by_many_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pace: str
) -> None:
    expected = []
    for folder in range(5):
        for number in range(120):
            path = tmp_path / f"{folder}" / f"{number:03}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x")
            expected.append(f"{folder}/{number:03}")
    at_once, most, lock = 0, 0, threading.Lock()
    stat = os.stat

    def slowly(path: str, **options: bool) -> os.stat_result:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.002 if pace == "slow" else 0)
        with lock:
            at_once -= 1
        return stat(path, **options)

    monkeypatch.setattr(walking.os, "stat", slowly)
    walk = Walk([tmp_path])
    assert _names(walk, tmp_path) == expected
    assert most > 10 if pace == "slow" else most == 1
    # whoever stops in the middle leaves nobody behind
    files = Walk([tmp_path]).files()
    next(files)
    files.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("panosc-walk")]


def test_the_order_depends_on_names_alone(tmp_path: Path) -> None:
    names = ["b/z", "b/a/1", "a", "c", "b-/x", "B", "ä", "b/a/10", "b/a/2"]
    random.Random(3).shuffle(names)
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    expected = ["B", "a", "b/a/1", "b/a/10", "b/a/2", "b/z", "b-/x", "c", "ä"]
    assert _names(Walk([tmp_path]), tmp_path) == expected


def test_links_are_followed_only_inside(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "folder").mkdir(parents=True)
    outside.mkdir()
    (root / "folder" / "file").write_bytes(b"x")
    (outside / "secret").write_bytes(b"x")
    (root / "again").symlink_to(root / "folder" / "file")
    (root / "away").symlink_to(outside / "secret")
    (root / "away-folder").symlink_to(outside)
    (root / "circle").symlink_to(root)
    (root / "dangling").symlink_to(root / "nowhere")
    (root / "folder" / "self").symlink_to(root / "folder" / "self")
    walk = Walk([root])
    assert _names(walk, root) == ["again", "folder/file"]
    told = {os.path.basename(path): reason for path, reason in walk.passed}  # noqa: PTH119
    assert told.keys() == {"away", "away-folder", "dangling", "self"}
    assert "not followed" in told["away"]


def test_a_root_that_looks_like_the_start_of_another_is_not_inside(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data2").mkdir()
    (tmp_path / "data2" / "x").write_bytes(b"x")
    (tmp_path / "data" / "x").symlink_to(tmp_path / "data2" / "x")
    assert _names(Walk([tmp_path / "data"]), tmp_path) == []


def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nxs")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.nxs"))
    (tmp_path / "file.nxs").write_bytes(b"x")
    walk = Walk([tmp_path])
    assert _names(walk, tmp_path) == ["file.nxs"]
    assert len(walk.passed) == 2


def test_roots_may_be_files_and_may_overlap(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"x")
    walk = Walk([tmp_path / "a" / "x", tmp_path, tmp_path / "a"])
    assert _names(walk, tmp_path) == ["a/x"]


def test_a_root_that_is_not_there_is_bad_use(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        list(Walk([tmp_path / "nowhere"]).files())


def test_names_that_are_no_text_have_a_url(tmp_path: Path) -> None:
    name = os.fsdecode(b"gr\xfc\xdfe 100%\n.nxs")
    (tmp_path / name).write_bytes(b"x")
    found = next(Walk([tmp_path]).files())
    assert found.url.endswith("/gr%FC%DFe%20100%25%0A.nxs")


def test_a_very_deep_folder_is_walked(tmp_path: Path) -> None:
    deep = str(tmp_path)
    for _ in range(400):
        deep += "/d"
        os.mkdir(deep)  # noqa: PTH102
    (Path(deep) / "x").write_bytes(b"x")
    assert len(list(Walk([tmp_path]).files())) == 1
