"""What only the HDF5 library can read: odd types and filters, values of variable length.

To be run in a sandboxed worker. No link to another file is followed, no virtual dataset and no
external storage is read, and no chunk beyond the limit is unpacked (`files.careful`).
"""

import ctypes
import numbers
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import h5py
import numpy as np
from h5py import h5d, h5f

from panosc.domain.errors import Unreadable
from panosc.files.careful import Careful, extent_of
from panosc.files.chunks.planning import CHUNK_BYTES
from panosc.files.chunks.selection import Selection, bands, parse, whole
from panosc.files.opening import FAILURES, open_path
from panosc.files.storage.fileobj import opened, within
from panosc.files.storage.local import LocalSource

if TYPE_CHECKING:
    from panosc.files.storage.places import Place

Values: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

ANSWER_BYTES: Final = 256 * 2**20
PLAIN_BYTES: Final = 64 * 2**20
"""Largest answer of values that become objects of Python, as texts and lists do."""
PLAIN_ITEMS: Final = 1_000_000
_AT_ONCE: Final = 64
"""Values of variable length that are read at once: the same long one may be named each time."""
_DEPTH: Final = 16
_PERTURB: Final = -6
"""M_PERTURB of mallopt."""
_FILLINGS: Final = (0x5A, 0x33)
"""What memory is filled with, another byte for each of the two readings."""


def read(
    path: "str | Path | Place", where: str, selection: Selection | str | None = None
) -> Values:
    """Return what is selected of a dataset, as h5py reads it.

    Numbers and texts of fixed length come as an array of their type; all else (texts and lists
    of variable length, compounds, references) as an array of objects: plain values of Python
    that JSON can hold, with lists for compounds.

    Parameters
    ----------
    path : str, Path or Place
        The file; a place is one in a storage.
    where : str
        Path of the dataset.
    selection : Selection or str, optional
        A text is read as `selection.parse` does.

    Raises
    ------
    Unreadable
    """
    # its filters are those of HDF5 from then on
    import_module("hdf5plugin")
    if not isinstance(path, str | Path):
        return _settled(path, where, selection, is_written=False)
    with LocalSource(path) as source:
        place, is_written = within(source)
        return _settled(place, where, selection, is_written=is_written)


def _settled(
    place: "Path | Place", where: str, selection: Selection | str | None, *, is_written: bool
) -> Values:
    """Return values that do not depend on what was in the memory before."""
    try:
        with _filled(_FILLINGS[0]):
            found, is_filtered = _opened(place, where, selection, is_written=is_written)
        if is_filtered and _allocator() is not None:
            # a filter that yields too little leaves what was in the memory before, perhaps of
            # another's file: with other things in the memory the values would be others
            with _filled(_FILLINGS[1]):
                second, _ = _opened(place, where, selection, is_written=is_written)
            if _differ(found, second):
                raise Unreadable("a chunk yields fewer values than it should", reason="damaged")
    except FAILURES as error:
        raise Unreadable(f"HDF5 cannot read it: {str(error)[:200]}", reason="damaged") from error
    return found


@contextmanager
def _filled(filling: int) -> Iterator[None]:
    """Let memory that is handed out hold what tells it from any that was handed out before."""
    library = _allocator()
    if library is None:
        yield
        return
    library.mallopt(_PERTURB, filling)
    try:
        yield
    finally:
        library.mallopt(_PERTURB, 0)


def _differ(found: Values, second: Values) -> bool:
    return found.tobytes() != second.tobytes()


def _opened(
    place: "Path | Place", where: str, selection: Selection | str | None, *, is_written: bool
) -> tuple[Values, bool]:
    if not isinstance(place, Path):
        with opened(place) as there:
            return _read(there, where, selection)
    file = open_path(place, is_written=is_written)
    try:
        return _read(file, where, selection)
    finally:
        file.close()


@lru_cache(maxsize=1)
def _allocator() -> Any:
    """Return the C library, if it can fill memory that it hands out; None otherwise."""
    library = ctypes.CDLL(None)
    return library if sys.platform == "linux" and hasattr(library, "mallopt") else None


