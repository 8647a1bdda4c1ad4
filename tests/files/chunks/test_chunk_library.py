"""What only the library reads: equal to h5py, within limits, and never out of the file."""

from pathlib import Path

import chunk_zoo
import h5py
import numpy as np
import pytest

from panosc.domain.errors import Unreadable
from panosc.files.chunks import library


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("library") / "odd.h5"
    with h5py.File(path, "w") as file:
        file["words"] = np.array(["a", "bb", "µm"], dtype=h5py.string_dtype())
        file["word"] = "x"
        file["latin"] = np.array(["µ".encode("latin-1")], dtype=h5py.string_dtype())
        ragged = file.create_dataset("ragged", (3, 2), h5py.vlen_dtype("i4"))
        ragged[1, 1] = [1, 2, 3]
        kind = [("a", "i4"), ("b", "f8"), ("s", "S3"), ("q", "u1", (2,))]
        file["compound"] = np.array([(1, 2.5, b"x", [1, 2]), (3, 4.5, b"yz", [3, 4])], dtype=kind)
        file["references"] = np.array([file["words"].ref], dtype=h5py.ref_dtype)
        file.create_dataset(
            "scaled", data=np.arange(100).reshape(10, 10), scaleoffset=0, chunks=(3, 3)
        )
        file.create_dataset("lzf", data=np.arange(100), compression="lzf")
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
        file["around"] = h5py.SoftLink("/outside/x")
        file.create_dataset("raw", (4,), "u1", external=[("/etc/passwd", 0, 4)])
        layout = h5py.VirtualLayout((4,), "u1")
        layout[...] = h5py.VirtualSource("/etc/other.h5", "d", shape=(4,))
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset(
            "bomb", (1,), "f8", chunks=(2**27,), maxshape=(None,), compression="lzf"
        )
        file.create_dataset("wide", (2**19, 2**18), "u8", chunks=(64, 64), compression="lzf")
        file["void"] = h5py.Empty("f4")
        file["group/x"] = 1
        file["soft"] = h5py.SoftLink("/scaled")
    return path


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("words", None, ["a", "bb", "µm"]),
        ("words", "1:", ["bb", "µm"]),
        ("word", None, "x"),
        ("latin", "0", "µ"),
        ("ragged", None, [[[], []], [[], [1, 2, 3]], [[], []]]),
        ("ragged", "1,1", [1, 2, 3]),
        ("compound", "0", [1, 2.5, "x", [1, 2]]),
        ("compound", None, [[1, 2.5, "x", [1, 2]], [3, 4.5, "yz", [3, 4]]]),
        ("soft", "2:5,1", [21, 31, 41]),
        ("lzf", "90::3", [90, 93, 96, 99]),
    ],
)
def test_values_are_plain(odd: Path, name: str, text: str | None, expected: object) -> None:
    assert library.read(odd, f"/{name}", text).tolist() == expected


def test_numbers_are_as_h5py_reads_them(odd: Path) -> None:
    values = library.read(odd, "/scaled", "1:,::2")
    with h5py.File(odd) as file:
        assert chunk_zoo.same(values, file["scaled"][1:, ::2])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("outside", "external-link"),
        ("around", "external-link"),
        ("raw", "external-storage"),
        ("virtual", "virtual-dataset"),
        ("bomb", "filter-bomb"),
        ("wide", "too-large"),
        ("void", "empty"),
        ("none", "no-dataset"),
        ("group", "no-dataset"),
        ("../odd.h5", "no-dataset"),
    ],
)
def test_what_is_not_read_is_told(odd: Path, name: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        library.read(odd, f"/{name}")
    assert caught.value.reason == reason


def test_a_file_that_is_gone_or_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        library.read(tmp_path / "none.h5", "/x")
    assert caught.value.reason == "gone"
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(Unreadable) as caught:
        library.read(tmp_path / "text.h5", "/x")
    assert caught.value.reason == "bad-signature"


def test_one_long_text_named_over_and_over_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "heap.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("d", (500,), h5py.string_dtype())
        made[0] = "x" * 2**20
        offset = made.id.get_offset()
    content = bytearray(path.read_bytes())
    for number in range(500):
        content[offset + 16 * number : offset + 16 * number + 16] = content[offset : offset + 16]
    path.write_bytes(bytes(content))
    assert library.read(path, "/d", "499").item() == "x" * 2**20
    with pytest.raises(Unreadable) as caught:
        library.read(path, "/d")
    assert caught.value.reason == "too-large"


def test_memory_of_others_is_not_given_out(tmp_path: Path) -> None:
    path = tmp_path / "short.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("d", (10_000,), "u1", chunks=(10_000,), compression="lzf")
        # a literal of three bytes, where ten thousand should be
        made.id.write_direct_chunk((0,), b"\x02abc", 0)
    # whatever the memory held before, also what an earlier reading has left there
    for before in (0, 7, *(byte ^ 0xFF for byte in library._FILLINGS), *library._FILLINGS):
        np.full(10_000, before, "u1").copy()
        with pytest.raises(Unreadable) as caught:
            library.read(path, "/d")
        assert caught.value.reason == "damaged"
