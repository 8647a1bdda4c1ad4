"""How fast parts of arrays are read over HTTP: by panosc, h5grove and tiled, beside h5py itself.

    python benchmarks/data.py [--keep FOLDER] [--seconds 3] [--without tiled]

A stack of 200 x 1024 x 1024 uint16, once with bitshuffle-LZ4 and once with shuffle and gzip, is
asked for frames, regions of 64 x 64, rows and one pixel through all frames; and of the small: a
group with 50 members, and a dataset of 8 kB. Each server has two processes. `h5py` is one process,
`h5py 8` are eight at once: what the machine can do without a network. The first answer of each
question has to equal h5py's, byte for byte, or the program ends with 1. After that: compressed
chunks as they are beside ranges of nginx, and how long small reads take beside four slow slices.

Peers: h5grove is a dependency; tiled is installed from PyPI into a folder of its own, for it asks
for older libraries; nginx is left out where the machine has none.
"""

import argparse
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import httpx
import numpy as np
from hammering import Rate, hammer

from panosc.policy.shelf import EXAMPLES

FRAMES, SIDE = 200, 1024
CLIENTS = (1, 8)
TARGETS = {"frame": 1.3, "region": 3, "row": 2, "pixel": 20, "group": 20, "8 kB": 2}
"""Ratios to h5grove at 8 clients; of the pixel through all frames for bitshuffle."""
KINDS = {
    "bitshuffle": dict(hdf5plugin.Bitshuffle(cname="lz4")),
    "gzip": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}
STACK, GROUP, SMALL = "/entry/data/frames", "/entry/motors", "/entry/small"


# ---- data ----


def make(folder: Path) -> None:
    """Write the files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(1)
    y, x = np.mgrid[:SIDE, :SIDE]
    ring = (200 * np.exp(-(((np.hypot(y - 512, x - 512) - 300) / 20) ** 2))).astype("u2")
    noise = chance.poisson(3.0, size=(8, SIDE, SIDE)).astype("u2")
    for name, options in KINDS.items():
        path = folder / f"{name}.h5"
        if path.exists():
            continue
        with h5py.File(path.with_suffix(".new"), "w") as file:
            entry = file.create_group("entry")
            entry.attrs.update({"NX_class": "NXentry", "default": "data"})
            data = entry.create_group("data")
            data.attrs.update({"NX_class": "NXdata", "signal": "frames"})
            stack = data.create_dataset(
                "frames", (FRAMES, SIDE, SIDE), "u2", chunks=(1, SIDE, SIDE), **options
            )
            for number in range(FRAMES):
                stack[number] = np.roll(noise[number % 8], number, axis=0) + ring
            motors = entry.create_group("motors")
            for number in range(50):
                motor = motors.create_dataset(f"motor_{number:02d}", data=np.linspace(0, 1, 10))
                motor.attrs.update({"units": "mm", "long_name": f"motor {number}"})
            entry["small"] = np.arange(1024.0)
        path.with_suffix(".new").rename(path)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of question: paths and selections that are asked in turn."""

    name: str
    path: str
    selections: tuple[str, ...] = ("",)

    def index(self, selection: str) -> Any:
        """Return what h5py takes for a selection."""

        def one(part: str) -> Any:
            if ":" not in part:
                return int(part)
            return slice(*(int(end) if end else None for end in part.split(":")))

        return tuple(one(part) for part in selection.split(",")) if selection else ()


def cases() -> list[Case]:
    """Return the questions; which frames and places is by chance, the same for everybody."""
    chance = random.Random(5)
    frames = [chance.randrange(FRAMES) for _ in range(64)]
    places = [(chance.randrange(SIDE - 64), chance.randrange(SIDE - 64)) for _ in frames]
    return [
        Case(name="frame", path=STACK, selections=tuple(f"{frame},:,:" for frame in frames)),
        Case(
            name="region",
            path=STACK,
            selections=tuple(
                f"{frame},{y}:{y + 64},{x}:{x + 64}"
                for frame, (y, x) in zip(frames, places, strict=True)
            ),
        ),
        Case(
            name="row",
            path=STACK,
            selections=tuple(
                f"{frame},{y},:" for frame, (y, _) in zip(frames, places, strict=True)
            ),
        ),
        Case(name="pixel", path=STACK, selections=tuple(f":,{y},{x}" for y, x in places[:16])),
        Case(name="group", path=GROUP),
        Case(name="8 kB", path=SMALL),
    ]


# ---- servers ----


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], ready: str, log: Path, **env: str) -> Iterator[None]:
    """Run a server until the block ends."""
    with log.open("wb") as sink:
        server = subprocess.Popen(
            command,
            stdout=sink,
            stderr=sink,
            env=os.environ | env,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 120
            while True:
                with suppress(httpx.HTTPError):
                    if httpx.get(ready, timeout=60, trust_env=False).status_code < 500:
                        break
                if server.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.2)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


