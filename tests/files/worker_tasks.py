"""Tasks for worker processes: well-behaved ones and the others."""

import ctypes
import os
import signal
import time


def double(number: int) -> int:
    return 2 * number


def sometimes_die(number: int) -> int:
    if number % 50 == 7:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number


def late(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def never(*_given: object) -> None:
    time.sleep(1000)


def hang_in_c() -> None:
    # a lock in C that no Python signal handler can break
    ctypes.CDLL(None).sleep(1000)


def greedy(megabytes: int) -> int:
    return len(bytearray(megabytes * 2**20))


def evil() -> object:
    class Evil:
        def __reduce__(self):
            return (os.system, ("touch /tmp/panosc-evil",))

    return Evil()


def identity() -> int:
    return os.getpid()


def write(path: str) -> None:
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"x")
