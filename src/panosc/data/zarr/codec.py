"""The codec ``panosc.hdf5`` for zarr-python: chunks as HDF5 filters of detectors leave them.

zarr-python finds it by its entry point where this package is installed. It only reads; limits on
what a chunk may become are those of `files.chunks.filters`.
"""

import asyncio
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from typing_extensions import override
from zarr.abc.codec import BytesBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer

from panosc.domain.errors import Invalid
from panosc.files.chunks import filters
from panosc.files.index.contents import Filter


@dataclass(frozen=True)
class Hdf5Codec(BytesBytesCodec):
    """Undoes one HDF5 filter, given by its number and the values of its client."""

    id: int = 0
    values: tuple[int, ...] = ()
    is_fixed_size = False

    @classmethod
    @override
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return the codec of a description."""
        given = data["configuration"]
        return cls(id=int(given["id"]), values=tuple(int(item) for item in given["values"]))

    @override
    def to_dict(self) -> dict[str, Any]:
        """Return the description of the codec."""
        given = {"id": self.id, "values": list(self.values)}
        return {"name": "panosc.hdf5", "configuration": given}

    @override
    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decoded, chunk_bytes, chunk_spec)

    def _decoded(self, chunk: Buffer, spec: ArraySpec) -> Buffer:
        size = math.prod(spec.shape) * np.dtype(spec.dtype.to_native_dtype()).itemsize
        step = Filter(id=self.id, flags=0, values=self.values)
        found = filters.decode(chunk.to_bytes(), filters=(step,), mask=0, nbytes=size)
        return spec.prototype.buffer.from_bytes(found.tobytes())

    @override
    async def _encode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        raise Invalid("What a node tells as Zarr can only be read.")

    @override
    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Return how large a chunk may be once it is encoded."""
        return input_byte_length
