"""Whether a node stays quick and small under 200 open connections.

    python benchmarks/serving.py --home HOME             # serves HOME itself, with its workers
    python benchmarks/serving.py http://127.0.0.1:8000   # a node that runs already, on loopback
    python benchmarks/serving.py --home HOME --load FILES

First the capacity is measured: as many questions as are answered when each connection asks again
at once. Then questions come at half of that rate, whether others have been answered or not (an
open loop), on connections that stay open; a time counts from the moment that the question was
due. With --load the same again while `panosc catalogue load FILES` runs beside it.

The targets: no error, p99 under 1 s, memory of the node's processes grows under 5 %; during a
load p99 at most 3 times that without.
"""

import argparse
import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx

PROGRAM = str(Path(sys.executable).with_name("panosc"))
CLOSED = 16
"""Connections by which the capacity is measured."""


@dataclass
class Found:
    """What one phase has shown."""

    times: list[float] = field(default_factory=list)
    by_kind: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    late_s: float = 0.0
    """The most that this program itself was behind its plan."""

    def add(self, kind: str, seconds: float, status: int) -> None:
        """Take note of an answer."""
        if status not in {0, 200}:
            self.errors[f"{kind}: {status}"] += 1
        self.times.append(seconds)
        self.by_kind.setdefault(kind, []).append(seconds)


def part(times: list[float], share: float) -> float:
    """Return a quantile in milliseconds."""
    ordered = sorted(times)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000 if ordered else 0.0


# ---- questions ----


def questions(address: str, seed: int) -> Callable[[], tuple[str, str]]:
    """Return what makes questions, from what the catalogue holds: their kind and path."""
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        wanted = quote('{"limit":200,"include":[{"relation":"techniques"}]}')
        datasets = client.get(f"/panosc-api/Datasets?filter={wanted}").raise_for_status().json()
        instruments = client.get("/panosc-api/Instruments").raise_for_status().json()
        # rare in old nodes: completion
        has_suggestions = client.get("/suggest?prefix=te").status_code == 200
    if not datasets:
        sys.exit("The node has no public dataset to ask for.")
    words = sorted({w for d in datasets for w in d["title"].lower().split() if w.isalpha()})
    pids = [d["pid"] for d in datasets]
    techniques = sorted({t["pid"] for d in datasets for t in d.get("techniques") or ()})
    rng = random.Random(seed)

    def some() -> str:
        return quote(" ".join(rng.sample(words, k=min(rng.choice((1, 1, 2)), len(words)))))

    def in_range() -> str:
        low = rng.uniform(0.1, 500)
        value = {"between": [low, low * 1.5]}
        scope = {"where": {"and": [{"name": "temperature"}, {"value": value}, {"unit": "K"}]}}
        asked = {"limit": 20, "include": [{"relation": "parameters", "scope": scope}]}
        return f"/panosc-api/Datasets?filter={quote(json.dumps(asked))}"

    def by_technique() -> str:
        scope = {"where": {"pid": rng.choice(techniques)}}
        asked = {"limit": 20, "include": [{"relation": "techniques", "scope": scope}]}
        return f"/panosc-api/Datasets?filter={quote(json.dumps(asked))}"

    kinds: list[tuple[int, str, Callable[[], str]]] = [
        (30, "search page", lambda: f"/search?q={some()}"),
        (15, "ranked, API", lambda: f"/panosc-api/Datasets?query={some()}&filter={quote(LIMIT)}"),
        (15, "parameter range", in_range),
        (15 if techniques else 0, "technique", by_technique),
        (10, "dataset", lambda: f"/datasets/{quote(rng.choice(pids), safe='/')}"),
        (5, "count", lambda: "/panosc-api/Datasets/count"),
        (5 if instruments else 0, "instruments", lambda: "/instruments"),
        (5 if has_suggestions else 0, "completion", lambda: f"/suggest?prefix={some()[:4]}"),
    ]
    weights = [weight for weight, _, _ in kinds]

    def ask() -> tuple[str, str]:
        _, kind, path = rng.choices(kinds, weights)[0]
        return kind, path()

    return ask


