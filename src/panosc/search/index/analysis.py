"""Text becomes stems, with frozen statistics of how rare they are."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

LEVELS = 8
LEVEL_VALUES = tuple((level + 1) / LEVELS for level in range(LEVELS))
HALF = 6.0
_WORD = re.compile(r"\w+")


def stems(text: str) -> list[str]:
    """Return the stems of a text in their order; one may be empty."""
    return [word.lower() for word in _WORD.findall(text)]


def elements(text: str) -> frozenset[str]:
    """Return the symbols of the elements in the formulas of a text."""
    return frozenset()


def surface_words(texts: Sequence[str]) -> set[str]:
    """Return the words of texts as people would complete them."""
    return {word.lower() for text in texts for word in _WORD.findall(text)}


def rarity(stem: str) -> float:
    """Return how much a stem tells."""
    return 3.0


def impacts(texts: Mapping[str, Sequence[str]]) -> tuple[frozenset[str], ...]:
    """Return the stems of a record by level."""
    counts = Counter(stem for items in texts.values() for text in items for stem in stems(text))
    found: list[set[str]] = [set() for _ in range(LEVELS)]
    for stem, count in counts.items():
        found[min(count, LEVELS) - 1].add(stem)
    return tuple(map(frozenset, found))


def alternatives(word: str) -> list[list[str]]:
    """Return the stems in a row that stand for a word of a question."""
    return [stems(word)]


def score(total: float) -> float:
    """Return the score in the open interval (0, 1)."""
    return total / (total + HALF)
