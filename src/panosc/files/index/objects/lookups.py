"""Whether the library finds each chunk that it lists.

Reading looks a chunk up by its place, listing goes through all of them: where the tree of an old
file is damaged the two do not agree, and only the library knows what it would read.
"""

import ctypes
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
from h5py import h5d


def are_found(dataset: h5d.DatasetID, origin: Any, size: Any) -> bool:
    """Whether looking up gives each chunk, by its first index, the size that it was listed with.

    True also where the library cannot be asked.
    """
    lookup = _lookup()
    if lookup is None:
        return True
    places = np.ascontiguousarray(origin, np.uint64)
    found = ctypes.c_uint64(0)
    where, step = places.ctypes.data, places.strides[0] if len(places) else 0
    number, told = dataset.id, ctypes.byref(found)
    for listed in size.tolist():
        found.value = 0
        if lookup(number, where, told) < 0 or found.value != listed:
            return False
        where += step
    return True


@lru_cache(maxsize=1)
def _lookup() -> Any:
    """Return H5Dget_chunk_storage_size of the library that h5py has; None where it is hidden."""
    try:
        function = ctypes.CDLL(h5py.h5z.__file__).H5Dget_chunk_storage_size
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_int
    function.argtypes = [ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p]
    return function
