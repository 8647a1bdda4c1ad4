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
