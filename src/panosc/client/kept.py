"""What a node said a moment ago, so that it is not asked again; bounded."""

import threading
from collections import OrderedDict
from typing import Any

_MOST = 2000
_MOST_BYTES = 16 * 2**20


class Kept:
    """What nodes said of files, the last of it; bounded, for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[Any, str | None, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, ...]) -> tuple[Any, str | None] | None:
        """Return what was said, and by which ETag."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[:2]

    def put(self, key: tuple[str, ...], said: Any, *, etag: str | None, size: int) -> None:
        """Keep it; the oldest goes when there is too much."""
        with self._lock:
            self._drop(key)
            self._kept[key] = (said, etag, size)
            self._bytes += size
            while len(self._kept) > _MOST or self._bytes > _MOST_BYTES:
                self._drop(next(iter(self._kept)))

    def forget(self, file: tuple[str, ...]) -> None:
        """Drop all that was said of a file: keys that begin so."""
        with self._lock:
            for key in [key for key in self._kept if key[: len(file)] == file]:
                self._drop(key)

    def _drop(self, key: tuple[str, ...]) -> None:
        found = self._kept.pop(key, None)
        self._bytes -= 0 if found is None else found[2]
