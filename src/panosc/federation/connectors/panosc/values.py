"""Values of strangers become values of the PaNOSC data model, or nothing and a warning.

Numbers come as texts, texts as numbers, flags as words, dates in several forms; what cannot be
read is left out and told.
"""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from panosc.domain.entities import Kind

LONGEST = 100_000
"""Characters of a text."""
MOST = 1000
"""Texts of a list."""
SHOWN = 60
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
_LARGEST = 2**63 - 1
_WHOLE = 2**53


class Unreadable(ValueError):
    """A value that cannot be what its property is."""


def text_of(value: Any) -> str | None:
    """Return a text; a blank one is none."""
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unreadable
        value = str(value)
    text: str = value
    return text.replace("\0", "\ufffd").strip()[:LONGEST] or None


def flag_of(value: Any) -> bool | None:
    """Return true or false, also of the usual words for them."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in _FLAGS:
        raise Unreadable
    return _FLAGS[word]


def number_of(value: Any) -> float | int | None:
    """Return a finite number, also of a text that is one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable
    number: float | int = _parsed(value.strip()) if isinstance(value, str) else value
    # larger ones are not exact where numbers are stored
    if isinstance(number, int) and abs(number) > _LARGEST:
        raise Unreadable
    if not math.isfinite(number):
        raise Unreadable
    return number


def _parsed(text: str) -> float | int:
    if not _NUMBER.fullmatch(text):
        raise Unreadable
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _WHOLE else number


def whole_of(value: Any) -> int | None:
    """Return a whole number that a catalogue can hold."""
    number = number_of(value)
    if number is None or number % 1 or abs(number) > _LARGEST:
        raise Unreadable
    whole = int(number)
    if abs(whole) > _LARGEST:
        raise Unreadable
    return whole


def time_of(value: Any) -> str | None:
    """Return a time of ISO 8601 with its zone; without one it is UTC."""
    if not isinstance(value, str):
        raise Unreadable
    text = value.strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable from None
    return found.isoformat()


def list_of(value: Any) -> list[str] | None:
    """Return texts; a single text is cut at its commas."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list):
        raise Unreadable
    found = [str(item).strip().replace("\0", "\ufffd") for item in value[:MOST] if _is_word(item)]
    return [item[:LONGEST] for item in found if item] or None


def _is_word(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def scalar_of(value: Any) -> str | float | int | bool | None:
    """Return the value of a parameter: a number where it is one, else a text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        # most texts are none: sooner seen than tried
        return text_of(value)
    try:
        return number_of(value)
    except Unreadable:
        return text_of(value)


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "text": text_of,
    "boolean": flag_of,
    "integer": whole_of,
    "number": number_of,
    "time": time_of,
    "list": list_of,
    "scalar": scalar_of,
}


def read(kind: Kind, value: Any) -> Any:
    """Return a value as what its property is.

    Raises
    ------
    Unreadable
    """
    return None if value is None else _READERS[kind](value)


def shown(value: Any) -> str:
    """Return a stranger's value for a sentence."""
    text = str(value)[:SHOWN]
    return "".join(letter if letter.isprintable() else " " for letter in text)
