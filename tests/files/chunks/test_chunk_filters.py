"""One chunk through its filters: what HDF5 reads is read, and what it refuses is refused."""

import struct
import zlib
from pathlib import Path
from typing import Any

import chunk_zoo
import h5py
import hdf5plugin
import numpy as np
import pytest

from panosc.domain.errors import Unreadable
from panosc.files.chunks import filters, reading
from panosc.files.chunks.blocks import table_of
from panosc.files.chunks.known import BITSHUFFLE, BLOSC, DEFLATE, LZ4_FILTER, are_known
from panosc.files.chunks.selection import whole
from panosc.files.index.contents import Filter

CONTENT = np.arange(64, dtype="<u2")
RAW = CONTENT.tobytes()
PACKED = zlib.compress(RAW)


def deflated(level: int = 6, wbits: int = 15) -> bytes:
    packer = zlib.compressobj(level, wbits=wbits)
    return packer.compress(RAW) + packer.flush()


def both(path: Path, raw: bytes, mask: int = 0, **pipeline: Any) -> tuple[Any, Any]:
    """Put `raw` where a chunk should be; return what we and what h5py make of it."""
    with h5py.File(path, "w") as file:
        made = file.create_dataset("d", (64,), "<u2", chunks=(64,), **pipeline)
        made.id.write_direct_chunk((0,), raw, mask)
    array = chunk_zoo.arrays(path)["/d"]
    answers: list[Any] = []
    for read in (
        lambda: chunk_zoo.ours(path, "/d", array, reading_all(array)),
        lambda: h5py.File(path)["d"][...],
    ):
        try:
            answers.append(read())
        except (Unreadable, OSError) as error:
            answers.append(error)
    reading.forget()
    return answers[0], answers[1]


def reading_all(array: Any) -> Any:
    return whole(array.shape)


@pytest.mark.parametrize(
    "raw",
    [
        PACKED,
        PACKED + b"what follows",
        deflated(0),
        deflated(9, 9),
        zlib.compress(RAW * 3),
    ],
    ids=["whole", "trailing", "stored", "small-window", "longer"],
)
def test_what_hdf5_inflates(raw: bytes, tmp_path: Path) -> None:
    found, expected = both(tmp_path / "a.h5", raw, compression="gzip")
    assert chunk_zoo.same(found, expected)
    assert np.array_equal(found, CONTENT)


@pytest.mark.parametrize(
    "raw",
    [
        PACKED[:-2],
        PACKED[:-4],
        PACKED[:-1] + b"Q",
        PACKED[:20] + b"\0" + PACKED[21:],
        b"\x78\x9d" + PACKED[2:],
        b"\x18" + PACKED[1:],
        b"\x78\xbb" + PACKED[2:],
        b"\x78",
        deflated(6, -15),
        deflated(6, 31),
        zlib.compress(b""),
    ],
    ids=[
        *("cut", "no-checksum", "bad-checksum", "bad-code", "bad-head", "bad-window"),
        *("dictionary", "head-alone", "raw", "gzip", "empty"),
    ],
)
def test_what_hdf5_does_not_inflate(raw: bytes, tmp_path: Path) -> None:
    found, expected = both(tmp_path / "a.h5", raw, compression="gzip")
    assert isinstance(expected, OSError)
    assert isinstance(found, Unreadable)
    assert found.reason == "damaged"


def test_what_hdf5_makes_up_is_an_error(tmp_path: Path) -> None:
    # the library hands out what was in its memory before
    found, _ = both(tmp_path / "a.h5", zlib.compress(RAW[:100]), compression="gzip")
    assert isinstance(found, Unreadable)
    found, _ = both(tmp_path / "b.h5", RAW[:50], mask=1, compression="gzip")
    assert isinstance(found, Unreadable)


