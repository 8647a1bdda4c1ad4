"""Memory that the web processes of one node share: what they count together.

It holds two tables of clients for the limits and, for each process, its load and a place for its
numbers, which it alone writes. Nothing in it outlives the node. What is counted is not known here.
"""

import fcntl
import mmap
import os
import secrets
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

KEY = 32
HEAD = 4096
ENTRY = struct.Struct("=16sdQ")
WAYS = 8
"""Entries that a name may lie in; the oldest of them makes room."""
BUCKET = ENTRY.size * WAYS
CLIENTS = 1 << 16
"""Clients that a table of the node remembers."""
TABLES = 2
NUMBERS = 1 << 19
"""Bytes of one process's numbers."""
_LOADS = 64
_LOAD = struct.Struct("=q")
_GONE = 1 << 62


class Area:
    """A table of entries in buckets; `locked` keeps other processes away from one of them."""

    def __init__(self, memory: mmap.mmap, start: int, entries: int, *, key: bytes, fd: int) -> None:
        self.memory = memory
        self.key = key
        self.buckets = max(entries // WAYS, 1)
        self._start, self._fd = start, fd

    @classmethod
    def private(cls, entries: int) -> "Area":
        """Return one that no other process sees."""
        size = max(entries // WAYS, 1) * BUCKET
        return cls(mmap.mmap(-1, size), 0, entries, key=secrets.token_bytes(KEY), fd=-1)

    def place(self, bucket: int) -> int:
        """Return where a bucket begins."""
        return self._start + bucket * BUCKET

    @contextmanager
    def locked(self, place: int) -> Iterator[None]:
        """Keep other processes from a bucket; the kernel opens it when we are killed."""
        if self._fd < 0:
            yield
            return
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, place)


class Board:
    """The shared memory of one node, as one of its processes sees it.

    Parameters
    ----------
    fd : int
        The descriptor of the memory; -1 for memory that no other process sees.
    slots : int
        How many web processes there are.
    slot : int
        Which of them this is, from 0.
    """

    def __init__(self, fd: int = -1, *, slots: int = 1, slot: int = 0) -> None:
        self.fd, self.slots, self.slot = fd, slots, slot
        self.memory = mmap.mmap(fd, size_of(slots))
        if fd < 0:
            self.memory[:KEY] = secrets.token_bytes(KEY)
        key = self.memory[:KEY]
        table = CLIENTS * ENTRY.size
        self.asked, self.guessed = (
            Area(self.memory, HEAD + number * table, CLIENTS, key=key, fd=fd)
            for number in range(TABLES)
        )

    def tell_load(self, connections: int) -> None:
        """Tell the other processes how many connections this one has."""
        _LOAD.pack_into(self.memory, _LOADS + self.slot * _LOAD.size, connections)

    def least_load(self) -> int:
        """Return the connections of the process that has the fewest."""
        loads = struct.unpack_from(f"={self.slots}q", self.memory, _LOADS)
        return int(min(loads))

    def numbers(self, slot: int) -> int:
        """Return where the numbers of a process begin."""
        return HEAD + TABLES * CLIENTS * ENTRY.size + slot * NUMBERS

    def close(self) -> None:
        """Give the memory back, once nothing looks at it any more."""
        self.memory.close()


def size_of(slots: int) -> int:
    """Return the bytes that a board for so many processes takes."""
    return HEAD + TABLES * CLIENTS * ENTRY.size + slots * NUMBERS


def retire(fd: int, slot: int) -> None:
    """Say that a process is no more, so that nobody leaves connections to it."""
    os.pwrite(fd, _LOAD.pack(_GONE), _LOADS + slot * _LOAD.size)


@contextmanager
def shared(slots: int) -> Iterator[int]:
    """Provide the descriptor of fresh memory for so many processes, to be handed to them."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("panosc-board")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    try:
        os.ftruncate(fd, size_of(slots))
        os.pwrite(fd, secrets.token_bytes(KEY), 0)
        for slot in range(slots):
            # not yet
            retire(fd, slot)
        yield fd
    finally:
        os.close(fd)
