"""One chunk through its filters, backwards, as HDF5 does it but without its lock.

Deflate by ISA-L, bzip2, shuffle and checksum here, the rest by the very functions of hdf5plugin
that HDF5 would call, with sizes and lengths checked first. To be run in a sandboxed worker only:
C code meets bytes of strangers here. Nothing is read from a file.
"""

import bz2
import ctypes
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from panosc.domain.errors import Unreadable
from panosc.files.chunks.blocks import decode_bitshuffle
from panosc.files.chunks.known import (
    BITSHUFFLE,
    BLOSC,
    BZIP2,
    DEFLATE,
    FLETCHER32,
    LZ4_FILTER,
    PLUGINS,
    SHUFFLE,
)
from panosc.files.index.contents import Filter

quick_zlib: Any = zlib
with suppress(ImportError):  # there is no wheel for each and every processor
    quick_zlib = import_module("isal.isal_zlib")

Bytes: TypeAlias = "np.ndarray[Any, np.dtype[np.uint8]]"
Data: TypeAlias = "bytes | Bytes"

_REVERSE: Final = 0x0100
_SLACK: Final = 65_536
"""What more than one compressor may add to what cannot be compressed, in bytes."""
_GULP: Final = 2**20
_CHECKSUM: Final = 4
_SLAB: Final = 256
_SLABS: Final = 1_024
_USUAL_HEAD: Final = b"\x78"
"""First byte of a zlib stream with the full window."""

_Function: Final = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_uint,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_uint),
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_void_p),
)


class _Class(ctypes.Structure):
    """H5Z_class2_t of H5Zdevelop.h."""

    _fields_ = (
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("encoder_present", ctypes.c_uint),
        ("decoder_present", ctypes.c_uint),
        ("name", ctypes.c_char_p),
        ("can_apply", ctypes.c_void_p),
        ("set_local", ctypes.c_void_p),
        ("filter", ctypes.c_void_p),
    )


def decode(raw: bytes, *, filters: tuple[Filter, ...], mask: int, nbytes: int) -> Bytes:
    """Return the `nbytes` of a chunk; `mask` tells which filters it did not go through.

    Raises
    ------
    Unreadable
        When HDF5 would fail, and also where it would make up what is missing.
    """
    data: Data = raw
    for number in reversed(range(len(filters))):
        if not mask >> number & 1:
            limit = _limit(filters[:number], mask=mask, nbytes=nbytes)
            data = _undo(filters[number], data, limit=limit)
    if len(data) < nbytes:
        raise _damaged(f"a chunk has {len(data)} bytes instead of {nbytes}")
    found = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    return found if len(found) == nbytes else found[:nbytes]


def _limit(before: tuple[Filter, ...], *, mask: int, nbytes: int) -> int:
    """Return how large the output of a filter may be, with `before` still to be undone."""
    limit = nbytes
    for number, step in enumerate(before):
        if mask >> number & 1 or step.id == SHUFFLE:
            continue
        limit += _CHECKSUM if step.id == FLETCHER32 else nbytes + _SLACK
    return limit


def _undo(step: Filter, data: Data, *, limit: int) -> Data:
    if step.id == DEFLATE:
        if len(step.values) != 1 or step.values[0] > 9:  # noqa: PLR2004 - as HDF5 has it
            raise _damaged("a deflated chunk has no level from 0 to 9")
        return _inflate(data, limit=limit)
    if step.id == SHUFFLE:
        return _unshuffle(data, step.values)
    if step.id == FLETCHER32:
        return _checked(data)
    if step.id == BITSHUFFLE:
        return decode_bitshuffle(data, step.values, limit=limit)
    if step.id == BZIP2:
        return _unbzip(data, limit=limit)
    if step.id in PLUGINS:
        return _by_plugin(step, data, limit=limit)
    raise Unreadable(f"nothing here undoes filter {step.id}", reason="unknown-filter")


# ---- what HDF5 has of its own ----


