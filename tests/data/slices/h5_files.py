"""HDF5 files made up for tests: every kind of type, layout, filter and link."""

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

RANDOM = np.random.default_rng(118)
FILTERS = {
    "bitshuffle_lz4": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle_zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "gzip": {"compression": "gzip"},
    "shuffle_gzip": {"compression": "gzip", "shuffle": True},
    "gzip_sum": {"compression": "gzip", "fletcher32": True},
    "lzf": {"compression": "lzf"},
    "blosc": hdf5plugin.Blosc(cname="lz4", shuffle=1),
    "zstd": hdf5plugin.Zstd(),
    "scaled": {"scaleoffset": 0},
    "plain": {},
}
TYPES = ("<u2", ">i4", "<f4", ">f8", "<i8", "<f2", "|u1", "|i1", "<c8", "?")


def frames() -> np.ndarray:
    """Return a stack that compresses."""
    found = RANDOM.poisson(3, size=(7, 50, 61)).astype("<u2")
    found[:, 20:30, 20:30] += 200
    return found


def everything(path: Path) -> Path:
    """Write one file with all that the slices have a way for."""
    stack = frames()
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "frames", "axes": ["time", ".", "x"]})
        data.create_dataset("frames", data=stack, chunks=(1, 50, 61), **FILTERS["bitshuffle_lz4"])
        data["time"], data["x"] = np.arange(7.0), np.linspace(0, 1, 61)
        data["time"].attrs["units"] = "s"
        for name, options in FILTERS.items():
            chunked = {"chunks": (2, 16, 25)} if name != "plain" else {}
            entry.create_dataset(f"with_{name}", data=stack, **chunked, **options)
        for kind in TYPES:
            entry[f"type_{np.dtype(kind).name}_{kind[0]}"] = (
                np.arange(-6, 18).reshape(4, 6).astype(kind)
            )
        entry["large"] = np.array([2**53 + 1, -(2**60), 7], "<i8")
        entry["odd"] = np.array([1.5, np.nan, np.inf, -np.inf, -0.0], "<f8")
        entry["scalar"], entry["text"], entry["latin"] = (
            3.25,
            "µm",
            np.bytes_("µm".encode("latin-1")),
        )
        entry["texts"] = np.array(["a", "ö", ""], object)
        entry["fixed"] = np.array([b"ab", b"c"], "S4")
        entry["empty"] = np.zeros((0, 4), "<f4")
        entry["nothing"] = h5py.Empty("f4")
        entry["pairs"] = np.array([(1, 2.5), (3, -1.0)], [("count", "<i4"), ("value", "<f8")])
        vectors = entry.create_dataset("vectors", (4,), np.dtype(("<f8", (3,))))
        vectors[...] = np.arange(12.0).reshape(4, 3)
        sparse = entry.create_dataset(
            "sparse", (1000, 1000), "<i4", chunks=(100, 100), fillvalue=-1
        )
        sparse[350, 420] = 9
        entry["soft"] = h5py.SoftLink("/entry/data/frames")
        entry["broken"] = h5py.SoftLink("/entry/nowhere")
        entry["beside"] = h5py.ExternalLink("beside.h5", "/entry/more")
        entry["outside"] = h5py.ExternalLink("../outside.h5", "/secret")
        entry["same"] = data
    return path


def beside(path: Path) -> Path:
    """Write the file that an external link of `everything` leads to."""
    with h5py.File(path, "w") as file:
        file["entry/more"] = np.arange(12).reshape(3, 4)
        file["entry"].attrs["note"] = "beside"
    return path


def virtual(folder: Path) -> dict[str, Path]:
    """Write a virtual dataset with its sources; of one source nothing is left."""
    stack, found = frames(), {}
    for number in range(3):
        path = folder / f"part_{number}.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("d", data=stack[2 * number : 2 * number + 2], **FILTERS["gzip"])
        found[path.name] = path
    for name, last in (("master.h5", 2), ("lost.h5", 7), ("thief.h5", 2)):
        layout = h5py.VirtualLayout((6, 50, 61), "<u2")
        for number in range(3):
            source = f"part_{number if number < 2 else last}.h5"
            if name == "thief.h5":
                source = f"../{source}"
            layout[2 * number : 2 * number + 2] = h5py.VirtualSource(source, "d", (2, 50, 61))
        path = folder / name
        with h5py.File(path, "w") as file:
            file.create_virtual_dataset("frames", layout, fillvalue=0)
        found[name] = path
    return found
