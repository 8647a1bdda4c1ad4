"""Bytes of a file by offset and size: what reading needs of wherever a file lies."""

import os
from typing import TYPE_CHECKING, Protocol, Self

from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path
    from types import TracebackType


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
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise Unreadable(
                f"it cannot be opened: {error.strerror or error}",
                reason="gone" if isinstance(error, FileNotFoundError) else "read-error",
            ) from error
        self.path = path
        told = os.fstat(self._descriptor)
        self.size = told.st_size
        if size not in {None, told.st_size} or mtime_ns not in {None, bounded_ns(told.st_mtime_ns)}:
            self.close()
            raise Unreadable("it is not as it was registered", reason="changed")
        self.key: Hashable = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)

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
