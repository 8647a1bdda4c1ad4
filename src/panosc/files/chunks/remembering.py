"""What a worker remembers between two reads: a bounded number of bytes, the newest first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Values by key; the ones used longest ago go when there are too many bytes of them."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self.nbytes = 0

    def get(self, key: Hashable) -> Value | None:
        """Return what is remembered under a key."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value, *, nbytes: int) -> None:
        """Remember a value, unless it is more than a quarter of all there is room for."""
        if nbytes > self._limit // 4:
            return
        if (old := self._held.pop(key, None)) is not None:
            self.nbytes -= old[1]
        self._held[key] = (value, nbytes)
        self.nbytes += nbytes
        while self.nbytes > self._limit:
            _, (_, dropped) = self._held.popitem(last=False)
            self.nbytes -= dropped

    def clear(self) -> None:
        """Forget everything."""
        self._held.clear()
        self.nbytes = 0
