"""One HDF5 file as a hierarchy of Zarr: its nodes, and its chunks as they lie in the file."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson

from panosc.data.reader import File
from panosc.data.zarr.describing import (
    array_json,
    dimensions,
    grid_of,
    group_json,
    why_not,
)
from panosc.domain.errors import NotFound, PanoscError, TooLarge, Unreadable
from panosc.files.chunks.sources import read_exactly
from panosc.files.index.contents import Array
from panosc.files.index.telling import FileIndex

CONSOLIDATED: Final = 2_000
"""Most nodes that the description of a group tells of beneath it."""
CHUNK_BYTES: Final = 256 * 2**20
_KEY: Final = re.compile(r"(?P<path>.*)/c(?P<numbers>(?:/[0-9]{1,18})*)")
_HINT: Final = "Slices of it are at /-/h5/data."


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A part of the file, in bytes."""

    offset: int
    size: int


@dataclass(frozen=True)
class Hierarchy:
    """The nodes of one file."""

    file: Callable[[], File]
    index: FileIndex

    def node(self, path: str) -> bytes:
        """Return ``zarr.json`` of what is at a path.

        Raises
        ------
        NotFound
            If there is nothing, or nothing that Zarr can tell of, with the reason.
        """
        found = self._described(path)
        if found["node_type"] == "group":
            below = self._below(path)
            if below is not None:
                found["consolidated_metadata"] = {
                    "kind": "inline",
                    "must_understand": False,
                    "metadata": below,
                }
        return orjson.dumps(found)

    def chunk(self, rest: str) -> bytes | Lying:
        """Return the chunk that a key means, as it lies in the file or where it lies.

        Raises
        ------
        NotFound
            If there is none: then all of it is the fill value.
        Unreadable
            If it cannot be read as it was written.
        """
        match = _KEY.fullmatch(rest)
        if match is None:
            raise NotFound("This is no key of Zarr.")
        path = match["path"] or "/"
        number = self.index.number(path)
        array = self._array(number, path)
        place = tuple(int(word) for word in match["numbers"].split("/")[1:])
        grid = grid_of(array)
        counts = [
            -(-extent // chunk) for extent, chunk in zip(grid.shape, grid.chunks, strict=True)
        ]
        if len(place) != len(counts) or any(
            index >= count for index, count in zip(place, counts, strict=True)
        ):
            raise NotFound("There is no such chunk.")
        if grid.is_cut:
            return self._cut(array, grid.chunks, place)
        wanted = 0
        for index, count in zip(place, counts, strict=True):
            wanted = wanted * count + index
        return self._written(number, wanted)

    def _written(self, number: int, wanted: int) -> Lying:
        rows = self.index.rows(number, wanted, wanted)
        place = int(np.searchsorted(rows["number"], wanted))
        if place == len(rows) or rows["number"][place] != wanted:
            raise NotFound("This chunk was never written.")
        row = rows[place]
        if row["mask"]:
            raise Unreadable(
                "This chunk went through other filters than the rest.",
                reason="filter-mask",
                hint=_HINT,
            )
        return self._lying(int(row["offset"]), int(row["size"]))

    def _cut(self, array: Array, chunks: tuple[int, ...], place: tuple[int, ...]) -> bytes | Lying:
        """Return a range of contiguous values; what is beyond the end is fill value."""
        shape, item = array.shape or (), np.dtype(array.dtype).itemsize
        size = math.prod(chunks) * item
        start = 0
        for index, chunk, extent in zip(place, chunks, shape, strict=True):
            start = start * extent + index * chunk
        cut = next((axis for axis, chunk in enumerate(chunks) if chunk > 1), len(chunks) - 1)
        rows = min(chunks[cut], shape[cut] - place[cut] * chunks[cut]) if shape else 1
        wanted = rows * math.prod(chunks[cut + 1 :]) * item if shape else item
        if array.layout == "compact":
            found = array.values[start * item : start * item + wanted]
        elif array.offset < 0:
            raise NotFound("These values were never written.")
        else:
            lying = self._lying(array.offset + start * item, wanted)
            if wanted == size:
                return lying
            with self.file().source() as source:
                found = read_exactly(source, lying.offset, lying.size)
        fill = array.fill if len(array.fill) == item else bytes(item)
        return found + fill * ((size - len(found)) // item)

    def _lying(self, offset: int, size: int) -> Lying:
        if size > CHUNK_BYTES:
            raise TooLarge(f"This chunk has {size:,} bytes.", limit=CHUNK_BYTES, hint=_HINT)
        return Lying(offset=offset, size=size)

    # ---- descriptions ----

    def _array(self, number: int, path: str) -> Array:
        array = self.index.array_of(number, path)
        reason = why_not(array)
        if reason is not None:
            raise NotFound(f"{path} is not offered as Zarr: {reason}.", hint=_HINT)
        return array

    def _described(self, path: str) -> dict[str, Any]:
        number = self.index.number(path)
        attributes = orjson.loads(self.index.attributes(path))
        face = self.index.face(path)
        if face.kind != "dataset":
            return group_json(attributes)
        array = self._array(number, path)
        parent, _, own = path.rpartition("/")
        axes, is_signal = self._axes(parent or "/", own)
        names = dimensions(array.shape or (), own=own, axes=axes, is_signal=is_signal)
        return array_json(array, attributes, names)

    def _axes(self, parent: str, own: str) -> tuple[list[tuple[str, int]], bool]:
        """Return the axes that a group of NXdata names, and whether a member is its signal."""
        told = orjson.loads(self.index.attributes(parent, None))
        axes = told.get("axes")
        names = axes if isinstance(axes, list) else [axes] if isinstance(axes, str) else []
        return [(str(name), self._length(parent, str(name))) for name in names[:32]], (
            told.get("signal") == own
        )

    def _length(self, parent: str, name: str) -> int:
        try:
            shape = self.index.array(f"{parent.rstrip('/')}/{name}").shape
        except PanoscError:
            return -1
        return shape[0] if shape and len(shape) == 1 else -1

    def _below(self, path: str) -> dict[str, Any] | None:
        """Return the nodes beneath a group by their paths from it; None if there are too many."""
        paths = orjson.loads(self.index.paths(path, "only_valid"))[1:]
        if len(paths) > CONSOLIDATED:
            return None
        found: dict[str, Any] = {}
        start = len(path.rstrip("/")) + 1
        for one in paths:
            try:
                found[one[start:]] = self._described(one)
            except (PanoscError, KeyError):
                # what Zarr cannot tell of, and links to nowhere
                continue
        return found