def test_a_wrong_checksum_is_an_error_as_in_hdf5(tmp_path: Path) -> None:
    for size in (0, 1, 2, 3, 100, 721, 100_000, 1_500_001):
        content = chunk_zoo.values((size,), "u1", seed=size)
        with h5py.File(tmp_path / "sum.h5", "w") as file:
            made = file.create_dataset(
                "d", (max(size, 1),), "u1", chunks=(max(size, 1),), fletcher32=True
            )
            if not size:
                continue
            made[...] = content
            _, raw = made.id.read_direct_chunk((0,))
        assert raw[:-4] == content.tobytes()
        assert filters.fletcher32(content) == struct.unpack("<I", raw[-4:])[0]
        step = (Filter(id=3, flags=0, values=()),)
        found = filters.decode(bytes(raw), filters=step, mask=0, nbytes=size)
        assert found.tobytes() == content.tobytes()
        damaged = bytearray(raw)
        damaged[size // 2] ^= 4
        with pytest.raises(Unreadable, match="checksum"):
            filters.decode(bytes(damaged), filters=step, mask=0, nbytes=size)
        # as HDF5 before 1.6.3 wrote it
        old = raw[:-4] + bytes([raw[-3], raw[-4], raw[-1], raw[-2]])
        filters.decode(old, filters=step, mask=0, nbytes=size)
    ones = np.full(4096, 255, "u1")
    with h5py.File(tmp_path / "ones.h5", "w") as file:
        made = file.create_dataset("d", data=ones, chunks=(4096,), fletcher32=True)
        _, raw = made.id.read_direct_chunk((0,))
    assert filters.fletcher32(ones) == struct.unpack("<I", raw[-4:])[0]


def test_items_of_any_size_are_unshuffled(tmp_path: Path) -> None:
    for dtype, count in (
        ("u1", 5),
        ("<u2", 1),
        ("<u2", 7),
        ("<i4", 9),
        ("<f8", 33),
        ("<c16", 5),
        ("S3", 11),
    ):
        content = chunk_zoo.values((count,), dtype)
        with h5py.File(tmp_path / "s.h5", "w") as file:
            made = file.create_dataset(
                "d", data=content, chunks=(count,), shuffle=True, compression="gzip"
            )
            _, raw = made.id.read_direct_chunk((0,))
        size = content.dtype.itemsize
        steps = (Filter(id=2, flags=1, values=(size,)), Filter(id=1, flags=1, values=(4,)))
        found = filters.decode(bytes(raw), filters=steps, mask=0, nbytes=content.nbytes)
        assert found.tobytes() == content.tobytes()
    # what is no whole item stays where it is
    odd = (Filter(id=2, flags=1, values=(4,)),)
    assert filters.decode(b"abcdefghij", filters=odd, mask=0, nbytes=10).tobytes() == b"acegbdfhij"


def chunk_of(tmp_path: Path, **pipeline: Any) -> tuple[bytes, tuple[Filter, ...], bytes]:
    content = chunk_zoo.values((3000,), "<u4")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        made = file.create_dataset("d", data=content, chunks=(3000,), **pipeline)
        _, raw = made.id.read_direct_chunk((0,))
    return bytes(raw), chunk_zoo.arrays(tmp_path / "c.h5")["/d"].filters, content.tobytes()


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lambda raw: raw[:8] + b"\0\0\0\x04" + raw[12:], "bitshuffle-lz4"),
        (lambda raw: struct.pack(">Q", 2**50) + raw[8:], "bitshuffle-lz4"),
        (lambda raw: struct.pack(">Q", 12001) + raw[8:], "bitshuffle-lz4"),
        (lambda raw: raw[:12] + b"\x7f\xff\xff\xff" + raw[16:], "bitshuffle-lz4"),
        (lambda raw: raw[:12] + b"\xff\xff\xff\xff" + raw[16:], "bitshuffle-zstd"),
        (lambda raw: raw[:-1], "bitshuffle-lz4"),
        (lambda raw: raw[:11], "bitshuffle-lz4"),
        (lambda raw: raw[:12] + b"\x7f\xff\xff\xff" + raw[16:], "lz4"),
        (lambda raw: raw[:8] + b"\0\0\0\0" + raw[12:], "lz4"),
        (lambda raw: struct.pack(">Q", 2**40) + raw[8:], "lz4"),
        (lambda raw: raw[:10], "lz4"),
        (lambda raw: raw[:12] + b"\xff\xff\xff\x7f" + raw[16:], "blosc"),
        (lambda raw: raw[:4] + b"\xff\xff\xff\x7f" + raw[8:], "blosc"),
        (lambda raw: raw[:9], "blosc"),
        (lambda raw: raw[:-100], "zstd"),
        (lambda raw: raw[:-100], "bzip2"),
        (lambda raw: b"", "zstd"),
    ],
    ids=[
        *("tiny-blocks", "petabyte", "no-items", "endless", "endless-zstd", "cut", "headless"),
        *("lz4-endless", "lz4-no-blocks", "lz4-terabyte", "lz4-headless", "blosc-endless"),
        *("blosc-large", "blosc-headless", "zstd-cut", "bzip2-cut", "zstd-empty"),
    ],
)
def test_lengths_that_cannot_be_never_reach_c(spoil: Any, name: str, tmp_path: Path) -> None:
    raw, steps, content = chunk_of(tmp_path, **chunk_zoo.PIPELINES[name])
    found = filters.decode(raw, filters=steps, mask=0, nbytes=len(content))
    assert found.tobytes() == content
    with pytest.raises(Unreadable) as caught:
        filters.decode(spoil(raw), filters=steps, mask=0, nbytes=len(content))
    assert caught.value.reason == "damaged"


