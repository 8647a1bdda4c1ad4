"""Values out of a stranger's JSON: what is of another kind is None, and is said.

Nothing here raises for what a catalogue wrote: a record is never lost for a bad field.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")
LONGEST = 20_000
"""Characters of a text."""
_LARGEST = 2**63 - 1


def text(value: object, most: int = LONGEST) -> str | None:
    """Return a text without blanks at its ends, cut to its bound; None for what is none.

    Examples
    --------
    >>> text(" a "), text(7), text(" "), text(True), text("ab", 1)
    ('a', '7', None, None, 'a')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST:
        return None
    plain = str(value)[: most + 100].encode("utf-8", "replace").decode().replace("\0", "")
    return plain.strip()[:most].rstrip() or None


def number(value: object) -> int | float | None:
    """Return a finite number, also of a text that is one.

    Examples
    --------
    >>> number("1.5"), number(2), number("nan"), number(False), number("a")
    (1.5, 2, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else None
    try:
        found = float(value[:60] if isinstance(value, str) else value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """Return a whole number that is not negative, also of a text that is one."""
    found = number(value)
    if found is None or found % 1 != 0 or not 0 <= found <= _LARGEST:
        return None
    return int(found)


def when(value: object) -> str | None:
    """Return a time of ISO 8601 in UTC; without a zone it is UTC.

    Examples
    --------
    >>> when("2025-03-01T10:00:00+01:00"), when("2025"), when("2021-13-45")
    ('2025-03-01T09:00:00+00:00', None, None)
    """
    found = moment(value)
    return None if found is None else found.isoformat()


def moment(value: object) -> datetime | None:
    """Return the time that a text of ISO 8601 says; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def several(value: object) -> list[Any]:
    """Return a list; of what is none an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; of what is none an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a list."""
    return (item for item in several(value) if isinstance(item, dict))


@dataclass(slots=True)
class Fields:
    """The fields of one object; what cannot be read is noted in `warnings`."""

    content: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)

    def text(self, name: str, most: int = LONGEST) -> str | None:
        """Return a field that is a text."""
        return self._read(name, text(self.content.get(name), most), "text")

    def integer(self, name: str) -> int | None:
        """Return a field that is a whole number, not negative."""
        return self._read(name, integer(self.content.get(name)), "whole number")

    def when(self, name: str) -> str | None:
        """Return a field that is a time."""
        return self._read(name, when(self.content.get(name)), "date and time")

    def is_true(self, name: str) -> bool:
        """Return whether a field is true; whatever is neither true nor false is not."""
        value = self.content.get(name)
        self._read(name, value if isinstance(value, bool) else None, "true or false")
        return value is True

    def texts(self, name: str, most: int = 1000) -> list[str]:
        """Return the texts of a field that is a list; nulls and empty ones are left out."""
        value = self.content.get(name)
        if value is not None and not isinstance(value, list):
            self._read(name, None, "list")
        found = (text(item, LONGEST) for item in several(value)[:most])
        return list(dict.fromkeys(item for item in found if item))

    def _read(self, name: str, found: T | None, what: str) -> T | None:
        given = self.content.get(name)
        if found is None and given is not None and given != "":
            self.warnings.append(f"{name} is no {what}; it was left out.")
        return found
