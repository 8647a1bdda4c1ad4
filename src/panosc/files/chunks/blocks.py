"""Bitshuffle with LZ4 or Zstandard: blocks of some kilobytes, each to be decoded by itself.

The blocks of a chunk lie one after the other, each with its length before it. Hopping over the
lengths gives a `BlockTable`; with it a few pixels cost a few blocks and not the whole chunk.
All lengths are checked here, for the decoder believes them. No file is read here.
"""

import ctypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from panosc.domain.errors import Unreadable
from panosc.files.chunks.known import LZ4, ZSTD

Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"
Offsets: TypeAlias = "np.ndarray[Any, np.dtype[np.uint32]]"

HEAD: Final = 12
"""Bytes before the first block: length of the chunk, and of a block, both big-endian."""
_LENGTH: Final = 4
_MULTIPLE: Final = 8
"""Items are shuffled eight at a time; what is left over at the end lies there as it is."""
_LARGEST: Final = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTable:
    """Where the blocks of one chunk are."""

    nbytes: int
    """Of the decoded chunk."""
    item: int
    block: int
    """Bytes of a decoded block; the last one may have fewer."""
    offsets: Offsets
    """Of each block within the chunk, then the end of the last."""
    is_zstd: bool

    @property
    def blocks(self) -> int:
        """How many blocks there are, with what is left over as one more."""
        return -(-self.nbytes // self.block)


def table_of(raw: bytes, values: tuple[int, ...], *, limit: int) -> BlockTable:
    """Return where the blocks of a compressed chunk are.

    Raises
    ------
    Unreadable
        When its lengths do not fit, or it says that it is larger than `limit`.
    """
    item, compressor = _terms(values)
    if len(raw) < HEAD:
        raise _damaged("is shorter than its head")
    nbytes, block = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:HEAD], "big")
    if nbytes > limit or nbytes % item:
        raise _damaged(f"says that it has {nbytes} bytes, which it cannot have")
    block = block // item * item
    if not block:
        block = int(_library().bshuf_default_block_size(item)) * item
    if block % (_MULTIPLE * item) or block >= _LARGEST:
        raise _damaged(f"says that its blocks have {block} bytes")
    full, rest = divmod(nbytes // item, block // item)
    count = full + (rest >= _MULTIPLE)
    return BlockTable(
        nbytes=nbytes,
        item=item,
        block=block,
        offsets=_hop(raw, count, spare=rest % _MULTIPLE * item),
        is_zstd=compressor == ZSTD,
    )


def _terms(values: tuple[int, ...]) -> tuple[int, int]:
    if len(values) < 5 or not values[2] or values[4] not in {LZ4, ZSTD}:  # noqa: PLR2004
        raise _damaged("does not say how it was packed")
    return values[2], values[4]


def _hop(raw: bytes, count: int, *, spare: int) -> Offsets:
    """Return where each block starts, and where the last one ends, all within `raw`."""
    size = len(raw)
    if count * _LENGTH > size - HEAD:
        raise _damaged("has no room for its blocks")
    places = []
    place = HEAD
    read = int.from_bytes
    for _ in range(count):
        places.append(place)
        place += _LENGTH + read(raw[place : place + _LENGTH], "big")
        if place > size:
            break
    places.append(place)
    if place + spare > size or len(places) <= count:
        raise _damaged("ends before its last block")
    return np.array(places, np.uint32)


def decode_blocks(
    table: BlockTable, raw: Any, into: Bytes, *, first: int, last: int, origin: int = 0
) -> None:
    """Decode the blocks from `first` until before `last` to their place in `into`.

    Parameters
    ----------
    table : BlockTable
        Made of the same chunk.
    raw : bytes or memoryview of bytes
        At least the blocks that are wanted, as they lie in the chunk from byte `origin` on.
    into : (table.nbytes,) array of uint8
        The whole decoded chunk, or more room; all else in it stays as it is.
    """
    begin = first * table.block
    end = min(last * table.block, table.nbytes)
    lowest = int(table.offsets[first])
    is_end = end == table.nbytes
    highest = int(table.offsets[-1]) + (
        table.nbytes // table.item % _MULTIPLE * table.item if is_end else 0
    )
    if not is_end:
        highest = int(table.offsets[last])
    if lowest < origin or highest - origin > len(raw) or into.nbytes < table.nbytes:
        raise _damaged("is not what it was a moment ago")
    library = _library()
    decoder = library.bshuf_decompress_zstd if table.is_zstd else library.bshuf_decompress_lz4
    held = raw if isinstance(raw, bytes) else bytes(raw)
    used = decoder(
        held if lowest == origin else np.frombuffer(held, np.uint8).ctypes.data + lowest - origin,
        into.ctypes.data + begin,
        (end - begin) // table.item,
        table.item,
        table.block // table.item,
    )
    if used != highest - lowest:
        raise _damaged("does not unpack")


def decode_bitshuffle(data: "bytes | Bytes", values: tuple[int, ...], *, limit: int) -> Bytes:
    """Return a whole chunk as it was before bitshuffle, with or without a compressor."""
    if len(values) < 3 or not values[2]:  # noqa: PLR2004 - the third is the size of an item
        raise _damaged("does not say how long its items are")
    raw = data if isinstance(data, bytes) else data.tobytes()
    if len(values) > 4 and values[4] in {LZ4, ZSTD}:  # noqa: PLR2004
        table = table_of(raw, values, limit=limit)
        found = np.empty(table.nbytes, np.uint8)
        if table.nbytes:
            decode_blocks(table, raw, found, first=0, last=table.blocks)
        return found
    item = values[2]
    block = values[3] if len(values) > 3 else 0  # noqa: PLR2004
    if len(raw) % item or block % _MULTIPLE or len(raw) > limit:
        raise _damaged("does not have the length of its items")
    found = np.empty(len(raw), np.uint8)
    source = np.frombuffer(raw, np.uint8)
    used = _library().bshuf_bitunshuffle(
        source.ctypes.data, found.ctypes.data, len(raw) // item, item, block
    )
    if used != len(raw):
        raise _damaged("does not unpack")
    return found


@lru_cache(maxsize=1)
def _library() -> Any:
    import hdf5plugin  # noqa: PLC0415 - only a worker loads it

    paths = sorted(Path(hdf5plugin.PLUGIN_PATH).glob("libh5bshuf.*"))
    if not paths:
        raise Unreadable("hdf5plugin has no bitshuffle here", reason="unknown-filter")
    library = ctypes.CDLL(str(paths[0]))
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    for name in ("bshuf_decompress_lz4", "bshuf_decompress_zstd", "bshuf_bitunshuffle"):
        function = getattr(library, name)
        function.restype, function.argtypes = ctypes.c_int64, [pointer, pointer, size, size, size]
    library.bshuf_default_block_size.restype = size
    library.bshuf_default_block_size.argtypes = [size]
    return library


def _damaged(detail: str) -> Unreadable:
    return Unreadable(f"a bitshuffled chunk {detail}", reason="damaged")
