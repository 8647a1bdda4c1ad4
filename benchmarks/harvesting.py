"""How fast a catalogue is harvested, beside a load of the same NDJSON; killed, and told of changes.

    python benchmarks/harvesting.py                     # makes a catalogue of 100 000 datasets
    python benchmarks/harvesting.py --datasets 10000 --kills 5

The folder is loaded into one home and harvested into another. A third harvest is killed by
``kill -9`` at random times; its dump has to be that of the second, to the byte. Then 1 000 records
change at the source and 100 go: the next harvest has to bring just those. Ends with 1 if not.
"""

import argparse
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import orjson

from catalogue import Catalogue
from panosc.catalogue.database import open_database
from panosc.catalogue.dumping import dump
from panosc.catalogue.loading import load
from panosc.federation.harvesting.harvester import Harvester, Outcome, Wish
from panosc.federation.source import Source
from panosc.federation.sources import Sources
from panosc.settings import Settings

CHANGED, DELETED = 1000, 100
NAME = "there"


def now() -> datetime:
    """Return what time it is."""
    return datetime.now(UTC)


def settings_of(home: Path) -> Settings:
    """Return the settings of a home, which is made."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)
    return Settings(home=home)


def add(home: Path, folder: Path) -> None:
    """Tell a home of the folder."""
    settings = settings_of(home)
    source = Source(name=NAME, kind="ndjson", url=folder.as_uri(), title="There", is_adopted=True)
    with open_database(settings) as engine:
        Sources(engine, now).add(source, secret_file=None, by="benchmark")


def harvest(home: Path, *, sweep: bool = False) -> Outcome:
    """Harvest the folder."""
    settings = settings_of(home)
    with open_database(settings) as engine:
        return Harvester(engine, settings, now).harvest(NAME, Wish(by="benchmark", sweep=sweep))


def measured(home: Path, told: "multiprocessing.Queue[tuple[float, int, int]]") -> None:
    """Harvest in a process of its own; tell seconds, records and kilobytes of memory."""
    begun = time.perf_counter()
    outcome = harvest(home)
    seconds = time.perf_counter() - begun
    told.put((seconds, outcome.counts.new, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def dumped(home: Path, folder: Path) -> dict[str, bytes]:
    """Return the bare dump of a home."""
    with open_database(settings_of(home)) as engine:
        dump(engine, folder, bare=True)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def killed(home: Path, kills: int, seconds: float) -> int:
    """Harvest, killed at random times that are a few parts of the whole; return how often."""
    rng = random.Random(8)
    done = 0
    command = [sys.executable, __file__, "--only-harvest", str(home)]
    while done < kills:
        child = subprocess.Popen(command)
        time.sleep(rng.uniform(2, 4 + 2 * seconds / kills))
        if child.poll() is not None:
            break
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        done += 1
    subprocess.run(command, check=True)
    return done


def change(folder: Path) -> None:
    """Give datasets other titles, and let some go with all that is theirs."""
    path = folder / "Dataset.ndjson"
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    gone = {row["pid"] for row in rows[-DELETED:]}
    for row in rows[:CHANGED]:
        row["title"] = f"{row.get('title')}, corrected"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows[:-DELETED]))
    for other in folder.glob("*.ndjson"):
        if other.name == path.name:
            continue
        lines = other.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if orjson.loads(line).get("datasetId") not in gone]
        other.write_bytes(b"".join(kept))


def main() -> None:
    """Measure, and end with 1 if something is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only-harvest", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only_harvest is not None:
        harvest(given.only_harvest)
        return
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
        top = Path(name)
        top.chmod(0o755)
        sys.exit(run(top, given.datasets, given.kills))


def run(top: Path, datasets: int, kills: int) -> int:
    """Do all of it; return 1 if something is not as it has to be."""
    folder = top / "folder"
    Catalogue(folder, datasets, "harvest").write()
    begun = time.perf_counter()
    with open_database(settings_of(top / "loaded")) as engine:
        load(engine, folder, now=now())
    loading = time.perf_counter() - begun
    print(f"loaded:    {datasets / loading:8.0f} datasets/s ({loading:.0f} s)")
    add(top / "one", folder)
    told: multiprocessing.Queue[tuple[float, int, int]] = multiprocessing.Queue()
    process = multiprocessing.Process(target=measured, args=(top / "one", told))
    process.start()
    seconds, records, memory = told.get()
    process.join()
    print(
        f"harvested: {datasets / seconds:8.0f} datasets/s ({seconds:.0f} s, {records:,} records,"
        f" {memory / 1024:.0f} MB), {seconds / loading:.1f} times as long as the load"
    )
    add(top / "two", folder)
    done = killed(top / "two", kills, seconds)
    is_same = dumped(top / "one", top / "dump1") == dumped(top / "two", top / "dump2")
    print(f"killed {done} times: {'the same' if is_same else 'FAULT: not the same'}")
    change(folder)
    begun = time.perf_counter()
    counts = harvest(top / "one", sweep=True).counts
    print(
        f"next harvest: {counts.changed} changed, {counts.gone} gone, {counts.new} new"
        f" in {time.perf_counter() - begun:.0f} s"
    )
    is_right = (counts.changed, counts.gone, counts.new) == (CHANGED, DELETED, 0)
    return 0 if is_same and is_right else 1


if __name__ == "__main__":
    main()
