"""Ingest of many small NeXus files against the barest loop that reads the same.

    python benchmarks/ingest.py [--files 5000] [--pairs 5] [--folder FOLDER]

The bare loop is one process that opens each file with h5py, reads the same fields and hashes
the content; it writes nothing anywhere. Ours walks, confines, maps and registers in a fresh
PostgreSQL. Pairs alternate; the medians of the ratios are printed, and gate nothing.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.catalogue.tables import metadata
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

FIELDS = (
    "title",
    "start_time",
    "end_time",
    "definition",
    "experiment_identifier",
    "instrument/name",
    "instrument/source/name",
    "instrument/source/type",
    "instrument/source/probe",
    "instrument/monochromator/wavelength",
    "instrument/detector/distance",
    "instrument/detector/x_pixel_size",
    "instrument/detector/count_time",
    "sample/name",
    "sample/temperature",
    "user/name",
)


def generate(folder: Path, count: int) -> None:
    """Write `count` files of about 20 kB, no two alike."""
    rng = np.random.default_rng(7)
    for number in range(count):
        place = folder / f"{number // 500:03}"
        place.mkdir(parents=True, exist_ok=True)
        with h5py.File(place / f"run_{number:05}.nxs", "w") as file:
            file.attrs["default"] = "entry"
            entry = group(file, "entry", "NXentry", default="data")
            entry["title"] = f"Sample {number % 97} at step {number}"
            entry["start_time"] = f"2024-05-{number % 28 + 1:02}T10:{number % 60:02}:00+02:00"
            entry["end_time"] = f"2024-05-{number % 28 + 1:02}T11:{number % 60:02}:00+02:00"
            entry["definition"] = "NXsas"
            entry["experiment_identifier"] = f"P-{number // 100}"
            instrument = group(entry, "instrument", "NXinstrument")
            instrument["name"] = f"beamline {number % 9}"
            source = group(instrument, "source", "NXsource")
            source["name"], source["type"] = "Ring", "Synchrotron X-ray Source"
            source["probe"] = "x-ray"
            quantity(group(instrument, "monochromator", "NXmonochromator"), "wavelength", "A")
            detector = group(instrument, "detector", "NXdetector")
            for name, unit in (("distance", "m"), ("x_pixel_size", "um"), ("count_time", "s")):
                quantity(detector, name, unit)
            sample = group(entry, "sample", "NXsample")
            sample["name"] = f"Sample {number % 97}"
            quantity(sample, "temperature", "K")
            group(entry, "user", "NXuser")["name"] = f"User {number % 41}"
            data = group(entry, "data", "NXdata", signal="I", axes="Q")
            data["Q"], data["I"] = np.arange(512.0), rng.random(512)


def group(parent: h5py.Group, name: str, kind: str, **attributes: str) -> h5py.Group:
    found = parent.create_group(name)
    found.attrs["NX_class"] = kind
    found.attrs.update(attributes)
    return found


def quantity(parent: h5py.Group, name: str, unit: str) -> None:
    parent[name] = 1.5
    parent[name].attrs["units"] = unit


def bare(paths: list[Path]) -> float:
    """Return how many files a second the bare loop does."""
    begun = time.perf_counter()
    for path in paths:
        hashlib.sha256(path.read_bytes()).hexdigest()
        with h5py.File(path, "r") as file:
            entry = file["entry"]
            for name in FIELDS:
                node = entry[name]
                node[()]
                node.attrs.get("units")
    return len(paths) / (time.perf_counter() - begun)


def ours(engine: sa.Engine, settings: Settings, folder: Path, workers: int) -> float:
    """Return how many files a second ingest registers, in an emptied catalogue."""
    # the audit trail refuses to be emptied; ingest does not read it
    names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))
    settings = settings.model_copy(update={"ingest_workers": workers})
    begun = time.perf_counter()
    request = Request(roots=[folder])
    report = ingest(engine, settings, request, who=OPERATOR, now=datetime.now(UTC))
    rate = report.new / (time.perf_counter() - begun)
    assert report.new == report.files, report.as_json()
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "files"
        if not folder.exists():
            generate(folder, options.files)
        paths = sorted(folder.rglob("*.nxs"))
        size = sum(path.stat().st_size for path in paths)
        print(f"{len(paths)} files, {size / len(paths):.0f} bytes each")
        settings = Settings(home=Path(scratch) / "home")
        with open_database(settings) as engine:
            bare(paths)
            against_bare, against_one = [], []
            for _ in range(options.pairs):
                plain = bare(paths)
                two = ours(engine, settings, folder, 2)
                against_bare.append(two / plain)
                one = ours(engine, settings, folder, 1)
                against_one.append(two / one)
                print(f"bare {plain:.0f}/s, two workers {two:.0f}/s, one {one:.0f}/s")
    print(f"two workers against the bare loop: {statistics.median(against_bare):.2f} (aim 0.50)")
    print(f"two workers against one: {statistics.median(against_one):.2f} (aim 1.25)")


if __name__ == "__main__":
    main()
