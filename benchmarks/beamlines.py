"""Many beamlines that write at once, a node that watches them, and a node that is killed.

    python benchmarks/beamlines.py [--minutes 10] [--beamlines 45] [--rate 20] [--kills 3]

A process of its own writes small NeXus files: most are datasets by themselves, some make a dataset
of three files with a marker at the end, some grow under a reader's eyes (SWMR). The node is
`panosc serve` with `watch_roots` and a PostgreSQL of its own. Each dataset is looked for by the
search API until it is found; the delay counts from the moment when it was complete. Exits with 1
if one is lost, there twice, or late; those that were complete while the node was dead, or within
`RECOVERY_S` of its start, are told apart.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

PROFILE = r"""
profile: beamlines
title: Files of this benchmark
rules:
  - name: set
    path: "bl{beamline:\\d+}/set_{number:\\d+}/**"
    group: folder
    complete: {marker: "*.done"}
    set: {title: "set {number}"}
  - name: growing
    path: "bl{beamline:\\d+}/grow_{number:\\d+}.nxs"
    group: file
    complete: {end_time: true, quiet: 10min}
  - name: file
    path: "*"
"""
PART = 3
"""Files of a dataset of several."""
GROWTH = 4
LATE_S = 10.0
RECOVERY_S = 30.0
ASKED = 40
"""Titles in one question."""


# -- writing -----------------------------------------------------------------------------------


def entry_of(file: h5py.File, title: str) -> h5py.Group:
    file.attrs["default"] = "entry"
    entry = file.create_group("entry")
    entry.attrs["NX_class"] = "NXentry"
    entry["title"] = title
    entry["definition"] = "NXsas"
    entry["start_time"] = "2024-05-01T10:00:00+02:00"
    sample = entry.create_group("sample")
    sample.attrs["NX_class"] = "NXsample"
    sample["name"] = f"sample {title[-1]}"
    sample["temperature"] = 295.0
    sample["temperature"].attrs["units"] = "K"
    return entry


class Beamlines:
    """Writes one file after the other, and notes when a dataset is complete."""

    def __init__(self, root: Path, ledger: Path, beamlines: int) -> None:
        self.rng = random.Random(5)
        self.folders = [root / f"bl{number:02}" for number in range(beamlines)]
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
        self.ledger = ledger.open("a", buffering=1)
        self.number = 0
        self.sets: list[tuple[Path, str, int]] = []
        self.growing: list[tuple[h5py.File, str, int, float]] = []

    def write(self) -> None:
        """Write one file, as one beamline or another would do next."""
        due = [one for one in self.growing if one[3] <= time.monotonic()]
        for one in due:
            self.grow(*one)
        if self.sets and self.rng.random() < 0.5:
            self.go_on(*self.sets.pop(0))
            return
        self.number += 1
        folder, draw = self.rng.choice(self.folders), self.rng.random()
        if draw < 0.1:
            self.sets.append((folder / f"set_{self.number:06}", f"set {self.number:06}", 0))
            self.go_on(*self.sets.pop())
        elif draw < 0.18:
            self.begin(folder / f"grow_{self.number:06}.nxs", f"grow {self.number:06}")
        else:
            self.single(folder / f"one_{self.number:06}.nxs", f"one {self.number:06}")

    def single(self, path: Path, title: str) -> None:
        """Write a dataset of one file."""
        # half of the writers rename, the others let everyone watch
        place = path.with_name(f".{path.name}.part") if self.number % 2 else path
        with h5py.File(place, "w") as file:
            self.data(entry_of(file, title))
        if place != path:
            place.rename(path)
        self.complete(title)

    def go_on(self, folder: Path, title: str, part: int) -> None:
        """Write the next file of a dataset of several, or its marker."""
        folder.mkdir(exist_ok=True)
        with h5py.File(folder / f"part_{part}.nxs", "w") as file:
            self.data(entry_of(file, f"{title} part {part}"))
        if part + 1 < PART:
            self.sets.append((folder, title, part + 1))
        else:
            (folder / "set.done").touch()
            self.complete(title)

    def begin(self, path: Path, title: str) -> None:
        """Begin a file that grows while others read it."""
        file = h5py.File(path, "w", libver="latest")
        entry = entry_of(file, title)
        entry.create_dataset("end_time", shape=(), dtype="S25")
        entry.create_dataset("values", shape=(0,), maxshape=(None,), chunks=(256,), dtype="f8")
        file.swmr_mode = True
        self.growing.append((file, title, 0, time.monotonic() + 1))

    def grow(self, file: h5py.File, title: str, step: int, due: float) -> None:
        """Let it grow, or end it."""
        self.growing.remove((file, title, step, due))
        values = file["entry/values"]
        values.resize((values.shape[0] + 256,))
        values[-256:] = np.random.default_rng(self.number).random(256)
        values.flush()
        if step + 1 < GROWTH:
            self.growing.append((file, title, step + 1, due + 1))
            return
        file["entry/end_time"][()] = b"2024-05-01T11:00:00+02:00"
        file.close()
        self.complete(title)

    def data(self, entry: h5py.Group) -> None:
        """Write some data, never the same."""
        entry["values"] = np.random.default_rng([self.number, len(self.sets)]).random(512)

    def complete(self, title: str) -> None:
        """Note that a dataset is complete."""
        self.ledger.write(f"{time.time():.3f}\t{title}\n")

    def end(self) -> None:
        """Complete what was begun."""
        while self.growing:
            for one in [one for one in self.growing if one[3] <= time.monotonic()]:
                self.grow(*one)
            time.sleep(0.1)
        while self.sets:
            self.go_on(*self.sets.pop(0))


def write(root: Path, ledger: Path, *, beamlines: int, rate: float, seconds: float) -> None:
    """Write `rate` files a second, as many as the time allows, and end what was begun."""
    beamline = Beamlines(root, ledger, beamlines)
    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        beamline.write()
    beamline.end()


# -- the node ----------------------------------------------------------------------------------


@dataclass
class Node:
    """`panosc serve`, to be killed and started again."""

    home: Path
    root: Path
    database_url: str | None = None
    process: "subprocess.Popen[str] | None" = None
    address: str = ""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        profile = self.home.with_name("profile.yaml")
        profile.write_text(PROFILE)
        given = {
            "PANOSC_HOME": str(self.home),
            "PANOSC_WATCH_ROOTS": json.dumps([str(self.root)]),
            "PANOSC_PROFILE": str(profile),
            "PANOSC_RATE_LIMIT": "0",
        }
        if self.database_url is not None:
            given["PANOSC_DATABASE_URL"] = self.database_url
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PANOSC_")}
        command = [sys.executable, "-c", "from panosc.cli import main; main()", "serve"]
        self.process = subprocess.Popen(
            [*command, "--port", "0"], env={**kept, **given}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), line
        self.address = line.split()[1]

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it, by SIGKILL too."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.communicate(timeout=60)
            self.process = None

    def datasets(self, **filters: object) -> list[dict[str, object]]:
        """Return what the search API gives for a filter."""
        query = urllib.parse.quote(json.dumps(filters))
        address = f"{self.address}/panosc-api/Datasets?filter={query}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            found: list[dict[str, object]] = json.load(answer)
            return found

    def found(self, titles: list[str]) -> set[str]:
        """Return those of `titles` that a search finds."""
        seen: set[str] = set()
        for start in range(0, len(titles), ASKED):
            asked = {"title": {"inq": titles[start : start + ASKED]}}
            answer = self.datasets(where=asked, fields=["title"], limit=2 * ASKED)
            seen |= {str(item["title"]) for item in answer}
        return seen

    def memory_mb(self) -> dict[str, float]:
        """Return the proportional memory of the node, those who read, and its PostgreSQL."""
        assert self.process is not None
        sums: Counter[str] = Counter()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                name = (folder / "comm").read_text().strip()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                what = None
                if int(folder.name) == self.process.pid:
                    what = "node"
                elif parent == self.process.pid:
                    what = "readers"
                elif name == "postgres" and str((folder / "cwd").readlink()).startswith(
                    str(self.home)
                ):
                    what = "postgres"
                if what is not None:
                    told = (folder / "smaps_rollup").read_text()
                    sums[what] += next(
                        int(row.split()[1]) for row in told.splitlines() if row.startswith("Pss:")
                    )
            except (OSError, ValueError, StopIteration):
                continue
        return {what: kilobytes / 1024 for what, kilobytes in sorted(sums.items())}


# -- checking ----------------------------------------------------------------------------------


@dataclass
class Checked:
    """What came of it."""

    delays: dict[str, float] = field(default_factory=dict)
    after_kills: dict[str, float] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    in_part: list[str] = field(default_factory=list)
    memory: list[tuple[float, dict[str, float]]] = field(default_factory=list)
    kills: list[tuple[float, float]] = field(default_factory=list)
    """When the node was killed, and when it answered again."""


def check(
    node: Node,
    ledger: Path,
    writer: "subprocess.Popen[bytes]",
    *,
    kills: list[float],
    wait_s: float,
) -> Checked:
    """Look for what is complete until all is found, and kill the node at the given times."""
    checked, begun = Checked(), time.time()
    complete: dict[str, float] = {}
    ends = None
    remembered = 0.0
    while True:
        time.sleep(0.5)
        now = time.time()
        if kills and now - begun >= kills[0]:
            kills.pop(0)
            node.stop(signal.SIGKILL)
            node.start()
            checked.kills.append((now, time.time()))
            print(f"{now - begun:7.1f} s: killed; answers again after {time.time() - now:.1f} s")
        for line in ledger.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                at, _, title = line.rstrip("\n").partition("\t")
                complete[title] = float(at)
        pending = [t for t in complete if t not in checked.delays and t not in checked.after_kills]
        seen, now = node.found(pending), time.time()
        for title in seen:
            at = complete[title]
            near = any(down <= at + LATE_S and at <= up + RECOVERY_S for down, up in checked.kills)
            (checked.after_kills if near else checked.delays)[title] = now - at
        if now - remembered > 10:
            remembered = now
            checked.memory.append((now - begun, node.memory_mb()))
        if writer.poll() is not None:
            ends = ends or now
            if len(seen) == len(pending) or now - ends > wait_s:
                break
    checked.lost = [
        title for title in complete if title not in {**checked.delays, **checked.after_kills}
    ]
    checked.memory.append((time.time() - begun, node.memory_mb()))
    _count(node, checked)
    return checked


def _count(node: Node, checked: Checked) -> None:
    """See to it that each dataset is there once, with all its files."""
    titles: Counter[str] = Counter()
    skip, block = 0, 500
    while True:
        include = [{"relation": "files"}]
        found = node.datasets(include=include, limit=block, skip=skip)
        for item in found:
            title, files = str(item["title"]), item["files"]
            titles[title] += 1
            assert isinstance(files, list)
            if len(files) != (PART if title.startswith("set") else 1):
                checked.in_part.append(title)
        skip += block
        if len(found) < block:
            break
    checked.twice = [title for title, count in titles.items() if count > 1]


def show(checked: Checked) -> bool:
    """Print what came of it; return whether it is good."""
    for what, delays in (("", checked.delays), (" around kills", checked.after_kills)):
        if delays:
            values = sorted(delays.values())
            share = values[min(len(values) - 1, int(0.95 * len(values)))]
            print(
                f"{len(values)} datasets{what}: searchable after {statistics.median(values):.1f} s "
                f"(median), {share:.1f} s (95 %), {values[-1]:.1f} s (longest)"
            )
    for what in ("one", "set", "grow"):
        values = [delay for title, delay in checked.delays.items() if title.startswith(what)]
        if values:
            median, longest = statistics.median(values), max(values)
            print(f"  {what}: {len(values)}, median {median:.1f} s, longest {longest:.1f} s")
    steps = max(1, len(checked.memory) // 8)
    for at, sums in [*checked.memory[::steps], checked.memory[-1]]:
        told = ", ".join(f"{what} {size:.0f} MB" for what, size in sums.items())
        print(f"{at:7.1f} s: {told}, together {sum(sums.values()):.0f} MB")
    late = sorted(title for title, delay in checked.delays.items() if delay > LATE_S)
    for what, titles in (
        ("lost", checked.lost),
        ("there twice", checked.twice),
        ("without all their files", checked.in_part),
        (f"later than {LATE_S:.0f} s", late),
    ):
        print(f"{what}: {len(titles)} {titles[:5] if titles else ''}")
    return not (checked.lost or checked.twice or checked.in_part or late)


def simulate(  # noqa: PLR0913 - what there is to choose
    scratch: Path,
    *,
    seconds: float,
    beamlines: int,
    rate: float,
    kills: list[float],
    database_url: str | None = None,
    wait_s: float = 120.0,
) -> Checked:
    """Write, watch, kill and check; `kills` are seconds from the beginning."""
    root, ledger = scratch / "data", scratch / "ledger"
    root.mkdir()
    ledger.touch()
    node = Node(home=scratch / "home", root=root, database_url=database_url)
    node.start()
    options = ["--beamlines", str(beamlines), "--rate", str(rate), "--minutes", str(seconds / 60)]
    writer = subprocess.Popen([sys.executable, __file__, "--write", str(scratch), *options])
    try:
        return check(node, ledger, writer, kills=list(kills), wait_s=wait_s)
    finally:
        writer.kill()
        writer.wait()
        node.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--beamlines", type=int, default=45)
    parser.add_argument("--rate", type=float, default=20.0, help="files a second, together")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    seconds = chosen.minutes * 60
    if chosen.write is not None:
        write(
            chosen.write / "data",
            chosen.write / "ledger",
            beamlines=chosen.beamlines,
            rate=chosen.rate,
            seconds=seconds,
        )
        return
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as name:
        scratch = Path(name)
        # as root the server runs as an ordinary account, which has to get in
        scratch.chmod(0o755)
        # the last third is left alone, to see whether memory stays what it is
        kills = [seconds * (number + 1) * 0.55 / chosen.kills for number in range(chosen.kills)]
        checked = simulate(
            scratch, seconds=seconds, beamlines=chosen.beamlines, rate=chosen.rate, kills=kills
        )
        sys.exit(0 if show(checked) else 1)


if __name__ == "__main__":
    main()
