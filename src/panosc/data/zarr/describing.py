"""What Zarr has to be told of an HDF5 array: its grid, its codecs and the names of its dimensions.

Compressed chunks are passed on untouched, so the codecs are those of the file: `bytes`, and from
``numcodecs`` what zarr-python has for deflate, shuffle, Fletcher's checksum, Zstandard and Blosc.
For bitshuffle and the other filters of detectors there is the codec ``panosc.hdf5``, which comes
with this package's client. What cannot be passed on has no Zarr array; the slices have it.
Contiguous arrays are told as chunks of whole rows.

References: the Zarr core specification, version 3.0; what codecs of numcodecs are called there is
said in https://numcodecs.readthedocs.io/en/stable/zarr3.html.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from panosc.files.chunks import known
from panosc.files.index.contents import Array, Filter

ROWS_BYTES: Final = 4 * 2**20
"""Chunks of a contiguous array are about so large."""
_TYPES: Final = {
    "b1": "bool",
    **{
        f"{kind}{size}": f"{word}{8 * size}"
        for kind, word in (("i", "int"), ("u", "uint"))
        for size in (1, 2, 4, 8)
    },
    **{f"f{size}": f"float{8 * size}" for size in (2, 4, 8)},
    "c8": "complex64",
    "c16": "complex128",
}
_FEW: Final = 5
_OWN: Final = (known.BITSHUFFLE, known.LZ4_FILTER, known.BLOSC2, known.BZIP2, known.ZFP)
_SHUFFLES: Final = ("noshuffle", "shuffle", "bitshuffle")
_COMPRESSORS: Final = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How an array is cut into chunks that can be passed on."""

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    is_cut: bool
    """Whether the chunks are ranges of contiguous values."""


def why_not(array: Array) -> str | None:
    """Return why an array cannot be told as Zarr; None if it can."""
    if array.shape is None:
        return "it holds nothing"
    if array.layout not in {"contiguous", "compact", "chunked"}:
        return {
            "virtual": "it is a virtual dataset",
            "values": "its values are of variable length",
        }.get(array.layout, "its values can be read by the HDF5 library alone")
    if array.dtype[1:] not in _TYPES:
        return f"Zarr has no type for {array.dtype or 'its values'}"
    if array.layout == "chunked" and _codecs_of(array.filters, array.dtype) is None:
        return "its chunks went through filters that nobody else undoes"
    return None


def grid_of(array: Array) -> Grid:
    """Return the grid of an array for which `why_not` is None."""
    shape = array.shape or ()
    if array.layout == "chunked":
        return Grid(shape=shape, chunks=array.chunks, is_cut=False)
    chunks = [max(1, extent) for extent in shape]
    item = np.dtype(array.dtype).itemsize
    for dimension in range(len(chunks)):
        row = math.prod(chunks[dimension + 1 :]) * item
        fitting = max(1, ROWS_BYTES // max(1, row))
        if fitting < chunks[dimension]:
            chunks[dimension] = fitting
            if fitting > 1:
                break
        else:
            break
    return Grid(shape=shape, chunks=tuple(chunks), is_cut=True)


def array_json(array: Array, attributes: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the content of ``zarr.json`` of an array for which `why_not` is None."""
    grid = grid_of(array)
    kind = array.dtype[1:]
    big = "big" if array.dtype[0] == ">" else "little"
    first: dict[str, Any] = {"name": "bytes"}
    if np.dtype(array.dtype).itemsize > 1:
        first["configuration"] = {"endian": big}
    more = _codecs_of(array.filters, array.dtype) if array.layout == "chunked" else []
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(grid.shape),
        "data_type": _TYPES[kind],
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(grid.chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill_of(array),
        "codecs": [first, *(more or [])],
        "dimension_names": list(names),
        "attributes": attributes,
    }


def fill_of(array: Array) -> Any:
    """Return the fill value as JSON, as the specification spells what JSON has no word for."""
    dtype = np.dtype(array.dtype)
    raw = array.fill if len(array.fill) == dtype.itemsize else bytes(dtype.itemsize)
    value: Any = np.frombuffer(raw, dtype)[0].item()
    if dtype.kind == "c":
        return [_number(value.real), _number(value.imag)]
    return _number(value)


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _codecs_of(filters: Sequence[Filter], dtype: str) -> list[dict[str, Any]] | None:
    """Return the codecs behind `bytes`; None where one of the filters has none."""
    found = [_codec(step, dtype) for step in filters]
    return None if None in found else [codec for codec in found if codec is not None]


def _codec(step: Filter, dtype: str) -> dict[str, Any] | None:
    values = step.values
    size = values[0] if values else 0
    own = {"id": step.id, "values": list(values)}
    told: dict[int, tuple[str, dict[str, Any]]] = {
        known.DEFLATE: ("numcodecs.zlib", {"level": size or 1}),
        known.SHUFFLE: ("numcodecs.shuffle", {"elementsize": size or np.dtype(dtype).itemsize}),
        known.FLETCHER32: ("numcodecs.fletcher32", {}),
        known.ZSTD_FILTER: ("zstd", {"level": 3, "checksum": False}),
        **dict.fromkeys(_OWN, ("panosc.hdf5", own)),
    }
    if step.id == known.BLOSC and len(values) > _FEW:
        told[known.BLOSC] = ("blosc", _blosc(values))
    if step.id not in told:
        return None
    name, configuration = told[step.id]
    return {"name": name, "configuration": configuration}


def _blosc(values: Sequence[int]) -> dict[str, Any]:
    which = values[_FEW + 1] if len(values) > _FEW + 1 else 0
    return {
        "typesize": max(1, values[2]),
        "clevel": min(9, values[4]),
        "shuffle": _SHUFFLES[values[5] % len(_SHUFFLES)],
        "cname": _COMPRESSORS[which % len(_COMPRESSORS)],
        "blocksize": 0,
    }


def group_json(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the content of ``zarr.json`` of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def dimensions(
    shape: Sequence[int], *, own: str, axes: Sequence[tuple[str, int]], is_signal: bool
) -> list[str]:
    """Return names for the dimensions of a member of a group.

    Axes of NXdata name those that they fit; all others are called by how long they are, so that
    two members of a group with a dimension of one name agree on its length.

    Parameters
    ----------
    own : str
        Name of the member in its group.
    axes : sequence of (str, int)
        Names and lengths of the axes of the group, one for each dimension of its signal.
    is_signal : bool
        Whether this member is the signal.
    """
    if len(shape) == 1 and (own, shape[0]) in axes:
        return [own]
    found: list[str] = []
    for place, extent in enumerate(shape):
        name = f"n{extent}"
        if is_signal and place < len(axes) and axes[place][1] == extent:
            name = axes[place][0]
        count = sum(other.split("_again")[0] == name for other in found)
        found.append(f"{name}_again{count}" if count else name)
    return found
