"""Ingest from a file system where every call takes 5 ms: which calls are made, what they cost.

    python benchmarks/slow_files.py [--files 10000] [--delay-ms 5] [--workers 1 2 4]

The file system is simulated: `slow_calls.c`, compiled by `cc` and preloaded, lets every call on
the files wait and counts it. Beside what was measured stands what the calls alone allow: each of
W workers waits for up to 16 files at once, so they do 16 W / (calls to read a file x delay) files
a second, after the walk. The same with no delay tells what processors and database allow; the
lower of the two is the limit.
"""

import argparse
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from ingest import generate
from panosc.catalogue.database import open_database
from panosc.catalogue.embedded.server import Server, running
from panosc.catalogue.tables import metadata
from panosc.files.gulps import AT_ONCE
from panosc.ingest.walking import LOOKERS
from panosc.settings import Settings

KINDS = ("open", "close", "stat", "fstat", "read", "getdents", "other")
MOST_CALLS = 12
CHILD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from panosc.catalogue.database import open_database
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.files.gulps import AT_ONCE
from panosc.ingest.walking import Walk
from panosc.settings import Settings
settings = Settings()
request = Request(roots=[Path(sys.argv[1])])
with open_database(settings) as engine:
    begun = time.perf_counter()
    if sys.argv[2] == "walk":
        count = sum(1 for _ in Walk(request.roots).files())
    else:
        count = ingest(engine, settings, request, who=OPERATOR, now=datetime.now(UTC)).new
    print(count, time.perf_counter() - begun)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that was measured."""

    files: int
    seconds: float
    calls: dict[str, int]

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.files / self.seconds

    @property
    def calls_a_file(self) -> float:
        """Calls of every kind, the folders' share among them."""
        return sum(self.calls.values()) / self.files


def build(scratch: Path) -> Path:
    library = scratch / "slow_calls.so"
    source = Path(__file__).with_name("slow_calls.c")
    command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return library


def measure(
    scratch: Path, folder: Path, database: sa.Engine, *, what: str, workers: int, delay_ms: float
) -> Run:
    """Run one ingest, or the walk alone, in a process whose calls are slow."""
    names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
    with database.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))
    counts = scratch / "counts"
    counts.write_bytes(bytes(8 * len(KINDS)))
    environment = {
        **os.environ,
        "LD_PRELOAD": str(scratch / "slow_calls.so"),
        "SLOW_FOLDER": str(folder),
        "SLOW_US": str(round(1000 * delay_ms)),
        "SLOW_COUNTS": str(counts),
        "PANOSC_HOME": str(scratch / "child"),
        "PANOSC_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "PANOSC_INGEST_WORKERS": str(workers),
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), what],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    files, seconds = done.stdout.split()
    with counts.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as shared:
        numbers = struct.unpack(f"{len(KINDS)}q", shared[:])
    calls = dict(zip(KINDS, numbers, strict=True))
    return Run(files=int(files), seconds=float(seconds), calls=calls)


def url(server: Server) -> str:
    where = server.address()
    return sa.URL.create(
        "postgresql",
        username=where["user"],
        password=where["password"],
        port=where["port"],
        database="panosc",
        query={"host": where["host"], "sslmode": "disable"},
    ).render_as_string(hide_password=False)


def told(calls: dict[str, int], files: int) -> str:
    return ", ".join(f"{name} {count / files:.2f}" for name, count in calls.items() if count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--delay-ms", type=float, default=5.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    delay = options.delay_ms / 1000
    with tempfile.TemporaryDirectory() as text:
        scratch = Path(text)
        build(scratch)
        folder = scratch / "files"
        generate(folder, options.files)
        with (
            running(scratch / "home") as server,
            open_database(Settings(home=scratch / "one", database_url=url(server))) as database,
        ):

            def run(what: str, workers: int, delay_ms: float) -> Run:
                return measure(
                    scratch, folder, database, what=what, workers=workers, delay_ms=delay_ms
                )

            begun = time.perf_counter()
            walk = run("walk", 1, options.delay_ms)
            print(f"{walk.files} files, {options.delay_ms:g} ms added to every call")
            print(f"walk: {walk.seconds:.1f} s; calls a file: {told(walk.calls, walk.files)}")
            alone = sum(walk.calls.values()) * delay
            print(f"  one call after the other: {alone:.1f} s; {LOOKERS} threads look ahead")
            fast = run("ingest", os.cpu_count() or 1, 0.0)
            print(f"without delay: {fast.rate:.0f} files/s by {os.cpu_count()} workers")
            print("workers | files/s | by calls | ratio to limit | limit")
            for workers in options.workers:
                slow = run("ingest", workers, options.delay_ms)
                reading = slow.calls_a_file - walk.calls_a_file
                # walk first, then read
                each = walk.seconds / walk.files + reading * delay / (workers * AT_ONCE)
                bound = min(1 / each, fast.rate)
                limit = "calls" if 1 / each < fast.rate else "processors and database"
                print(
                    f"{workers:7} | {slow.rate:7.0f} | {1 / each:8.0f} | {slow.rate / bound:14.2f}"
                    f" | {limit}",
                    flush=True,
                )
            print(f"calls a file: {slow.calls_a_file:.2f} ({told(slow.calls, slow.files)})")
            print(f"measured in {time.perf_counter() - begun:.0f} s")
            assert slow.calls_a_file <= MOST_CALLS


if __name__ == "__main__":
    main()
