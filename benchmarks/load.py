"""How fast a catalogue loads, beside a plain COPY of the same parameters into a bare table.

    python benchmarks/load.py                        # makes its own catalogues, 20 k and 200 k
    python benchmarks/load.py CATALOGUE [CATALOGUE]  # folders of NDJSON, the smaller first

Prints rows a second, the ratio to plain COPY, and, for two catalogues, how the rate holds.
"""

import json
import os
import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from panosc.catalogue.database import open_database, unlimited
from panosc.catalogue.loading import load
from panosc.catalogue.staging import driver
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.settings import Settings

NOW = datetime.now(UTC)
QUANTITIES = [
    ("photon_energy", "eV", 200, 40_000),
    ("wavelength", "nm", 0.02, 20),
    ("temperature", "K", 1.5, 1500),
    ("pressure", "bar", 1e-3, 5e4),
    ("exposure_time", "ms", 1, 1e6),
    ("sample_detector_distance", "mm", 50, 4e4),
]
WORDS = "structure dynamics phase strain growth order silver copper protein glass film".split()  # noqa: SIM905


def make(folder: Path, count: int) -> Path:
    """Write a seeded catalogue of `count` datasets with the parts that real ones have."""
    rng = random.Random(count)
    folder.mkdir(parents=True)
    files = {name: (folder / f"{name}.ndjson").open("w") for name in (*MODEL_BY_NAME, *LINKS)}

    def put(name: str, /, **row: object) -> None:
        files[name].write(json.dumps(row) + "\n")

    for i in range(30):
        put("Instrument", pid=f"i{i}", name=f"BL{i}", facility=f"F{i % 6}")
        put("Technique", pid=f"t{i}", name=f"technique {i}")
    for i in range(count):
        day = NOW - timedelta(days=rng.random() * 5000)
        if i % 10 == 0:
            put("Document", pid=f"d{i}", isPublic=True, title=" ".join(rng.choices(WORDS, k=6)))
            put("Sample", pid=f"s{i}", name=rng.choice(WORDS))
        parent = i - i % 10
        put(
            "Dataset",
            pid=f"20.500.1/{i}",
            title=" ".join(rng.choices(WORDS, k=8)),
            isPublic=rng.random() < 0.97,
            creationDate=day.isoformat(),
            size=rng.randrange(1 << 40),
            instrumentId=f"i{rng.randrange(30)}",
        )
        pid = f"20.500.1/{i}"
        put("DocumentDataset", documentId=f"d{parent}", datasetId=pid)
        put("DatasetSample", datasetId=pid, sampleId=f"s{parent}")
        put("DatasetTechnique", datasetId=pid, techniqueId=f"t{rng.randrange(30)}")
        for name, unit, low, high in QUANTITIES:
            value = round(rng.uniform(low, high), 4)
            put("Parameter", name=name, value=value, unit=unit, datasetId=pid)
        for k in range(rng.randint(1, 4)):
            put("File", name=f"scan_{k}.h5", size=rng.randrange(1 << 30), datasetId=pid)
    for file in files.values():
        file.close()
    return folder


def plain_copy(engine, folder: Path) -> float:
    """Return rows a second of COPY of the parameters, read as they are, into a bare table."""
    rows = 0
    with engine.begin() as connection:
        unlimited(connection)
        connection.exec_driver_sql("create temporary table plain (line text) on commit drop")
        started = time.perf_counter()
        with (
            driver(connection).cursor() as cursor,
            cursor.copy(
                "copy plain from stdin with (format csv, quote e'\\x01', delimiter e'\\x02')"
            ) as copy,
            (folder / "Parameter.ndjson").open("rb") as file,
        ):
            for line in file:
                copy.write(line)
                rows += 1
    return rows / (time.perf_counter() - started)


def measure(folder: Path, home: Path) -> tuple[int, float]:
    """Load `folder` into a new node; print and return (datasets, datasets a second)."""
    with open_database(Settings(home=home)) as engine:
        plain = plain_copy(engine, folder)
        started = time.perf_counter()
        loaded = load(engine, folder, now=NOW)
        seconds = time.perf_counter() - started
    rows = sum(loaded.rows.values())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{loaded.rows['Dataset']:>9,} datasets, {rows:>11,} rows in {seconds:6.1f} s: "
        f"{rows / seconds:>9,.0f} rows/s, {rows / seconds / plain:.2f} of plain COPY; "
        f"client {memory:.0f} MB"
    )
    return loaded.rows["Dataset"], loaded.rows["Dataset"] / seconds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
        scratch = Path(name)
        # as root the server runs as an ordinary account, which has to get in
        os.chmod(scratch, 0o755)  # noqa: PTH101
        folders = [Path(word) for word in sys.argv[1:]]
        folders = folders or [make(scratch / f"c{n}", n) for n in (20_000, 200_000)]
        rates = [measure(path, scratch / f"home{n}") for n, path in enumerate(folders)]
        if len(rates) > 1:
            (small, slow), (large, fast) = rates[0], rates[-1]
            print(f"rate at {large:,} against {small:,}: {fast / slow:.2f}")


if __name__ == "__main__":
    main()