def _inflate(data: Data, *, limit: int) -> bytes:
    """Undo deflate; what follows the stream is passed over, as HDF5 does."""
    # ISA-L is less strict about the head of a stream than zlib, so it gets the usual one only
    head = bytes(data[:2])
    is_usual = (
        head[:1] == _USUAL_HEAD and not head[-1] & 0x20 and int.from_bytes(head, "big") % 31 == 0
    )
    module = quick_zlib if is_usual else zlib
    stream = module.decompressobj()
    try:
        return _unpack(stream, data, limit=limit)
    except (zlib.error, quick_zlib.error) as error:
        raise _damaged(f"a deflated chunk does not unpack: {error}") from error


def _unbzip(data: Data, *, limit: int) -> bytes:
    """Undo bzip2; the filter that HDF5 would call never ends where a stream does too early."""
    try:
        return _unpack(bz2.BZ2Decompressor(), bytes(data), limit=limit)
    except (OSError, ValueError) as error:
        raise _damaged(f"a chunk of bzip2 does not unpack: {error}") from error


def _unpack(stream: Any, data: Data, *, limit: int) -> bytes:
    """Return all that a stream unpacks to; HDF5 passes over what is more than it needs."""
    found: bytes = stream.decompress(data, limit or 1)
    spare = max(2 * limit, _GULP)
    while not stream.eof and spare > 0:
        more = stream.decompress(getattr(stream, "unconsumed_tail", b""), _GULP)
        if not more and not stream.eof:
            break
        found, spare = found + more, spare - len(more)
    if not stream.eof:
        raise _damaged("a packed chunk ends too early, or never")
    return found


def _unshuffle(data: Data, values: tuple[int, ...]) -> Data:
    if len(values) != 1 or not values[0]:
        raise _damaged("a shuffled chunk does not say how long its items are")
    size = values[0]
    count = len(data) // size
    if size == 1 or count <= 1:
        return data
    source = np.frombuffer(data, np.uint8)
    found = np.empty(len(data), np.uint8)
    whole = count * size
    if size == 2:  # noqa: PLR2004 - most detectors, and four times as fast
        pairs = found[:whole].view("<u2")
        np.left_shift(source[count:whole], 8, out=pairs, dtype=np.uint16)
        np.bitwise_or(pairs, source[:count], out=pairs)
    else:
        items = found[:whole].reshape(count, size)
        for place in range(size):
            items[:, place] = source[place * count : (place + 1) * count]
    found[whole:] = source[whole:]
    return found


def _checked(data: Data) -> Data:
    """Return what comes before the checksum, which has to be right."""
    if len(data) < _CHECKSUM:
        raise _damaged("a chunk is too short for its checksum")
    body = np.frombuffer(data, np.uint8)[:-_CHECKSUM]
    stored = int.from_bytes(bytes(data[-_CHECKSUM:]), "little")
    found = fletcher32(body)
    # HDF5 before 1.6.3 wrote the bytes of each half the wrong way round
    swapped = (found & 0x00FF00FF) << 8 | (found & 0xFF00FF00) >> 8
    if stored not in {found, swapped}:
        raise _damaged("the checksum of a chunk is wrong")
    return body


def fletcher32(data: Bytes) -> int:
    """Return the checksum as HDF5 reckons it: of 16-bit words, their first byte the higher."""
    even = len(data) // 2 * 2
    words = data[:even].view(">u2")
    weights = np.arange(_SLAB, 0, -1, dtype=np.float64)
    first = second = 0
    for begin in range(0, len(words), _SLAB * _SLABS):
        part = words[begin : begin + _SLAB * _SLABS]
        full = len(part) // _SLAB
        # sums of products below 2^53 are exact
        rows = part[: full * _SLAB].reshape(full, _SLAB).astype(np.float64)
        slabs = zip(rows.sum(axis=1).tolist(), (rows @ weights).tolist(), strict=True)
        for total, weighted in slabs:
            second += first * _SLAB + int(weighted)
            first += int(total)
        for word in part[full * _SLAB :].tolist():
            first += word
            second += first
        first, second = _fold(first), _fold(second)
    if len(data) % 2:
        first += int(data[-1]) << 8
        second += first
    return _fold(second) << 16 | _fold(first)


