"""Reading virtual datasets by plan, in a worker: the answer is made of parts of the sources.

What no source is mapped to is fill value; what a source should hold is never.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

import numpy as np

from panosc.domain.errors import Unreadable
from panosc.files.chunks import library, reading
from panosc.files.chunks.mapping import Piece, VirtualPlan
from panosc.files.chunks.planning import Plan
from panosc.files.chunks.sources import Source

Values: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"


def read_virtual(
    planned: VirtualPlan,
    open_source: Callable[[Any], Source],
    *,
    limit_bytes: int = reading.ANSWER_BYTES,
) -> Values:
    """Return what a plan selects, of the type of the virtual dataset; by a worker.

    `open_source` opens the file that a token tells; it is closed here, if it can be.
    """
    counts = planned.selection.counts
    if planned.output_bytes > limit_bytes:
        raise Unreadable(f"the answer would have {planned.output_bytes} bytes", reason="too-large")
    dtype = np.dtype(planned.dtype)
    found = np.zeros(counts, dtype)
    if any(planned.fill):
        if len(planned.fill) != dtype.itemsize:
            raise Unreadable("its fill value is not of its type", reason="damaged")
        found[...] = np.frombuffer(planned.fill, dtype)[0]
    for piece in planned.pieces:
        values = _read(piece, open_source, limit_bytes=limit_bytes)
        for axis, chosen in enumerate(piece.pick):
            if chosen is not None:
                values = values.take(chosen, axis=axis)
        if piece.take is not None:
            values = values.reshape(-1)[piece.take]
        put: Any = piece.put
        if not all(isinstance(places, slice) for places in put):
            put = np.ix_(*put)
        found[put] = values.reshape(piece.counts).astype(dtype, copy=False)
    return found.reshape(planned.selection.shape)


def _read(piece: Piece, open_source: Callable[[Any], Source], *, limit_bytes: int) -> Values:
    if isinstance(piece.read, VirtualPlan):
        return read_virtual(piece.read, open_source, limit_bytes=limit_bytes)
    with ExitStack() as stack:
        source = open_source(piece.token)
        if hasattr(source, "close"):
            stack.callback(source.close)
        if isinstance(piece.read, Plan):
            return reading.read(source, piece.read, limit_bytes=limit_bytes)
        there = getattr(piece.token, "place", None) or getattr(source, "path", None)
        if there is None:
            raise Unreadable("only the library can read it, and not from afar", reason="not-here")
        return library.read(there, piece.path, piece.read)
