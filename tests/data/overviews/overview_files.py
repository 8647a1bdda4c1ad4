"""Files with arrays of any kind, and the catalogue that knows them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import sqlalchemy as sa

from panosc.catalogue.changes import append
from panosc.catalogue.writer import write

SIGNAL = "/entry/data/counts"


def written(path: Path, values: Any = None, **options: Any) -> Path:
    """Write a NeXus file with these values as the signal of its plot."""
    with h5py.File(path, "w") as file:
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts"})
        node = data.create_dataset("counts", data=values, **options)
        node.attrs["units"] = "counts"
    return path


def squeezed(path: Path, values: "np.ndarray[Any, Any]", chunks: tuple[int, ...]) -> Path:
    """Write them as detectors do: bitshuffle and LZ4."""
    return written(path, values, chunks=chunks, **hdf5plugin.Bitshuffle(cname="lz4"))


def rows(
    path: Path, *, pid: str, tier: str = "online", **more: str | None
) -> list[tuple[str, dict[str, Any]]]:
    """Return a dataset with one file for the catalogue."""
    status = path.stat() if path.exists() else None
    row = {"pid": pid, "title": f"Dataset {pid}", "access": "open", "defaultPlot": SIGNAL, **more}
    place = {
        "url": path.as_uri(),
        "datasetId": pid,
        "name": path.name,
        "tier": tier,
        "size": status.st_size if status else 7,
        "mtimeNs": status.st_mtime_ns if status else 7,
    }
    return [("Dataset", row), ("Location", place)]


def register(
    engine: sa.Engine, path: Path, *, pid: str, now: datetime, tier: str = "online", **more: str
) -> None:
    """Put a dataset into the catalogue as an ingest does, and tell of it in the feed."""
    with engine.begin() as connection:
        write(connection, rows(path, pid=pid, tier=tier, **more), now=now)
        if not told(connection, pid):
            append(connection, [("Dataset", pid)])


def told(connection: sa.Connection, pid: str) -> bool:
    """Whether the writer has appended the change itself."""
    found = connection.execute(sa.text("select 1 from changes where pid = :pid"), {"pid": pid})
    return found.first() is not None


def finite(values: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return the values that statistics are of."""
    flat = values.reshape(-1)
    return flat[np.isfinite(flat)] if flat.dtype.kind == "f" else flat


def expected(values: "np.ndarray[Any, Any]") -> dict[str, int | float | None]:
    """Return statistics as numpy reckons them."""
    known = finite(values)
    names = ("strict_positive_min", "positive_min", "min", "max", "mean", "std")
    if not known.size:
        return dict.fromkeys(names)
    wide = known.astype(np.longdouble)
    strict, positive = known[known > 0], known[known >= 0]
    return {
        "strict_positive_min": strict.min().item() if strict.size else None,
        "positive_min": positive.min().item() if positive.size else None,
        "min": known.min().item(),
        "max": known.max().item(),
        "mean": float(wide.mean()),
        "std": float(wide.std()),
    }
