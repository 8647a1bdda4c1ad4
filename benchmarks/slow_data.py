"""How fast parts of arrays are read where files are slow: by panosc, beside h5grove.

    python benchmarks/slow_data.py [--keep FOLDER] [--seconds 2] [--delay-ms 5] [--questions 24]

The questions are those of `data.py`. First with a cold cache: before each question the pages of
the files are dropped, and one client waits for one answer. Then every call of both servers on the
files waits (`slow_calls.c`, as in `slow_files.py`), reads of what is in memory among them, and is
counted; answers a second and calls for each. A ratio to h5grove below 1 is marked.
"""

import argparse
import mmap
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from hammering import hammer
from slow_files import KINDS as CALLS
from slow_files import build

from data import CLIENTS, KINDS, Case, cases, h5grove, is_right, make, panosc

CACHES = Path("/proc/sys/vm/drop_caches")


def forget(files: Path) -> None:
    """Drop what the system has in memory of the files."""
    for path in files.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def cold(servers: list[Any], files: Path, questions: int) -> None:
    """Print how long answers take when nothing of the files is in memory."""
    os.sync()
    if os.access(CACHES, os.W_OK):
        CACHES.write_text("1")
    print(f"{'cold cache, ms':<24}" + "".join(f"{one.name:>11}" for one in servers) + "     ratio")
    with httpx.Client(trust_env=False, timeout=60) as client:
        for kind in KINDS:
            for case in cases():
                middle = [median(client, one, kind, case, files, questions) for one in servers]
                line = "".join(f"{value:>11.1f}" for value in middle)
                print(
                    f"{kind + ' ' + case.name:<24}{line}{told(middle[1] / middle[0])}", flush=True
                )


def median(
    client: httpx.Client, server: Any, kind: str, case: Case, files: Path, questions: int
) -> float:
    """Return milliseconds."""
    took = []
    # the first one only opens the connection and starts what is started once
    for number in range(questions + 1):
        selection = case.selections[number % len(case.selections)]
        forget(files)
        started = time.perf_counter()
        client.get(server.url(kind, case, selection)).raise_for_status()
        took.append(time.perf_counter() - started)
    return statistics.median(took[1:]) * 1000


def told(ratio: float) -> str:
    return f"{ratio:>10.1f}" + ("  BELOW" if ratio < 1 else "")


class Counts:
    """How often a server called, by kind of call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(8 * len(CALLS)))
        with path.open("rb") as file:
            self._shared = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def now(self) -> dict[str, int]:
        """Return them."""
        numbers = struct.unpack(f"{len(CALLS)}q", self._shared[:])
        return dict(zip(CALLS, numbers, strict=True))


@contextmanager
def slowly(scratch: Path, files: Path, counts: Counts, delay_ms: float) -> Iterator[None]:
    """Let the calls of every program wait that is started in this block."""
    changed = {
        "LD_PRELOAD": str(scratch / "slow_calls.so"),
        "SLOW_FOLDER": str(files),
        "SLOW_US": str(round(1000 * delay_ms)),
        "SLOW_COUNTS": str(counts.path),
    }
    os.environ.update(changed)
    try:
        yield
    finally:
        for name in changed:
            del os.environ[name]


def slow(
    servers: list[Any], counts: list[Counts], files: Path, seconds: float, delay_ms: float
) -> int:
    """Print answers a second where every call waits; return how many were wrong."""
    wrong = 0
    print(f"{f'{delay_ms:g} ms a call':<24} clients", end="")
    print("".join(f"{one.name:>11}" for one in servers) + "     ratio  calls an answer")
    for kind in KINDS:
        for case in cases():
            for clients in CLIENTS:
                rates, calls = [], []
                for server, counted in zip(servers, counts, strict=True):
                    urls = [server.url(kind, case, selection) for selection in case.selections]
                    before = counted.now()
                    rate = hammer(urls, clients, seconds)
                    after = counted.now()
                    answers = rate.a_second * seconds + 1
                    rates.append(rate.a_second)
                    calls.append({name: (after[name] - before[name]) / answers for name in after})
                    if not is_right(server, kind, case, files, rate):
                        print(f"WRONG {server.name} {kind} {case.name}")
                        wrong += 1
                line = "".join(f"{value:>11.1f}" for value in rates)
                each = " | ".join(
                    ", ".join(f"{name} {count:.1f}" for name, count in one.items() if count >= 0.05)
                    for one in calls
                )
                ratio = told(rates[0] / rates[1])
                print(f"{kind + ' ' + case.name:<24}{clients:>8}{line}{ratio}  {each}", flush=True)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="where the files stay")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--delay-ms", type=float, default=5.0)
    parser.add_argument("--questions", type=int, default=24, help="of each kind, cold")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as text:
        scratch = Path(text).resolve()
        scratch.chmod(0o755)
        files = (given.keep or scratch).resolve() / "data-files"
        make(files)
        build(scratch)
        (scratch / "cold").mkdir(mode=0o755)
        with panosc(scratch / "cold", files) as ours, h5grove(scratch / "cold", files) as theirs:
            cold([ours, theirs], files, given.questions)
        with ExitStack() as kept:
            servers, counts = [], []
            for serve in (panosc, h5grove):
                counts.append(Counts(scratch / f"{serve.__name__}.counts"))
                with slowly(scratch, files, counts[-1], given.delay_ms):
                    servers.append(kept.enter_context(serve(scratch, files)))
            wrong = slow(servers, counts, files, given.seconds, given.delay_ms)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
