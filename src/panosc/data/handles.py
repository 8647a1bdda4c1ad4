"""Files that were opened a moment ago, for values that are in the machine's memory already.

Opening a file and handing the work to a thread takes longer than reading eight kilobytes that the
operating system has at hand. Such a read never waits: what is not at hand is left to a thread, and
so is everything where the system cannot be asked for just what it has (only Linux can).
"""

import os
import sys
import time
from collections import OrderedDict
from typing import Final

from panosc.data.reader import File
from panosc.files.storage.local import LocalSource

CHECKED_S: Final = 1.0
"""How long a file is taken for what it was when it was last opened."""
MOST: Final = 64
_AT_HAND: Final[int | None] = getattr(os, "RWF_NOWAIT", None) if sys.platform == "linux" else None


class AtHand:
    """The part of a file that is in memory; reading anything else raises `BlockingIOError`."""

    key = None

    def __init__(self, source: LocalSource) -> None:
        self.size = source.size
        self._descriptor = source.descriptor
        self.is_same = source.is_same
        """Whether it still is as it was opened; to be asked after reading."""

    def pread(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` on, as far as they are at hand."""
        found = bytearray(size)
        count = os.preadv(self._descriptor, [found], offset, _AT_HAND or 0)
        return bytes(found[:count])


class Handles:
    """Open files; used by one thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[File, tuple[float, LocalSource]] = OrderedDict()

    def get(self, file: File) -> AtHand | None:
        """Return what is at hand of a file that was opened a moment ago."""
        source = self.source(file)
        return None if _AT_HAND is None or source is None else AtHand(source)

    def source(self, file: File) -> LocalSource | None:
        """Return a file that was opened a moment ago; not to be closed."""
        found = self._open.get(file)
        if found is None:
            return None
        until, source = found
        if until < time.monotonic():
            del self._open[file]
            source.close()
            return None
        return source

    def keep(self, file: File, source: LocalSource) -> None:
        """Keep a file that has just been opened, and found to be as it was registered."""
        before = self._open.pop(file, None)
        if before is not None:
            before[1].close()
        self._open[file] = (time.monotonic() + CHECKED_S, source)
        while len(self._open) > MOST:
            _, (_, dropped) = self._open.popitem(last=False)
            dropped.close()

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1][1].close()
