"""Writes a ZIP as it is sent: stored, in constant memory, its size known before it begins.

Our own, as no library fits. zipfile and zipstream-ng (LGPL) cannot tell the size beforehand
together with ZIP64 and ranges; stream-zip (MIT) holds each stored file in memory, for it writes
the checksum before the file. Here the checksum follows the file (a data descriptor), so every
offset depends on names and sizes alone: `size_of` is exact, and any part can be sent without
the others. ZIP64 is used where the numbers need it and not elsewhere, for the sake of old readers.
"""

import struct
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from panosc.data.downloads.opening import Block, Broken

try:
    from isal.isal_zlib import crc32
except ImportError:
    # not built for this processor: ten times slower, and still faster than a disk
    from zlib import crc32

LIMIT: int = 0xFFFFFFFF
"""Sizes and offsets from here on need ZIP64."""
MANY: int = 0xFFFF
LIMIT32: Final = 0xFFFFFFFF
MANY16: Final = 0xFFFF
_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_CENTRAL: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<IHHHHIIH")
_END_64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<IIQI")
_TIME: Final = struct.Struct("<HHBi")
_FLAGS: Final = 1 << 3 | 1 << 11
"""The checksum follows; names are UTF-8."""
_PLAIN, _LARGE, _UNIX = 20, 45, 3 << 8
_FILE_MODE: Final = 0o100644 << 16
_READ: Final = 1 << 18
_FIRST_YEAR: Final = 1980


@dataclass(slots=True, kw_only=True)
class Entry:
    """A file of an archive: `read` yields exactly `size` bytes, and may raise `Broken`."""

    name: bytes
    size: int
    mtime_s: int
    read: Callable[[], Iterator[bytes | Block]]
    crc: int | None = None
    """What its checksum is known to be; found when it is read."""
    keep: Callable[[int], None] | None = None
    """Told of the checksum that was found."""

    @property
    def is_large(self) -> bool:
        """Whether its sizes need ZIP64."""
        return self.size >= LIMIT

    @property
    def head_size(self) -> int:
        """Bytes before its content."""
        return _LOCAL.size + len(self.name) + _TIME.size + (20 if self.is_large else 0)

    @property
    def tail_size(self) -> int:
        """Bytes after its content."""
        return 24 if self.is_large else 16

    def head(self) -> bytes:
        """Return what stands before the content."""
        large = struct.pack("<HHQQ", 1, 16, 0, 0) if self.is_large else b""
        size = LIMIT32 if self.is_large else 0
        extra = large + self._time()
        version = _LARGE if self.is_large else _PLAIN
        return (
            _LOCAL.pack(
                0x04034B50, version, _FLAGS, 0, *self._dos(), 0, size, size,
                len(self.name), len(extra),
            )
            + self.name
            + extra
        )  # fmt: skip

    def tail(self, crc: int) -> bytes:
        """Return what stands after the content."""
        layout = "<IIQQ" if self.is_large else "<IIII"
        return struct.pack(layout, 0x08074B50, crc, self.size, self.size)

    def central(self, offset: int, crc: int) -> bytes:
        """Return its line of the table at the end."""
        sizes = (self.size, self.size) if self.is_large else ()
        offsets = (offset,) if offset >= LIMIT else ()
        numbers = (*sizes, *offsets)
        wide = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        extra = wide + self._time()
        version = _LARGE if numbers else _PLAIN
        size = LIMIT32 if sizes else self.size
        return (
            _CENTRAL.pack(
                0x02014B50, _UNIX | version, version, _FLAGS, 0, *self._dos(), crc, size, size,
                len(self.name), len(extra), 0, 0, 0, _FILE_MODE, LIMIT32 if offsets else offset,
            )
            + self.name
            + extra
        )  # fmt: skip

    def central_size(self, offset: int) -> int:
        """Return how long that line is."""
        wide = (16 if self.is_large else 0) + (8 if offset >= LIMIT else 0)
        return _CENTRAL.size + len(self.name) + _TIME.size + (4 + wide if wide else 0)

    def _time(self) -> bytes:
        seconds = min(max(self.mtime_s, -(2**31)), 2**31 - 1)
        return _TIME.pack(0x5455, 5, 1, seconds)

    def _dos(self) -> tuple[int, int]:
        """Return time and day as MS-DOS had them, in UTC: the exact time is in the extra field."""
        seconds = min(max(self.mtime_s, 0), 2**32 - 1)
        at = datetime.fromtimestamp(seconds, UTC)
        if at.year < _FIRST_YEAR:
            return 0, 1 << 5 | 1
        day = (at.year - _FIRST_YEAR) << 9 | at.month << 5 | at.day
        return at.hour << 11 | at.minute << 5 | at.second >> 1, day