def _read(file: h5f.FileID, where: str, selection: Selection | str | None) -> tuple[Values, bool]:
    """Return the values, and whether they went through filters."""
    careful = Careful(file)
    node = careful.at(careful.root, where.encode("utf-8", "surrogateescape"))
    if node is None and not where.isascii():
        # the index takes names that are not UTF-8 as Latin-1
        with suppress(UnicodeEncodeError):
            node = careful.at(careful.root, where.encode("latin-1"))
    if not isinstance(node, h5d.DatasetID):
        _tell(careful)
        raise Unreadable(f"there is no dataset at {where} in it", reason="no-dataset")
    kind = node.get_type()
    if not careful.storage_is_safe(node, kind.get_size(), limit=CHUNK_BYTES):
        _tell(careful)
    shape = extent_of(node)
    if shape is None or node.shape is None:
        raise Unreadable("it holds nothing", reason="empty")
    chosen = (
        selection
        if isinstance(selection, Selection)
        else parse(selection, shape)
        if selection
        else whole(shape)
    )
    if len(chosen.spans) != len(shape) or any(
        span.stop > extent for span, extent in zip(chosen.spans, shape, strict=True)
    ):
        raise Unreadable("it has not the shape any more that it had", reason="changed")
    dataset = h5py.Dataset(node)
    dtype = dataset.dtype
    is_plain = dtype.hasobject or dtype.names is not None
    limit = PLAIN_BYTES if is_plain else ANSWER_BYTES
    size = chosen.points * max(1, dtype.itemsize)
    if size > limit or (is_plain and chosen.points > PLAIN_ITEMS):
        raise Unreadable(f"the answer would have {size} bytes, too many", reason="too-large")
    if is_plain:
        return _objects(dataset, chosen, has_objects=dtype.hasobject), False
    found = np.asarray(dataset[chosen.index])
    # an item may be an array itself
    shaped = found.reshape(chosen.shape + dtype.shape)
    return shaped, bool(node.get_create_plist().get_nfilters())


def _tell(careful: Careful) -> None:
    """Raise the last reason for which something was refused."""
    if careful.refusals:
        last = careful.refusals[-1]
        raise Unreadable(last.detail, reason=last.reason)


def _objects(dataset: h5py.Dataset, chosen: Selection, *, has_objects: bool) -> Values:
    """Read a few at a time, and make plain values of them."""
    room = PLAIN_BYTES
    found = np.empty(chosen.points, object)
    place = 0
    for part in bands(chosen, 1, _AT_ONCE if has_objects else 4096):
        values = dataset[part.index]
        inner = dataset.dtype.shape
        is_many = isinstance(values, np.ndarray) and (part.shape or inner)
        items = values.reshape(part.points, *inner) if is_many else [values]
        for item in items:
            found[place], used = _plain(item, _DEPTH)
            place += 1
            room -= used
        if room < 0:
            raise Unreadable(f"its values have more than {PLAIN_BYTES} bytes", reason="too-large")
    return found.reshape(chosen.shape)


def _plain(value: Any, depth: int) -> tuple[Any, int]:
    """Return a value that JSON can hold, and about how many bytes it takes."""
    if isinstance(value, bytes | str):
        return _text(value), len(value) + 50
    if isinstance(value, np.ndarray | np.void | list | tuple) and depth:
        return _list(value, depth)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float):
        return value, 32
    if isinstance(value, numbers.Complex):
        return [value.real, value.imag], 100
    if value is None or isinstance(value, h5py.Empty):
        return None, 8
    return str(value), 100


def _list(value: Any, depth: int) -> tuple[Any, int]:
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return _plain(value[()], depth - 1)
        if value.dtype.kind in "biuf":
            return value.tolist(), 32 * value.size + 64
    items = value.item() if isinstance(value, np.void) else value
    if not isinstance(items, np.ndarray | list | tuple):
        return _plain(items, 0)
    pairs = [_plain(item, depth - 1) for item in items]
    return [item for item, _ in pairs], 64 + sum(used for _, used in pairs)


def _text(value: bytes | str) -> str:
    """Return a text as UTF-8, else Latin-1, also where h5py kept its bytes as surrogates."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
