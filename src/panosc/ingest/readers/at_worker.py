"""What runs inside a Dask worker: it hands files to confined processes of its own.

Neither the Dask worker nor the node ever runs code that a file brings: what the confined
processes answer is read with `files.workers.decode` here and there, and travels as bytes.
"""

import atexit
import pickle
import threading
from dataclasses import dataclass
from typing import Any

from panosc import __version__
from panosc.domain.errors import Unavailable
from panosc.files.workers import Pool
from panosc.ingest.readers.local import AHEAD, FUNCTION, PRELOAD


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one task may take."""

    memory_mb: int
    time_limit_s: float


_pools: dict[Limits, Pool] = {}
_lock = threading.Lock()


def pack(limits: Limits, tasks: list[tuple[Any, ...]]) -> bytes:
    """Return one chunk of tasks as the bytes that `read_chunk` takes."""
    return pickle.dumps((__version__, limits, tasks), protocol=pickle.HIGHEST_PROTOCOL)


def read_chunk(packed: bytes) -> bytes:
    """Return the outcomes of a chunk as bytes, or a text that says why there are none."""
    # from the node, whose code this process runs anyway
    version, limits, tasks = pickle.loads(packed)  # noqa: S301
    answer: object
    if version != __version__:
        answer = f"a Dask worker has panosc {__version__}, this node {version}"
    else:
        try:
            answer = list(_pool(limits).map_in_order(FUNCTION, tasks))
        except Unavailable as error:
            _drop(limits)
            answer = error.detail
    return pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)


def _pool(limits: Limits) -> Pool:
    """Return the confined processes of this Dask worker: as many as it has threads."""
    with _lock:
        if limits not in _pools:
            _pools[limits] = Pool(
                workers=_threads(),
                memory_mb=limits.memory_mb,
                time_limit_s=limits.time_limit_s,
                preload=PRELOAD,
                ahead=AHEAD,
            )
        return _pools[limits]


def _threads() -> int:
    from distributed import get_worker  # noqa: PLC0415 - the process is a Dask worker

    return max(1, get_worker().state.nthreads)


def _drop(limits: Limits) -> None:
    with _lock:
        pool = _pools.pop(limits, None)
    if pool is not None:
        pool.close()


@atexit.register
def _close() -> None:
    for limits in list(_pools):
        _drop(limits)
