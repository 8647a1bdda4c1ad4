"""Tasks for a worker on a file system where opening a file takes long."""

import os
import threading
import time

from panosc.files import gulps

OPEN_S = 0.03
_real = os.open
_lock = threading.Lock()
_now = [0]
_most = [0]


def _slowly(path: str, *arguments: int) -> int:
    with _lock:
        _now[0] += 1
        _most[0] = max(_most[0], _now[0])
    time.sleep(OPEN_S)
    with _lock:
        _now[0] -= 1
    return _real(path, *arguments)


def length(path: str, size: int, mtime_ns: int) -> int:
    os.open = _slowly  # type: ignore[assignment]
    return len(gulps.take(path, size, mtime_ns))


def quick_length(path: str, size: int, mtime_ns: int) -> int:
    os.open = _real
    return len(gulps.take(path, size, mtime_ns))


def most_at_once(*_: object) -> int:
    return _most[0]
