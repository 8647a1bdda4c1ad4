"""A remote file as the HDF5 library reads one: at any position, a few blocks kept in memory.

What the library reads of a file to find its way is small and scattered; so blocks are read, and
the last few are kept. The library turns every failure into one of its own: the first one is
kept here, and raised when the block of `opened` ends.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from h5py import h5f
from typing_extensions import override

from panosc.domain.errors import Unreadable
from panosc.files.opening import open_object, open_path
from panosc.files.storage.opening import Source, open_place
from panosc.files.storage.places import Place, local_path

BLOCK: Final = 2**20
BLOCKS: Final = 32


class FileObject(io.RawIOBase):
    """Reads a source as a file with a position.

    Parameters
    ----------
    source : Source
    block : int
        Bytes that are read at once.
    blocks : int
        How many of them are kept.
    """

    def __init__(self, source: Source, *, block: int = BLOCK, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.failure: Unreadable | None = None
        self._source = source
        self._size = source.size
        self._block, self._most = block, blocks
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._at = 0
        self._lock = threading.Lock()

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    @override
    def tell(self) -> int:
        return self._at

    @override
    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` from the position on; less only at the end of the file."""
        view = memoryview(buffer).cast("B")
        count = max(min(len(view), self._size - self._at), 0)
        try:
            done = 0
            while done < count:
                done += self._some(view[done:count], self._at + done)
        except Unreadable as error:
            self.failure = self.failure or error
            raise OSError(error.detail) from None
        self._at += count
        return count

    def _some(self, view: memoryview, offset: int) -> int:
        """Copy what one block has, or read long stretches past the blocks."""
        number, begin = divmod(offset, self._block)
        if begin == 0 and len(view) >= 2 * self._block:
            whole = min(len(view) // self._block, self._most) * self._block
            view[:whole] = self._source.pread(offset, whole)
            return whole
        piece = self._read(number)[begin : begin + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    def _read(self, number: int) -> bytes:
        with self._lock:
            found = self._kept.get(number)
            if found is None:
                begin = number * self._block
                found = self._source.pread(begin, min(self._block, self._size - begin))
                self._kept[number] = found
                if len(self._kept) > self._most:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(number)
            return found


@contextmanager
def opened(place: Place, *, block: int = BLOCK) -> Iterator[h5f.FileID]:
    """Open an HDF5 file wherever it lies, for a block of code in a worker process.

    Raises
    ------
    Unreadable
        When it does not open; also at the end of the block, when the storage failed in it:
        whatever was made of the file until then is not to be believed.
    """
    if place.store is None or place.store.kind == "file":
        handle = open_path(Path(local_path(place.url)))
        try:
            yield handle
        finally:
            handle.close()
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
