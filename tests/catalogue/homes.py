"""What tests of the embedded server ask of the system: who runs for a home, and other users."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from panosc.catalogue.embedded import postmaster

PROGRAM = Path(__file__).with_name("node_user.py")


def processes(home: Path) -> dict[int, str]:
    """Return the processes that work in the home's cluster or name it, but for this one."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            working = str((entry / "cwd").readlink())
        except OSError:
            continue
        if str(home) in words or working.startswith(str(home)):
            found[int(entry.name)] = words
    return found


def until(true: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def server_pid(home: Path) -> int:
    """Return the number of the server's main process."""
    there = postmaster.living(home / "database" / "data")
    assert there is not None
    return there.pid


def watchdog_pid(home: Path) -> int:
    """Return the number of the watchdog."""
    return int((home / "database" / "watchdog.lock").read_text())


def start_user(
    home: Path, *statements: str, prefix: tuple[str, ...] = (), **options: Any
) -> "subprocess.Popen[str]":
    """Start another user of the home's server."""
    return subprocess.Popen(
        [*prefix, sys.executable, str(PROGRAM), str(home), *statements],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def another_user(
    home: Path, *statements: str, prefix: tuple[str, ...] = (), **options: Any
) -> Iterator["subprocess.Popen[str]"]:
    """Run another user of the home's server that is ready, and end it."""
    with start_user(home, *statements, prefix=prefix, **options) as user:
        assert user.stdout is not None
        assert user.stderr is not None
        try:
            assert user.stdout.readline() == "ready\n", user.stderr.read()
            yield user
        finally:
            if user.poll() is None:
                user.communicate()
