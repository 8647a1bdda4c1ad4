"""What both kinds of remote storages answer, and how an answer is held to what was asked.

A storage may ignore the range, answer another one, more or less: whatever is not exactly what
was asked for is an error, never bytes.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from panosc.domain.errors import Unreachable, Unreadable
from panosc.files.storage.facts import Facts
from panosc.files.storage.judging import refused
from panosc.files.storage.places import Store
from panosc.files.storage.trying import Transient

_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_BUSY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_WHOLE, _PART = 200, 206


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A range on its way: what it is of, and its bytes piece by piece."""

    facts: Facts
    pieces: Iterator[bytes]


class Remote(Protocol):
    """One storage, asked once a call; what it raises is `Transient` or `Unreadable`."""

    def look(self, url: str, *, limit_s: float) -> Facts:
        """Return what it tells of a file."""
        ...

    def fetch(
        self, url: str, offset: int, size: int, *, limit_s: float, is_long: bool
    ) -> AbstractContextManager[Answer]:
        """Ask for a range; with `is_long` the limit is one for each piece of it."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The range that an answer has to be."""

    store: Store
    offset: int
    size: int

    @property
    def header(self) -> str:
        """How it is asked for."""
        return f"bytes={self.offset}-{self.offset + self.size - 1}"

    def whole_size(self, status: int, told: str | None, length: int | None) -> int | None:
        """Return the size of the file by an answer's head, if it tells.

        Raises
        ------
        Unreachable
            If the answer is none to what was asked.
        """
        if status == _WHOLE:
            if self.offset or length != self.size:
                raise refused(self.store, "it ignores which part of a file is asked for")
            return length
        found = _RANGE.fullmatch(told or "")
        if status != _PART or found is None:
            raise refused(self.store, f"it answers with {status} and no range")
        first, last, whole = found.groups()
        if (int(first), int(last)) != (self.offset, self.offset + self.size - 1):
            raise refused(self.store, "it answers with another part of a file than was asked for")
        if length is not None and length != self.size:
            raise refused(self.store, "it answers with more or less than it says")
        return None if whole == "*" else int(whole)

    def exactly(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces, and raise if they are not what was asked for in the end."""
        left = self.size
        for piece in pieces:
            left -= len(piece)
            if left < 0:
                raise refused(self.store, "it answers with more than was asked for")
            yield piece
        if left:
            raise Transient(f"its answer ended {left} bytes too early")


def error_of(store: Store, status: int, code: str = "") -> Exception:
    """Return what an answer that is no success means."""
    named = f"{status} {code}".strip()
    if status in _BUSY:
        return Transient(f"it answers with {named}")
    if status in {404, 410}:
        return gone(store)
    if status == 416:  # noqa: PLR2004 - the range does not lie in the file
        return changed(store)
    if status in {401, 403}:
        return Unreachable(
            f"The storage {store.name} does not let this node read the file ({named}).",
            hint="Who runs the node: look at the key and secret of the storage, and what they may.",
        )
    if status in range(300, 400):
        return refused(store, f"it sends readers on to another address ({named})")
    return refused(store, f"it answers with {named}")


def gone(store: Store) -> Unreadable:
    """Return the error for a file that is not there."""
    return Unreadable(f"The file is not in the storage {store.name} any more.", reason="gone")


def changed(store: Store) -> Unreadable:
    """Return the error for a file that is another one now."""
    return Unreadable(
        f"The file in the storage {store.name} has changed since it was registered.",
        reason="changed",
        hint="Register it again: `panosc storage add-location`.",
    )
