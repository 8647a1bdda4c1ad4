"""Opens the very file that was registered, and notices when it becomes another one.

How a link is met in the place of a file, `files.storage.local` says. Nothing here opens a file
that is not online.
"""

import os
import stat
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Self

from panosc.data.admitting import Located
from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns
from panosc.files.apart.strictly import LINKS, Strictly
from panosc.files.storage.opening import Source, open_place
from panosc.files.storage.places import Place, Store
from panosc.files.tiers import OnlineFile, online_file

_LONG: Final = 2**19
"""From here on a part of a file in a storage is taken for the begin of a longer one."""
AHEAD: Final = 3
"""Files of a storage that are read before their turn, where many are read in order."""
EARLY: Final = 2**20
"""Most bytes of each of them."""
SMALL: Final = 2**16
"""Less than this is sooner copied than sent from where it lies."""


class Broken(Exception):
    """What is being sent cannot be ended truthfully: the connection has to be broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that was opened and is as it was registered; to be closed."""

    descriptor: int
    size: int
    mtime_ns: int
    name: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)

    def require_same(self) -> None:
        """Refuse a file that has changed.

        Raises
        ------
        Broken
        """
        try:
            now = os.fstat(self.descriptor)
        except OSError as error:
            raise Broken(f"{self.name}: {error.strerror}") from error
        if not _is_same(now, self.size, self.mtime_ns):
            raise Broken(f"{self.name} changed while it was sent")

    def block(self, offset: int, count: int) -> "Block | None":
        """Return a part as it lies; None if it pays more to read it, or too many are open."""
        if count < SMALL:
            return None
        try:
            own = os.dup(self.descriptor)
        except OSError:
            return None
        return Block(opened=replace(self, descriptor=own), offset=offset, count=count)

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes.

        Raises
        ------
        Broken
            If they are not there any more, or the file has changed.
        """
        try:
            found = os.pread(self.descriptor, count, offset)
            while found and len(found) < count:
                more = os.pread(self.descriptor, count - len(found), offset + len(found))
                found = found + more if more else b""
        except OSError as error:
            raise Broken(f"{self.name}: {error.strerror}") from error
        if len(found) < count:
            raise Broken(f"{self.name} changed while it was sent")
        self.require_same()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a file of this machine, to be sent from where it lies; to be closed.

    Whoever sends it asks afterwards whether the file is still the same: what was read for a
    checksum is what was sent then.
    """

    opened: Opened
    offset: int
    count: int

    def __len__(self) -> int:
        return self.count

    def read(self, buffer: memoryview) -> Iterator[memoryview]:
        """Yield its bytes, piece by piece in the same place of memory.

        Raises
        ------
        Broken
            If they are not there any more, or the file has changed.
        """
        at, end = self.offset, self.offset + self.count
        try:
            while at < end:
                have = os.preadv(self.opened.descriptor, [buffer[: end - at]], at)
                if not have:
                    raise Broken(f"{self.opened.name} changed while it was sent")
                yield buffer[:have]
                at += have
        except OSError as error:
            raise Broken(f"{self.opened.name}: {error.strerror}") from error
        self.opened.require_same()

    def close(self) -> None:
        """Close what it holds of the file."""
        self.opened.close()


@dataclass(slots=True, kw_only=True)
class Distant:
    """A file in a storage that is as it was registered; to be closed."""

    source: Source
    size: int
    name: str
    early: "Future[bytes] | None" = None
    """All of it, read before its turn."""
    _stream: Iterator[bytes] | None = None
    _held: bytes = b""
    _at: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading."""
        if isinstance(self._stream, Generator):
            self._stream.close()
        self._stream = None

    def block(self, _offset: int, _count: int) -> None:
        """Return nothing: none of it lies on this machine."""
        return

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes; many one after the other are one request.

        Raises
        ------
        Broken
            If they are not there any more, or the storage fails.
        """
        try:
            if self.early is not None and (offset, count) == (0, self.size):
                return self.early.result()
            goes_on = self._stream is not None and offset == self._at
            if count < _LONG and not goes_on:
                return self.source.pread(offset, count)
            if self._stream is None or not goes_on:
                self.close()
                self._stream, self._held, self._at = self.source.stream(offset), b"", offset
            pieces = [self._held]
            have = len(self._held)
            while have < count:
                pieces.append(next(self._stream))
                have += len(pieces[-1])
        except (Unreadable, StopIteration) as error:
            raise Broken(f"{self.name}: {error}") from error
        found = b"".join(pieces)
        self._held, self._at = found[count:], offset + count
        return found[:count]


