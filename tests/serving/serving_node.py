"""A node of several web processes, run as an operator runs it, on a database at hand."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

PROGRAM = "panosc.cli.serving.worker"


@dataclass
class Running:
    """`panosc serve` as a process."""

    home: Path
    process: "subprocess.Popen[str]"
    address: str
    log: Path

    def workers(self) -> list[int]:
        """Return the numbers of its web processes."""
        return sorted(pid for pid, words in commands() if PROGRAM in words and self._is_ours(words))

    def left(self) -> list[int]:
        """Return all processes of this node."""
        return sorted(pid for pid, words in commands() if self._is_ours(words))

    def get(self, path: str, **options: object) -> httpx.Response:
        """Ask on a connection of its own, so that any of the processes may answer."""
        return httpx.get(self.address + path, trust_env=False, timeout=30, **options)

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Stop it; return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(40)

    def logged(self, logger: str) -> list[dict]:
        """Return the JSON lines of one logger."""
        lines = [line for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [said for line in lines if (said := json.loads(line))["logger"] == logger]

    def _is_ours(self, words: list[str]) -> bool:
        return str(self.home) in words


def commands() -> Iterator[tuple[int, list[str]]]:
    """Give every process of this machine with the words of its command."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            is_over = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if not is_over:
                yield int(entry.name), words


def until(is_so, *, within_s: float = 20) -> bool:
    """Whether something becomes so."""
    end = time.monotonic() + within_s
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(is_so())


@contextmanager
def running(home: Path, database: str, *words: str, **settings: object) -> Iterator[Running]:
    """Run a node; nothing of it is left at the end."""
    home.mkdir(mode=0o755, parents=True, exist_ok=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (home / "panosc.toml").write_text("\n".join([f"database_url = '{database}'", *lines, ""]))
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PANOSC_")}
    log = home / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("panosc")), "serve", "--port", "0"),
                *("--home", str(home), *words),
            ],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env=kept,
            start_new_session=True,
        )
    found = Running(home=home, process=process, address="", log=log)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://"), log.read_text()
        found.address = line.split()[1]
        yield found
    finally:
        process.kill()
        process.communicate()
        for pid in found.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
