"""Files of this machine: the very one that was registered is opened, and read by position.

It is opened without following links (`files.apart.strictly`), and compared by its size and time
of change. Nothing is mapped, nothing is kept.
"""

import os
import stat
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from panosc.domain.errors import Unreachable, Unreadable
from panosc.domain.times import bounded_ns
from panosc.files.apart import asking
from panosc.files.apart.strictly import LINKS, Strictly

PIECE: Final = 2**20


class LocalSource:
    """One open file; to be closed or used by ``with``. Threads may share it.

    Parameters
    ----------
    path : str or Path
        Where it is; no folder on the way may be a link (`Strictly`).
    size, mtime_ns : int, optional
        What it was like when it was registered.

    Raises
    ------
    Unreadable
        With the reason ``gone`` when there is no such file, ``changed`` when it is another now.
    """

    is_remote: Final = False

    def __init__(
        self, path: str | Path, *, size: int | None = None, mtime_ns: int | None = None
    ) -> None:
        self.path = os.fspath(path)
        try:
            with Strictly() as strictly:
                self._file = strictly.open(self.path)
        except (OSError, ValueError) as error:
            raise _meant(error) from None
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise Unreadable("There is no file any more where it was registered.", reason="gone")
        self.size = status.st_size
        self.mtime_ns = bounded_ns(status.st_mtime_ns)
        if size not in {None, self.size} or mtime_ns not in {None, self.mtime_ns}:
            self.close()
            raise Unreadable(
                "The file has changed since it was registered.",
                reason="changed",
                hint="Ingest it again.",
            )
        self.key: Hashable = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()

    @property
    def descriptor(self) -> int:
        """Of the open file."""
        return self._file

    def close(self) -> None:
        """Close the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def pread(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes from `offset` on.

        Raises
        ------
        Unreadable
            With the reason ``truncated`` when the file ends before, ``not-reachable`` when the
            disk fails.
        """
        try:
            found = os.pread(self._file, size, offset)
            if len(found) == size:
                return found
            pieces = [found]
            have = len(found)
            while have < size and pieces[-1]:
                # a system call reads 2 GiB at most
                pieces.append(os.pread(self._file, size - have, offset + have))
                have += len(pieces[-1])
        except (OSError, ValueError, OverflowError) as error:
            raise _meant(error) from None
        if have < size:
            raise truncated(offset, size)
        return b"".join(pieces)

    def pread_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return several ranges of (offset, size), one after the other."""
        return [self.pread(offset, size) for offset, size in ranges]

    def stream(self, offset: int = 0, size: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces; without `size` up to the end of the file as it was opened."""
        end = self.size if size is None else offset + size
        while offset < end:
            count = min(PIECE, end - offset)
            yield self.pread(offset, count)
            offset += count

    def again(self) -> Self:
        """Return the same open file once more, to be closed for itself."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._file = os.dup(self._file)
        return other

    def is_same(self) -> bool:
        """Whether the file still is as it was when it was opened."""
        told = os.fstat(self._file)
        return (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns) == self.key

    def state(self, size: int | None, mtime_ns: int | None) -> str | None:
        """Return None when the file is as it was registered, else ``gone`` or ``changed``."""
        return state_of(self.path, size, mtime_ns)


def state_of(path: str, size: int | None, mtime_ns: int | None) -> str | None:
    """Return None when the file at `path` is as it was registered, else ``gone``, ``changed``."""
    try:
        if asking.is_used():
            now = asking.look_there(path)
        else:
            status = os.stat(path)  # noqa: PTH116 - of a path that may be no text
            now = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        return "gone"
    is_same = size in {None, now[0]} and mtime_ns in {None, bounded_ns(now[1])}
    return None if is_same else "changed"


def truncated(offset: int, size: int) -> Unreadable:
    """Return the error for a range that does not lie in the file."""
    return Unreadable(
        f"The file ends before {size} bytes at {offset} were read.", reason="truncated"
    )


def _meant(error: Exception) -> Unreadable:
    if isinstance(error, OSError) and error.errno in LINKS:
        return Unreadable(
            "The file, or a folder above it, is a link to elsewhere, which is not followed.",
            reason="changed",
            hint="Ingest it by its real path.",
        )
    if isinstance(error, (FileNotFoundError, ValueError)):
        return Unreadable("The file is not where it was registered.", reason="gone")
    told = error.strerror if isinstance(error, OSError) else type(error).__name__
    return Unreachable(
        f"The file cannot be read: {told}.",
        hint="Who runs the node: may this account read it, and is its disk well?",
    )
