"""An array of a file at a node: what it is at once, its values as far as they are asked for."""

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from panosc.client.data import cards, labelled
from panosc.client.data.bands import block
from panosc.client.data.items import Item, dims_of, item_of
from panosc.client.data.optional import numpy
from panosc.client.data.reading import Reading
from panosc.client.data.selecting import Selection, select
from panosc.client.data.wire import Wire, text_of
from panosc.domain.errors import Invalid

if TYPE_CHECKING:
    import dask.array
    import numpy as np
    import xarray

_ROWS_BYTES = 4 * 2**20
_DASK_BYTES = 16 * 2**20
_WIDE = "gG"
"""Numbers that Python has none for."""


class Entity:
    """Something in a file of a dataset: its path there and its attributes."""

    def __init__(self, wire: Wire, path: str) -> None:
        self.wire = wire
        self.path = path
        """Where it is in the file."""

    @property
    def name(self) -> str:
        """Its path, as in h5py."""
        return self.path

    @cached_property
    def attrs(self) -> Mapping[str, Any]:
        """Its attributes by name."""
        return MappingProxyType(self.wire.attributes(self.path))

    @override
    def __eq__(self, other: object) -> bool:
        mine = (self.wire.key, self.path)
        return isinstance(other, Entity) and mine == (other.wire.key, other.path)

    @override
    def __hash__(self) -> int:
        return hash((self.wire.key, self.path))


