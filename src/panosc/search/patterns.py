"""Patterns: ``like`` with its wildcards, and regular expressions that cannot blow up.

A regular expression of JavaScript is checked by RE2, which knows neither back references
nor lookaround, its size is bounded, and it is rewritten for PostgreSQL, whose engine then
looks for a match without backtracking. In Python RE2 itself is used.
"""

import re
from collections.abc import Callable
from typing import Literal

import re2

LONGEST = 1000
"""Letters of a regular expression."""
MOST_STEPS = 2000
"""Single characters to match once every ``{n,m}`` is written out."""
MOST_REPEATS = 255

_COUNTED = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}")
_CLASSES = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": " \\t\\n\\r\\f\\v\\u00a0\\u2028\\u2029\\ufeff",
}
# PostgreSQL's own anchors take é for part of a word, JavaScript does not
_ANCHORS = {
    "b": "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))",
    "B": "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))",
}
_CONTROLS = frozenset("tnrfv")
_SPECIAL = frozenset(".^$*+?()[]{}|\\/-")
_GROUP = re.compile(r"\?(?::|P?<[A-Za-z_]\w{0,99}>)")
_ESCAPED = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})")
_FLAGS = frozenset("dgimsuy")


class BadPattern(ValueError):
    """The pattern is no regular expression that can be searched for; the text says why."""


def escape(text: str) -> str:
    """Return `text` with the wildcards of ``like`` made literal."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def anywhere(pattern: str) -> str:
    """Return a pattern of SQL's LIKE that finds `pattern` in any place."""
    trailing = len(pattern) - len(pattern.rstrip("\\"))
    whole = pattern + "\\" if trailing % 2 else pattern
    return f"%{whole}%"


def split(text: str) -> tuple[str, str]:
    """Return pattern and flags of ``/pattern/flags`` or of a bare pattern."""
    if text.startswith("/") and text.rfind("/") > 0:
        body, _, flags = text[1:].rpartition("/")
        if set(flags) <= _FLAGS:
            return body, "".join(sorted(set(flags) & set("ims")))
    return text, ""


def fits(
    operator: Literal["like", "ilike", "regexp"], pattern: str, flags: str = ""
) -> Callable[[str], bool]:
    """Return the test of `operator` as a function of a text, in linear time."""
    if operator == "regexp":
        found = _compile(_plain(pattern), flags)
    else:
        body = re.sub(
            r"\\(.)|(.)",
            lambda match: _wildcard(match[2]) if match[2] else re2.escape(match[1]),
            pattern,
            flags=re.DOTALL,
        )
        found = _compile(body, "is" if operator == "ilike" else "s")
    return lambda text: found.search(text) is not None


def translate(pattern: str, flags: str = "") -> str:
    """Return `pattern` as PostgreSQL spells it.

    Raises
    ------
    BadPattern
        If it is none, uses what is not offered, or is too large.
    """
    if len(pattern) > LONGEST:
        raise BadPattern(f"It is longer than {LONGEST} characters.")
    plain = _plain(pattern)
    _compile(plain, flags)
    body = _Translator(plain, dot="." if "s" in flags else "[^\\n\\r]").result()
    return f"(?w){body}" if "m" in flags else body


def _wildcard(letter: str) -> str:
    return {"%": ".*", "_": "."}.get(letter) or str(re2.escape(letter))


