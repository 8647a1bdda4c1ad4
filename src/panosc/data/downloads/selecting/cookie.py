"""The selection of a browser, before anybody signs in: keys of datasets in a signed cookie.

It names at most `MOST` datasets, by eight bytes each, so that it fits into a cookie. What they are
and whether they may be fetched is asked each time: the cookie gives nobody anything.
"""

import base64
import binascii
import struct
from collections.abc import Sequence
from typing import Final

from panosc.domain.errors import Conflict
from panosc.domain.pid import surrogate
from panosc.identity.keys import Keys

COOKIE: Final = "panosc_selection"
MOST: Final = 100
SECONDS: Final = 90 * 24 * 3600
_PURPOSE: Final = "selection"
_LONGEST: Final = 4000


def read(keys: Keys, text: str) -> tuple[int, ...]:
    """Return the keys of the datasets in a cookie; none for a cookie that is none of ours.

    Examples
    --------
    >>> keys = Keys(bytes(32))
    >>> read(keys, write(keys, [3, 5])), read(keys, "x")
    ((3, 5), ())
    """
    found = keys.verify(text, _PURPOSE) if 0 < len(text) <= _LONGEST else None
    if found is None:
        return ()
    try:
        packed = base64.b85decode(found["d"])
        return struct.unpack(f">{len(packed) // 8}q", packed)[:MOST]
    except (KeyError, TypeError, ValueError, struct.error, binascii.Error):
        return ()


def write(keys: Keys, datasets: Sequence[int]) -> str:
    """Return a cookie that holds them."""
    packed = struct.pack(f">{len(datasets)}q", *datasets)
    return keys.sign({"d": base64.b85encode(packed).decode()}, _PURPOSE)


def added(datasets: Sequence[int], pid: str) -> tuple[int, ...]:
    """Return a selection with one dataset more, at its end.

    Raises
    ------
    Conflict
        If it is full.
    """
    key = surrogate("Dataset", pid)
    if key in datasets:
        return tuple(datasets)
    if len(datasets) >= MOST:
        raise Conflict(
            f"A selection has at most {MOST} datasets.",
            hint="Take some out, or download these first.",
        )
    return (*datasets, key)


def removed(datasets: Sequence[int], pid: str) -> tuple[int, ...]:
    """Return a selection without a dataset."""
    key = surrogate("Dataset", pid)
    return tuple(one for one in datasets if one != key)