class Array(Entity):
    """An array, or a single value: ``array[0, ::2]`` reads just that.

    It takes what numpy's basic indexing takes. A single value comes as a value of Python, texts
    as `str`. What numpy does with arrays it does with this one, after reading all of it.
    """

    def __init__(self, wire: Wire, path: str, meta: Mapping[str, Any]) -> None:
        super().__init__(wire, path)
        shape = meta.get("shape")
        if shape is not None and _lengths(shape) is None:
            raise wire.odd(path)
        self.told: Mapping[str, Any] = meta["type"] if isinstance(meta.get("type"), dict) else {}
        """Its type, as the node tells it."""
        self._version = wire.version(path)
        self.is_empty = shape is None
        """It has no values at all, not even a shape (H5S_NULL)."""
        self._outer: tuple[int, ...] = tuple(shape or ())
        chunks = meta.get("chunks")
        fits = len(_lengths(chunks) or ()) == len(self._outer) and all(_lengths(chunks) or ())
        self.chunks: tuple[int, ...] | None = _lengths(chunks) if fits else None
        """The shape of its chunks in the file; None if it has none."""

    @cached_property
    def _item(self) -> Item:
        return item_of(self.told)

    @property
    def shape(self) -> tuple[int, ...]:
        """How long it is in each dimension."""
        return self._outer + dims_of(self.told)

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of its elements, as in the file; texts are objects."""
        found: np.dtype[Any] = self._item.dtype
        return found

    @property
    def is_plain(self) -> bool:
        """Whether its elements are single values, not arrays themselves."""
        return len(self.shape) == len(self._outer)

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return 0 if self.is_empty else prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that its values take here; a guess for what is of variable length."""
        return self.size * self._item.nbytes // max(1, prod(self._item.shape))

    @property
    def units(self) -> str | None:
        """Its attribute ``units``."""
        return text_of(self.attrs.get("units"))

    def __getitem__(self, key: Any) -> Any:
        """Return what is selected: an array, or a value of Python.

        Raises
        ------
        Invalid
            If `key` is a list, a mask or a name.
        Conflict
            If the file changes while it is read.
        """
        if self.is_empty:
            return None
        return self._read(select(key, self.shape))

    def read(self, key: Any = ()) -> "np.ndarray[Any, Any]":
        """Return what ``array[key]`` returns, as an array of numpy also where it is one value."""
        found: np.ndarray[Any, Any] = self._values(select(key, self.shape))
        return found

    def to_numpy(self, *, progress: bool | None = None) -> "np.ndarray[Any, Any]":
        """Return all of it; `progress` None shows a bar where it takes long and somebody looks."""
        found: np.ndarray[Any, Any] = self._values(select((), self.shape), progress)
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray[Any, Any]":
        """Return all of it to numpy.

        Raises
        ------
        ValueError
            If a copy is forbidden: it is always one.
        """
        if copy is False:
            raise ValueError("an array of a node cannot be had without a copy")
        values = self.to_numpy()
        return values if dtype is None else values.astype(dtype, copy=False)

    def read_into(self, target: "np.ndarray[Any, Any]", key: Any = ()) -> None:
        """Read what is selected into an array that is there already, such as one on disk.

        Raises
        ------
        ValueError
            If it is of another shape or type, or `key` turns axes around.
        """
        selection = select(key, self.shape)
        given = (target.dtype, target.shape)
        is_straight = not selection.new_axes and not any(x.is_backward for x in selection.parts)
        if given != (self.dtype, selection.shape) or not (is_straight and self.is_plain):
            raise ValueError(f"an array of {self.dtype} and shape {selection.shape} is needed")
        self._reading.read(self._outer_of(selection), into=target)

    def to_xarray(self) -> "xarray.DataArray":
        """Return it with its axes, units and attributes; values are read when they are used.

        The axes are those that NXdata names; they are read at once, for xarray looks in them.

        Raises
        ------
        Unavailable
            If xarray is not installed.
        """
        found: xarray.DataArray = labelled.data_array(self)
        return found

    def to_dask(self, chunks: Any = None) -> "dask.array.Array":
        """Return it as an array of dask; pieces are whole chunks of the file, of some 16 MB.

        Raises
        ------
        Unavailable
            If dask is not installed.
        """
        found: dask.array.Array = labelled.dask_array(self, chunks or self.pieces(_DASK_BYTES))
        return found

    def pieces(self, most_bytes: int) -> tuple[int, ...]:
        """Return the shape of pieces of at most so many bytes that are whole chunks of the file."""
        inner = self.shape[len(self._outer) :]
        chunks = (self.chunks or (1,) * len(self._outer)) + inner
        each = max(1, self._item.nbytes // max(1, prod(self._item.shape)))
        return block(self.shape, chunks, most=max(1, most_bytes // each))

    @property
    def identity(self) -> tuple[str, ...]:
        """Which array it is, of which version of which file."""
        return (*self.wire.key, self.path, self._version or "")

    def beside(self, name: str) -> "Array | None":
        """Return the array of this name in the same group, if there is one."""
        path = posixpath.join(posixpath.dirname(self.path), name)
        meta = self.wire.meta(path)
        return Array(self.wire, path, meta) if meta["kind"] == "dataset" else None

    def __len__(self) -> int:
        """Return how long it is in its first dimension."""
        if not self.shape:
            raise TypeError("a single value has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """Yield what ``array[0]``, ``array[1]`` … are; it reads many at once."""
        len(self)  # a single value has no rows
        for values in self.blocks(most_bytes=_ROWS_BYTES):
            # an array of numpy gives its own scalars, an index of one element Python's
            yield from values if values.ndim > 1 else map(_single, values)

    def blocks(
        self, key: Any = (), *, most_bytes: int = _DASK_BYTES
    ) -> Iterator["np.ndarray[Any, Any]"]:
        """Yield what ``array[key]`` returns in blocks of rows, so that memory stays bounded.

        Raises
        ------
        Invalid
            If `key` makes new axes.
        Conflict
            If the file changes between two blocks.
        """
        selection = select(key, self.shape)
        if selection.new_axes:
            raise Invalid("Blocks have no new axes.", field="selection")
        if not selection.shape:
            yield self._values(selection)
            return
        count = selection.shape[0]
        each = max(1, selection.size // max(1, count)) * self._item.nbytes
        rows = max(1, most_bytes // each)
        for first in range(0, count, rows):
            yield self._values(selection.rows(first, min(first + rows, count)))
        if count > rows:
            self.wire.require_same(self.path, self._version)

    def __bool__(self) -> bool:
        return True

    @property
    def _reading(self) -> Reading:
        return Reading(
            wire=self.wire,
            path=self.path,
            item=self._item,
            chunks=self.chunks,
            version=self._version,
        )

    def _outer_of(self, selection: Selection) -> Selection:
        """Return what is to be asked: elements that are arrays come whole."""
        return Selection(parts=selection.parts[: len(self._outer)])

    def _values(self, selection: Selection, progress: bool | None = None) -> Any:
        if self.is_empty:
            return numpy().empty((0,), dtype=self.dtype)
        values = self._reading.read(self._outer_of(selection), show=progress)
        inner = selection.parts[len(self._outer) :]
        if inner:
            key = tuple(
                part.start
                if part.is_one
                else slice(part.start, part.start + part.count * part.step, part.step)
                for part in inner
            )
            values = values[(..., *key)]
        return selection.finish(values)

    def _read(self, selection: Selection) -> Any:
        values = self._values(selection)
        return _single(values[()]) if values.ndim == 0 else values

    @override
    def __repr__(self) -> str:
        return f"<Array {self.path}: {cards.kind_of(self.told, self.shape)}>"

    def _repr_html_(self) -> str:
        return cards.array(self)


def _lengths(told: Any) -> tuple[int, ...] | None:
    if isinstance(told, list) and all(type(length) is int and length >= 0 for length in told):
        return tuple(told)
    return None


def _single(value: Any) -> Any:
    dtype = getattr(value, "dtype", None)
    return value if dtype is None or dtype.char in _WIDE else value.item()