def _compile(pattern: str, flags: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = "i" not in flags
    options.dot_nl = "s" in flags
    options.max_mem = 1 << 20
    if "m" in flags:
        pattern = f"(?m){pattern}"
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise BadPattern(f"It cannot be used: {text or 'not a regular expression'}.") from None


def _plain(pattern: str) -> str:
    r"""Return the pattern with ``\xHH`` and ``\uHHHH`` as the characters they stand for."""

    def character(match: re.Match[str]) -> str:
        found = _ESCAPED.fullmatch(match[1])
        if found is None:
            return match[0]
        letter = chr(int(found[1] or found[2], 16))
        if letter == "\0" or "\ud800" <= letter <= "\udfff":
            raise BadPattern("It holds a character that no text has.")
        return f"\\{letter}" if letter in _SPECIAL else letter

    return re.sub(r"\\(x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|.)", character, pattern, flags=re.DOTALL)


class _Translator:
    """Reads a pattern that RE2 accepts, once from left to right."""

    def __init__(self, pattern: str, *, dot: str) -> None:
        self._pattern = pattern
        self._dot = dot
        self._at = 0
        self._out: list[str] = []
        self._sizes = [0]
        """Characters to match in each open group."""
        self._last = 0
        """Size of what a quantifier would repeat."""

    def result(self) -> str:
        while self._at < len(self._pattern):
            self._step()
            if self._sizes[-1] > MOST_STEPS:
                raise BadPattern("Its counted repetitions are too large together.")
        return "".join(self._out)

    def _step(self) -> None:
        letter = self._pattern[self._at]
        match letter:
            case "\\":
                self._escape()
            case "[":
                self._bracket()
            case "(":
                self._open()
            case ")":
                self._at += 1
                self._last = self._sizes.pop()
                self._sizes[-1] += self._last
                self._out.append(")")
            case "{":
                self._count()
            case "*" | "+" | "?":
                self._quantifier(letter)
            case "|" | "^" | "$":
                self._take(letter, size=0)
            case ".":
                self._take(self._dot)
            case "}" | "]":
                self._take(f"\\{letter}")
            case _:
                self._take(letter)

    def _take(self, text: str, *, length: int = 1, size: int = 1) -> None:
        self._at += length
        self._last = size
        self._sizes[-1] += size
        self._out.append(text)

    def _quantifier(self, text: str, *, length: int = 1) -> None:
        self._at += length
        # whether a match is the longest or the shortest does not matter to whether there is one
        if self._pattern[self._at : self._at + 1] == "?":
            self._at += 1
        self._out.append(text)

    def _count(self) -> None:
        found = _COUNTED.match(self._pattern, self._at)
        if found is None:
            self._take("\\{")
            return
        most = max(int(found[1]), int(found[3] or 0))
        if most > MOST_REPEATS:
            raise BadPattern(f"It repeats something more than {MOST_REPEATS} times.")
        self._sizes[-1] += (most - 1) * self._last if most else 0
        self._last *= max(most, 1)
        self._quantifier(found[0], length=len(found[0]))

    def _open(self) -> None:
        found = _GROUP.match(self._pattern, self._at + 1)
        if found is None and self._pattern.startswith("?", self._at + 1):
            raise BadPattern("Inline flags are not offered; write /pattern/i.")
        self._at += 1 + (len(found[0]) if found else 0)
        self._sizes.append(0)
        self._out.append("(?:")

    def _escape(self) -> None:
        letter = self._pattern[self._at + 1]
        if letter in _ANCHORS:
            self._take(_ANCHORS[letter], length=2, size=0)
        elif letter.lower() in _CLASSES:
            inverted = "^" if letter.isupper() else ""
            self._take(f"[{inverted}{_CLASSES[letter.lower()]}]", length=2)
        else:
            self._take(self._literal(letter), length=2)

    def _bracket(self) -> None:
        self._at += 1
        parts = ["["]
        if self._pattern.startswith("^", self._at):
            parts.append("^")
            self._at += 1
        after_class, is_first = False, True
        while is_first or self._pattern[self._at] != "]":
            member = self._member()
            # [\w-z] holds a minus, not a range
            parts.append("\\-" if after_class and member == "-" else member)
            after_class = member in _CLASSES.values()
            is_first = False
        self._take("".join([*parts, "]"]))

    def _member(self) -> str:
        letter = self._pattern[self._at]
        self._at += 1
        if letter == "\\":
            letter = self._pattern[self._at]
            self._at += 1
            return _CLASSES.get(letter) or self._literal(letter)
        if letter == "[":
            if self._pattern.startswith(":", self._at):
                raise BadPattern("Named classes of characters are not offered.")
            return "\\["
        return "\\]" if letter == "]" else letter

    def _literal(self, letter: str) -> str:
        if letter in _CONTROLS:
            return f"\\{letter}"
        if letter.isalnum() or letter == "_":
            raise BadPattern(f"\\{letter} is not offered.")
        return f"\\{letter}" if letter.isascii() else letter