@dataclass(slots=True)
class Opener:
    """Opens files one after the other; the folder of the last one is kept open. To be closed.

    `stores` are where files may lie beside this machine.
    """

    stores: tuple[Store, ...] = ()
    _strictly: Strictly = field(default_factory=Strictly)
    _early: "dict[Place, Future[bytes]]" = field(default_factory=dict)
    _threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder, and read no further ahead."""
        self._strictly.close()
        self._early.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def open(
        self, located: Located, *, following: Sequence[Located] | None = None
    ) -> Opened | Distant:
        """Return the file, opened.

        With `following`, those that are read next, a storage is not asked for its state first:
        reading is `Broken` if it is gone or has changed. Small ones are read before their turn.

        Raises
        ------
        Unreadable
            With the reason ``nearline``, ``gone``, ``changed``, ``not-here`` or ``not-reachable``.
        """
        there = self._place(located)
        if there.place is not None:
            early = None if following is None else self._early.pop(there.place, None)
            self._read_ahead(following or ())
            is_asked = following is None or not located.size
            return _distant(there, located.name, early, is_asked=is_asked)
        try:
            descriptor = self._strictly.open(there.path)
        except OSError as error:
            raise _refusal(located.name, error) from error
        now = os.fstat(descriptor)
        is_file = stat.S_ISREG(now.st_mode)
        if not is_file or not _is_same(now, located.size, located.mtime_ns):
            os.close(descriptor)
            raise _changed(located.name) if is_file else _gone(located.name)
        return Opened(
            descriptor=descriptor,
            size=located.size,
            mtime_ns=located.mtime_ns,
            name=located.name,
        )

    def _place(self, located: Located) -> OnlineFile:
        located.require_online()
        size, mtime_ns = located.size, located.mtime_ns
        return online_file(
            located.url, located.tier, size=size, mtime_ns=mtime_ns, stores=self.stores
        )

    def _read_ahead(self, following: Sequence[Located]) -> None:
        """Begin to read the small ones among some files of storages, and forget all others."""
        begun, self._early = self._early, {}
        for located in following[:AHEAD]:
            if 0 < located.size <= EARLY:
                # what cannot be opened is told in its turn
                with suppress(Unreadable):
                    place = self._place(located).place
                    if place is not None:
                        self._early[place] = begun.get(place) or self._submit(place)

    def _submit(self, place: Place) -> "Future[bytes]":
        if self._threads is None:
            self._threads = ThreadPoolExecutor(AHEAD, thread_name_prefix="panosc-ahead")
        return self._threads.submit(_whole, place)


def _whole(place: Place) -> bytes:
    with open_place(place) as source:
        return source.pread(0, source.size)


def _distant(
    there: OnlineFile, name: str, early: "Future[bytes] | None", *, is_asked: bool
) -> Distant:
    """Open a file of a storage; its state is asked for, so that the first answer tells it."""
    state = there.state() if is_asked else None
    if state is not None:
        raise _gone(name) if state == "gone" else _changed(name)
    return Distant(source=there.source(), size=there.size, name=name, early=early)


def _is_same(now: os.stat_result, size: int, mtime_ns: int) -> bool:
    return (now.st_size, bounded_ns(now.st_mtime_ns)) == (size, mtime_ns)


def _refusal(name: str, error: OSError) -> Unreadable:
    if error.errno in LINKS:
        return _changed(name)
    return _gone(name)


def _gone(name: str) -> Unreadable:
    return Unreadable(
        f"{name} is not where it was registered.",
        reason="gone",
        hint="Tell the facility; it may have been moved and can be ingested again.",
    )


def _changed(name: str) -> Unreadable:
    return Unreadable(
        f"{name} has changed since it was registered, so it is not handed out under this name.",
        reason="changed",
        hint="Tell the facility: it has to be ingested again.",
    )
