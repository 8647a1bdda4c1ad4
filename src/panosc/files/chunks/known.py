"""Which filters of HDF5 are undone here. Nothing is loaded for it: the planner asks, too.

All others (szip, nbit, scale-offset, LZF and what nobody has heard of) are left to the library.
"""

from collections.abc import Iterable
from typing import Final

from panosc.files.index.contents import Filter

DEFLATE: Final = 1
SHUFFLE: Final = 2
FLETCHER32: Final = 3
BITSHUFFLE: Final = 32_008
BLOSC: Final = 32_001
LZ4_FILTER: Final = 32_004
ZSTD_FILTER: Final = 32_015
BLOSC2: Final = 32_026
BZIP2: Final = 307
ZFP: Final = 32_013

LZ4: Final = 2
ZSTD: Final = 3
"""The compressors of bitshuffle, as its fifth value tells them."""

PLUGINS: Final = frozenset({BLOSC, LZ4_FILTER, ZSTD_FILTER, BLOSC2, ZFP})
"""Undone by the functions of hdf5plugin."""
KNOWN: Final = PLUGINS | {DEFLATE, SHUFFLE, FLETCHER32, BITSHUFFLE, BZIP2}


def are_known(filters: Iterable[Filter]) -> bool:
    """Whether a chunk that went through these can be decoded without the library."""
    return all(step.id in KNOWN for step in filters)
