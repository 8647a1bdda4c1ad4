"""Counts by name, each in a window of time of its own, together with the node's other processes.

Names are not kept, but what a key of the node makes of them.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from math import ceil

from panosc.portal.operating.board import BUCKET, CLIENTS, ENTRY, Area

_NOBODY = bytes(16)


class Windows:
    """Counts by name; forgets the oldest when full.

    A full table means that someone has very many addresses: to forget is then safer than to
    lock out those who have nothing to do with it.

    Parameters
    ----------
    clock : callable
        Tells the time.
    area : Area, optional
        Where to count; in the memory of this process without.
    most : int
        Names that are remembered there.
    """

    def __init__(
        self, clock: Callable[[], datetime], *, area: Area | None = None, most: int = CLIENTS
    ) -> None:
        self._clock = clock
        self._area = area or Area.private(most)

    def __len__(self) -> int:
        area = self._area
        return sum(
            name != _NOBODY
            for number in range(area.buckets)
            for name, _, _ in self._entries(area.place(number))
        )

    def seen(self, name: str) -> tuple[int, int]:
        """Return how often `name` was counted in its window, and the seconds that this lasts."""
        key, place = self._find(name)
        now = self._clock().timestamp()
        with self._area.locked(place):
            for found, ends, number in self._entries(place):
                if found == key and ends > now:
                    return number, ceil(ends - now)
        return 0, 0

    def count(self, name: str, seconds: float) -> tuple[int, int]:
        """Count `name` once more; return what `seen` does."""
        key, place = self._find(name)
        now = self._clock().timestamp()
        with self._area.locked(place):
            # those whose time is over make room for the others
            kept = [entry for entry in self._entries(place) if entry[1] > now]
            ends, number = next((entry[1:] for entry in kept if entry[0] == key), (0.0, 0))
            if number:
                entries = [(found, until, many + (found == key)) for found, until, many in kept]
            else:
                ends = now + seconds
                entries = [*kept, (key, ends, 1)][-(BUCKET // ENTRY.size) :]
            packed = b"".join(ENTRY.pack(*entry) for entry in entries)
            self._area.memory[place : place + BUCKET] = packed.ljust(BUCKET, b"\0")
        return number + 1, ceil(ends - now)

    def _find(self, name: str) -> tuple[bytes, int]:
        digest = hashlib.blake2b(
            name.encode("utf-8", "surrogatepass"), digest_size=24, key=self._area.key
        ).digest()
        bucket = int.from_bytes(digest[16:]) % self._area.buckets
        return digest[:16], self._area.place(bucket)

    def _entries(self, place: int) -> Iterator[tuple[bytes, float, int]]:
        return ENTRY.iter_unpack(self._area.memory[place : place + BUCKET])