def size_of(entries: Sequence[Entry]) -> int:
    """Return the exact size of the archive of `entries`."""
    offset = table = 0
    for entry in entries:
        table += entry.central_size(offset)
        offset += entry.head_size + entry.size + entry.tail_size
    return offset + table + len(_ending(len(entries), offset, table))


def write(
    entries: Sequence[Entry], *, start: int = 0, stop: int | None = None
) -> Generator[bytes | Block, None, None]:
    """Yield the archive from byte `start` up to `stop`, in pieces as they come.

    Blocks are closed by whoever gets them.

    A file that is not asked for is read all the same when its checksum is not known and the
    table at the end is asked for.

    Raises
    ------
    Broken
        If a file is not what it was said to be.
    """
    writer = _Writer(start=start, stop=size_of(entries) if stop is None else stop)
    offsets = []
    for entry in entries:
        offsets.append(writer.at)
        yield from writer.entry(entry)
        if writer.is_done:
            return
    table = writer.at
    for entry, offset in zip(entries, offsets, strict=True):
        yield from writer.add(entry.central(offset, entry.crc or 0))
    yield from writer.add(_ending(len(entries), table, writer.at - table))


@dataclass(slots=True, kw_only=True)
class _Writer:
    """Counts what is written, and lets through what is asked for."""

    start: int
    stop: int
    at: int = 0
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_READ)))
    """What is read for a checksum alone comes to the same place, which stays in the cache."""

    @property
    def is_done(self) -> bool:
        return self.at >= self.stop

    def entry(self, entry: Entry) -> Iterator[bytes | Block]:
        yield from self.add(entry.head())
        end = self.at + entry.size
        is_asked = self.start < end + entry.tail_size and self.at < self.stop
        if self.at >= self.stop or (entry.crc is not None and not is_asked):
            self.at = end
        else:
            yield from self._content(entry)
        yield from self.add(entry.tail(entry.crc or 0))

    def _content(self, entry: Entry) -> Iterator[bytes | Block]:
        crc, end = 0, self.at + entry.size
        for block in entry.read():
            is_longer = self.at + len(block) > end
            if is_longer and isinstance(block, Block):
                block.close()
            if is_longer:
                raise Broken(f"{entry.name.decode()} is longer than it was")
            if isinstance(block, Block):
                crc = yield from self._block(block, crc)
            else:
                crc = crc32(block, crc)
                yield from self.add(block)
        if self.at != end:
            raise Broken(f"{entry.name.decode()} is shorter than it was")
        entry.crc = crc
        if entry.keep is not None:
            entry.keep(crc)

    def _block(self, block: Block, crc: int) -> Generator[bytes | Block, None, int]:
        """Read a block for its checksum; pass it on if all of it is asked for."""
        is_whole = self.start <= self.at and self.at + len(block) <= self.stop
        with ExitStack() as held:
            held.callback(block.close)
            for piece in block.read(self.buffer):
                crc = crc32(piece, crc)
                if not is_whole:
                    yield from self.add(bytes(piece))
            if is_whole:
                held.pop_all()
        if is_whole:
            self.at += len(block)
            yield block
        return crc

    def add(self, piece: bytes) -> Iterator[bytes]:
        first, last = max(0, self.start - self.at), min(len(piece), self.stop - self.at)
        self.at += len(piece)
        if first < last:
            yield piece if last - first == len(piece) else piece[first:last]


def _ending(count: int, offset: int, table: int) -> bytes:
    """Return the end of the archive, whose table begins at `offset` and has `table` bytes."""
    wide = b""
    if count >= MANY or offset >= LIMIT or table >= LIMIT:
        wide = _END_64.pack(
            0x06064B50, 44, _UNIX | _LARGE, _LARGE, 0, 0, count, count, table, offset
        ) + _LOCATOR.pack(0x07064B50, 0, offset + table, 1)
    number = MANY16 if count >= MANY else count
    return wide + _END.pack(
        0x06054B50, 0, 0, number, number,
        LIMIT32 if table >= LIMIT else table, LIMIT32 if offset >= LIMIT else offset, 0,
    )  # fmt: skip
