"""Reading the times that files give, in the spellings that are met."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_SPELLINGS = (
    "%Y-%m-%d %H:%M:%S %z",
    "%Y/%m/%d %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%d.%m.%Y %H:%M:%S",
)
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(.*)")
_FRACTION = re.compile(r"(\.\d{6})\d+")


_LEAST, _MOST = -(2**63), 2**63 - 1


def bounded_ns(mtime_ns: int) -> int:
    """Return a time of change of a file as 64 bits hold it, for some file systems hold more.

    Examples
    --------
    >>> bounded_ns(17 * 10**18) == 2**63 - 1
    True
    """
    return min(max(mtime_ns, _LEAST), _MOST)


def moment(mtime_ns: int) -> datetime:
    """Return a time of change, in UTC; the first of all times for one that is none."""
    try:
        return datetime.fromtimestamp(mtime_ns / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.min.replace(tzinfo=UTC)


def utc(text: str | None, *, zone: ZoneInfo) -> str | None:
    """Return the time in UTC as ISO 8601 with ``Z``; None when it cannot be understood.

    Examples
    --------
    >>> utc("2001-02-07T08:54:21-0600", zone=ZoneInfo("UTC"))
    '2001-02-07T14:54:21Z'
    >>> utc("2005-05-27 05:44:13", zone=ZoneInfo("Europe/Zurich"))
    '2005-05-27T03:44:13Z'
    """
    found = None if text is None else _read(text.strip())
    if found is None:
        return None
    try:
        local = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return None


def _read(text: str) -> datetime | None:
    text = _FRACTION.sub(r"\1", text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    slashed = _SLASHED.fullmatch(text)
    if slashed is not None:
        first, second = int(slashed[1]), int(slashed[2])
        if first <= 12 and second <= 12 and first != second:  # noqa: PLR2004 - months
            return None
        day, month = (first, second) if first > 12 else (second, first)  # noqa: PLR2004
        text = f"{slashed[3]}/{month:02}/{day:02}{slashed[4]}"
    for spelling in _SPELLINGS:
        try:
            return datetime.strptime(text, spelling)  # noqa: DTZ007 - the caller knows the zone
        except ValueError:
            continue
    return None
