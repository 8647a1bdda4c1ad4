"""Ranges of years, days and sizes, in words of people: ``2020..``, ``2024-03``, ``>1.5GB``.

Each is brought to one spelling, and says the range that it means.
"""

import re
from calendar import monthrange
from datetime import MAXYEAR, UTC, date, datetime, timedelta
from decimal import Decimal

_YEARS = re.compile(r"(?P<low>\d{1,4})?(?P<dots>\.\.)?(?P<high>\d{1,4})?")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_SIGN = re.compile(r"(<=|>=|<|>|≤|≥|=)?\s*(.*)", re.DOTALL)
_SIZE = re.compile(
    r"([0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})\s*([kmgtp]?)(i?)b?(?:ytes?)?",
    re.IGNORECASE,
)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_MOST_BYTES = 10**18


def years(text: str) -> tuple[int | None, int | None] | None:
    """Return first and last year of ``2020``, ``2020..2024``, ``2020..`` or ``..2020``."""
    found = _YEARS.fullmatch(text)
    if found is None or not text.strip("."):
        return None
    low, high = (int(found[name]) if found[name] else None for name in ("low", "high"))
    if not found["dots"]:
        return None if found["high"] or not low else (low, low)
    return None if 0 in {low, high} else (low, high)


def read_years(text: str) -> str | None:
    """Return the one spelling of a range of years; ``<2020`` is ``..2019``.

    Examples
    --------
    >>> read_years(">2020"), read_years("2020 .. 2024"), read_years("soon")
    ('2021..', '2020..2024', None)
    """
    sign, rest = _apart(text)
    rest = "".join(rest.split())
    if sign not in {"", "="}:
        if years(rest) is None or ".." in rest:
            return None
        rest = _open_ended(sign, rest, {"<": str(int(rest) - 1), ">": str(int(rest) + 1)}[sign[0]])
    return (
        rest if years(rest) is not None and int(rest.rpartition("..")[2] or 1) <= MAXYEAR else None
    )


def days(text: str) -> tuple[datetime | None, datetime | None] | None:
    """Return the moments from which and before which a range of days lies."""
    low, dots, high = text.partition("..")
    first, last = _period(low), _period(high if dots else low)
    if (low and first is None) or ((high if dots else low) and last is None) or not (low or high):
        return None
    start = datetime.combine(first[0], datetime.min.time(), UTC) if first else None
    end = None
    if last and last[1] < date.max:
        end = datetime.combine(last[1] + timedelta(days=1), datetime.min.time(), UTC)
    return start, end


def read_days(text: str) -> str | None:
    """Return the one spelling of a range of days, months or years.

    Examples
    --------
    >>> read_days("2024-3..2024-05"), read_days(">2024-02-28"), read_days("<=2023")
    ('2024-03..2024-05', '2024-02-29..', '..2023')
    """
    sign, rest = _apart(text)
    parts = [part.strip() for part in rest.split("..")]
    written = [_written(part) for part in parts]
    if len(parts) > 2 or None in written or not any(written):  # noqa: PLR2004
        return None
    first = written[0] or ""
    if sign in {"", "="}:
        return "..".join(part or "" for part in written)
    period = _period(first)
    if len(parts) > 1 or period is None:
        return None
    try:
        edge = period[0] - timedelta(days=1) if sign[0] in "<≤" else period[1] + timedelta(days=1)
    except OverflowError:
        return None
    # to the same depth: a year leads to a year
    return _open_ended(sign, first, edge.isoformat()[: len(first)])


def sizes(text: str) -> tuple[int | None, int | None] | None:
    """Return the least and the largest number of bytes of a range."""
    if ".." in text:
        low, _, high = text.partition("..")
        ends = [_bytes(end) for end in (low, high) if end.strip()]
        if not ends or None in ends:
            return None
        return (ends[0] if low.strip() else None, ends[-1] if high.strip() else None)
    sign, rest = _apart(text)
    found = _bytes(rest)
    if found is None:
        return None
    least = {">": found + 1, ">=": found, "≥": found, "": found, "=": found}.get(sign)
    most = {"<": found - 1, "<=": found, "≤": found, "": found, "=": found}.get(sign)
    return least, most


def read_sizes(text: str) -> str | None:
    """Return the one spelling of a range of sizes.

    Examples
    --------
    >>> read_sizes(">1500 MB"), read_sizes("1e3"), read_sizes("..2 GiB"), read_sizes(">=1gb")
    ('>1500MB', None, '..2147483648B', '1GB..')
    """
    if sizes(text) is None:
        return None
    if ".." in text:
        low, _, high = text.partition("..")
        return f"{_size(low)}..{_size(high)}"
    sign, rest = _apart(text)
    if sign in {"<", ">"}:
        return sign + _size(rest)
    return _open_ended(sign, _size(rest), "") if sign not in {"", "="} else _size(rest)


def _apart(text: str) -> tuple[str, str]:
    found = _SIGN.fullmatch(text.strip())
    return (found[1] or "", found[2]) if found else ("", text)


def _open_ended(sign: str, included: str, edge: str) -> str:
    match sign:
        case "<":
            return f"..{edge}"
        case ">":
            return f"{edge}.."
        case "<=" | "≤":
            return f"..{included}"
        case _:
            return f"{included}.."


def _period(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of a year, a month or a day."""
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        first = date(year or 0, month or 1, day or 1)
    except ValueError:
        return None
    if day is not None:
        return first, first
    last_month = month or 12
    return first, date(first.year, last_month, monthrange(first.year, last_month)[1])


def _written(text: str) -> str | None:
    """Return a period with all its digits; nothing for nothing, None for what is none."""
    if not text:
        return ""
    found = _DAY.fullmatch(text)
    if found is None or _period(text) is None:
        return None
    return "-".join(part if len(part) > 1 else f"0{part}" for part in found.groups() if part)


def _bytes(text: str) -> int | None:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    factor = (1024 if found[3] else 1000) ** _POWERS[found[2].lower()]
    count = int(Decimal(found[1]) * factor)
    return count if count <= _MOST_BYTES else None


def _size(text: str) -> str:
    """Return a size as a whole number of the largest unit that allows it."""
    count = _bytes(text)
    if count is None:
        return ""
    prefixes = ("", "k", "M", "G", "T", "P")
    power = 0
    while count and count % 1000 == 0 and power < len(prefixes) - 1:
        count, power = count // 1000, power + 1
    return f"{count}{prefixes[power]}B"
