"""Tasks for the processes of lanes."""

import os
import signal
import time
from pathlib import Path

from panosc.domain.errors import Unreadable
from panosc.files.sandbox import Outcome, Shared, share


def echo(size: int, letter: bytes = b"x") -> Shared:
    return share(letter * size)


def parts() -> Shared:
    return share(b"ab", b"", memoryview(b"cd"))


def number() -> int:
    return os.getpid()


def refuse() -> None:
    raise Unreadable("there is nothing to read", reason="nothing")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str) -> Shared:
    """End the process at the first call; the marker tells that it was one."""
    if not Path(marker).exists():
        # no file may be written here, but a folder may be made
        Path(marker).mkdir()
        die()
    return share(b"again")


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def lie() -> Shared:
    return Shared(size=1 << 40)


def talk() -> object:
    return Outcome(value=object())


def status() -> str:
    """Return what the system tells of this process."""
    return Path("/proc/self/status").read_text("ascii")


def shrink_memory() -> None:
    """Take away the memory that the other process looks into."""
    for descriptor in Path("/proc/self/fd").iterdir():
        if descriptor.is_symlink() and "memfd:panosc" in str(descriptor.readlink()):
            os.truncate(int(descriptor.name), 0)


def write_to(path: str) -> None:
    with Path(path).open("wb") as file:
        file.write(b"x")
