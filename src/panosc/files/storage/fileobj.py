"""HDF5 files opened wherever they lie: here strictly, from afar as an object that reads.

What the library reads of a remote file to find its way is small and scattered; so blocks are
read, and the last few are kept. The library turns every failure into one of its own: the first
one is kept here, and raised when the block of `opened` ends.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from h5py import h5f
from typing_extensions import override

from panosc.domain.errors import Unreadable
from panosc.files.opening import has_swmr_writer, open_object, open_path
from panosc.files.storage.ahead import BLOCK, Blocks
from panosc.files.storage.local import LocalSource

if TYPE_CHECKING:
    from panosc.files.storage.opening import Source
    from panosc.files.storage.places import Place

_HEAD_BYTES: Final = 4096


class FileObject(io.RawIOBase):
    """Reads a source as a file with a position.

    Parameters
    ----------
    source : Source
    block : int
        Bytes that are read at once.
    """

    def __init__(self, source: "Source", *, block: int = BLOCK) -> None:
        super().__init__()
        self.failure: Unreadable | None = None
        self._blocks = Blocks(source, block=block)
        self._at = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blocks.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    @override
    def tell(self) -> int:
        return self._at

    @override
    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from the position on; less only at the end of the file."""
        view = memoryview(buffer).cast("B")
        count = max(min(len(view), self._blocks.size - self._at), 0)
        try:
            view[:count] = self._blocks.pread(self._at, count)
        except Unreadable as error:
            self.failure = self.failure or error
            raise OSError(error.detail) from None
        self._at += count
        return count


def within(source: LocalSource) -> tuple[Path, bool]:
    """Return the path of the very file that was opened, and whether it has a writer (SWMR).

    By the path that it was opened by the library would follow links.
    """
    head = source.pread(0, min(source.size, _HEAD_BYTES))
    return Path(f"/dev/fd/{source.descriptor}"), has_swmr_writer(head)


@contextmanager
def opened_here(
    path: str, *, size: int | None = None, mtime_ns: int | None = None
) -> Iterator[h5f.FileID]:
    """Open an HDF5 file of this machine for a block of code; no link on the way is followed.

    Raises
    ------
    Unreadable
        When it does not open, or is not as it was registered.
    """
    with LocalSource(path, size=size, mtime_ns=mtime_ns) as source:
        place, is_written = within(source)
        handle = open_path(place, is_written=is_written)
        try:
            yield handle
        finally:
            handle.close()


@contextmanager
def opened(place: "Place", *, block: int = BLOCK) -> Iterator[h5f.FileID]:
    """Open an HDF5 file wherever it lies, for a block of code in a worker process.

    Raises
    ------
    Unreadable
        When it does not open; also at the end of the block, when the storage failed in it:
        whatever was made of the file until then is not to be believed.
    """
    # most files lie here: a process should not wait for what speaks to storages
    from panosc.files.storage.opening import open_place  # noqa: PLC0415
    from panosc.files.storage.places import local_path  # noqa: PLC0415

    if place.store is None or place.store.kind == "file":
        path = local_path(place.url)
        with opened_here(path, size=place.size, mtime_ns=place.mtime_ns) as handle:
            yield handle
        return
    with open_place(place) as source:
        file = FileObject(source, block=block)
        try:
            handle = open_object(file)
            try:
                yield handle
            finally:
                handle.close()
        finally:
            if file.failure is not None:
                raise file.failure
