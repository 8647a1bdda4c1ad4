"""A real Dask scheduler and real worker processes, on loopback."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).parents[2]
PLACES = (TESTS / "ingest" / "readers", TESTS / "files")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PLACES))}
"""Workers know the tasks of these tests."""


class Cluster:
    """The processes; whoever has opened it may kill them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.scheduler = self._start(
            "dask_scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--no-jupyter"
        )
        deadline = time.monotonic() + 30
        while not self.file.exists() or not self.file.stat().st_size:
            assert self.scheduler.poll() is None, self.said("dask_scheduler")
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text("utf-8"))["address"])

    def add_worker(self) -> "subprocess.Popen[bytes]":
        options = ("--no-nanny", "--nthreads", "1", "--memory-limit", "0")
        process = self._start("dask_worker", *options, "--local-directory", str(self.folder))
        self.workers.append(process)
        return process

    def said(self, program: str) -> str:
        return (self.folder / f"{program}.log").read_text("utf-8")

    def _start(self, program: str, *options: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard"]
        where = ["--host", "127.0.0.1", "--scheduler-file", str(self.file)]
        with (self.folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [*command, *where, *options], env=ENVIRONMENT, stdout=log, stderr=log
            )

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path, *, workers: int) -> Iterator[Cluster]:
    folder.mkdir(parents=True)
    it = Cluster(folder)
    try:
        for _ in range(workers):
            it.add_worker()
        yield it
    finally:
        it.close()
