"""What a profile met that was wrong while it was used: told once each, never fatal."""

from collections import OrderedDict
from threading import Lock

MOST = 1000
"""Troubles that are kept until somebody takes them."""


class Troubles:
    """What was wrong, and where, until somebody takes it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._told: OrderedDict[tuple[str, str], None] = OrderedDict()

    def add(self, place: str, reason: str) -> None:
        """Note one; the same again is not noted while it is remembered."""
        with self._lock:
            if (place, reason) in self._told:
                return
            for kept in (self._found, self._told):
                kept[place, reason] = None
                if len(kept) > MOST:
                    kept.popitem(last=False)

    def take(self) -> list[tuple[str, str]]:
        """Return what was noted since the last time: (where, what)."""
        with self._lock:
            found = list(self._found)
            self._found.clear()
        return found
