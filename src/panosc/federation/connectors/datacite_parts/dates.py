"""Dates as DataCite, Dublin Core and Invenio write them: days, months, years, intervals."""

import re
from datetime import UTC
from typing import Any, Final
from zoneinfo import ZoneInfo

from panosc.domain.times import utc
from panosc.federation.values import line, loosely

_UTC: Final = ZoneInfo("UTC")
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_YEAR: Final = re.compile(r"\d{4}")
Span = tuple[str | None, str | None]


def moment(value: object) -> str | None:
    """Return the first moment of a date as ISO 8601 in UTC, None for what is none.

    Examples
    --------
    >>> moment("2021"), moment("2021-05"), moment("2021-05-06T02:00:00+02:00")
    ('2021-01-01T00:00:00Z', '2021-05-01T00:00:00Z', '2021-05-06T00:00:00Z')
    >>> moment("soon"), moment("0000")
    (None, None)
    """
    text = line(value, 60) or ""
    if _YEAR.fullmatch(text):
        text = f"{text}-01-01"
    elif _MONTH.fullmatch(text):
        text = f"{text}-01"
    return utc(text, zone=_UTC)


def span(value: object) -> Span:
    """Return start and end of an interval ``START/END``; of one date the start alone.

    Examples
    --------
    >>> span("2018/2020-09"), span("/2020")
    (('2018-01-01T00:00:00Z', '2020-09-01T00:00:00Z'), (None, '2020-01-01T00:00:00Z'))
    """
    first, slash, last = (line(value, 60) or "").partition("/")
    start, end = moment(first), moment(last)
    if start is not None and end is not None and end < start:
        return start, None
    return start, end if slash else None


class Dates:
    """The dates of a record, by their type.

    Attributes
    ----------
    unread : list of str
        Those that could not be read.
    """

    def __init__(self, attributes: Any) -> None:
        self._spans: dict[str, Span] = {}
        self.unread: list[str] = []
        for item in loosely(attributes.get("dates")):
            kind, text = line(item.get("dateType")), line(item.get("date"))
            if kind is None or text is None:
                continue
            found = span(text)
            if found == (None, None):
                self.unread.append(text[:60])
            else:
                self._spans.setdefault(kind, found)
        self.year = moment(attributes.get("publicationYear"))

    def span(self, *kinds: str) -> Span:
        """Return start and end by the first of some types that there is."""
        return next((self._spans[kind] for kind in kinds if kind in self._spans), (None, None))

    def first(self, *kinds: str) -> str | None:
        """Return the start by the first of some types that there is."""
        return self.span(*kinds)[0]


def as_utc(value: Any) -> str:
    """Return a time that is aware of its zone as the other functions here write it."""
    return str(value.astimezone(UTC).isoformat()).replace("+00:00", "Z")
