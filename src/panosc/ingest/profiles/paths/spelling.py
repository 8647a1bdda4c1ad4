"""How patterns of paths are spelt: their text taken apart, and what is wrong with it.

A placeholder never reaches over a slash: in its expression ``.`` and ``[^…]`` stand for anything
but one.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2

LONGEST = 500
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NEGATIVE = "DWSP"
_NOT_HERE = {"C": "a byte", "Q": "a quotation", "z": "an end", "A": "a beginning"}


class WrongPattern(ValueError):
    """A pattern that is none; the message goes on from its name: “is …”, “holds …”."""


@dataclass(frozen=True, slots=True)
class Star:
    """``*``: any part of a name."""


@dataclass(frozen=True, slots=True)
class AnyOne:
    """``?``: any letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """A placeholder; without an expression it stands for anything, but not nothing."""

    name: str
    regex: str | None


Token = str | Star | AnyOne | Hole
Segment = tuple[Token, ...]
DEEP: Final[Segment] = ()
"""What stands for ``**``: any folders, and the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """The names of a pattern, from folder to file."""

    segments: tuple[Segment, ...]
    is_absolute: bool

    @property
    def is_deep(self) -> bool:
        """Whether ``**`` is in it."""
        return DEEP in self.segments

    @property
    def fixed(self) -> tuple[Segment, ...]:
        """The folders before ``**``, or before the file."""
        return self.segments[: self.segments.index(DEEP)] if self.is_deep else self.segments[:-1]

    @property
    def names(self) -> tuple[str, ...]:
        """Its placeholders, in order."""
        tokens = (token for segment in self.segments for token in segment)
        return tuple(token.name for token in tokens if isinstance(token, Hole))


def spelt(text: str) -> Spelling:
    """Take a pattern apart.

    Raises
    ------
    WrongPattern
    """
    if not text or len(text) > LONGEST:
        raise WrongPattern(f"has to be a pattern of 1 to {LONGEST} letters")
    is_absolute = text.startswith("/")
    names = list(_split(text[1:] if is_absolute else text))
    _look(names)
    segments = [DEEP if name == "**" else tuple(_tokens(name)) for name in names]
    if not is_absolute:
        while len(segments) > 1 and segments[0] == DEEP:
            # any folders may stand before it anyway
            del segments[0]
    if segments == [DEEP] and not is_absolute:
        segments = [(Star(),)]
    found = Spelling(segments=tuple(segments), is_absolute=is_absolute)
    twice = {name for name in found.names if found.names.count(name) > 1}
    if twice:
        raise WrongPattern(f"has {{{min(twice)}}} twice; give the second another name, or write *")
    _refuse_loose(found)
    return found


def quiet_options() -> Any:
    """Return options of RE2 that keep it from writing to standard error."""
    options = re2.Options()
    options.log_errors = False
    return options


def reason_of(error: Exception) -> str:
    """Return what RE2 says is wrong with an expression."""
    told = error.args[0] if error.args else "?"
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


def _look(names: list[str]) -> None:
    if names[-1] == "":
        raise WrongPattern("ends with a slash; write /** for every file below that folder")
    for name in names:
        if name in {"", ".", ".."}:
            raise WrongPattern(f"can never match: no folder is called “{name}”")
        if "**" in name and name != "**" and "{" not in name:
            raise WrongPattern(f"has “{name}”: ** stands for whole folders, * for part of a name")


def _refuse_loose(found: Spelling) -> None:
    """Refuse what would begin at the outermost folder, whatever that is."""
    if found.is_absolute or not found.is_deep:
        return
    for segment in found.fixed:
        for token in segment:
            if isinstance(token, str) or (isinstance(token, Hole) and token.regex):
                return
    raise WrongPattern(
        "fixes no folder before **, so that it begins at the outermost one; give a folder a name, "
        "a placeholder its {name:expression}, or begin with /"
    )


def _split(text: str) -> Iterator[str]:
    """Yield the names between slashes; slashes in braces are part of an expression."""
    depth, begin, index = 0, 0, 0
    while index < len(text):
        letter = text[index]
        if (letter == "\\" and depth) or (text.startswith("{{", index) and not depth):
            index += 1
        elif letter == "{":
            depth += 1
        elif letter == "}" and depth:
            depth -= 1
        elif letter == "/" and not depth:
            yield text[begin:index]
            begin = index + 1
        index += 1
    if depth:
        raise WrongPattern("has a { without its }; {{ stands for a brace itself")
    yield text[begin:]


def _tokens(name: str) -> Iterator[Token]:
    plain, index = "", 0
    while index < len(name):
        letter = name[index]
        if name.startswith(("{{", "}}"), index):
            plain, index = plain + letter, index + 2
        elif letter in "{*?":
            if plain:
                yield plain
            end = _end(name, index) if letter == "{" else index + 1
            yield _hole(name[index + 1 : end - 1]) if letter == "{" else _WILD[letter]
            plain, index = "", end
        elif letter == "}":
            raise WrongPattern("has a } without its {; }} stands for a brace itself")
        elif not letter.isprintable():
            raise WrongPattern("holds a control character")
        else:
            plain, index = plain + letter, index + 1
    if plain:
        yield plain


_WILD: dict[str, Token] = {"*": Star(), "?": AnyOne()}


def _end(name: str, begin: int) -> int:
    depth, index = 0, begin
    while index < len(name):
        if name[index] == "\\":
            index += 1
        elif name[index] in "{}":
            depth += 1 if name[index] == "{" else -1
            if not depth:
                return index + 1
        index += 1
    raise WrongPattern("has a { without its }; {{ stands for a brace itself")


def _hole(text: str) -> Hole:
    name, colon, regex = text.partition(":")
    if not _WORD.fullmatch(name):
        meant = difflib.get_close_matches(name.lower(), [re.sub(r"\W+", "_", name.lower())], n=1)
        better = f", such as {{{meant[0]}}}" if meant and _WORD.fullmatch(meant[0]) else ""
        raise WrongPattern(
            f"has {{{name[:40]}}}; a placeholder is a word of small letters, digits and _{better}"
        )
    if not colon:
        return Hole(name=name, regex=None)
    try:
        re2.compile(regex, quiet_options())
        within = "".join(_within(regex))
        re2.compile(within, quiet_options())
    except re2.error as error:
        raise WrongPattern(f"has in {{{name}}}: {reason_of(error)}") from None
    except WrongPattern as error:
        raise WrongPattern(f"has in {{{name}}} {error}") from None
    if not regex:
        raise WrongPattern(f"has no expression after {{{name}:")
    return Hole(name=name, regex=f"(?:{within})")


def _within(regex: str) -> Iterator[str]:
    """Yield an expression piece by piece so that no piece stands for a slash."""
    index = 0
    while index < len(regex):
        piece = _piece(regex, index)
        index += len(piece)
        yield _kept_in(piece)


def _piece(regex: str, index: int) -> str:
    letter = regex[index]
    if letter == "\\":
        found = re.compile(r"\\(?:[0-7]{1,3}|[pPx]\{[^}]*\}|x[0-9a-fA-F]{2}|[pP].|.)", re.DOTALL)
    elif letter == "[":
        found = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
    elif letter == "(":
        found = re.compile(r"\((?:\?P?<)?")
    else:
        return letter
    match = found.match(regex, index)
    return letter if match is None else match[0]


def _kept_in(piece: str) -> str:
    if piece == ".":
        return "[^/]"
    if piece in {"/", "^", "$"}:
        why = "is one folder or file" if piece == "/" else "always stands for all of its place"
        raise WrongPattern(f"“{piece}”: a placeholder {why}")
    if piece.startswith(("(?P<", "(?<")):
        raise WrongPattern("a named group; the placeholder itself is one")
    if piece.startswith("[^"):
        body = piece[2:]
        return f"[^/\\{body}" if body.startswith("]") and len(body) > 1 else f"[^/{body}"
    if piece.startswith("\\") and piece[1:2] in _NOT_HERE:
        raise WrongPattern(f"“{piece}”, {_NOT_HERE[piece[1]]}, which cannot be used here")
    if piece.startswith("\\") and piece[1:2] and piece[1] in _NEGATIVE:
        return f"[^/\\{piece[1].lower()}{piece[2:]}]"
    if len(piece) > 1 and piece[0] in "\\[" and re2.fullmatch(piece, "/", quiet_options()):
        raise WrongPattern(f"“{piece}”, which can stand for a slash")
    return piece