class Panosc:
    """The node."""

    name = "panosc"

    def __init__(self, base: str, pids: dict[str, str]) -> None:
        self.base, self.pids = base, pids

    def url(self, kind: str, case: Case, selection: str) -> str:
        """Return where a question is asked."""
        root = f"{self.base}/datasets/{self.pids[kind]}/-/h5"
        if case.name == "group":
            return f"{root}/meta?path={case.path}"
        chosen = f"&selection={selection}" if selection else ""
        return f"{root}/data?path={case.path}&format=bin{chosen}"


class H5grove:
    """h5grove's own server."""

    name = "h5grove"

    def __init__(self, base: str) -> None:
        self.base = base

    def url(self, kind: str, case: Case, selection: str) -> str:
        """Return where a question is asked."""
        if case.name == "group":
            return f"{self.base}/meta?file={kind}.h5&path={case.path}"
        chosen = f"&selection={selection}" if selection else ""
        return f"{self.base}/data?file={kind}.h5&path={case.path}&format=bin{chosen}"


class Tiled:
    """tiled, which serves a folder."""

    name = "tiled"

    def __init__(self, base: str) -> None:
        self.base = base

    def url(self, kind: str, case: Case, selection: str) -> str:
        """Return where a question is asked."""
        if case.name == "group":
            return f"{self.base}/api/v1/search/{kind}{case.path}?page[limit]=50"
        chosen = f"&slice={selection}" if selection else ""
        accept = "format=application/octet-stream"
        return f"{self.base}/api/v1/array/full/{kind}{case.path}?{accept}{chosen}"


@contextmanager
def panosc(work: Path, files: Path) -> Iterator[Panosc]:
    program = str(Path(sys.executable).with_name("panosc"))
    home = work / "home"
    home.mkdir(exist_ok=True)
    home.chmod(0o755)
    _lift_budgets(home / "policies")
    subprocess.run(
        [program, "ingest", str(files), "--home", str(home)], check=True, capture_output=True
    )
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [program, "serve", "--home", str(home), "--port", str(port), "--workers", "2"]
    with running(command, f"{base}/-/ready", work / "panosc.log"):
        found = httpx.get(f"{base}/panosc-api/Datasets", trust_env=False, timeout=60).json()
        pids = {item["title"].removesuffix(".h5"): item["pid"] for item in found}
        yield Panosc(base, pids)


def _lift_budgets(folder: Path) -> None:
    """Let one address ask more in a minute than a person does in a day."""
    example = EXAMPLES / "panosc-public.yaml"
    folder.mkdir(exist_ok=True)
    (folder / example.name).write_text(
        re.sub(r"(requests|bytes)_per_day: \d+", r"\1_per_day: null", example.read_text())
    )


