"""Reading JSON of strangers: what is not as expected is as if it were not there; all is bounded."""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any, Final

from panosc.publication.reading.describing import plain

Object = Mapping[str, Any]
LONGEST_LINE: Final = 1000
LONGEST_TEXT: Final = 50_000
MOST: Final = 5000
"""Entries of a list that are looked at."""
_INLINE: Final = re.compile(
    r"</?(?:i|b|em|strong|su[bp]|span|a|u|code)(?:\s[^<>]{0,2000})?>", re.IGNORECASE
)
_BLOCK: Final = re.compile(
    r"</?(?:p|br|hr|div|h[1-6]|ul|ol|li|table|tbody|thead|tr|t[dh]|pre|blockquote|jats:[a-z]+)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)


def line(value: object, longest: int = LONGEST_LINE) -> str | None:
    r"""Return a text or number on one line, None for what is none.

    Examples
    --------
    >>> line("  a \n b "), line(7), line(True), line([])
    ('a b', '7', None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    # cut first: nobody's line needs more, and a stranger's may have megabytes
    found = " ".join(plain(str(value)[: longest * 4]).split())[:longest].rstrip()
    return found or None


def prose(value: object) -> str | None:
    """Return a text of several lines without markup of HTML, None for what is none.

    Examples
    --------
    >>> prose("<p>H<sub>2</sub>O &amp; more</p>"), prose("in <ice> & snow")
    ('H2O & more', 'in <ice> & snow')
    """
    if not isinstance(value, str):
        return None
    text = value[:LONGEST_TEXT]
    bare = _BLOCK.sub("\n", _INLINE.sub("", text)) if "<" in text else text
    if bare != text:
        text = re.sub(r"\n\s*\n\s*", "\n\n", unescape(bare))
    return plain(re.sub(r"[ \t]+", " ", text)) or None


def objects(value: object) -> Iterator[Object]:
    """Yield the objects of a list; an object alone counts as a list of one."""
    if isinstance(value, Mapping):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value[:MOST] if isinstance(item, Mapping))


def several(value: object, key: str) -> Iterator[Object]:
    """Yield the objects of a list in which a plain text may stand for ``{key: text}``."""
    for item in value[:MOST] if isinstance(value, list) else [value]:
        if isinstance(item, Mapping):
            yield item
        elif line(item) is not None:
            yield {key: item}
