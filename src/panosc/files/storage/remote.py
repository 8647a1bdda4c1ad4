"""A file in a remote storage, read range by range; never another content than was registered.

Each answer tells of which content it is, so that a file that is replaced while it is read is
noticed with the next range, at no further request.
"""

import threading
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from panosc.domain.errors import Unreadable
from panosc.files.storage.answers import Remote, changed
from panosc.files.storage.facts import Facts
from panosc.files.storage.local import truncated
from panosc.files.storage.places import Place, Store
from panosc.files.storage.trying import TRIES, Line, Transient

TOGETHER: Final = 8
"""Ranges of one reading that are asked for at once."""
GAP: Final = 64 * 2**10
"""Bytes between two ranges that are rather read than asked around."""
MERGED: Final = 8 * 2**20
"""Longest range that several are put together to."""
PIECE: Final = 2**20


class Connected:
    """A storage in this process: what asks it, what is known of it, how often it was asked."""

    def __init__(self, store: Store, remote: Remote) -> None:
        self.store = store
        self.remote = remote
        self.line = Line(store.name)
        self.requests = 0
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def count(self) -> None:
        """Count one request."""
        with self._lock:
            self.requests += 1

    def close(self) -> None:
        """End its threads and connections."""
        with self._lock:
            if self._pool is not None:
                self._pool.shutdown(wait=False, cancel_futures=True)
                self._pool = None
        self.remote.close()

    def threads(self) -> ThreadPoolExecutor:
        """Return the threads that ask for several ranges at once."""
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(TOGETHER, thread_name_prefix="storage")
            return self._pool


class RemoteSource:
    """One file in a storage. Threads may share it; there is nothing to close.

    Parameters
    ----------
    place : Place
        Where it is. What it says of size and time of change is what every answer must say.
    connected : Connected
        Its storage.
    """

    is_remote: Final = True

    def __init__(self, place: Place, connected: Connected) -> None:
        self.url = place.url
        self._connected = connected
        self._store = connected.store
        self._mark = place.mtime_ns or 0
        self._size = place.size
        self._lock = threading.Lock()

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
        """Hold nothing: connections belong to the storage."""

    @property
    def size(self) -> int:
        """Size as registered; else what the storage tells, which is asked once."""
        if self._size is None:
            facts = self.look()
            if facts.size is None:
                raise Unreadable(
                    f"The storage {self._store.name} does not tell how long the file is.",
                    reason="not-reachable",
                )
            self._learn(facts)
            return facts.size
        return self._size

    @property
    def mtime_ns(self) -> int:
        """The mark of its content: as registered, else what the storage tells."""
        if not self._mark:
            self._learn(self.look())
        return self._mark

    @property
    def key(self) -> Hashable:
        """What tells it from all other files and from itself once changed; None if unknown."""
        return (self.url, self._size, self._mark) if self._mark else None

    def look(self) -> Facts:
        """Ask the storage what it tells of the file now."""

        def action(limit_s: float) -> Facts:
            self._connected.count()
            return self._connected.remote.look(self.url, limit_s=limit_s)

        return self._connected.line.tried(action, limit_s=self._store.time_limit_s)

    def state(self, size: int | None, mtime_ns: int | None) -> str | None:
        """Return None when the file is as it was registered, else ``gone`` or ``changed``.

        Raises
        ------
        Unreachable
            If the storage cannot be asked: nothing is known of the file then.
        """
        try:
            return self.look().state(size, mtime_ns)
        except Unreadable as error:
            if error.reason == "gone":
                return "gone"
            raise

    def pread(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes from `offset` on.

        Raises
        ------
        Unreadable
            With the reason ``gone``, ``changed`` since it was registered or first read,
            ``truncated`` for a range beyond its end, ``not-reachable``.
        """
        if size == 0:
            return b""
        self._require_inside(offset, size)

        def action(limit_s: float) -> bytes:
            self._connected.count()
            fetched = self._connected.remote.fetch(
                self.url, offset, size, limit_s=limit_s, is_long=False
            )
            with fetched as answer:
                self._require_same(answer.facts)
                return b"".join(answer.pieces)

        return self._connected.line.tried(action, limit_s=self._store.time_limit_s)

    def pread_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return several ranges of (offset, size): what is near is asked for together."""
        groups = coalesced(ranges)
        if len(groups) == 1:
            read = [self.pread(groups[0].offset, groups[0].size)]
        else:
            threads = self._connected.threads()
            read = list(threads.map(lambda one: self.pread(one.offset, one.size), groups))
        found: list[bytes] = [b""] * len(ranges)
        for group, data in zip(groups, read, strict=True):
            for index in group.members:
                offset, size = ranges[index]
                begin = offset - group.offset
                found[index] = data if size == group.size else data[begin : begin + size]
        return found

    def stream(self, offset: int = 0, size: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces, without `size` up to the end.

        A connection that breaks is taken up again where it broke.
        """
        end = self.size if size is None else offset + size
        if offset < end:
            self._require_inside(offset, end - offset)
        self._connected.line.check()
        failures = 0
        while offset < end:
            begin = offset
            try:
                for piece in self._long(offset, end - offset):
                    offset += len(piece)
                    yield piece
            except Transient as error:
                failures = 1 if offset > begin else failures + 1
                if failures >= TRIES:
                    raise self._connected.line.failed(str(error)) from None
                self._connected.line.wait(failures)
        self._connected.line.worked()

    def _long(self, offset: int, size: int) -> Iterator[bytes]:
        self._connected.count()
        limit_s = self._store.time_limit_s
        fetched = self._connected.remote.fetch(
            self.url, offset, size, limit_s=limit_s, is_long=True
        )
        with fetched as answer:
            self._require_same(answer.facts)
            waiting: list[bytes] = []
            held = 0
            for piece in answer.pieces:
                waiting.append(piece)
                held += len(piece)
                if held >= PIECE:
                    yield b"".join(waiting)
                    waiting, held = [], 0
            if waiting:
                yield b"".join(waiting)

    def _require_inside(self, offset: int, size: int) -> None:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise truncated(offset, size)

    def _require_same(self, facts: Facts) -> None:
        if facts.state(self._size, self._mark) is not None:
            raise changed(self._store)
        self._learn(facts)

    def _learn(self, facts: Facts) -> None:
        """Hold further answers to what the first one has told."""
        with self._lock:
            if self._size is None:
                self._size = facts.size
            if not self._mark:
                self._mark = facts.mark


class _Group:
    """Ranges that are read together."""

    __slots__ = ("members", "offset", "size")

    def __init__(self, offset: int, size: int, member: int) -> None:
        self.offset = offset
        self.size = size
        self.members = [member]


def coalesced(ranges: Sequence[tuple[int, int]]) -> list[_Group]:
    """Return the readings for `ranges`: near ones together, as far as that is not too long."""
    groups: list[_Group] = []
    for index in sorted(range(len(ranges)), key=lambda one: ranges[one]):
        offset, size = ranges[index]
        last = groups[-1] if groups else None
        end = offset + size
        if (
            last is not None
            and offset - (last.offset + last.size) <= GAP
            and end - last.offset <= max(MERGED, last.size)
        ):
            last.size = max(last.size, end - last.offset)
            last.members.append(index)
        else:
            groups.append(_Group(offset, size, index))
    return groups
