"""From an address to a source of bytes: `open_source`, in any process.

What may be opened is decided before: whoever has a file of the catalogue asks `files.tiers` for
its `Place`. Connections to a storage are shared by all that a process reads from it.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from panosc.domain.errors import Unreachable
from panosc.files.storage.answers import Remote
from panosc.files.storage.local import LocalSource, state_of
from panosc.files.storage.places import Place, Store, local_path, place_of
from panosc.files.storage.remote import Connected, RemoteSource
from panosc.files.storage.web import WebRemote

MOST: Final = 64
"""Storages whose connections one process keeps."""

_connected: OrderedDict[Store, Connected] = OrderedDict()
_lock = threading.Lock()


class Source(Protocol):
    """Bytes of one file; threads may share it."""

    @property
    def is_remote(self) -> bool:
        """Whether each range is a request."""
        ...

    @property
    def size(self) -> int:
        """Bytes that it has."""
        ...

    @property
    def mtime_ns(self) -> int:
        """Time of change, or what stands for it (`facts`)."""
        ...

    @property
    def key(self) -> Hashable:
        """What tells this content from all others; None when that is not known."""
        ...

    def pread(self, offset: int, size: int) -> bytes:
        """Return exactly that range, or raise `Unreadable`."""
        ...

    def pread_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return several ranges of (offset, size), from remote storages at once."""
        ...

    def stream(self, offset: int = 0, size: int | None = None) -> Iterator[bytes]:
        """Yield a range in pieces of about a megabyte."""
        ...

    def state(self, size: int | None, mtime_ns: int | None) -> str | None:
        """Return None when the file is as it was registered, else ``gone`` or ``changed``."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...

    def __enter__(self) -> Self:
        """Close it at the end of a block."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it."""
        ...


def open_source(
    url: str, stores: Iterable[Store] = (), *, size: int | None = None, mtime_ns: int | None = None
) -> Source:
    """Return the bytes of an address, a file of this machine or below a configured storage.

    With `size` and `mtime_ns` a remote file is held to them from the first range on, and needs
    no further request.

    Raises
    ------
    Unreadable
        When it is not there, or below no configured storage.
    """
    return open_place(place_of(url, stores, size=size, mtime_ns=mtime_ns))


def open_place(place: Place) -> Source:
    """Return the bytes of a place; like `open_source`, in a worker process."""
    if place.store is None:
        return LocalSource(local_path(place.url), size=place.size, mtime_ns=place.mtime_ns)
    if place.store.rest(place.url) is None:
        raise Unreachable(f"The address does not lie in the storage {place.store.name}.")
    if place.store.kind == "file":
        return LocalSource(local_path(place.url), size=place.size, mtime_ns=place.mtime_ns)
    return RemoteSource(place, connected(place.store))


def state(place: Place) -> str | None:
    """Return None when a file is as it was registered, else ``gone`` or ``changed``.

    Raises
    ------
    Unreachable
        If its storage cannot be asked.
    """
    if place.store is None or place.store.kind == "file":
        return state_of(local_path(place.url), place.size, place.mtime_ns)
    return open_place(place).state(place.size, place.mtime_ns)


def connected(store: Store) -> Connected:
    """Return this process's connections to a storage."""
    unused = []
    with _lock:
        found = _connected.get(store)
        if found is None:
            found = _connected[store] = Connected(store, _remote(store))
            while len(_connected) > MOST:
                unused.append(_connected.popitem(last=False)[1])
        _connected.move_to_end(store)
    # may take seconds, for which nobody else should wait; what is being read is asked for again
    for one in unused:
        one.close()
    return found


def disconnect() -> None:
    """Close all connections to storages of this process."""
    with _lock:
        for found in _connected.values():
            found.close()
        _connected.clear()


def _remote(store: Store) -> Remote:
    if store.kind == "web":
        return WebRemote(store)
    try:
        from panosc.files.storage.s3 import S3Remote  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise Unreachable(
            f"The storage {store.name} is not read: {error.name} is not installed.",
            hint="Who runs the node: pip install 'panosc[s3]'.",
        ) from None
    return S3Remote(store)
