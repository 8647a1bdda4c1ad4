"""Values of a file as JSON, byte for byte as h5grove 4 encodes them, and texts that it cannot.

h5grove fails on texts that are not UTF-8; here they are taken as Latin-1.
"""

import numbers
from typing import Any, Final

import h5py
import numpy as np
import orjson
from h5grove.encoders import orjson_encode
from h5py import h5d, h5t

from panosc.files.index.objects.ledger import ATTRIBUTE_BYTES, Ledger
from panosc.files.opening import FAILURES

ITEMS: Final = 65_536
"""Most items of one dataset that are kept."""
VALUE_BYTES: Final = 4 * 2**20
"""Most JSON of one dataset that is kept."""
CHUNK_BYTES: Final = 16 * 2**20
"""Largest chunk that is unpacked here."""
_AT_ONCE: Final = 1024
_ODD: Final = (*FAILURES, MemoryError, AttributeError, RecursionError)


def word(raw: bytes) -> str:
    """Return a text of the file: UTF-8, else Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def encode(value: object) -> bytes:
    """Return JSON of what h5py made of a value."""
    try:
        return bytes(orjson_encode(value))
    except (TypeError, ValueError):
        return orjson.dumps(_plain(value))


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one for each kind of value
    """Return the value made of what JSON knows."""
    if isinstance(value, bytes):
        return word(value)
    if isinstance(value, str):
        return word(value.encode("utf-8", "surrogateescape"))
    if value is None or isinstance(value, (bool, int, h5py.Empty)):
        return None if isinstance(value, h5py.Empty) else value
    if isinstance(value, np.ndarray):
        return _plain(value[()]) if value.ndim == 0 else [_plain(item) for item in value]
    if isinstance(value, (list, tuple, np.void)):
        return [_plain(item) for item in (value.item() if isinstance(value, np.void) else value)]
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, numbers.Real):
        return float(value)
    if isinstance(value, numbers.Complex):
        return [float(value.real), float(value.imag)]
    return str(value)


def attribute(attributes: Any, name: bytes, found: Any, kind: h5t.TypeID, ledger: Ledger) -> bytes:
    """Return JSON of an attribute's value; null, and a note, for what cannot be kept."""
    count = found.get_space().get_simple_extent_npoints()
    if count * kind.get_size() > ATTRIBUTE_BYTES:
        ledger.note("large-attribute", f"{word(name)}: an attribute of {count} items is left out")
        return b"null"
    try:
        content = encode(attributes[name])
    except _ODD as error:
        ledger.note("unreadable-attribute", f"{word(name)}: {error}")
        return b"null"
    if len(content) > ATTRIBUTE_BYTES:
        ledger.note("large-attribute", f"{word(name)}: {len(content)} bytes are left out")
        return b"null"
    return content


def kept(dataset: h5d.DatasetID, shape: tuple[int, ...]) -> bytes | None:
    """Return JSON of all values of a dataset; None when they are too many or cannot be read.

    The caller has seen to it that reading touches this file alone and unpacks no large chunk.
    """
    count = 1
    for extent in shape:
        count *= extent
    if count > ITEMS:
        return None
    high = h5py.Dataset(dataset)
    try:
        if count <= _AT_ONCE or len(shape) == 0:
            content = encode(high[()])
        else:
            content = _in_parts(high, shape, count)
    except _ODD:
        return None
    return None if len(content) > VALUE_BYTES else content


def _in_parts(high: h5py.Dataset, shape: tuple[int, ...], count: int) -> bytes:
    """Read a few at a time: each may be long, and the same one be named over and over."""
    rows = max(1, _AT_ONCE * shape[0] // count)
    parts: list[bytes] = []
    size = 0
    for begin in range(0, shape[0], rows):
        part = encode(high[begin : begin + rows])[1:-1]
        size += len(part)
        if size > VALUE_BYTES:
            raise ValueError("too large to be kept")
        parts.append(part)
    return b"[" + b",".join(parts) + b"]"
