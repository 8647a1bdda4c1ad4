"""Parts of a file, read where they lie: bounded together, and never the whole file."""

import os
from types import TracebackType
from typing import Self

from panosc.ingest.formats import Source

WINDOW = 65_536
"""Longest header that is looked at."""
FARTHEST = 2**62
"""No file reaches so far, and systems refuse to look there."""
WHOLE_HEAD = 4096
"""So much of `Source.head` is sure to be there for files that are not held in memory."""


class Window:
    """Reads parts of one file from memory or from disk, up to a limit; use it with `with`."""

    def __init__(self, source: Source, *, limit: int = 2**20) -> None:
        self._source = source
        self._left = limit
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        if self._source.content is not None:
            return len(self._source.content)
        return os.fstat(self._open()).st_size

    def part(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`; fewer where the file or the limit ends."""
        length = min(length, self._left)
        if length <= 0 or not 0 <= offset < FARTHEST:
            return b""
        self._left -= length
        content = self._source.content
        if content is not None:
            return content[offset : offset + length]
        if offset + length <= WHOLE_HEAD:
            return self._source.head[offset : offset + length]
        return os.pread(self._open(), length, offset)

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._descriptor = os.open(self._source.path, flags)
        return self._descriptor


def head_of(source: Source, length: int = WINDOW) -> bytes:
    """Return the first bytes of a file."""
    with Window(source, limit=length) as window:
        return window.part(0, length)
