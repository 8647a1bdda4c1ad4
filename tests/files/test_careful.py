"""Reading strangers' HDF5: whatever the file tries, it stays in its place."""

import time
from collections.abc import Callable
from pathlib import Path

import hostile
import pytest
from h5py import h5d, h5f

from panosc.domain.errors import Unreadable
from panosc.files import plots
from panosc.files.careful import Careful
from panosc.files.nexus import default_signal
from panosc.files.opening import open_image, open_path
from panosc.files.tiers import OnlineFile


@pytest.fixture
def neighbour(tmp_path: Path) -> Path:
    path = tmp_path / "neighbour.nxs"
    with hostile.nexus(path, title="a secret") as file:
        file["x"] = range(64)
    return path


def _online(path: Path) -> OnlineFile:
    status = path.stat()
    return OnlineFile(path=str(path.resolve()), size=status.st_size, mtime_ns=status.st_mtime_ns)


def _opened(path: Path) -> Careful:
    return Careful(open_path(path))


def _text(file: Careful, path: str) -> object:
    node = file.at(file.root, path.encode())
    return file.value(node) if isinstance(node, h5d.DatasetID) else None


def test_links_to_other_files_are_not_followed_not_even_by_detour(
    tmp_path: Path, neighbour: Path
) -> None:
    path = tmp_path / "x.nxs"
    hostile.external_links(path, neighbour)
    before = h5f.get_obj_count(h5f.OBJ_ALL, h5f.OBJ_FILE)
    file = _opened(path)
    assert _text(file, "/entry/title") is None
    assert _text(file, "/entry/sample/name") is None
    assert file.at(file.root, b"/entry/data/I") is None
    assert file.at(file.root, b"entry/hidden/title") is None
    assert {item.reason for item in file.refusals} == {"external-link"}
    assert any("/etc/passwd" in item.detail for item in file.refusals)
    assert _text(file, "/entry/definition") == "NXsas"
    # no other file was opened by the library on the way
    assert h5f.get_obj_count(h5f.OBJ_ALL, h5f.OBJ_FILE) == before + 1


def test_circles_and_mazes_of_links_end(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.link_loops(path)
    file = _opened(path)
    begun = time.thread_time()
    assert _text(file, "/entry/title") is None
    assert file.at(file.root, b"/entry/experiment_identifier") is None
    assert _text(file, "/entry/loop/loop/definition") == "NXsas"
    assert file.at(file.root, b"/entry/run_cycle") is None
    assert time.thread_time() - begun < 5
    assert {item.reason for item in file.refusals} == {"link-loop", "dangling-link"}


def test_a_small_file_cannot_unpack_to_a_large_array(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.filter_bomb(path)
    assert path.stat().st_size < 60_000
    file = _opened(path)
    assert _text(file, "/entry/title") is None
    assert _text(file, "/entry/sample/name") is None
    assert {item.reason for item in file.refusals} == {"filter-bomb"}


def test_virtual_data_of_a_neighbour_are_not_read(tmp_path: Path, neighbour: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.virtual(path, neighbour)
    with pytest.raises(Unreadable) as caught:
        plots.read(_online(path), "/entry/data/I")
    assert caught.value.reason == "virtual-dataset"


def test_bytes_of_another_file_are_not_data(tmp_path: Path) -> None:
    path, secret = tmp_path / "x.nxs", tmp_path / "secret"
    secret.write_bytes(b"top secret" * 20)
    hostile.external_storage(path, secret)
    file = _opened(path)
    assert _text(file, "/entry/sample/name") is None
    assert file.refusals[0].reason == "external-storage"
    with pytest.raises(Unreadable, match="secret not read"):
        plots.read(_online(path), "/entry/data/I")


def test_a_terabyte_is_looked_at_one_frame_at_a_time_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.huge_shape(path)
    assert path.stat().st_size < 40_000
    assert default_signal(_opened(path)) == b"/entry/data/I"
    with pytest.raises(Unreadable) as caught:
        plots.read(_online(path), "/entry/data/I")
    assert caught.value.reason == "too-large"


def test_texts_in_any_encoding_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.odd_texts(path)
    file = _opened(path)
    assert _text(file, "/entry/title") == "Grüße in 5 Å"
    assert _text(file, "/entry/definition") == ["NXsas", "NXcanSAS"]
    sample = file.at(file.root, b"/entry/sample")
    assert file.attribute(sample, b"NX_class") == "NXsample"
    assert file.attribute(file.at(file.root, b"/entry/instrument"), b"odd") is None
    assert file.attribute(file.at(file.root, b"/entry"), b"reference") is None
    assert _text(file, "/entry/collection_time") is None


@pytest.mark.parametrize("make", [hostile.huge_attribute, hostile.deep, hostile.many_groups])
def test_size_does_not_matter(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "x.nxs"
    make(path)
    begun = time.monotonic()
    default_signal(_opened(path))
    assert time.monotonic() - begun < 10


def test_every_failure_to_open_has_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "x.nxs"
    hostile.nexus(path).close()
    content = path.read_bytes()
    reasons = {}
    for name, data in {
        "truncated": content[:-100],
        "bad-signature": b"x" * 4000,
        "damaged": content[:8] + b"\xff" * 88 + content[96:],
    }.items():
        with pytest.raises(Unreadable) as caught:
            Careful(open_image(data))
        reasons[name] = caught.value.reason
    assert reasons == {name: name for name in reasons}
