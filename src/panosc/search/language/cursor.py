"""Where the cursor stands in the text of the search box: what is being written there."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""[+-]?(?:
    (?P<name>[A-Za-z][A-Za-z0-9_]{0,99}):(?!//)
        (?P<value>"(?:[^"\\]|\\.)*"? | \((?:"(?:[^"\\]|\\.)*"?|[^()"])*\)? | \S*)
    | (?P<phrase>"[^"]*"?)
    | (?P<word>[^\s"]+)
    )""",
    re.DOTALL | re.VERBOSE,
)
_OR = re.compile(r"\s+or\s+", re.IGNORECASE)
_REST = re.compile(r"[^\s\")]*")
_REST_OF_PHRASE = re.compile(r'[^"]*"|[^\s"]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is being written: a word, or the value of a field."""

    name: str
    """Of the field; empty for a word."""
    written: str
    """What stands there up to the cursor, without quotes."""
    start: int
    end: int


def token_at(text: str, cursor: int) -> Token | None:
    """Return what is being written at `cursor`; None where that is nothing to complete.

    Examples
    --------
    >>> token = token_at('ice technique:"small an" x', 23)
    >>> token.name, token.written, token.start, token.end
    ('technique', 'small an', 14, 24)
    """
    found = None
    for found in _TOKEN.finditer(text, 0, cursor):  # noqa: B007 - the last one counts
        pass
    if found is None or found.end() < cursor:
        return Token(name="", written="", start=cursor, end=_end(text, cursor))
    if found["phrase"] is not None:
        return None
    start = found.start("value" if found["name"] else "word")
    if text.startswith("(", start, cursor) and found["name"]:
        if text.endswith(")", start, cursor):
            return None
        # the last of several: what came before stays
        last = list(_OR.finditer(text, start + 1, cursor))
        start = last[-1].end() if last else start + 1
    if not text.startswith('"', start, cursor):
        end = _end(text, cursor)
        return Token(name=found["name"] or "", written=text[start:cursor], start=start, end=end)
    rest = _REST_OF_PHRASE.match(text, cursor)
    written = re.sub(r"\\(.)", r"\1", text[start + 1 : cursor], flags=re.DOTALL)
    end = cursor if rest is None else rest.end()
    is_closed = cursor > start + 1 and text[cursor - 1] == '"'
    return None if is_closed else Token(name=found["name"], written=written, start=start, end=end)


def _end(text: str, cursor: int) -> int:
    rest = _REST.match(text, cursor)
    return cursor if rest is None else rest.end()
