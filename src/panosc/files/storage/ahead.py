"""Fewer requests for readings that are many and small: blocks that are kept, ranges read ahead."""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from panosc.files.storage.local import truncated

if TYPE_CHECKING:
    from panosc.files.storage.opening import Source

BLOCK: Final = 2**20
BLOCKS: Final = 32
WINDOW: Final = 32 * 2**20
"""Bytes that are read ahead at once."""


class Blocks:
    """Reads a source by blocks, and keeps the last ones; threads may share it.

    Parameters
    ----------
    source : Source
    block : int
        Bytes of one block.
    blocks : int
        How many are kept.
    """

    def __init__(self, source: "Source", *, block: int = BLOCK, blocks: int = BLOCKS) -> None:
        self.size = source.size
        self._source = source
        self._block, self._most = block, blocks
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def pread(self, offset: int, size: int) -> bytes:
        """Return exactly that range; what is longer than two blocks is read past them."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise truncated(offset, size)
        if size > 2 * self._block:
            return self._source.pread(offset, size)
        pieces = []
        while size:
            number, begin = divmod(offset, self._block)
            piece = self._read(number)[begin : begin + size]
            pieces.append(piece)
            offset, size = offset + len(piece), size - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read(self, number: int) -> bytes:
        with self._lock:
            found = self._kept.get(number)
            if found is None:
                begin = number * self._block
                found = self._source.pread(begin, min(self._block, self.size - begin))
                self._kept[number] = found
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(number)
            return found


class Ahead:
    """A source of which it is known what will be read: those ranges come several at a time.

    Parameters
    ----------
    source : Source
        It is closed with this.
    ranges : sequence of (offset, size)
        In the order in which they will be read, more or less.
    window : int
        Bytes that are read ahead, and held, at most; a single range may be longer.
    """

    def __init__(
        self, source: "Source", ranges: Sequence[tuple[int, int]], *, window: int = WINDOW
    ) -> None:
        self.size = source.size
        self._source = source
        self._blocks = Blocks(source)
        self._windows = _windows(ranges, window)
        ordered = sorted(
            (offset, size, number)
            for number, some in enumerate(self._windows)
            for offset, size in some
        )
        self._starts = [offset for offset, _, _ in ordered]
        self._ordered = ordered
        self._held: dict[int, bytes] = {}
        self._number = -1

    @property
    def key(self) -> Hashable:
        """What tells this content from all others."""
        return self._source.key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the source."""
        self._held.clear()
        self._source.close()

    def pread(self, offset: int, size: int) -> bytes:
        """Return exactly that range."""
        place = bisect_right(self._starts, offset) - 1
        if place >= 0:
            start, length, number = self._ordered[place]
            begin = offset - start
            # of a range of which little is wanted the rest need not come
            if begin + size <= length and 2 * size >= length:
                if number != self._number:
                    self._load(number)
                held = self._held[start]
                return held if size == len(held) else held[begin : begin + size]
        return self._blocks.pread(offset, size)

    def _load(self, number: int) -> None:
        self._held.clear()
        some = self._windows[number]
        read = self._source.pread_many(some)
        self._held = {offset: data for (offset, _), data in zip(some, read, strict=True)}
        self._number = number


def _windows(ranges: Sequence[tuple[int, int]], window: int) -> list[list[tuple[int, int]]]:
    found: list[list[tuple[int, int]]] = []
    held = 0
    for offset, size in dict.fromkeys(ranges):
        if not found or held + size > window:
            found.append([])
            held = 0
        found[-1].append((offset, size))
        held += size
    return found
