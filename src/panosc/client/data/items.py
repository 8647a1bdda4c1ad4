"""What one element of an array is, from the type that a node tells, and from bytes or JSON to it.

Types are words of strangers: what is not understood is read as JSON, never guessed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any, Literal

from panosc.client.data.optional import numpy
from panosc.domain.errors import Unreadable

_PLAIN = re.compile(r"[<>|=]?[biufc][1-9][0-9]?")
_BYTES = re.compile(r"[|]?[SV]([1-9][0-9]{0,8})")
_JSON_BYTES = 64
_STRING, _ARRAY = 3, 10
_LONGEST_HEAD = 10_000
_MAGIC_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An element: its dtype here, how it travels, the shape it has itself."""

    dtype: Any
    form: Literal["npy", "bin", "json"]
    shape: tuple[int, ...] = ()
    is_text: bool = False
    width: int = _JSON_BYTES
    """Bytes that one takes on the way, told or guessed, where it travels as JSON."""

    @property
    def nbytes(self) -> int:
        """How much it takes; guessed for what is of variable length."""
        own = self.width if self.form == "json" else self.dtype.itemsize
        return max(1, int(own) * prod(self.shape))


def item_of(told: Mapping[str, Any]) -> Item:
    """Return what one element is.

    Parameters
    ----------
    told : mapping
        The type as h5grove tells it.

    Raises
    ------
    Unreadable
        If numpy has no such type here.
    """
    try:
        return _item(told)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Unreadable(
            f"numpy here has no such type: {told.get('dtype')!r} ({error}).", reason="dtype"
        ) from None


def dims_of(told: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape that each element has itself; nothing but for arrays of numbers."""
    base, dims = told.get("base"), told.get("dims")
    if told.get("class") != _ARRAY or not isinstance(base, dict) or not isinstance(dims, list):
        return ()
    is_plain = _PLAIN.fullmatch(str(base.get("dtype")))
    return tuple(int(size) for size in dims) if is_plain else ()


def _item(told: Mapping[str, Any]) -> Item:
    np = numpy()
    text, kind = told.get("dtype"), told.get("class")
    if inner := dims_of(told):
        return Item(dtype=np.dtype(told["base"]["dtype"]), form="npy", shape=inner)
    if isinstance(text, str) and _PLAIN.fullmatch(text):
        return Item(dtype=np.dtype(text), form="npy")
    if isinstance(text, str) and (found := _BYTES.fullmatch(text)):
        if kind != _STRING:
            return Item(dtype=np.dtype(text), form="bin")
        return Item(dtype=np.dtype(object), form="json", is_text=True, width=int(found[1]))
    if isinstance(text, dict):
        record = _record(text)
        # with gaps between the fields nobody has told where they are
        if record is not None and record.itemsize == told.get("size"):
            return Item(dtype=record, form="bin")
    return Item(dtype=np.dtype(object), form="json", is_text=kind == _STRING)


def _record(fields: Mapping[str, Any]) -> Any:
    found = []
    for name, text in fields.items():
        if not isinstance(text, str) or not (_PLAIN.fullmatch(text) or _BYTES.fullmatch(text)):
            return None
        found.append((name, text))
    return numpy().dtype(found)


def head_of(pieces: Iterator[bytes]) -> tuple[Any, tuple[int, ...], bool, bytes]:
    """Return what the head of an ``npy`` says: dtype, shape, Fortran order; and what came behind.

    Raises
    ------
    ValueError
        If it is none.
    """
    forms = numpy().lib.format
    came = bytearray()
    for piece in pieces:
        came += piece
        if len(came) < _MAGIC_BYTES:
            continue
        first = BytesIO(came)
        version = forms.read_magic(first)
        width = 2 if version == (1, 0) else 4
        length = int.from_bytes(came[8 : 8 + width], "little")
        if length > _LONGEST_HEAD:
            break
        if len(came) < 8 + width + length:
            continue
        read = {(1, 0): forms.read_array_header_1_0, (2, 0): forms.read_array_header_2_0}[version]
        shape, is_fortran, dtype = read(first)
        return dtype, shape, is_fortran, bytes(came[first.tell() :])
    raise ValueError("no head of an array")


def objects(values: Any, shape: tuple[int, ...]) -> Any:
    """Return nested lists as an array of objects of this shape.

    Raises
    ------
    ValueError
        If they are not of this shape.
    """
    np = numpy()
    flat = [values]
    for length in shape:
        if not all(isinstance(inner, list) and len(inner) == length for inner in flat):
            raise ValueError("lists of another shape")
        flat = [deeper for inner in flat for deeper in inner]
    found = np.empty(prod(shape), dtype=object)
    for place, value in enumerate(flat):
        found[place] = value
    return found.reshape(shape)


def typed(values: Any, shape: tuple[int, ...], item: Item) -> Any:
    """Return what JSON tells of records, or of elements that are arrays, in their own type.

    Raises
    ------
    TypeError, ValueError
        If JSON could not tell a value, such as an infinity.
    """
    found = objects(values, shape + item.shape)
    if item.dtype.names is None:
        return found.astype(item.dtype)
    filled = numpy().empty(found.shape, dtype=item.dtype)
    for place, record in enumerate(found.reshape(-1)):
        filled.reshape(-1)[place] = tuple(_field(value) for value in record)
    return filled


def _field(value: Any) -> Any:
    if value is None:
        raise TypeError("not a number, or an infinity")
    return value.encode() if isinstance(value, str) else value