def _fold(total: int) -> int:
    """Return a sum in the arithmetic of ones' complement: zero only if nothing was added."""
    return (total - 1) % 0xFFFF + 1 if total else 0


# ---- what hdf5plugin has ----


@lru_cache(maxsize=1)
def _plugins() -> "dict[int, Callable[..., int]]":
    """Return the functions of the filters by number."""
    import hdf5plugin  # noqa: PLC0415 - only a worker loads it

    found: dict[int, Callable[..., int]] = {}
    for path in sorted(Path(hdf5plugin.PLUGIN_PATH).glob("libh5*")):
        try:
            library = ctypes.CDLL(str(path))
            library.H5PLget_plugin_info.restype = ctypes.POINTER(_Class)
            described = library.H5PLget_plugin_info().contents
        except (OSError, AttributeError):
            continue
        found[described.id] = _Function(described.filter)
    return found


@lru_cache(maxsize=1)
def _allocator() -> Any:
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    return library


def _by_plugin(step: Filter, data: Data, *, limit: int) -> Bytes:
    function = _plugins().get(step.id)
    if function is None:
        raise Unreadable(f"nothing here undoes filter {step.id}", reason="unknown-filter")
    if (check := _CHECKS.get(step.id)) is not None:
        check(data, limit)
    allocator = _allocator()
    held = bytes(data)
    # the function frees what it is given and leaves its own in the place
    buffer = ctypes.c_void_p(allocator.malloc(max(len(held), 1)))
    if not buffer.value:
        raise MemoryError
    try:
        ctypes.memmove(buffer, held, len(held))
        size = ctypes.c_size_t(len(held))
        values = (ctypes.c_uint * max(len(step.values), 1))(*step.values)
        length = function(
            _REVERSE | step.flags,
            len(step.values),
            values,
            len(held),
            ctypes.byref(size),
            ctypes.byref(buffer),
        )
        if not length or length > size.value or not buffer.value:
            raise _damaged(f"filter {step.id} cannot undo a chunk")
        if length > limit:
            raise _damaged(f"a chunk has {length} bytes, more than {limit}")
        found = np.empty(length, np.uint8)
        ctypes.memmove(found.ctypes.data, buffer, length)
    finally:
        allocator.free(buffer)
    return found


def _check_blosc(data: Data, limit: int) -> None:
    """Look at the head of a Blosc buffer, whose lengths its decoder believes."""
    head = bytes(data[:16])
    if len(head) < 16:  # noqa: PLR2004 - its length
        raise _damaged("a Blosc chunk is shorter than its head")
    length, stored = int.from_bytes(head[4:8], "little"), int.from_bytes(head[12:16], "little")
    if stored > len(data) or length > limit:
        raise _damaged(f"a Blosc chunk says {length} bytes out of {stored}, which it has not")


def _check_lz4(data: Data, limit: int) -> None:
    """Go through the blocks of an LZ4 chunk, whose lengths its decoder believes."""
    held = bytes(data)
    length, block = int.from_bytes(held[:8], "big"), int.from_bytes(held[8:12], "big")
    if len(held) < 12 or length > limit or not block:  # noqa: PLR2004 - its head
        raise _damaged(f"an LZ4 chunk says {length} bytes in blocks of {block}")
    place = 12
    for _ in range(-(-length // block)):
        if place + 4 > len(held):
            raise _damaged("an LZ4 chunk ends before its last block")
        place += 4 + int.from_bytes(held[place : place + 4], "big")
    if place > len(held):
        raise _damaged("an LZ4 chunk ends within a block")


_CHECKS: Final[dict[int, Callable[[Data, int], None]]] = {
    BLOSC: _check_blosc,
    LZ4_FILTER: _check_lz4,
}


def _damaged(detail: str) -> Unreadable:
    return Unreadable(detail, reason="damaged")
