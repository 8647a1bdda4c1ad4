"""HDF5 files of all kinds of arrays, and the two ways to read them: ours and h5py's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from panosc.files.chunks import library, reading
from panosc.files.chunks.planning import ROW, Plan, Rows, plan, way_of
from panosc.files.chunks.selection import Selection, parse
from panosc.files.index.building import build
from panosc.files.index.contents import Array, Contents
from panosc.files.storage.local import LocalSource

DTYPES = (
    *("i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8"),
    *(">u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "?", "<c8", "<c16", ">c16", "S7"),
)

PIPELINES: dict[str, dict[str, Any]] = {
    "none": {},
    "gzip": {"compression": "gzip"},
    "shuffle": {"shuffle": True},
    "gzip-shuffle": {"compression": "gzip", "shuffle": True},
    "fletcher": {"fletcher32": True},
    "gzip-shuffle-fletcher": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "bitshuffle": hdf5plugin.Bitshuffle(cname="none"),
    "bitshuffle-lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle-lz4-small": hdf5plugin.Bitshuffle(nelems=64, cname="lz4"),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "bitshuffle-lz4-fletcher": {"fletcher32": True, **hdf5plugin.Bitshuffle()},
    "blosc": hdf5plugin.Blosc(),
    "blosc-zstd": hdf5plugin.Blosc(cname="zstd", shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "blosc2": hdf5plugin.Blosc2(),
    "lz4": hdf5plugin.LZ4(),
    "lz4-shuffle": {"shuffle": True, **hdf5plugin.LZ4(nbytes=64)},
    "zstd": hdf5plugin.Zstd(),
    "zstd-shuffle-fletcher": {"shuffle": True, "fletcher32": True, **hdf5plugin.Zstd()},
    "bzip2": hdf5plugin.BZip2(),
    "lzf": {"compression": "lzf"},
    "scale-offset": {"scaleoffset": 0},
}


def values(shape: tuple[int, ...], dtype: str, seed: int = 1) -> "np.ndarray[Any, Any]":
    """Return numbers of any type that pack well, but not too well."""
    chance = np.random.default_rng(seed)
    numbers = chance.poisson(5, shape)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return numbers > 5
    if kind.kind == "S":
        return numbers.astype("S")
    if kind.kind == "c":
        return (numbers + 1j * chance.poisson(3, shape)).astype(kind)
    return numbers.astype(kind)


def listed(contents: Contents) -> Iterator[tuple[str, Array]]:
    """Yield path and array of all datasets that hard links lead to."""
    waiting = [(0, "")]
    seen = set()
    while waiting:
        number, path = waiting.pop()
        for link in contents.links:
            if link.parent != number or link.thing is None or link.thing in seen:
                continue
            thing, name = contents.things[link.thing], f"{path}/{link.name}"
            if thing.kind == "group":
                seen.add(link.thing)
                waiting.append((link.thing, name))
            elif thing.array is not None:
                yield name, thing.array


def arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of a file by path."""
    return dict(listed(build(str(path))))


def rows_of(array: Array) -> Rows:
    return np.frombuffer(array.table, ROW)


def planned(array: Array, text: str | None) -> Plan:
    assert array.shape is not None
    return plan(array, rows_of(array), parse(text, array.shape))


def ours(path: Path, name: str, array: Array, selection: Selection) -> "np.ndarray[Any, Any]":
    """Read as the node does."""
    if way_of(array) == "library":
        return library.read(path, name, selection)
    with LocalSource(path) as source:
        return reading.read(source, plan(array, rows_of(array), selection))


def same(found: Any, expected: Any) -> bool:
    """Whether two answers are the same: type, shape and every bit."""
    # numpy's single values have the byte order of the machine
    wanted = np.asarray(expected, found.dtype if isinstance(expected, np.generic) else None)
    return (
        found.dtype == wanted.dtype
        and found.shape == wanted.shape
        and np.ascontiguousarray(found).tobytes() == np.ascontiguousarray(wanted).tobytes()
    )


def write_zoo(path: Path, *, userblock: int = 0, libver: str = "earliest") -> None:
    """Write a file with every type, filter, layout and odd case."""
    with h5py.File(path, "w", userblock_size=userblock, libver=libver) as file:
        for dtype in DTYPES:
            content = values((7, 5), dtype)
            name = dtype.replace("<", "little_").replace(">", "big_").replace("?", "bool")
            file[f"contiguous/{name}"] = content
            file.create_dataset(f"chunked/{name}", data=content, chunks=(3, 2), compression="gzip")
            file.create_dataset(
                f"blocks/{name}", data=content, chunks=(4, 5), **PIPELINES["bitshuffle-lz4"]
            )
        for name, pipeline in PIPELINES.items():
            number = "<i4" if name == "scale-offset" else "<u2"
            content = values((11, 13, 6), number)
            file.create_dataset(f"filters/{name}", data=content, chunks=(4, 5, 6), **pipeline)
        colours = h5py.enum_dtype({"red": 0, "green": 1}, basetype="i2")
        file.create_dataset("odd/enum", data=np.array([1, 0, 1], "i2"), dtype=colours)
        file["odd/scalar"] = 3.5
        file["odd/text"] = np.bytes_(b"fixed")
        file["odd/empty"] = np.zeros((0, 4))
        file.create_dataset("odd/empty_chunked", (0, 4), "f8", chunks=(2, 2), maxshape=(None, 4))
        file.create_dataset("odd/unwritten", (9, 9), ">i4", fillvalue=-7)
        file.create_dataset("odd/never", (9, 9), "<f8", chunks=(2, 2), fillvalue=np.nan)
        some = file.create_dataset(
            "odd/some",
            (40, 33),
            "<u2",
            chunks=(4, 5),
            fillvalue=9,
            compression="gzip",
            shuffle=True,
        )
        some[5:9, 20:] = 77
        some[38, 0] = 5
        masked = file.create_dataset(
            "odd/masked", (8, 4), "<u2", chunks=(2, 4), compression="gzip", shuffle=True
        )
        content = values((8, 4), "<u2")
        masked[...] = content
        # one chunk that went through no filter, and one through shuffle alone
        masked.id.write_direct_chunk((2, 0), content[2:4].tobytes(), 0b11)
        halves = np.frombuffer(content[4:6].tobytes(), "u1").reshape(-1, 2).T.tobytes()
        masked.id.write_direct_chunk((4, 0), halves, 0b10)
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3, 4))
        made = h5py.h5d.create(file.id, b"odd/compact", h5py.h5t.STD_I32BE, space, compact)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(12, dtype=">i4").reshape(3, 4))
        file["odd/wide"] = values((4, 300, 200), "<u2")
        file.create_dataset(
            "odd/frames",
            data=values((6, 90, 110), "<u2"),
            chunks=(2, 90, 110),
            **hdf5plugin.Bitshuffle(nelems=128),
        )
        file.create_dataset("odd/extended", data=np.arange(50), chunks=(7,), maxshape=(None,))
