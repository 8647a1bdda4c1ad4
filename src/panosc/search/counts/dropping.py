"""What to do when nothing was found: what dropping one filter or word would give."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from panosc.domain.query import Query
from panosc.search.language.selection import FIELDS, Selection
from panosc.search.language.words import read_words, write_words

MOST = 20
"""Filters and words that are tried."""


def dropping(selection: Selection, count: Callable[[Query], int]) -> list[tuple[str, str, int]]:
    """Return key and value of each filter and word, with the count that there is without it.

    The key of a word is ``q``. One count is asked for each.
    """
    ways = islice(_ways(selection.from_start()), MOST)
    return [(key, value, count(rest.query())) for key, value, rest in ways]


def _ways(selection: Selection) -> Iterator[tuple[str, str, Selection]]:
    words = read_words(selection.words, plain="all")
    for word in words:
        rest = [other for other in words if other != word]
        text = write_words([word], plain="all")
        yield "q", text, replace(selection, words=write_words(rest, plain="all"))
    for key, value in selection.filters():
        yield key, value, less(selection, key, value)


def less(selection: Selection, key: str, value: str) -> Selection:
    """Return a selection without one value of one filter."""
    selection = selection.from_start()
    if key in FIELDS:
        kept = tuple(one for one in selection.chosen(key) if one != value)
        return replace(selection, **{key: kept})  # type: ignore[arg-type]
    if key.startswith("-"):
        rest = tuple(one for one in selection.excluded if (one.name, one.value) != (key[1:], value))
        return replace(selection, excluded=rest)
    ranges = tuple(one for one in selection.ranges if (one.name, one.text) != (key, value))
    texts = tuple(
        replace(one, values=tuple(text for text in one.values if text != value))
        if one.name == key
        else one
        for one in selection.texts
    )
    return replace(selection, ranges=ranges, texts=tuple(one for one in texts if one.values))
