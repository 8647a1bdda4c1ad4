"""Advisory locks on files: the kernel frees them even when a process is killed.

They are no threads' locks and say nothing about who holds them.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from panosc.domain.errors import Unavailable

PAUSE_S = 0.02

_held: set[int] = set()


def _forget_in_child() -> None:
    """Close inherited locks, so that a forked child does not keep them alive."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_forget_in_child)


def open_lock(path: Path, *, uid: int, gid: int) -> int:
    """Open the file of a lock, making it for `uid` if it is new; links are not followed."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return os.open(path, flags)
        if os.fstat(descriptor).st_uid != uid:
            os.fchown(descriptor, uid, gid)
    except OSError as error:
        raise Unavailable(
            f"The lock {path} cannot be used: {error.strerror}",
            hint="Run panosc as the account that owns its folder, or choose another --home",
        ) from None
    return descriptor


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock if it is free now."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: Path) -> bool:
    """Whether some process holds the lock exclusively."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    _held.add(descriptor)
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        release(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def take(
    path: Path, *, uid: int, gid: int, shared: bool = False, waiting: Callable[[], None]
) -> int:
    """Wait for the lock, calling `waiting` again and again, and return its descriptor."""
    while True:
        descriptor = open_lock(path, uid=uid, gid=gid)
        _held.add(descriptor)
        try:
            while not try_lock(descriptor, shared=shared):
                waiting()
                time.sleep(PAUSE_S)
            if _is_at(path, descriptor):
                return descriptor
        except BaseException:
            release(descriptor)
            raise
        release(descriptor)


def release(descriptor: int) -> None:
    """Give the lock back; nothing happens in a forked child, which does not hold it."""
    if descriptor in _held:
        _held.discard(descriptor)
        os.close(descriptor)


@contextmanager
def held(
    path: Path, *, uid: int, gid: int, shared: bool = False, waiting: Callable[[], None]
) -> Iterator[int]:
    """Hold the lock for a block of code."""
    descriptor = take(path, uid=uid, gid=gid, shared=shared, waiting=waiting)
    try:
        yield descriptor
    finally:
        release(descriptor)
