"""Bytes of a file by offset and size: what reading needs of wherever a file lies."""

from typing import Protocol

from panosc.domain.errors import Unreadable


class Source(Protocol):
    """A file, wherever it lies, of which any part can be read.

    It may have a `key`, too, a hashable value that tells it from all others and from itself
    once it was changed; without one nothing of it is remembered between two reads.
    """

    @property
    def size(self) -> int:
        """Bytes of the file."""
        ...

    def pread(self, offset: int, size: int) -> bytes:
        """Return the bytes from `offset` on; fewer where the file ends."""
        ...


def read_exactly(source: Source, offset: int, size: int) -> bytes:
    """Return `size` bytes from `offset` on.

    Raises
    ------
    Unreadable
        Of reason ``truncated``, when the file does not reach that far.
    """
    if offset < 0 or size < 0 or offset + size > source.size:
        raise Unreadable(
            f"it has {source.size} bytes, and {size} from {offset} on are wanted",
            reason="truncated",
        )
    found = source.pread(offset, size)
    while 0 < len(found) < size:
        # a system call reads 2 GiB at most
        more = source.pread(offset + len(found), size - len(found))
        if not more:
            break
        found += more
    if len(found) != size:
        raise Unreadable(
            f"only {len(found)} of {size} bytes from {offset} on are there", reason="truncated"
        )
    return found