@pytest.mark.parametrize("cname", ["lz4", "zstd"])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65, 130, 1027])
def test_blocks_of_any_count_of_items(count: int, cname: str, tmp_path: Path) -> None:
    content = chunk_zoo.values((count,), "<u2")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        made = file.create_dataset(
            "d", data=content, chunks=(count,), **hdf5plugin.Bitshuffle(nelems=64, cname=cname)
        )
        _, raw = made.id.read_direct_chunk((0,))
    array = chunk_zoo.arrays(tmp_path / "b.h5")["/d"]
    table = table_of(bytes(raw), array.filters[0].values, limit=content.nbytes)
    assert table.blocks == -(-count // 64)
    for begin in range(0, count, 5):
        values = chunk_zoo.ours(
            tmp_path / "b.h5",
            "/d",
            array,
            chunk_zoo.planned(array, f"{begin}:{begin + 3}").selection,
        )
        assert np.array_equal(values, content[begin : begin + 3])
    reading.forget()


def test_a_bomb_stops_at_the_size_of_a_chunk() -> None:
    bomb = zlib.compress(bytes(200 * 2**20), 9)
    with pytest.raises(Unreadable) as caught:
        filters.decode(
            bomb, filters=(Filter(id=DEFLATE, flags=0, values=(6,)),), mask=0, nbytes=4096
        )
    assert caught.value.reason == "damaged"


def test_what_is_unknown_is_left_to_the_library() -> None:
    steps = tuple(
        Filter(id=number, flags=0, values=()) for number in (DEFLATE, BITSHUFFLE, BLOSC, LZ4_FILTER)
    )
    assert are_known(steps)
    for number in (4, 5, 6, 32_000, 32_017, 12_345):
        assert not are_known((*steps, Filter(id=number, flags=0, values=())))
        with pytest.raises(Unreadable) as caught:
            filters.decode(b"x", filters=(Filter(id=number, flags=0, values=()),), mask=0, nbytes=1)
        assert caught.value.reason == "unknown-filter"


def test_each_filter_of_hdf5plugin_is_undone_or_left_to_the_library(tmp_path: Path) -> None:
    made = {
        "zfp": hdf5plugin.Zfp(reversible=True),
        "sz3": hdf5plugin.SZ3(absolute=0.1),
        "sperr": hdf5plugin.Sperr(rate=8),
        "blosc2": hdf5plugin.Blosc2(cname="blosclz", filters=hdf5plugin.Blosc2.BITSHUFFLE),
        "htj2k": hdf5plugin.HTJ2K() if hasattr(hdf5plugin, "HTJ2K") else None,
    }
    content = np.sin(np.arange(64 * 64, dtype="<f4")).reshape(64, 64)
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for name, pipeline in made.items():
            if pipeline is not None:
                data = content if name != "htj2k" else (content * 100 + 200).astype("u2")
                file.create_dataset(name, data=data, chunks=(32, 64), **pipeline)
    found = {
        name: (array, chunk_zoo.ours(tmp_path / "all.h5", name, array, reading_all(array)))
        for name, array in chunk_zoo.arrays(tmp_path / "all.h5").items()
    }
    with h5py.File(tmp_path / "all.h5") as file:
        for name, (_, values) in found.items():
            assert chunk_zoo.same(values, file[name][...]), name
    assert len(found) >= 4
