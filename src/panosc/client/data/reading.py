"""Values of an array, read in bands into one array that was made before: memory stays bounded.

A file that changes between two bands is noticed, and nothing of it is given.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from panosc.client import progress
from panosc.client.data.bands import bands
from panosc.client.data.items import Item, head_of, objects, typed
from panosc.client.data.optional import numpy
from panosc.client.data.selecting import Selection
from panosc.client.data.wire import Wire
from panosc.client.patience import Patience
from panosc.domain.errors import Invalid, TooLarge, Unreadable

_PATIENCE = Patience(tries=3)
_SOON_BYTES = 8 * 2**20
"""What comes before anybody asks how far it is."""
_LEAST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is to be read: an array of a file, as it was when `version` was told of it."""

    wire: Wire
    path: str
    item: Item
    chunks: tuple[int, ...] | None
    version: str | None
    patience: Patience = _PATIENCE

    def read(self, selection: Selection, *, into: Any = None, show: bool | None = None) -> Any:
        """Return the values as an array, or `into`, which was made for them.

        Raises
        ------
        Conflict
            If the file changed meanwhile.
        """
        np = numpy()
        shape = selection.shape + self.item.shape
        total = selection.size * self.item.nbytes
        try:
            found = np.empty(shape, dtype=self.item.dtype) if into is None else into
        except (MemoryError, ValueError):
            raise TooLarge(
                f"{progress.size(total)} of {self.path} do not fit into memory.",
                limit=0,
                hint="Select a part, or use to_dask() or to_xarray().",
            ) from None
        wanted = False if show is None and total <= _SOON_BYTES else show
        with progress.shown(self.path, total, wanted=wanted) as advance:
            count = self._fill(selection, found, advance)
        if count > 1:
            self.wire.require_same(self.path, self.version)
        return found

    def _fill(self, selection: Selection, found: Any, advance: Callable[[int], None]) -> int:
        """Read into `found`; return in how many bands."""
        most = max(1, self.wire.http.most_bytes // self.item.nbytes)
        count = 0
        for band, there in bands(selection, self.chunks, most=most):
            # an ellipsis makes it a part of the array even where it is one element
            part = found[(*there, Ellipsis)]
            try:
                self.patience.insist(partial(self._one, band, part, advance))
            except TooLarge:
                size = min(band.size, most) * self.item.nbytes
                if size <= max(_LEAST_BYTES, self.item.nbytes):
                    raise
                self.wire.http.most_bytes = size // 2
                count += self._fill(band, part, advance)
                continue
            count += 1
        return count

    def _one(self, band: Selection, part: Any, advance: Callable[[int], None]) -> None:
        """Read a band; what was counted of one that fails is taken back."""
        came = 0

        def count(more: int) -> None:
            nonlocal came
            came += more
            advance(more)

        try:
            self._read(band, part, count)
        except BaseException:
            advance(-came)
            raise
        advance(band.size * self.item.nbytes - came)

    def _read(self, band: Selection, part: Any, advance: Callable[[int], None]) -> None:
        if self.item.form == "json":
            values = self.wire.values(self.path, band.text)
            try:
                part[...] = objects(values, band.shape)
            except ValueError:
                raise self.wire.changed() from None
            return
        try:
            self._raw(band, part, advance)
        except Invalid:
            # not every node tells records, and arrays as elements, otherwise than as text
            if self.item.dtype.kind != "V" and not self.item.shape:
                raise
            values = self.wire.values(self.path, band.text)
            try:
                part[...] = typed(values, band.shape, self.item)
            except (TypeError, ValueError, OverflowError):
                raise Unreadable(
                    f"{self.wire.http.url} tells {self.path} as text alone, which has no word for "
                    "some of its values.",
                    reason="json",
                    hint="Download the file.",
                ) from None

    def _raw(self, band: Selection, part: Any, advance: Callable[[int], None]) -> None:
        with self.wire.numbers(self.path, band.text, form=self.item.form) as (came, told):
            pieces = _counted(came, advance)
            if self.item.form == "npy":
                self._npy(pieces, part)
            elif told is not None and told != part.nbytes:
                raise self.wire.changed()
            else:
                self._bytes(pieces, part)

    def _npy(self, pieces: Iterator[bytes], part: Any) -> None:
        try:
            dtype, shape, is_fortran, rest = head_of(pieces)
        except (ValueError, KeyError, SyntaxError):
            raise self.wire.odd(self.path) from None
        if dtype != part.dtype or shape != part.shape:
            raise self.wire.changed()
        if is_fortran and part.ndim > 1:
            turned = numpy().empty(part.shape[::-1], dtype=part.dtype)
            self._bytes(pieces, turned, rest)
            part[...] = turned.T
        else:
            self._bytes(pieces, part, rest)

    def _bytes(self, pieces: Iterator[bytes], part: Any, rest: bytes = b"") -> None:
        """Put what comes into `part`, in C order."""
        np = numpy()
        whole = part if part.flags.c_contiguous else np.empty(part.shape, dtype=part.dtype)
        room = whole.reshape(-1).view(np.uint8)
        done = 0
        for piece in _both(rest, pieces):
            if done + len(piece) > room.size:
                raise self.wire.odd(self.path)
            room[done : done + len(piece)] = np.frombuffer(piece, dtype=np.uint8)
            done += len(piece)
        if done < room.size:
            raise self.wire.odd(self.path)
        if whole is not part:
            part[...] = whole


def _counted(pieces: Iterator[bytes], advance: Callable[[int], None]) -> Iterator[bytes]:
    for piece in pieces:
        advance(len(piece))
        yield piece


def _both(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
