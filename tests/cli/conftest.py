"""A node of its own for commands run as a user runs them: as processes."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class Node:
    """A home, and the commands run on it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.started: list[subprocess.Popen[str]] = []

    def environment(self) -> dict[str, str]:
        """Return the environment without settings from outside."""
        return {key: value for key, value in os.environ.items() if not key.startswith("PANOSC_")}

    def command(self, *words: str) -> list[str]:
        """Return the command line of ``panosc WORDS`` on this node."""
        return [str(Path(sys.executable).with_name("panosc")), *words, "--home", str(self.home)]

    def run(self, *words: str, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run ``panosc WORDS`` to its end."""
        return subprocess.run(
            self.command(*words),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment(),
        )

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start ``panosc WORDS`` in a session of its own, as a terminal would."""
        process = subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """Let nothing that was started go on, and close its pipes."""
        for process in self.started:
            process.kill()
            process.communicate()

    def processes(self) -> list[int]:
        """Return the processes that have this home on their command line or as their folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                folder = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(self.home) in command or folder.startswith(str(self.home)):
                found.append(int(entry.name))
        return found


@pytest.fixture
def node(open_folder: Path) -> Iterator[Node]:
    """A new node's home, where the server's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="node-", dir=open_folder))
    folder.chmod(0o755)
    found = Node(folder / "home")
    yield found
    found.close()
    shutil.rmtree(folder, ignore_errors=True)
