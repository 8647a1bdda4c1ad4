"""A NeXus file with what occurs in files, and a catalogue that tells of it as ingest does."""

from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np

DATA, MANY, TEAM = "10.5072/data-1", "10.5072/data-2", "10.5072/data-3"
NAME = "scan_7.nxs"
SHAPE = (6, 40, 30)
NOTES = b"Hot day.\n" * 100


def write_scan(path: Path) -> None:
    """Write it."""
    chance = np.random.default_rng(7)
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "data"})
        entry["title"] = "Rocking curve of a silicon crystal"
        data = entry.create_group("data")
        data.attrs.update({"NX_class": "NXdata", "signal": "I", "axes": ["angle", "y", "x"]})
        data.attrs["angle_indices"] = 0
        counts = chance.integers(0, 4000, SHAPE, dtype="u2")
        kept = {"chunks": (1, 40, 30), "shuffle": True, "compression": "gzip"}
        data.create_dataset("I", data=counts, **kept)
        data["I"].attrs.update({"units": "counts", "long_name": "Intensity <b>"})
        data.create_dataset("I_errors", data=np.sqrt(counts), chunks=(3, 20, 30))
        data["angle"] = np.linspace(10, 12.5, 6)
        data["angle"].attrs["units"] = "deg"
        data["y"] = np.arange(41) * 0.172
        data["y"].attrs["units"] = "mm"
        data["x"] = np.arange(30, dtype=">f4")
        _things(entry.create_group("things"))
        _links(entry.create_group("links"))
        stack = entry.create_group("stack")
        pixels = chance.integers(0, 9, (64, 128, 96), dtype="i4")
        stack.create_dataset("frames", data=pixels, chunks=(5, 32, 96), compression="lzf")
        stack.create_dataset("flat", data=pixels[0])


def _things(things: h5py.Group) -> None:
    things["one"] = np.float32(0.5)
    things["one"].attrs["units"] = "K"
    things["count"] = np.uint64(2**64 - 1)
    things["flags"] = np.array([True, False, True])
    things["complex"] = np.array([1 + 2j, 3 - 4j])
    things["big"] = np.arange(7, dtype=">i8") * 2**40
    things["half"] = np.linspace(0, 1, 5, dtype="f2")
    things["none"] = h5py.Empty("f8")
    things["nothing"] = np.zeros((0, 4), "i2")
    things["names"] = np.array(["å", "b", ""], dtype=h5py.string_dtype())
    things["fixed"] = np.array([[b"ab", "\xb5m".encode("latin-1")], [b"", b"xyz"]], "S5")
    record = np.array([(1, 2.5, b"a"), (2, -1.0, b"bc")], [("n", "i4"), ("v", "f8"), ("s", "S2")])
    things["records"] = record
    ragged = things.create_dataset("ragged", (3,), dtype=h5py.vlen_dtype("i4"))
    for row in range(3):
        ragged[row] = np.arange(row + 1)
    kinds = h5py.enum_dtype({"off": 0, "on": 1}, basetype="i1")
    things.create_dataset("states", data=np.array([0, 1, 1], "i1"), dtype=kinds)
    vectors = things.create_dataset("vectors", (4,), dtype=np.dtype(("f8", (3,))))
    vectors[...] = np.arange(12.0).reshape(4, 3)


def _links(links: h5py.Group) -> None:
    links["hard"] = links.parent["data/I"]
    links["soft"] = h5py.SoftLink("/entry/data")
    links["broken"] = h5py.SoftLink("/nowhere")
    links["outside"] = h5py.ExternalLink("none.h5", "/entry")


def contents(folder: Path) -> dict[str, dict[str, Path]]:
    """Write all files; return them by dataset and name."""
    write_scan(folder / NAME)
    scan = (folder / NAME).read_bytes()
    blob = np.random.default_rng(3).bytes(3_000_000)
    many = {"run/notes.txt": NOTES, "run/blob.bin": blob, NAME: scan}
    many |= {f"run/{number}.txt": NOTES + bytes([number]) for number in range(5)}
    found = {DATA: {NAME: folder / NAME}, MANY: {}, TEAM: {}}
    for pid, files in ((MANY, many), (TEAM, {NAME: scan})):
        for name, content in files.items():
            path = folder / pid[-1] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            found[pid][name] = path
    return found


def rows(folder: Path) -> list[tuple[str, dict[str, object]]]:
    """Return what the catalogue holds of them."""
    found: list[tuple[str, dict[str, object]]] = []
    for pid, files in contents(folder).items():
        record: dict[str, object] = {
            "pid": pid,
            "title": f"Rocking curve, {pid[-1]}",
            "isPublic": True,
            "creationDate": "2024-02-01T10:00:00Z",
            "size": sum(path.stat().st_size for path in files.values()),
            "kind": "raw",
        }
        if pid == TEAM:
            record |= {"access": "embargoed", "embargoUntil": "2031-05-01T00:00:00Z"}
            del record["isPublic"]
        if pid == DATA:
            record |= {"defaultPlot": "/entry/data/I", "defaultFile": "scan_7.nxs"}
        found.append(("Dataset", record))
        for number, (name, path) in enumerate(files.items()):
            content, status = path.read_bytes(), path.stat()
            file = {
                "id": f"{pid}-{number}",
                "name": name,
                "size": len(content),
                "sha256": sha256(content).hexdigest(),
                "format": "NeXus/HDF5" if name.endswith(".nxs") else None,
                "datasetId": pid,
            }
            location = {
                "url": path.as_uri(),
                "datasetId": pid,
                "name": name,
                "size": status.st_size,
                "mtimeNs": status.st_mtime_ns,
            }
            found += [("File", file), ("Location", location)]
    return found
