"""How the place of values is written down in an index."""

from base64 import b64decode, b64encode
from typing import Any

import orjson

from panosc.files.index.contents import Array, Filter, Slab, Source


def array_as_json(array: Array) -> bytes:
    """Return all of an array but its table and its values."""
    return orjson.dumps(
        {
            "shape": array.shape,
            "dtype": array.dtype,
            "layout": array.layout,
            "offset": array.offset,
            "nbytes": array.nbytes,
            "chunks": array.chunks,
            "filters": [(step.id, step.flags, step.values) for step in array.filters],
            "fill": b64encode(array.fill).decode("ascii"),
            "sources": [
                (part.file, part.path, _numbers(part.here), _numbers(part.there))
                for part in array.sources
            ],
            "why": array.why,
        }
    )


def array_from_json(about: bytes, values: bytes) -> Array:
    """Return an array without its table."""
    told: dict[str, Any] = orjson.loads(about)
    shape = told.pop("shape")
    return Array(
        shape=None if shape is None else tuple(shape),
        chunks=tuple(told.pop("chunks")),
        filters=tuple(
            Filter(id=number, flags=flags, values=tuple(settings))
            for number, flags, settings in told.pop("filters")
        ),
        fill=b64decode(told.pop("fill")),
        sources=tuple(
            Source(file=file, path=path, here=_slab(here), there=_slab(there))
            for file, path, here, there in told.pop("sources")
        ),
        values=values,
        **told,
    )


def _numbers(slab: Slab) -> tuple[tuple[int, ...], ...]:
    return slab.start, slab.stride, slab.count, slab.block


def _slab(numbers: list[list[int]]) -> Slab:
    start, stride, count, block = map(tuple, numbers)
    return Slab(start=start, stride=stride, count=count, block=block)
