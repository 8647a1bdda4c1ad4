"""What a profile says of tiers: what is wrong with it, and the ways to tell that come of it."""

from collections.abc import Iterator

import re2

from panosc.ingest.profiles.filling import Fault
from panosc.ingest.profiles.model import ProfileDocument, TierPart
from panosc.ingest.profiles.outside.tiers import ByAttribute, ByBlocks, ByCommand, ByPath, Teller
from panosc.ingest.profiles.outside.troubles import Troubles
from panosc.ingest.profiles.paths.patterns import pattern
from panosc.ingest.profiles.paths.spelling import WrongPattern, quiet_options, reason_of

_WAYS = ("path", "xattr", "command", "blocks")


def tier_faults(document: ProfileDocument) -> Iterator[Fault]:
    """Yield what is wrong with the tiers of a profile, and where."""
    for index, part in enumerate(document.tiers):
        for where, what in _faults(part):
            yield ("tiers", index, *where), what


def teller_of(part: TierPart, troubles: Troubles) -> Teller:
    """Return the way to tell that a checked part means."""
    if part.path is not None:
        words = f"path {part.path}"
        return ByPath(words=words, pattern=pattern(part.path), tier=part.tier)
    if part.xattr is not None:
        return ByAttribute(
            words=f"attribute {part.xattr}",
            attribute=part.xattr,
            value=re2.compile(part.value or "(?s:.*)", quiet_options()),
            tier=part.tier,
            troubles=troubles,
        )
    if part.command is not None:
        return ByCommand(
            words=f"command {part.command[0]}",
            arguments=part.command,
            limit_s=part.limit,
            troubles=troubles,
        )
    return ByBlocks(words="blocks on disk", tier=part.tier, troubles=troubles)


def _faults(part: TierPart) -> Iterator[Fault]:
    given = [name for name in _WAYS if getattr(part, name)]
    if len(given) != 1:
        has = f"has {' and '.join(given)}" if given else "says not how to tell"
        yield (), f"{has}; give one of {', '.join(_WAYS)}"
        return
    if part.value is not None and part.xattr is None:
        yield ("value",), "is for xattr: an expression that the value of the attribute fits"
    if part.path is not None:
        try:
            pattern(part.path)
        except WrongPattern as error:
            yield ("path",), str(error)
    if part.xattr is not None and "." not in part.xattr:
        yield ("xattr",), f"“{part.xattr[:60]}” has no name space; did you mean user.{part.xattr}"
    if part.value is not None:
        try:
            re2.compile(part.value, quiet_options())
        except re2.error as error:
            yield ("value",), f"is no expression: {reason_of(error)}"
    if part.command is not None and not part.command[0].startswith("/"):
        yield ("command", 0), f"“{part.command[0][:60]}” has to be a whole path, from /"
