"""Whether any process at all opens or reads files of a folder: the kernel is asked (inotify)."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IN_ACCESS, IN_OPEN, IN_ISDIR, IN_Q_OVERFLOW = 0x1, 0x20, 0x40000000, 0x4000
EVENT = struct.Struct("iIII")


class Tripwire:
    """Watches folders. Listing a folder is allowed; opening or reading a file in it is told."""

    def __init__(self, folders: list[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self._descriptor >= 0
        for folder in folders:
            path = os.fsencode(folder)
            watch = self._libc.inotify_add_watch(self._descriptor, path, IN_OPEN | IN_ACCESS)
            assert watch >= 0, os.strerror(ctypes.get_errno())

    def touched(self) -> list[str]:
        """Return the names of the files that were opened or read since the last time."""
        found = []
        while True:
            try:
                data = os.read(self._descriptor, 65_536)
            except BlockingIOError:
                return found
            while data:
                _, mask, _, length = EVENT.unpack_from(data)
                name = data[EVENT.size : EVENT.size + length].rstrip(b"\0")
                data = data[EVENT.size + length :]
                assert not mask & IN_Q_OVERFLOW, "more events than the kernel keeps"
                if not mask & IN_ISDIR:
                    found.append(os.fsdecode(name))

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def tripwire(*folders: Path) -> Iterator[Tripwire]:
    wire = Tripwire(list(folders))
    try:
        yield wire
    finally:
        wire.close()