LIMIT = '{"limit":20}'


# ---- a client that costs little ----


class Connection:
    """One connection that stays open."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port)

    async def get(self, path: str) -> int:
        """Return the status; the body is read to its end."""
        if self.writer is None:
            await self.open()
        assert self.reader is not None
        assert self.writer is not None
        lines = f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAccept: */*\r\n\r\n"
        self.writer.write(lines.encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        if "transfer-encoding: chunked" in head:
            while size := int((await self.reader.readline()).strip() or b"0", 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readline()
        else:
            length = head.partition("content-length:")[2].partition("\r\n")[0]
            await self.reader.readexactly(int(length or 0))
        if "connection: close" in head:
            self.close()
        return status

    def close(self) -> None:
        """End the connection; the next question opens another one."""
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def answered(connection: Connection, path: str) -> int | str:
    """Return the status, or what broke."""
    try:
        return await asyncio.wait_for(connection.get(path), 60)
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        connection.close()
        return type(error).__name__


Ask = Callable[[], tuple[str, str]]
Where = tuple[str, int]


async def closed_loop(where: Where, ask: Ask, seconds: float) -> float:
    """Return how many questions a second are answered."""
    end = time.monotonic() + seconds
    done = 0

    async def one() -> None:
        nonlocal done
        connection = Connection(*where)
        while time.monotonic() < end:
            status = await answered(connection, ask()[1])
            # not in one with the wait: others add meanwhile
            done += status == 200
        connection.close()

    await asyncio.gather(*(one() for _ in range(CLOSED)))
    return done / seconds


async def open_loop(
    where: Where, ask: Ask, *, rate: float, connections: int, goes_on: Callable[[float], bool]
) -> Found:
    """Ask at a constant rate for as long as `goes_on` says of the seconds that have passed."""
    found = Found()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(connections):
        connection = Connection(*where)
        await connection.open()
        free.put_nowait(connection)

    async def one(due: float) -> None:
        kind, path = ask()
        connection = await free.get()
        status = await answered(connection, path)
        found.add(kind, time.monotonic() - due, status if isinstance(status, int) else 0)
        if isinstance(status, str):
            found.errors[f"{kind}: {status}"] += 1
        free.put_nowait(connection)

    tasks: set[asyncio.Task[None]] = set()
    start = time.monotonic()
    number = 0
    while goes_on(time.monotonic() - start):
        due = start + number / rate
        wait = due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        found.late_s = max(found.late_s, time.monotonic() - due)
        task = asyncio.create_task(one(due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        number += 1
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return found


# ---- the node ----


def listeners(port: int) -> list[int]:
    """Return the processes that have the socket of a port: those of the node."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(link.readlink()) in inodes for link in (entry / "fd").iterdir()):
                found.append(int(entry.name))
    return sorted(found)


