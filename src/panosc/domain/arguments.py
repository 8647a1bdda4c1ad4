"""Arguments of a search in Python, spelt as the key and value pairs of its URL.

``technique="SANS"``, ``facility=["ESS", "ILL"]`` for any of them, ``wavelength=("4 Å", "8 Å")`` for
a range, ``not_kind="raw"`` for what must not be. What the values mean is found out where the URL
is read (`panosc.search.language`): nothing here knows of units or techniques.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from panosc.domain.errors import Invalid

FACETS = ("facility", "instrument", "technique", "kind", "access", "year")
"""Fields with values that are counted beside the results."""
TEXTS = ("title", "author", "sample", "document", "pid")
"""Fields with any text."""
SPANS = ("created", "released", "bytes")
"""Fields with a range."""
FIELDS = (*FACETS, *TEXTS, *SPANS)

_RANGED = frozenset({"year", *SPANS})
_NOT = "not_"
_ESCAPED = re.compile(r"is_(?=(is_)*not_)")
_END = re.compile(r"\s*[<>]?\s*[+-]?\.?\d.*", re.DOTALL)
_MOST = 500
_HINT = "Values are texts, numbers, dates, a tuple (from, to) or a list for any of them."


def pairs_of(words: str, filters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of the URL that asks for the same.

    Raises
    ------
    Invalid
        If a value is of a type that no filter takes.

    Examples
    --------
    >>> pairs_of("ice", {"temperature": (None, "80 K"), "not_facility": ["ILL"]})
    [('q', 'ice'), ('temperature', '..80 K'), ('-facility', 'ILL')]
    """
    pairs = [("q", words)] if words else []
    for name, value in filters.items():
        if value is None:
            continue
        key = f"-{name.removeprefix(_NOT)}" if name.startswith(_NOT) else _ESCAPED.sub("", name, 1)
        pairs += [(key, text) for text in _texts(name, key.removeprefix("-"), value)]
        if len(pairs) > _MOST:
            raise Invalid(f"There are more than {_MOST} values.", field=name)
    return pairs


def argument_name(key: str) -> str:
    """Return what a key of the URL is called in Python; the opposite of `pairs_of`.

    Examples
    --------
    >>> argument_name("-kind"), argument_name("not_so")
    ('not_kind', 'is_not_so')
    """
    if key.startswith("-"):
        return _NOT + key[1:]
    return f"is_{key}" if re.match(r"(is_)*not_", key) else key


def number(value: float) -> str:
    """Return the shortest spelling that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def _texts(name: str, key: str, value: Any) -> Iterator[str]:
    if isinstance(value, list | set | frozenset):
        for item in value:
            yield from _texts(name, key, item) if isinstance(item, tuple) else (_text(name, item),)
    elif isinstance(value, tuple) and key in FIELDS and key not in _RANGED:
        for item in value:
            yield _text(name, item)
    elif isinstance(value, tuple):
        yield _range(name, value)
    else:
        yield _text(name, value)


def _range(name: str, ends: tuple[Any, ...]) -> str:
    given = [None if end is None else _text(name, end) for end in ends]
    known = [end for end in given if end is not None]
    if len(given) != 2 or not known or not all(map(_END.fullmatch, known)):  # noqa: PLR2004
        raise Invalid(
            f"{name} is given a tuple that is no range.",
            field=name,
            hint='Write ("4 Å", "8 Å"), with None for an open end, or a list for any of several.',
        )
    return "..".join(end or "" for end in given)


def _text(name: str, value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return number(value)
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case _:
            kind = type(value).__name__
            raise Invalid(f"{name} cannot be a {kind}.", field=name, hint=_HINT)
