"""How rare words are, frozen: the same on every node, whatever its catalogue holds.

The numbers lie beside this module in ``word_statistics.txt``. They were counted once, in texts of
the field, by ``scripts/make_word_statistics.py``; its head says which. A common word of the field
(measurement, sample, beam) tells little, and a stem that those texts do not have tells much: names
of substances, people, places. Numbers, units and single letters are not counted but told here.
"""

import re
from functools import cache
from importlib import resources

UNKNOWN = 7.0
"""Of a stem that is in no text that was counted."""
LEAST = 1.0
_SHORT = 2.5
_NUMBER = 3.0
_IS_NUMBER = re.compile(r"[\d.]+")


def rarity_of(stem: str) -> float:
    """Return how much a stem tells: ``ln(1 + (N - n + 0.5) / (n + 0.5))`` of n in N texts.

    Examples
    --------
    >>> rarity_of("sampl") < rarity_of("tomograph") < rarity_of("lysozym")
    True
    """
    known = _frozen().get(stem)
    if known is not None:
        return known
    if _IS_NUMBER.fullmatch(stem):
        return _NUMBER
    return _SHORT if len(stem) < 3 else UNKNOWN  # noqa: PLR2004 (units, symbols, initials)


@cache
def _frozen() -> dict[str, float]:
    text = resources.files(__package__).joinpath("word_statistics.txt").read_text("utf-8")
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            rarity, *stems = line.split()
            found |= dict.fromkeys(stems, max(LEAST, min(UNKNOWN, float(rarity))))
    return found
