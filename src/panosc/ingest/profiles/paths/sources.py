"""Where the data lie that others were made from, told by the path of what was made."""

import difflib
import re
from collections.abc import Mapping

from panosc.ingest.profiles.paths.patterns import PathPattern
from panosc.ingest.profiles.paths.spelling import DEEP, Hole, Segment
from panosc.ingest.profiles.paths.templates import Template, WrongTemplate, template

_NAME = re.compile(r"[A-Za-z][\w-]*")


class WrongSource(ValueError):
    """What cannot be told from the path of a rule; the message goes on from its name."""


def source_of(text: str, *, own: PathPattern, patterns: Mapping[str, PathPattern]) -> Template:
    """Return the path that a rule's `derived_from` means, as a template.

    It is the name of another rule, whose folder is meant, or a path with placeholders.

    Raises
    ------
    WrongSource
    """
    if text in patterns:
        return _folder_of(text, patterns[text], own)
    if _NAME.fullmatch(text):
        close = difflib.get_close_matches(text, patterns, n=1)
        meant = f"; did you mean {close[0]}" if close else ""
        raise WrongSource(f"“{text[:60]}” is neither a rule{meant} nor a path with a slash")
    try:
        found = template(text, names=own.names)
    except WrongTemplate as error:
        raise WrongSource(str(error)) from None
    if ".." in text.split("/"):
        raise WrongSource("leads up by “..”; write the whole path")
    return found


def _folder_of(name: str, other: PathPattern, own: PathPattern) -> Template:
    if other == own:
        raise WrongSource("is the rule itself")
    folders = other.spelling.fixed
    if not folders:
        raise WrongSource(f"is rule {name}, whose path has no folder; write the path out")
    lost = [hole for hole in _names(folders) if hole not in own.names]
    if lost or any(_is_open(segment) for segment in folders):
        missing = ", ".join(f"{{{hole}}}" for hole in lost) or "*"
        raise WrongSource(
            f"is rule {name}, whose folder cannot be told: {missing} is not in the path of this "
            "rule; use the same placeholders"
        )
    start = "/" if other.spelling.is_absolute else ""
    return template(start + "".join(f"{_written(segment)}/" for segment in folders))


def _names(folders: tuple[Segment, ...]) -> list[str]:
    return [token.name for segment in folders for token in segment if isinstance(token, Hole)]


def _is_open(segment: Segment) -> bool:
    return segment == DEEP or any(not isinstance(token, str | Hole) for token in segment)


def _written(segment: Segment) -> str:
    parts = []
    for token in segment:
        if isinstance(token, Hole):
            parts.append(f"{{{token.name}}}")
        else:
            parts.append(str(token).replace("{", "{{").replace("}", "}}"))
    return "".join(parts)
