"""Who may have the data, by what a record says of its rights and dates; and under what licence.

Whoever harvests a record of DataCite's shape was shown its metadata: they are public. A record of
which only the data are not open is embargoed here, without an end where it gives none.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from panosc.federation.connectors.datacite_parts.dates import Dates, as_utc
from panosc.federation.values import line, loosely, prose

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "closed": ("c_14cb", "closedaccess", "metadataonly", "closed"),
    "restricted": ("c_16ec", "restrictedaccess", "restricted"),
    "embargoed": ("c_f1cf", "embargoedaccess", "embargoed"),
    "open": ("c_abf2", "openaccess", "availabletothepublic", "open", "public"),
}
"""What the vocabularies of COAR and info:eu-repo, and people, say; the strictest counts."""
_KNOWN: Final = frozenset(word for words in _WORDS.values() for word in words)
_WITHDRAWN: Final = "The data were withdrawn"


def rights(attributes: Mapping[str, Any]) -> str | None:
    """Return ``open``, ``embargoed``, ``restricted`` or ``closed``, None where nothing is said."""
    said: set[str] = set()
    for item in loosely(attributes.get("rightsList"), "rights"):
        for name in ("rights", "rightsUri", "rightsURI", "rightsIdentifier"):
            word = (line(item.get(name)) or "").lower()
            said |= {_squeezed(word), _squeezed(word.rstrip("/").rpartition("/")[2])}
    return next((name for name, words in _WORDS.items() if said & set(words)), None)


def access(attributes: Mapping[str, Any], dates: Dates, changed: datetime | None) -> dict[str, Any]:
    """Return what a Dataset or Document says of access."""
    withdrawn = _withdrawn(attributes, dates)
    if withdrawn is not None:
        return {"isPublic": False, "access": "withdrawn", "withdrawnReason": withdrawn}
    said, available = rights(attributes), dates.first("Available")
    told_at = as_utc(changed) if changed is not None else dates.first("Issued")
    is_later = available is not None and told_at is not None and available > told_at
    if said in {None, "open"} and not is_later:
        issued = dates.first("Issued") or dates.year
        return {"isPublic": True, "releaseDate": available or issued}
    # data that are not given, with no word on when they will be, stay as they are
    until = available if said != "closed" and (is_later or said == "embargoed") else None
    return {
        "isPublic": False,
        "access": "embargoed",
        "embargoUntil": until,
        "releaseDate": until,
    }


def licence(attributes: Mapping[str, Any]) -> str | None:
    """Return the licence: its name in SPDX, else its address, else what is said of it."""
    address = words = None
    for item in loosely(attributes.get("rightsList"), "rights"):
        name, text = line(item.get("rightsIdentifier"), 200), line(item.get("rights"), 200)
        uri = line(item.get("rightsUri") or item.get("rightsURI"), 500)
        if any(_is_access(one) for one in (name, text, uri)):
            continue
        if name is not None:
            return name.upper() if name.lower().startswith(("cc-", "cc0-")) else name
        address, words = address or uri, words or text
    return address or words


def _is_access(text: str | None) -> bool:
    word = (text or "").lower()
    return word.startswith(("info:eu-repo/semantics/", "http://purl.org/coar/access_right/")) or (
        _squeezed(word) in _KNOWN
    )


def _squeezed(word: str) -> str:
    return "".join(letter for letter in word if letter.isalnum() or letter == "_")


def _withdrawn(attributes: Mapping[str, Any], dates: Dates) -> str | None:
    for item in loosely(attributes.get("descriptions"), "description"):
        text = prose(item.get("description")) or ""
        if item.get("descriptionType") == "Other" and text.startswith(_WITHDRAWN):
            return text.removeprefix(_WITHDRAWN).strip(" :.")[:1000] or "No reason is given."
    return "No reason is given." if dates.first("Withdrawn") else None
