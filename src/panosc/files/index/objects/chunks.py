"""Where the chunks of a dataset lie: a table of 24 bytes for each, sorted by number."""

from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
from h5py import h5d

from panosc.files.index.contents import ROW_BYTES
from panosc.files.index.objects.lookups import are_found

ROW: Final = np.dtype([("number", "<u8"), ("offset", "<u8"), ("size", "<u4"), ("mask", "<u4")])
"""One row of the table."""
_SLOW_TABLE: Final = 20_000
"""Most chunks of one dataset where the library looks each of them up from the beginning."""
_USER_BLOCK_TOLD: Final = (2, 0, 0)
"""The first version of HDF5 known to count offsets of chunks from the start of the file."""
_COUNT_LIMIT: Final = 2**63
_SIZE_LIMIT: Final = 2**32


@dataclass(frozen=True, slots=True)
class Untold(Exception):
    """There is no usable table; `why` is a stable word."""

    why: str


def table_of(
    dataset: h5d.DatasetID, shape: tuple[int, ...], chunk: tuple[int, ...], *, item: int
) -> bytes:
    """Return the table of the chunks that were written.

    Raises
    ------
    Untold
        When it does not say how to read the dataset.
    """
    places = _places(dataset)
    if not places:
        return b""
    rank = len(chunk)
    table = np.array(places, np.uint64).reshape(len(places), rank + 3)
    origin, mask, offset, size = table[:, :rank], table[:, -3], table[:, -2], table[:, -1]
    grid = [-(-extent // step) for extent, step in zip(shape, chunk, strict=True)]
    _check(shape, chunk, grid=grid, origin=origin, size=size)
    if not are_found(dataset, origin, size):
        raise Untold("damaged")
    if _may_be_raw(dataset, shape, chunk, item=item, table=table):
        raise Untold("edge-chunks")
    numbers = np.zeros(len(table), np.uint64)
    for axis, (step, extent) in enumerate(zip(chunk, grid, strict=True)):
        numbers = numbers * np.uint64(extent) + origin[:, axis] // np.uint64(step)
    rows = np.empty(len(table), ROW)
    rows["number"], rows["offset"], rows["size"], rows["mask"] = numbers, offset, size, mask
    rows = rows[np.argsort(rows["number"], kind="stable")]
    if (rows["number"][1:] == rows["number"][:-1]).any():
        raise Untold("damaged")
    return rows.tobytes()


def _check(
    shape: tuple[int, ...], chunk: tuple[int, ...], *, grid: list[int], origin: Any, size: Any
) -> None:
    count = 1
    for extent in grid:
        count *= extent
    if count >= _COUNT_LIMIT or (size >= _SIZE_LIMIT).any():
        raise Untold("too-large")
    if (origin >= np.array(shape, np.uint64)).any() or (origin % np.array(chunk, np.uint64)).any():
        raise Untold("damaged")


def _places(dataset: h5d.DatasetID) -> list[tuple[int, ...]]:
    """Return first index, mask, offset and size of each chunk, all in one row."""
    found: list[tuple[int, ...]] = []
    user_block = _user_block(dataset)
    if user_block and h5py.version.hdf5_version_tuple < _USER_BLOCK_TOLD:
        raise Untold("user-block")

    def take(info: Any) -> None:
        found.append((*info.chunk_offset, info.filter_mask, info.byte_offset, info.size))

    if hasattr(dataset, "chunk_iter"):
        dataset.chunk_iter(take)
        return found
    count = dataset.get_num_chunks()
    if count > _SLOW_TABLE:
        raise Untold("many-chunks")
    for number in range(count):
        take(dataset.get_chunk_info(number))
    return found


def first_hole(
    shape: tuple[int, ...], chunk: tuple[int, ...], table: bytes
) -> tuple[int, ...] | None:
    """Return the first item of the first chunk that was never written; None if there is none."""
    grid = [-(-extent // step) for extent, step in zip(shape, chunk, strict=True)]
    numbers = np.frombuffer(table, ROW)["number"]
    apart = np.flatnonzero(numbers != np.arange(len(numbers), dtype=np.uint64))
    number = int(apart[0]) if len(apart) else len(numbers)
    found: list[int] = []
    for extent, step in zip(reversed(grid), reversed(chunk), strict=True):
        if not extent:
            return None
        number, place = divmod(number, extent)
        found.append(place * step)
    return None if number else tuple(reversed(found))


def _user_block(dataset: h5d.DatasetID) -> int:
    size: int = h5py.h5i.get_file_id(dataset).get_create_plist().get_userblock()
    return size


def _may_be_raw(
    dataset: h5d.DatasetID,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    *,
    item: int,
    table: Any,
) -> bool:
    """Whether chunks that reach over the edge may have been spared the filters.

    A file can say so (H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS), but the library does not tell it
    here. Such chunks are as large as their values, which filters that pack rarely leave.
    """
    if not dataset.get_create_plist().get_nfilters():
        return False
    rank, whole = len(chunk), item
    for step in chunk:
        whole *= step
    reaches = table[:, :rank] + np.array(chunk, np.uint64) > np.array(shape, np.uint64)
    return bool((reaches.any(axis=1) & (table[:, -1] == whole) & (table[:, -3] == 0)).any())


def rows_of(table: bytes) -> int:
    """Return how many rows a table has."""
    return len(table) // ROW_BYTES
