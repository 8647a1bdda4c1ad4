"""The index of a file, made when there is none: once at a time, in a worker process.

A file that changes while it is read is not kept. One that cannot be read is not tried again
for a while, however often it is asked for.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from panosc.domain.errors import Unreadable
from panosc.files.index.contents import Contents
from panosc.files.index.keeping import IndexStore, key_of
from panosc.files.index.telling import FileIndex
from panosc.files.storage.places import Store
from panosc.files.tiers import OnlineFile, online_file
from panosc.files.workers import Pool

BUILD: Final = "panosc.files.index.building:build"
PRELOAD: Final = ("hdf5plugin", "panosc.files.index.building")
"""What the processes of the pool load before their first file."""
REMEMBERED: Final = 1000
"""Files that could not be read and are not tried again for a while."""
AGAIN_S: Final = 300.0
SOON_S: Final = 30.0
"""For reasons that may lie with the machine or with the moment."""
_PASSING: Final = frozenset(
    {"time-limit", "memory-limit", "crashed", "changed", "gone", "not-reachable"}
)


class Place(Protocol):
    """A file as the catalogue knows it."""

    @property
    def url(self) -> str: ...  # noqa: D102
    @property
    def tier(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102
    @property
    def mtime_ns(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Failure:
    until: float
    reason: str
    detail: str


@dataclass(slots=True)
class _Turn:
    """One build at a time of one file; those who wait find it done."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class Indexer:
    """Opens the indexes of files, and makes those that are not there.

    Parameters
    ----------
    store : IndexStore
    pool : Pool
        Worker processes; they should be started with `PRELOAD`.
    stores : sequence of Store
        Where files may lie beside this machine.
    clock : callable, optional
        Seconds that only grow.
    """

    def __init__(
        self,
        store: IndexStore,
        pool: Pool,
        *,
        stores: Sequence[Store] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._stores = tuple(stores)
        self._pool = pool
        self._clock = clock
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}
        self._failures: OrderedDict[str, _Failure] = OrderedDict()

    def index_of(self, place: Place) -> FileIndex:
        """Return the index of a file that lies where the catalogue says.

        Raises
        ------
        Unreadable
            With a stable word as its reason, such as ``nearline`` for a file on tape: its index
            is there if it was made before, and is not made now.
        Unavailable
            When nothing can be built or kept at the moment.
        """
        key = key_of(place.url, place.size, place.mtime_ns)
        found = self._store.open(key)
        if found is not None:
            return found
        self._raise_known(key)
        turn = self._take_turn(key)
        try:
            with turn.lock:
                found = self._store.open(key)
                if found is None:
                    self._raise_known(key)
                    found = self._build(key, place)
                return found
        finally:
            self._leave(key, turn)

    def opened(self, place: Place) -> FileIndex | None:
        """Return the index of a file if there is one already."""
        return self._store.open(key_of(place.url, place.size, place.mtime_ns))

    def _build(self, key: str, place: Place) -> FileIndex:
        file = online_file(
            place.url, place.tier, size=place.size, mtime_ns=place.mtime_ns, stores=self._stores
        )
        self._must_be_as_known(key, file)
        outcome = self._pool.run(BUILD, file.place or file.path)
        if outcome.reason:
            raise self._failed(key, outcome.reason, outcome.detail.rstrip("."))
        if not isinstance(outcome.value, Contents):
            raise self._failed(key, "crashed", "the worker's answer made no sense")
        self._must_be_as_known(key, file)
        try:
            self._store.write(key, outcome.value)
        except ValueError as error:
            # what a worker says that a hostile file has taken over
            raise self._failed(key, "crashed", "the worker's answer made no sense") from error
        found = self._store.open(key)
        if found is None:
            raise self._failed(key, "crashed", "its index is gone before it was read")
        return found

    def _must_be_as_known(self, key: str, file: OnlineFile) -> None:
        state = file.state()
        if state == "gone":
            raise self._failed(key, state, "it is not where it was registered")
        if state is not None:
            raise self._failed(key, state, "it has changed since it was registered")

    def _failed(self, key: str, reason: str, detail: str) -> Unreadable:
        until = self._clock() + (SOON_S if reason in _PASSING else AGAIN_S)
        with self._lock:
            self._failures[key] = _Failure(until, reason, detail)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)
        return Unreadable(detail, reason=reason)

    def _raise_known(self, key: str) -> None:
        with self._lock:
            failure = self._failures.get(key)
            if failure is None:
                return
            if failure.until <= self._clock():
                del self._failures[key]
                return
        raise Unreadable(failure.detail, reason=failure.reason)

    def _take_turn(self, key: str) -> _Turn:
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.waiting += 1
            return turn

    def _leave(self, key: str, turn: _Turn) -> None:
        with self._lock:
            turn.waiting -= 1
            if not turn.waiting:
                self._turns.pop(key, None)
