"""Small files read in one gulp, and, where each call takes long, many of them at once.

A gulp is five calls: open, fstat, read, fstat, close. On a network file system each waits for
another machine. A worker that is told which files come next lets all of them wait together.
"""

import ctypes
import os
import stat
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, Final

from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns

MOST_BYTES: Final = 2**20
"""Files up to this size are read in one gulp."""
AT_ONCE: Final = 16
"""Files that one worker waits for at the same time; as many as come in one message."""
SLOW_OPEN_S: Final = 0.001
"""Opening a file takes longer, in seconds, only where each call waits for another machine."""
SLOW_OPENS: Final = 3
"""So many of them in a row tell that it is so."""
_STACK_BYTES: Final = 256 * 1024
_M_ARENA_MAX: Final = -8

_Key = tuple[str, int, int]


class _Ahead:
    """What this process waits for already."""

    def __init__(self) -> None:
        self.slow_opens = 0
        self.fetched: dict[_Key, Future[tuple[bytes, bool]]] = {}
        self.threads: ThreadPoolExecutor | None = None


_ahead = _Ahead()


def expect(tasks: Iterable[tuple[Any, ...]]) -> None:
    """Begin to read the files that `take` will be asked for: path, size, time of change."""
    if _ahead.slow_opens < SLOW_OPENS:
        return
    if _ahead.threads is None:
        _ahead.threads = _small_threads()
    _ahead.fetched.clear()
    # the first is read by whoever asks for it, who notices when calls are slow no more
    for path, size, mtime_ns, *_ in islice(tasks, 1, None):
        if size <= MOST_BYTES:
            key = (path, size, mtime_ns)
            _ahead.fetched[key] = _ahead.threads.submit(_gulp, *key)


def _small_threads() -> ThreadPoolExecutor:
    """Return threads that take little of the address space that a worker may have."""
    if sys.platform == "linux":
        # each thread would set 64 MB aside for what it allocates
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    threading.stack_size(_STACK_BYTES)
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="panosc-gulp")


def take(path: str, size: int, mtime_ns: int) -> bytes:
    """Return all of a small file.

    Raises
    ------
    Unreadable
        When it cannot be opened, or is not what it was when it was found.
    """
    future = _ahead.fetched.pop((path, size, mtime_ns), None)
    if future is not None:
        return future.result()[0]
    content, is_slow = _gulp(path, size, mtime_ns)
    _ahead.slow_opens = _ahead.slow_opens + 1 if is_slow else 0
    return content


def _gulp(path: str, size: int, mtime_ns: int) -> tuple[bytes, bool]:
    descriptor, is_slow = open_file(path)
    try:
        require_same(descriptor, size, mtime_ns)
        content = read_all(descriptor, size)
        require_same(descriptor, size, mtime_ns)
    except OSError as error:
        raise Unreadable(f"reading it failed: {error.strerror}", reason="not-openable") from error
    finally:
        os.close(descriptor)
    return content, is_slow


def open_file(path: str) -> tuple[int, bool]:
    """Return a descriptor of a file to be read, and whether opening it took long.

    Raises
    ------
    Unreadable
    """
    begun = time.perf_counter()
    try:
        # never block on a pipe, never follow what was a file when the folder was listed
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {error.strerror}", reason="not-openable") from error
    return descriptor, time.perf_counter() - begun > SLOW_OPEN_S


def require_same(descriptor: int, size: int, mtime_ns: int) -> None:
    """Refuse a file that is not what it was when it was found.

    Raises
    ------
    Unreadable
    """
    now = os.fstat(descriptor)
    if not stat.S_ISREG(now.st_mode):
        raise Unreadable("it is not a regular file", reason="special-file")
    if (now.st_size, bounded_ns(now.st_mtime_ns)) != (size, mtime_ns):
        raise Unreadable("it changes while it is read; run again later", reason="changing")


def read_all(descriptor: int, size: int) -> bytes:
    """Return `size` bytes, or less where the file has become shorter."""
    pieces, left = [], size
    while left > 0 and (piece := os.read(descriptor, left)):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
