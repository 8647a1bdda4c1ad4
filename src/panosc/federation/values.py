"""Values out of a stranger's JSON: what is of another kind is None, and is said.

Nothing here raises for what a catalogue wrote: a record is never lost for a bad field.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from panosc.domain.times import utc
from panosc.publication.reading.describing import plain

T = TypeVar("T")
Object = Mapping[str, Any]
LONGEST = 20_000
"""Characters of a text."""
LONGEST_NAME = 1000
LONGEST_TEXT = 50_000
"""Characters of a description."""
MOST_PARTS = 5000
"""Parameters, files, members … of one record."""
_LARGEST = 2**63 - 1
_DIGITS: Final = 300
_UTC: Final = ZoneInfo("UTC")
_INLINE: Final = re.compile(
    r"</?(?:i|b|em|strong|su[bp]|span|a|u|code)(?:\s[^<>]{0,2000})?>", re.IGNORECASE
)
_BLOCK: Final = re.compile(
    r"</?(?:p|br|hr|div|h[1-6]|ul|ol|li|table|tbody|thead|tr|t[dh]|pre|blockquote|jats:[a-z]+)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)


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
    # cut first: a stranger's text may have megabytes; PostgreSQL keeps no NUL
    found = str(value)[: most + 100].encode("utf-8", "replace").decode().replace("\0", "")
    return found.strip()[:most].rstrip() or None


def short(value: object) -> str | None:
    """Return a text that is a name or the like."""
    return text(value, LONGEST_NAME)


def line(value: object, most: int = LONGEST_NAME) -> str | None:
    r"""Return a text on one line.

    Examples
    --------
    >>> line("  a \n b "), line(7), line(True), line([])
    ('a b', '7', None, None)
    """
    found = " ".join(plain(text(value, most * 4)).split())
    return found[:most].rstrip() or None


def prose(value: object) -> str | None:
    """Return a text of several lines without markup of HTML.

    Examples
    --------
    >>> prose("<p>H<sub>2</sub>O &amp; more</p>"), prose("in <ice> & snow")
    ('H2O & more', 'in <ice> & snow')
    """
    if not isinstance(value, str):
        return None
    found = value[:LONGEST_TEXT]
    bare = _BLOCK.sub("\n", _INLINE.sub("", found)) if "<" in found else found
    if bare != found:
        found = re.sub(r"\n\s*\n\s*", "\n\n", unescape(bare))
    return plain(re.sub(r"[ \t]+", " ", found)) or None


def number(value: object) -> int | float | None:
    """Return a finite number, also of a text that is one.

    Examples
    --------
    >>> number("12.40"), number(" 7 "), number("nan"), number("1_000"), number(False), number("a")
    (12.4, 7, None, None, None, None)
    """
    if isinstance(value, str):
        # with an underscore it is a number to Python alone
        if len(value) >= _DIGITS or "_" in value:
            return None
        for read in (int, float):
            try:
                return number(read(value))
            except ValueError:
                continue
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_small = abs(value) <= _LARGEST
    return value if is_small or (isinstance(value, float) and math.isfinite(value)) else None


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
    found = utc(text(value, 100), zone=_UTC) if isinstance(value, str) else None
    return None if found is None else datetime.fromisoformat(found)


def several(value: object) -> list[Any]:
    """Return a list; of what is none an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> Object:
    """Return an object; of what is none an empty one."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object, most: int | None = None) -> Iterator[Object]:
    """Yield the objects of a list, of its first `most` items."""
    return (item for item in several(value)[:most] if isinstance(item, Mapping))


def loosely(value: object, key: str | None = None) -> Iterator[Object]:
    """Yield the objects of a list; one that stands alone counts as a list of one.

    With a `key`, a plain text may stand for ``{key: text}``.
    """
    for item in value[:MOST_PARTS] if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            yield item
        elif key is not None and line(item) is not None:
            yield {key: item}


@dataclass(slots=True)
class Fields:
    """The fields of one object; what cannot be read is noted in `warnings`."""

    content: Object
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
