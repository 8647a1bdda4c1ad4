"""Opening the very file that was registered, whatever its owner swaps it for."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from panosc.domain.errors import Unreadable
from panosc.files.apart.strictly import Strictly
from panosc.files.chunks import library
from panosc.files.chunks.sources import read_exactly
from panosc.files.storage.local import LocalSource


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("mine", "secret"):
        (tmp_path / folder).mkdir()
        with h5py.File(tmp_path / folder / "x.h5", "w") as file:
            file["d"] = np.full(5, 1 if folder == "mine" else 666)
        os.utime(tmp_path / folder / "x.h5", ns=(10**18, 10**18))
    return tmp_path


def test_a_folder_that_became_a_link_is_not_followed(tree: Path) -> None:
    state = (tree / "mine" / "x.h5").stat()
    registered = tree / "mine" / "x.h5"
    with LocalSource(registered, size=state.st_size, mtime_ns=state.st_mtime_ns) as source:
        assert source.pread(1, 3) == b"HDF"
    assert library.read(registered, "/d").tolist() == [1] * 5
    (tree / "mine").rename(tree / "was")
    (tree / "mine").symlink_to(tree / "secret")
    # size and time are the same, so that nothing else tells
    with pytest.raises(Unreadable) as caught:
        LocalSource(registered, size=state.st_size, mtime_ns=state.st_mtime_ns)
    assert caught.value.reason == "changed"
    with pytest.raises(Unreadable):
        library.read(registered, "/d")


def test_a_file_that_became_a_link_of_another_owner_is_not_followed(tree: Path) -> None:
    registered = tree / "mine" / "x.h5"
    registered.unlink()
    registered.symlink_to("/etc/hostname")
    if not os.geteuid():
        os.lchown(registered, 65534, 65534)
    with pytest.raises(Unreadable):
        LocalSource(registered)
    with pytest.raises(Unreadable):
        library.read(registered, "/d")
    # within its own folder a link is another name
    with h5py.File(tree / "mine" / "real.h5", "w") as file:
        file["d"] = np.zeros(3)
    registered.unlink()
    registered.symlink_to("real.h5")
    assert library.read(registered, "/d").tolist() == [0.0] * 3


def test_what_is_no_file_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "mine" / "pipe.h5")
    for name in ("pipe.h5", "."):
        with pytest.raises(Unreadable) as caught:
            LocalSource(tree / "mine" / name)
        assert caught.value.reason == "gone"
    for path in ("/", "/etc/../etc/hostname", f"{tree}//mine/x.h5"):
        with Strictly() as strictly, pytest.raises(FileNotFoundError):
            strictly.open(path)


def test_ranges_out_of_the_file_are_told(tree: Path) -> None:
    with LocalSource(tree / "mine" / "x.h5") as source:
        assert len(read_exactly(source, 0, source.size)) == source.size
        for offset, size in ((-1, 4), (0, -4), (source.size, 1), (2**62, 2**62), (1, source.size)):
            with pytest.raises(Unreadable) as caught:
                read_exactly(source, offset, size)
            assert caught.value.reason == "truncated"
    with pytest.raises(Unreadable):
        source.pread(0, 1)
