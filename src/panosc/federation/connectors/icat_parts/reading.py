"""Reading what an ICAT says: values of a stranger, bounded, of whatever type they come."""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from panosc.domain.times import utc

Given = Mapping[str, Any]
LONGEST_NAME = 1_000
LONGEST_TEXT = 50_000
MOST_PARTS = 5_000
"""Parameters, files, members … of one record."""
_UTC = ZoneInfo("UTC")
_LARGEST = 2**63 - 1
_DIGITS = 300


def given(value: object) -> Given:
    """Return an object; an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object, most: int = MOST_PARTS) -> Iterator[Given]:
    """Yield the objects of a list, at most so many."""
    for item in (value if isinstance(value, list) else [])[:most]:
        if isinstance(item, Mapping):
            yield item


def text(value: object, most: int = LONGEST_NAME) -> str | None:
    """Return a text without what stands around it; None for an empty one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # PostgreSQL keeps no NUL
    return str(value).replace("\0", "")[:most].strip() or None


def number(value: object) -> int | float | None:
    """Return a number, be it written as a text; None for what is none, or is not finite.

    Examples
    --------
    >>> number("12.40"), number(" 7 "), number("NaN"), number("1_000"), number(True)
    (12.4, 7, None, None, None)
    """
    if isinstance(value, str) and len(value) < _DIGITS and "_" not in value:
        for read in (int, float):
            try:
                return number(read(value))
            except ValueError:
                continue
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _LARGEST or math.isfinite(value) else None


def count(value: object) -> int | None:
    """Return how many there are, or how many bytes; None for what cannot be."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= _LARGEST and found % 1 == 0 else None


def when(value: object) -> str | None:
    """Return a time in UTC as ISO 8601; None for what cannot be understood."""
    return utc(text(value), zone=_UTC)


def identity(value: object) -> int | None:
    """Return the number by which an ICAT knows a record.

    Examples
    --------
    >>> identity(0), identity("17"), identity(17.0), identity("x"), identity(-1)
    (0, 17, 17, None, None)
    """
    return count(value)
