"""Patterns of paths: ``{placeholder}``, ``{placeholder:regex}``, ``*``, ``?`` and ``**``.

A pattern is about the end of an absolute path, with any folders before it; one that begins with a
slash is about all of it. It becomes one expression of RE2, which is read in linear time whatever
somebody writes. How the text of a pattern is taken apart is `spelling`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import re2

from panosc.ingest.profiles.paths.spelling import (
    DEEP,
    AnyOne,
    Hole,
    Segment,
    Spelling,
    Star,
    WrongPattern,
    quiet_options,
    reason_of,
    spelt,
)

NAME = r"[^/.][^/]*"
"""A name that is not hidden."""
NEVER = (".tmp", ".part", ".swp", "~")
"""Ends of the names of files that are always left alone, as hidden ones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a pattern fits a path."""

    values: Mapping[str, str]
    depth: int
    """How many folders deep lies what the pattern fixes before ``**``, else the file's folder."""
    prefix: str
    """The folders before the pattern, without a slash at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPattern:
    """A pattern, ready to be held against paths."""

    text: str
    spelling: Spelling
    _expression: Any = field(repr=False, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Its placeholders, in order."""
        return self.spelling.names

    def fit(self, path: str) -> Fit | None:
        """Return how it fits an absolute path, without surrogates; None if it does not."""
        found = self._expression.fullmatch(path)
        if found is None:
            return None
        return Fit(values=found.groupdict(), depth=found[1].count("/"), prefix=found[2])

    def beside(self, name: str) -> "PathPattern":
        """Return the pattern of a file of that name in the folder that this pattern fixes.

        Raises
        ------
        WrongPattern
        """
        mark = spelt(name)
        if len(mark.segments) != 1 or mark.is_absolute or mark.is_deep or mark.names:
            raise WrongPattern("has to be a name such as *.done, without folders and placeholders")
        folders = self.spelling.fixed
        joined = Spelling(
            segments=(*folders, *mark.segments), is_absolute=self.spelling.is_absolute
        )
        return _compiled(f"{self.text} | {name}", joined)


def pattern(text: str) -> PathPattern:
    """Return the pattern that is written so.

    Raises
    ------
    WrongPattern
        Says what is wrong with it and what to write.
    """
    return _compiled(text, spelt(text))


def of_spelling(spelling: Spelling) -> PathPattern:
    """Return the pattern of what has been taken apart."""
    return _compiled("", spelling)


def names_pattern(text: str) -> PathPattern:
    """Return a pattern for files, which must not be one of those that are always left alone.

    Raises
    ------
    WrongPattern
    """
    found = pattern(text)
    _refuse_hidden(found.spelling.segments[-1])
    return found


def readable(path: PurePosixPath) -> str:
    """Return a path as text in which what is no UTF-8 is replaced, for it to be matched."""
    text = str(path)
    if text.startswith("//"):
        text = text[1:]
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text


def is_left_alone(name: str) -> bool:
    """Whether a file of this name is never data: hidden, or not finished by whoever copies it."""
    return name.startswith(".") or name.endswith(NEVER)


def covers(first: PathPattern, later: PathPattern) -> bool:
    """Whether all that fits the later pattern surely fits the first, too; in doubt not."""
    one, other = first.spelling, later.spelling
    if one.is_absolute and not (other.is_absolute and one.segments[:1] == other.segments[:1]):
        return False
    if one.is_deep:
        return _covers_deep(one, other)
    own, tail = one.segments, other.segments[-len(one.segments) :]
    if DEEP in tail and len(own) == 1:
        tail = (_ANY_SEGMENT,)
    if len(tail) < len(own) or DEEP in tail:
        return False
    if one.is_absolute and len(other.segments) != len(own):
        return False
    return all(_covers_name(*pair) for pair in zip(own, tail, strict=True))


_ANY_SEGMENT: Segment = (Hole(name="any", regex=None),)


def _covers_deep(one: Spelling, other: Spelling) -> bool:
    """Whether ``a/**`` takes all that the other does; only the ``**`` at the end is looked at."""
    if one.segments[-1] != DEEP or one.segments.count(DEEP) > 1:
        return False
    own, folders = one.fixed, other.fixed
    starts = [0] if one.is_absolute else range(len(folders) - len(own) + 1)
    for start in starts:
        there = folders[start : start + len(own)]
        if len(there) == len(own) and all(
            _covers_name(*pair) for pair in zip(own, there, strict=True)
        ):
            return True
    return False


def _covers_name(one: Segment, other: Segment) -> bool:
    if len(one) == 1 and (isinstance(one[0], Star) or one[0] == Hole(name=_of(one[0]), regex=None)):
        return not (isinstance(other[0], str) and other[0].startswith("."))
    return [_shape(token) for token in one] == [_shape(token) for token in other]


def _of(token: object) -> str:
    return token.name if isinstance(token, Hole) else ""


def _shape(token: object) -> object:
    return ("hole", token.regex) if isinstance(token, Hole) else token


def _refuse_hidden(last: Segment) -> None:
    if last == DEEP:
        return
    first, end = last[0], last[-1]
    if isinstance(first, str) and first.startswith("."):
        raise WrongPattern("can never match: hidden files are always left alone")
    for ending in NEVER:
        if isinstance(end, str) and end.endswith(ending):
            raise WrongPattern(f"can never match: files that end with {ending} are left alone")


def _compiled(text: str, spelling: Spelling) -> PathPattern:
    fixed = "".join(f"/{_name(segment)}" for segment in spelling.fixed)
    rest = _rest(spelling.segments[len(spelling.fixed) :])
    prefix = "()" if spelling.is_absolute else "((?s:/.*?)??)"
    try:
        expression = re2.compile(f"({prefix}{fixed}){rest}", quiet_options())
    except re2.error as error:
        raise WrongPattern(f"cannot be read: {reason_of(error)}") from None
    return PathPattern(text=text, spelling=spelling, _expression=expression)


def _rest(segments: Sequence[Segment]) -> str:
    parts = []
    for index, segment in enumerate(segments):
        if segment != DEEP:
            parts.append(f"/{_name(segment)}")
        else:
            parts.append(f"(?:/{NAME}){'+' if index == len(segments) - 1 else '*'}")
    return "".join(parts)


def _name(segment: Segment) -> str:
    parts = []
    for index, token in enumerate(segment):
        following = segment[index + 1] if index + 1 < len(segment) else None
        is_needed = following is None or (isinstance(following, str) and following[0] == ".")
        parts.append(_token(token, is_first=index == 0, is_needed=is_needed))
    return "".join(parts)


def _token(token: object, *, is_first: bool, is_needed: bool) -> str:
    match token:
        case str():
            return str(re2.escape(token))
        case Hole(name=name, regex=None):
            return f"(?P<{name}>{NAME if is_first else '[^/]+'})"
        case Hole(name=name, regex=regex):
            return f"(?P<{name}>{regex})"
        case AnyOne():
            return "[^/.]" if is_first else "[^/]"
    if is_first:
        return NAME if is_needed else f"(?:{NAME})?"
    return "[^/]*"
