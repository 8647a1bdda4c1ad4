"""Texts, numbers, measured values and times as headers of files spell them.

What cannot be understood is None, never a guess and never an error.
"""

import math
import re
from datetime import UTC, datetime
from typing import Final

from panosc.ingest.formats import Quantity

TEXT_LENGTH: Final = 1000
_NUMBER: Final = r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?"
_MEASURED: Final = re.compile(rf"\s*(?!0[xX])({_NUMBER})[\s_]*([A-Za-zÅµμ°%][\w/^.°-]{{0,20}})?\s*")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_EXACT: Final = 2**53
_COLONS: Final = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_DAY_FIRST: Final = re.compile(
    r"(\d{1,2})-([A-Za-z]{3})-(\d{4}|\d{2})[ .T]{1,4}(\d{1,2}:\d\d:\d\d)"
)
_MONTHS: Final = tuple("jan feb mar apr may jun jul aug sep oct nov dec".split())  # noqa: SIM905


def clean(text: str | bytes, *, length: int = TEXT_LENGTH) -> str:
    r"""Return a text without control characters and blanks around it.

    Examples
    --------
    >>> clean(b" M\xfcller\0\0 "), clean("a\n b")
    ('Müller', 'a b')
    """
    if isinstance(text, bytes):
        text = decoded(text[: 4 * length])
    return " ".join(_CONTROL.sub(" ", text[: 4 * length]).split())[:length].strip()


def decoded(raw: bytes) -> str:
    """Return what bytes say, in UTF-8 or else in Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def number(text: str) -> int | float | None:
    """Return the number that a text is, if it is one that JSON can hold.

    Examples
    --------
    >>> number(" 12 "), number("1.5e-3"), number("nan"), number("1e999"), number("12 mm")
    (12, 0.0015, None, None, None)
    """
    found = measured(text)
    return found[0] if found is not None and found[1] is None else None


def measured(text: str) -> tuple[int | float, str | None] | None:
    """Return number and unit of a measured value.

    Examples
    --------
    >>> measured("0.972 A"), measured("9.8e-01_m"), measured("15.0 deg."), measured("(3, 4)")
    ((0.972, 'A'), (0.98, 'm'), (15.0, 'deg'), None)
    """
    match = _MEASURED.fullmatch(text[:120])
    if match is None:
        return None
    value = finite(float(match[1]))
    if value is None:
        return None
    if match[1].lstrip("+-").isdecimal():
        value = int(match[1]) if abs(value) < _EXACT else value
    return value, (match[2] or "").rstrip(".") or None


def finite(value: float) -> float | None:
    """Return the number unless it is none or without end."""
    return value if math.isfinite(value) else None


def moment(text: str) -> str | None:
    """Return a time in a spelling that `ingest.times` reads.

    Examples
    --------
    >>> moment("2011:08:04 11:32:25"), moment("26-Apr-99 12:08:20"), moment("2011-08-04T11:32")
    ('2011-08-04T11:32:25', '1999-04-26T12:08:20', '2011-08-04T11:32')
    """
    text = clean(text, length=100)
    colons = _COLONS.match(text)
    if colons is not None:
        return f"{colons[1]}-{colons[2]}-{colons[3]}T{colons[4]}"
    days = _DAY_FIRST.match(text)
    if days is not None and days[2].lower() in _MONTHS:
        year = int(days[3])
        if year < 100:  # noqa: PLR2004 - two digits; no such file is older than 1970
            year += 1900 if year >= 70 else 2000  # noqa: PLR2004
        month = _MONTHS.index(days[2].lower()) + 1
        return f"{year}-{month:02}-{int(days[1]):02}T{days[4]:0>8}"
    return text or None


def moments(text: str) -> list[str]:
    """Return all times like ``26-Apr-99 12:08:20`` in a text."""
    found = (moment(match[0]) for match in _DAY_FIRST.finditer(text[:4000]))
    return [item for item in found if item is not None]


def since_1970(seconds: str) -> str | None:
    """Return a count of seconds since 1970 as a time in UTC."""
    value = number(seconds)
    if value is None or not 0 < value < 2**33:
        return None
    return datetime.fromtimestamp(value, UTC).isoformat()


class Gathering:
    """Parameters of one file, each name once: the first that says something counts."""

    def __init__(self) -> None:
        self._found: dict[str, Quantity] = {}

    def measure(
        self,
        name: str,
        text: str,
        path: str,
        *,
        unit: str | None = None,
        category: str | None = None,
    ) -> None:
        """Take a measured value; `unit` holds where the text names none."""
        found = measured(text)
        if found is not None:
            self.add(name, found[0], path, unit=found[1] or unit, category=category)

    def add(
        self,
        name: str,
        value: str | float,
        path: str,
        *,
        unit: str | None = None,
        category: str | None = None,
    ) -> None:
        """Take a text or a number."""
        if isinstance(value, str):
            value = clean(value)
        elif not math.isfinite(value):
            return
        if name not in self._found and value != "":
            self._found[name] = Quantity(
                name=name, value=value, path=path, unit=unit, category=category
            )

    @property
    def all(self) -> tuple[Quantity, ...]:
        """What was gathered, in its order."""
        return tuple(self._found.values())
