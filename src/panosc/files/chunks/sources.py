"""Bytes of a file by offset and size: what reading needs of wherever a file lies."""

import errno
import os
import stat
from typing import TYPE_CHECKING, Final, Protocol, Self

from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from pathlib import Path
    from types import TracebackType


_STEP: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINKS: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


class Source(Protocol):
    """A file, wherever it lies, of which any part can be read.

    It may have a `key`, too, a hashable value that tells it from all others and from itself
    once it was changed; without one nothing of it is remembered between two reads.
    """

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    def pread(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` on; fewer where the file ends."""
        ...


class LocalSource:
    """A file of this machine, open as long as this is; to be closed or used by ``with``.

    No folder on the way to it may be a symbolic link (`open_strictly`).

    Parameters
    ----------
    path : str or Path
        Where it lies.
    size, mtime_ns : int, optional
        What it was like when it was registered; a file that is not like that any more is refused.

    Raises
    ------
    Unreadable
        ``gone`` when it is not there, ``changed`` when it is another now.
    """

    def __init__(
        self, path: "str | Path", *, size: int | None = None, mtime_ns: int | None = None
    ) -> None:
        try:
            self._descriptor = open_strictly(os.fspath(path))
        except OSError as error:
            raise Unreadable(
                f"it cannot be opened: {error.strerror or error}",
                reason="changed" if error.errno in _LINKS else "gone",
            ) from error
        self.path = path
        told = os.fstat(self._descriptor)
        self.size = told.st_size
        if not stat.S_ISREG(told.st_mode):
            self.close()
            raise Unreadable("it is no file", reason="gone")
        if size not in {None, told.st_size} or mtime_ns not in {None, bounded_ns(told.st_mtime_ns)}:
            self.close()
            raise Unreadable("it is not as it was registered", reason="changed")
        self.key: Hashable = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)

    @property
    def descriptor(self) -> int:
        """Of the open file."""
        return self._descriptor

    def pread(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` on; fewer where the file ends."""
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise Unreadable(
                f"it cannot be read: {error.strerror or error}", reason="read-error"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()


def open_strictly(path: str) -> int:
    """Open a file for reading without following links, and return the descriptor.

    Whoever owns a folder may swap a file, or a folder above it, for a link to something that only
    the node may read. A file that is itself a link is followed within its own folder, and elsewhere
    only to what belongs to whoever owns the link.

    Raises
    ------
    OSError
    """
    steps = [step for step in os.path.abspath(path).split("/") if step]  # noqa: PTH100 - no links
    if not steps:
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder = _descend(steps[:-1])
    try:
        try:
            return os.open(steps[-1], _FILE, dir_fd=folder)
        except OSError as error:
            if error.errno not in _LINKS:
                raise
        owner = os.stat(steps[-1], dir_fd=folder, follow_symlinks=False).st_uid
        near = "/" + "/".join((*steps[:-1], ""))
        real = os.path.realpath("/" + "/".join(steps))
    finally:
        os.close(folder)
    *above, last = real.strip("/").split("/")
    folder = _descend(above)
    try:
        descriptor = os.open(last, _FILE, dir_fd=folder)
    finally:
        os.close(folder)
    if not real.startswith(near) and os.fstat(descriptor).st_uid != owner:
        os.close(descriptor)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return descriptor


def _descend(steps: "Sequence[str]") -> int:
    """Open a folder, step by step from the root; no step may be a link."""
    handle = os.open("/", _STEP)
    for step in steps:
        try:
            below = os.open(step, _STEP, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def read_exactly(source: Source, offset: int, size: int) -> bytes:
    """Return `size` bytes from `offset` on.

    Raises
    ------
    Unreadable
        Of reason ``truncated``, when the file does not reach that far.
    """
    if offset < 0 or size < 0 or offset + size > source.size:
        raise Unreadable(
            f"it has {source.size} bytes, and {size} from {offset} on are wanted",
            reason="truncated",
        )
    found = source.pread(offset, size)
    while 0 < len(found) < size:
        # a system call reads 2 GiB at most
        more = source.pread(offset + len(found), size - len(found))
        if not more:
            break
        found += more
    if len(found) != size:
        raise Unreadable(
            f"only {len(found)} of {size} bytes from {offset} on are there", reason="truncated"
        )
    return found