def memory(pids: list[int]) -> float:
    """Return the memory of processes in MB, what they share counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


@contextlib.contextmanager
def node(options: argparse.Namespace) -> Iterator[str]:
    """Provide the address of the node to ask."""
    if options.url:
        yield options.url.rstrip("/")
        return
    words = [PROGRAM, "serve", "--home", options.home, "--port", "0"]
    if options.workers:
        words += ["--workers", str(options.workers)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            sys.exit("The node does not start.")
        yield line.split()[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def show(name: str, found: Found) -> None:
    for kind, times in [("all", found.times), *sorted(found.by_kind.items())]:
        print(
            f"{name:<12}{kind:<18}{len(times):>7}"
            f"{part(times, 0.5):>9.1f}{part(times, 0.95):>9.1f}{part(times, 0.99):>9.1f}"
            f"{max(times, default=0) * 1000:>9.1f}"
        )
    if found.errors:
        print(f"{name:<12}errors: {dict(found.errors)}")
    print(f"{name:<12}this program was late by at most {found.late_s * 1000:.1f} ms")


def check(what: str, *, is_met: bool) -> bool:
    print(f"{'met ' if is_met else 'MISSED'}  {what}")
    return is_met


def measure(address: str, options: argparse.Namespace) -> bool:
    parts = urlsplit(address)
    where = (parts.hostname or "127.0.0.1", parts.port or 80)
    ask = questions(address, options.seed)
    asyncio.run(closed_loop(where, ask, options.capacity_seconds / 2))  # to warm up
    capacity = asyncio.run(closed_loop(where, ask, options.capacity_seconds))
    rate = options.rate or capacity / 2
    print(f"capacity {capacity:.0f} questions a second; asked now: {rate:.0f} a second")

    def phase(goes_on: Callable[[float], bool]) -> Found:
        looping = open_loop(where, ask, rate=rate, connections=options.connections, goes_on=goes_on)
        return asyncio.run(looping)

    # what a process keeps for its connections and threads is there from then on
    phase(lambda passed: passed < options.seconds / 6)
    pids = listeners(where[1])
    before = memory(pids)
    print(f"\n{'phase':<12}{'kind':<18}{'number':>7}{'p50 ms':>9}{'p95':>9}{'p99':>9}{'max':>9}")
    idle = phase(lambda passed: passed < options.seconds)
    after = memory(pids)
    show("at rest", idle)
    grown = (after - before) / before * 100 if before else 0.0
    print(f"memory of {len(pids)} processes: {before:.0f} MB, then {after:.0f} MB ({grown:+.1f} %)")
    p99 = part(idle.times, 0.99)
    results = [
        check("no error", is_met=not idle.errors),
        check(f"p99 {p99:.0f} ms, under 1 s", is_met=p99 < 1000),
        check(f"memory grows {grown:.1f} %, under 5 %", is_met=grown < 5),
        check("this program kept its pace", is_met=idle.late_s < max(0.1, p99 / 1000)),
    ]
    if options.load:
        results += during_load(options, phase, p99)
    return all(results)


def during_load(
    options: argparse.Namespace, phase: Callable[[Callable[[float], bool]], Found], p99: float
) -> list[bool]:
    began = time.monotonic()
    loading = subprocess.Popen(
        [PROGRAM, "catalogue", "load", options.load, "--home", options.home],
        stdout=subprocess.DEVNULL,
    )
    loaded = phase(lambda _: loading.poll() is None)
    print(f"\nloaded in {time.monotonic() - began:.1f} s, exit code {loading.returncode}")
    show("loading", loaded)
    found = part(loaded.times, 0.99)
    return [
        check("the load went well", is_met=loading.returncode == 0),
        check("no error during the load", is_met=not loaded.errors),
        check(
            f"p99 during the load {found:.0f} ms, {found / p99:.1f} times, at most 3",
            is_met=found <= 3 * p99,
        ),
    ]


def main() -> int:
    reads = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reads.add_argument("url", nargs="?", help="Address of a node that runs")
    reads.add_argument("--home", help="Home to serve, and to load into")
    reads.add_argument("--workers", type=int, help="Web processes")
    reads.add_argument("--connections", type=int, default=200)
    reads.add_argument("--seconds", type=float, default=60)
    reads.add_argument("--capacity-seconds", type=float, default=10)
    reads.add_argument(
        "--rate", type=float, help="Questions a second, instead of half the capacity"
    )
    reads.add_argument("--load", help="Folder of NDJSON to load meanwhile")
    reads.add_argument("--seed", type=int, default=1)
    options = reads.parse_args()
    if not options.url and not options.home:
        reads.error("give the address of a node, or --home")
    if options.load and not options.home:
        reads.error("--load needs --home")
    with node(options) as address:
        return 0 if measure(address, options) else 1


if __name__ == "__main__":
    sys.exit(main())
