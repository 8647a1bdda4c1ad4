"""What part of a file is asked for, and whether it is asked for at all (RFC 9110).

Pure functions over headers; every answer here is found before anything is read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final, Literal

MOST_RANGES: Final = 16
_LONGEST: Final = 1000
_NEAR: Final = 80
"""Bytes between two ranges that are sent along: a part of its own would take more."""
_ONE: Final = re.compile(r"[ \t]*(\d*)-(\d*)[ \t]*", re.ASCII)
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_DIGITS: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Bytes from `start` up to `stop`, which is the first one not meant."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What tells one version of something from another."""

    tag: str
    """A strong entity tag, with its quotes."""
    modified: datetime | None

    @property
    def last_modified(self) -> str | None:
        """The time of change as a header has it."""
        if self.modified is None or self.modified.year < 1970:  # noqa: PLR2004
            return None
        return format_datetime(self.modified.replace(microsecond=0), usegmt=True)


Condition = Literal["send", "not-modified", "failed"]


def condition(headers: Mapping[str, str], version: Version) -> Condition:
    """Return what the preconditions of a request for `version` say, in the order of RFC 9110."""
    match = headers.get("if-match")
    if match is not None:
        if not _names(match, version.tag, weakly=False):
            return "failed"
    elif (since := _date(headers.get("if-unmodified-since"))) and _is_newer(version, since):
        return "failed"
    none = headers.get("if-none-match")
    if none is not None:
        return "not-modified" if _names(none, version.tag, weakly=True) else "send"
    since = _date(headers.get("if-modified-since"))
    if since and version.last_modified and not _is_newer(version, since):
        return "not-modified"
    return "send"


def spans(headers: Mapping[str, str], size: int, version: Version) -> list[Span] | None:
    """Return the ranges that are asked for; None for all of it, an empty list for none there is.

    Ranges that overlap or nearly touch are one; more than `MOST_RANGES` are refused as if there
    were none of them. What is no range in bytes is not understood, and all of it is sent.
    """
    given = headers.get("range")
    if given is None or len(given) > _LONGEST or not _is_current(headers, version):
        return None
    unit, _, text = given.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    found: list[Span] = []
    asked = text.split(",")
    for one in asked:
        match = _ONE.fullmatch(one)
        if match is None or match[1] == match[2] == "":
            return None
        span = _span(match[1], match[2], size)
        if span is None:
            return None
        if span.length > 0:
            found.append(span)
    # many small ranges cost more to send than they say: see RFC 9110, 14.2
    return [] if len(asked) > MOST_RANGES else _joined(found)


def _span(first: str, last: str, size: int) -> Span | None:
    """Return one range, empty where there is nothing of it; None when it is none."""
    if len(first) > _DIGITS or len(last) > _DIGITS:
        return Span(start=0, stop=0) if first else Span(start=0, stop=size)
    if not first:
        return Span(start=max(0, size - int(last)), stop=size)
    start = int(first)
    if last and int(last) < start:
        return None
    stop = min(size, int(last) + 1) if last else size
    return Span(start=start, stop=stop) if start < size else Span(start=0, stop=0)


def _joined(found: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(found, key=lambda one: (one.start, one.stop)):
        if joined and span.start <= joined[-1].stop + _NEAR:
            before = joined.pop()
            joined.append(Span(start=before.start, stop=max(before.stop, span.stop)))
        else:
            joined.append(span)
    return joined


def _is_current(headers: Mapping[str, str], version: Version) -> bool:
    """Whether the part that somebody has is of this version, as ``If-Range`` says."""
    given = headers.get("if-range")
    if given is None:
        return True
    if '"' in given:
        return given.strip() == version.tag
    return given.strip() == version.last_modified


def _names(header: str, tag: str, *, weakly: bool) -> bool:
    if header.strip() == "*":
        return True
    return any(
        f'"{match[2]}"' == tag and (weakly or not match[1])
        for match in _TAG.finditer(header[: 20 * _LONGEST])
    )


def _date(text: str | None) -> datetime | None:
    try:
        found = None if text is None else parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None


def _is_newer(version: Version, since: datetime) -> bool:
    return version.modified is not None and version.modified.replace(microsecond=0) > since
