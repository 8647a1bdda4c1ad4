"""What a harvester asks, checked by the rules of the protocol."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from panosc.publication.reading.describing import plain

Code = Literal[
    "badArgument",
    "badResumptionToken",
    "badVerb",
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "noRecordsMatch",
]
LONGEST: Final = 4096
_SELECTION = frozenset({"metadataPrefix", "from", "until", "set"})
_VERBS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "Identify": (frozenset(), frozenset()),
    "ListMetadataFormats": (frozenset(), frozenset({"identifier"})),
    "ListSets": (frozenset(), frozenset({"resumptionToken"})),
    "GetRecord": (frozenset({"identifier", "metadataPrefix"}), frozenset()),
    "ListIdentifiers": (frozenset({"metadataPrefix"}), _SELECTION | {"resumptionToken"}),
    "ListRecords": (frozenset({"metadataPrefix"}), _SELECTION | {"resumptionToken"}),
}
"""Verb → arguments that it needs, and those it takes."""
_SIGN = r"[A-Za-z0-9_.!~*'()-]"
_SYNTAX: Final = {
    "metadataPrefix": re.compile(rf"{_SIGN}+"),
    "set": re.compile(rf"{_SIGN}+(?::{_SIGN}+)*"),
}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SECOND = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


class Refused(Exception):
    """An error of the protocol; the answer to it has the status 200.

    Parameters
    ----------
    code : str
        As the protocol calls it.
    message : str
        For people.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A verb and its arguments, each given once and well-formed."""

    verb: str
    arguments: dict[str, str]


def checked(pairs: Sequence[tuple[str, str]]) -> Asked:
    """Return what is asked.

    Raises
    ------
    Refused
        If it breaks a rule.
    """
    verbs = [value for name, value in pairs if name == "verb"]
    if len(verbs) != 1 or verbs[0] not in _VERBS:
        raise Refused("badVerb", f"Give one verb: {', '.join(_VERBS)}.")
    verb = verbs[0]
    rest = [(name, value) for name, value in pairs if name != "verb"]
    arguments = dict(rest)
    if len(arguments) != len(rest):
        raise Refused("badArgument", "An argument is given twice.")
    needed, taken = _VERBS[verb]
    unknown = next((name for name in arguments if name not in needed | taken), None)
    if unknown is not None:
        raise Refused("badArgument", f"{verb} takes no argument “{plain(unknown)[:80]}”.")
    if "resumptionToken" in arguments:
        if len(arguments) > 1:
            raise Refused("badArgument", "A resumptionToken stands alone.")
    elif missing := needed - arguments.keys():
        raise Refused("badArgument", f"{verb} needs {' and '.join(sorted(missing))}.")
    for name, value in arguments.items():
        _check(name, value)
    return Asked(verb=verb, arguments=arguments)


def _check(name: str, value: str) -> None:
    syntax = _SYNTAX.get(name)
    is_fit = value == plain(value) and 0 < len(value) <= LONGEST
    if not is_fit or (syntax is not None and not syntax.fullmatch(value)):
        raise Refused("badArgument", f"This is no value of {name}.")


def period(arguments: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return the period asked for: its start, and its end, exclusive.

    Raises
    ------
    Refused
        If a date is none, the two are of two kinds, or the end is before the start.
    """
    start, end = arguments.get("from"), arguments.get("until")
    if start is not None and end is not None and len(start) != len(end):
        raise Refused("badArgument", "from and until have to be both days or both seconds.")
    first = None if start is None else _moment(start)
    last = None if end is None else _moment(end)
    if first is not None and last is not None and first > last:
        raise Refused("badArgument", "from is later than until.")
    return first, None if last is None or end is None else _after(last, end)


def _moment(text: str) -> datetime:
    try:
        if _DAY.fullmatch(text) or _SECOND.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise Refused("badArgument", "Dates are 2026-05-31, or 2026-05-31T12:00:00Z.")


def _after(last: datetime, text: str) -> datetime:
    """Return the first moment that is no more part of a day or second."""
    step = timedelta(days=1) if _DAY.fullmatch(text) else timedelta(seconds=1)
    try:
        return last + step
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