@contextmanager
def h5grove(work: Path, files: Path) -> Iterator[H5grove]:
    (work / "h5grove_app.py").write_text(
        "import os\n"
        "from fastapi import FastAPI\n"
        "from h5grove.fastapi_utils import router, settings\n"
        "settings.base_dir = os.environ['H5_FILES']\n"
        "app = FastAPI()\n"
        "app.include_router(router)\n"
    )
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    options = ["--workers", "2", "--no-access-log", "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "h5grove_app:app", "--port", str(port), *options]
    env = {"H5_FILES": str(files), "PYTHONPATH": str(work)}
    with running(command, f"{base}/", work / "h5grove.log", **env):
        yield H5grove(base)


@contextmanager
def tiled(work: Path, files: Path) -> Iterator[Tiled]:
    venv = work / "tiled-0.2"
    if not (venv / "bin" / "tiled").exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run(
            [
                *(str(venv / "bin" / "python"), "-m", "pip", "install", "-q"),
                *("tiled[server]>=0.2,<0.3", "h5py", "hdf5plugin"),
            ],
            check=True,
        )
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    # two processes: tiled serves by uvicorn, which is told how many
    command = [str(venv / "bin" / "tiled"), "serve", "directory", str(files), "--public"]
    command += ["--port", str(port), "--host", "127.0.0.1"]
    with running(command, f"{base}/api/v1/", work / "tiled.log", WEB_CONCURRENCY="2"):
        yield Tiled(base)


# ---- h5py itself ----


def _reads(path: Path, case: Case, seconds: float, answer: Any) -> None:
    with h5py.File(path) as file:
        node = file[case.path]
        done, started = 0, time.perf_counter()
        while time.perf_counter() < started + seconds:
            for selection in case.selections:
                if case.name == "group":
                    for child in node.values():
                        _ = (child.shape, child.dtype, dict(child.attrs))
                else:
                    _ = node[case.index(selection)]
                done += 1
                if time.perf_counter() > started + seconds:
                    break
        answer.put(done / (time.perf_counter() - started))


def by_h5py(path: Path, case: Case, processes: int, seconds: float) -> float:
    """Return how many reads a second so many processes do."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [
        context.Process(target=_reads, args=(path, case, seconds, answers))
        for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    total = sum(answers.get() for _ in workers)
    for worker in workers:
        worker.join()
    return float(total)


# ---- the comparison ----


def is_right(server: Any, kind: str, case: Case, files: Path, rate: Rate) -> bool:
    """Whether the first answer is what h5py reads."""
    if case.name == "group":
        return server.name == "tiled" or len(json.loads(rate.first)["children"]) == 50
    with h5py.File(files / f"{kind}.h5") as file:
        return bool(rate.first == file[case.path][case.index(case.selections[0])].tobytes())


def compare(servers: list[Any], files: Path, seconds: float) -> int:
    """Print the table; return how many answers were wrong."""
    wrong = 0
    print(f"{'':<22}{'clients':>8}" + "".join(f"{one.name:>11}" for one in servers), end="")
    print(f"{'h5py':>11}{'h5py 8':>11}{'to h5grove':>12}{'target':>8}")
    for kind in KINDS:
        for case in cases():
            local = [by_h5py(files / f"{kind}.h5", case, count, seconds) for count in CLIENTS]
            for clients in CLIENTS:
                rates: dict[str, float] = {}
                for server in servers:
                    urls = [server.url(kind, case, selection) for selection in case.selections]
                    rate = hammer(urls, clients, seconds)
                    rates[server.name] = rate.a_second
                    if not is_right(server, kind, case, files, rate):
                        print(f"WRONG {server.name} {kind} {case.name}")
                        wrong += 1
                ratio = rates["panosc"] / rates["h5grove"]
                is_target = clients == 8 and (kind == "bitshuffle" or case.name != "pixel")
                target = TARGETS[case.name] if is_target else None
                mark = "" if target is None or ratio >= target else "  BELOW"
                print(
                    f"{kind + ' ' + case.name:<22}{clients:>8}"
                    + "".join(f"{rates[one.name]:>11.0f}" for one in servers)
                    + "".join(f"{item:>11.0f}" for item in local)
                    + f"{ratio:>12.1f}{target or '':>8}{mark}",
                    flush=True,
                )
    return wrong


def beside_slow(server: Panosc, seconds: float) -> None:
    """Print how long small reads take, alone and beside four slow slices."""
    small = Case(name="8 kB", path=SMALL)
    url = server.url("bitshuffle", small, "")
    idle = hammer([url], 1, seconds)
    slow = [
        server.url("gzip", Case(name="pixel", path=STACK), f":,{512 + number},{100 + number}")
        for number in range(4)
    ]
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=hammer, args=([url], 1, seconds * 4)) for url in slow]
    for other in others:
        other.start()
    time.sleep(seconds / 2)
    busy = hammer([url], 1, seconds * 2)
    for other in others:
        other.terminate()
        other.join()
    print(
        f"8 kB beside four slow slices: p95 {busy.p95_ms:.1f} ms, alone {idle.p95_ms:.1f} ms: "
        f"{busy.p95_ms / idle.p95_ms:.1f} times (at most 10)"
    )


def pass_through(server: Panosc, files: Path, work: Path, seconds: float) -> None:
    """Print how fast compressed chunks are passed on, beside ranges of nginx."""
    program = shutil.which("nginx")
    if program is None:
        print("chunks as they are: there is no nginx here to compare with")
        return
    port = free_port()
    (work / "nginx.conf").write_text(
        f"worker_processes 2; daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err;\n"
        f"events {{}} http {{ access_log off; sendfile on; tcp_nopush on;\n"
        # it closes a connection after a thousand requests otherwise
        "keepalive_requests 1000000000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {files}; }} }}\n"
    )
    command = [program, "-c", str(work / "nginx.conf"), "-p", str(work)]
    with running(command, f"http://127.0.0.1:{port}/", work / "nginx.log"):
        for kind in KINDS:
            with h5py.File(files / f"{kind}.h5") as file:
                info = file[STACK].id.get_chunk_info(7)
            end = info.byte_offset + info.size - 1
            ranged = f"Range: bytes={info.byte_offset}-{end}\r\n"
            for clients in CLIENTS:
                bare = hammer(
                    [f"http://127.0.0.1:{port}/{kind}.h5"], clients, seconds, headers=ranged
                )
                root = f"{server.base}/datasets/{server.pids[kind]}/-/zarr/{kind}.h5"
                ours = hammer([f"{root}{STACK}/c/7/0/0"], clients, seconds)
                print(
                    f"chunks as they are, {kind}, {clients} clients: {ours.a_second:.0f} a second, "
                    f"nginx {bare.a_second:.0f}: {ours.a_second / bare.a_second:.2f} (at least 0.6)"
                )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, help="where files and programs stay")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--without", choices=["tiled"], help="a peer to leave out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as scratch:
        Path(scratch).chmod(0o755)
        kept = given.keep or Path(scratch)
        files = kept / "data-files"
        make(files)
        work = Path(scratch)
        peers = work if given.keep is None else kept
        with panosc(work, files) as ours, h5grove(work, files) as theirs:
            if given.without == "tiled":
                wrong = compare([ours, theirs], files, given.seconds)
            else:
                with tiled(peers, files) as others:
                    wrong = compare([ours, theirs, others], files, given.seconds)
            beside_slow(ours, given.seconds)
            pass_through(ours, files, work, given.seconds)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
