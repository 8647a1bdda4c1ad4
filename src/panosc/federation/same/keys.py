"""What a record can be recognised by: its DOIs, its other identifiers, or a strong likeness.

Pure: the same rows, the same keys.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from panosc.federation.naming import doi_of

DOI, PID, STRONG = "doi:", "pid:", "strong:"
FOLDING = frozenset({"Dataset", "Document"})
"""Classes of which several records may be one; others are told apart by their PID alone."""
MOST = 20
"""Keys that are taken of one record."""
_LEAST_TITLE = 8
"""Letters below which a title tells nothing."""
MINUTE = "%Y-%m-%dT%H:%M"
_START = {"Dataset": "creationDate", "Document": "startDate"}
_WORD = re.compile(r"[^\W_]+")


def keys_of(
    model: str, row: dict[str, Any], *, also: Iterable[object], instrument: str, facility: str
) -> tuple[str, ...]:
    """Return the keys of a record.

    Parameters
    ----------
    model : str
    row : dict
        Its NDJSON object.
    also : iterable
        Further identifiers of the very same thing.
    instrument, facility : str
        Names, as far as they are known; otherwise empty.

    Examples
    --------
    >>> keys_of("Dataset", {"pid": "10.5291/A.1"}, also=["x/1"], instrument="", facility="ILL")
    ('doi:10.5291/a.1', 'pid:x/1')
    """
    if model not in FOLDING:
        return (f"{PID}{row['pid']}",)
    found = dict.fromkeys(
        identifier_key(text) for text in (row["pid"], row.get("doi"), *also) if _is_text(text)
    )
    likeness = _likeness(model, row, instrument, facility)
    keys = list(found)[:MOST]
    return tuple(keys if likeness is None else [*keys, likeness])


def identifier_key(pid: str) -> str:
    """Return the key of an identifier: a DOI in its one spelling, or as it stands."""
    doi = doi_of(pid)
    return f"{PID}{pid.strip()}" if doi is None else f"{DOI}{doi}"


def start_of(row: dict[str, Any], model: str) -> datetime | None:
    """Return when what a record is about began."""
    value = row.get(_START[model])
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None:
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _likeness(model: str, row: dict[str, Any], instrument: str, facility: str) -> str | None:
    title = plain(row.get("title"))
    start = start_of(row, model)
    size = row.get("size")
    what = f"{int(size)} bytes" if isinstance(size, int) and size > 0 else plain(instrument)
    where = plain(facility)
    if start is None or len(title) < _LEAST_TITLE or not what or not where:
        return None
    minute = start.strftime(MINUTE)
    text = "\n".join((model, title, minute, what, where))
    # the minute stands in it so that records of this node can be looked up by it
    return f"{STRONG}{minute}/{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def minute_of(key: str) -> datetime | None:
    """Return the minute in which what has a key of likeness began."""
    if not key.startswith(STRONG):
        return None
    text = key.removeprefix(STRONG).partition("/")[0]
    return datetime.strptime(text, MINUTE).replace(tzinfo=UTC)


def plain(text: object) -> str:
    """Return a text by its words alone, for comparing.

    Examples
    --------
    >>> plain("  SAXS of Ångström-Gel: run_1 ")
    'saxs of ångström gel run 1'
    """
    if not isinstance(text, str):
        return ""
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
