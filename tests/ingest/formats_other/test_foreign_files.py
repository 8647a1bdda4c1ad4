"""Files that no format knows become datasets; what claims to be HDF5 and is not stays refused."""

import random
import tarfile
import zipfile
from pathlib import Path

import h5py
import pytest
import written_files as files

from panosc.domain.errors import Unreadable
from panosc.ingest.formats.opaque import media_type
from panosc.ingest.reading import Reading, read


def _read(path: Path) -> Reading:
    status = path.stat()
    return read(str(path), status.st_size, status.st_mtime_ns)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("empty", b"", "application/octet-stream"),
        ("empty.txt", b"", "text/plain"),
        ("run.log", b"10:00 beam is back\n", "text/plain"),
        ("table.csv", "Größe, 5 µm".encode(), "text/csv"),
        ("notes.txt", "Größe: 5 µm".encode("latin-1"), "application/octet-stream"),
        ("frames.raw", bytes(range(256)), "application/octet-stream"),
        ("noise", random.Random(5).randbytes(5000), "application/octet-stream"),
        ("a.json", b'{"a": 1}', "application/json"),
        ("picture.dat", b"\x89PNG\r\n\x1a\n" + bytes(9), "image/png"),
        ("data.tar.gz", b"\x1f\x8b\x08" + bytes(9), "application/gzip"),
        ("paper.pdf", b"%PDF-1.7\n\x80", "application/pdf"),
        ("settings.nonsense", b"a = 1\n", "text/plain"),
        ("wrong.tif", b"not a picture", "image/tiff"),
        ("wrong.cbf", b"#not a picture", "text/plain"),
        ("x" * 200 + ".py", b"print()", "text/x-python"),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, str) else "",
)
def test_every_file_is_read(name: str, content: bytes, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    facts = _read(path).facts
    assert facts.format == kind
    assert (facts.title, facts.parameters, facts.refusals) == (None, (), ())


def test_packed_files_are_what_they_are_packed_with(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b", "c")
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path / "a.zip", "a.zip")
    assert media_type("a.bin", (tmp_path / "a.zip").read_bytes()) == "application/zip"
    assert media_type("a.bin", (tmp_path / "a.tar").read_bytes()) == "application/x-tar"


@pytest.mark.parametrize("name", ["empty.h5", "empty.nxs", "text.h5", "cut"])
def test_broken_hdf5_is_still_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "cut":
        with h5py.File(path, "w") as file:
            file["a"] = range(1000)
        path.write_bytes(path.read_bytes()[:3000])
    else:
        path.write_bytes(b"" if name.startswith("empty") else b"no HDF5 at all")
    with pytest.raises(Unreadable) as caught:
        _read(path)
    reason = {"cut": "truncated", "text.h5": "bad-signature"}.get(name, "empty")
    assert caught.value.reason == reason


def test_the_installed_formats_read_their_own(tmp_path: Path) -> None:
    (tmp_path / "spec").write_text(files.SPEC, "utf-8")
    (tmp_path / "numor").write_text(files.numor(), "utf-8")
    found = {
        "CBF": files.cbf(tmp_path / "a.cbf"),
        "EDF": files.edf(tmp_path / "a.edf"),
        "SMV": files.smv(tmp_path / "a.img"),
        "TIFF": files.tiff(tmp_path / "a.tif"),
        "MarCCD": files.marccd(tmp_path / "a.mccd"),
        "SPEC": tmp_path / "spec",
        "ILL ASCII": tmp_path / "numor",
    }
    assert {name: _read(path).facts.format for name, path in found.items()} == {
        name: name for name in found
    }
