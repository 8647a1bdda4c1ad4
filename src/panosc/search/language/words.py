"""Words of a ranked search as text: ``lysozyme "small angle" -tomography elements:Li,Fe``.

A word that starts with ``+`` has to be there, one with ``-`` must not be. What a plain word means
is up to the place: in the search box all have to be there, in the PaNOSC ``query`` one of them.
"""

import re
from collections.abc import Iterable

from panosc.domain.query import Occurs, Word

MOST_WORDS = 20
_PART = re.compile(r'(?P<sign>[+-])?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')
_ELEMENTS = "elements:"
_SIGNS: dict[str, Occurs] = {"+": "all", "-": "not"}


def read_words(text: str, *, plain: Occurs) -> tuple[Word, ...]:
    """Return what `text` asks for, each thing once and at most `MOST_WORDS` of them.

    Parameters
    ----------
    plain : {"any", "all"}
        What a word without a sign means.

    Examples
    --------
    >>> [(word.text, word.occurs) for word in read_words("LaB6 -x-ray", plain="all")]
    [('LaB6', 'all'), ('x-ray', 'not')]
    """
    found: dict[Word, None] = {}
    for part in _PART.finditer(text):
        occurs = _SIGNS.get(part["sign"] or "", plain)
        phrase, word = part["phrase"], part["word"] or ""
        if phrase is not None:
            if phrase.strip():
                found[Word(text=" ".join(phrase.split()), kind="phrase", occurs=occurs)] = None
        elif word.lower().startswith(_ELEMENTS) and len(word) > len(_ELEMENTS):
            found[Word(text=word[len(_ELEMENTS) :], kind="elements", occurs=occurs)] = None
        elif any(letter.isalnum() for letter in word):
            found[Word(text=word, occurs=occurs)] = None
    if not found and text.strip():
        # nothing but signs: it finds nothing rather than everything
        literal = " ".join(text.replace('"', " ").split()) or "?"
        found[Word(text=literal, kind="phrase", occurs=plain)] = None
    return tuple(found)[:MOST_WORDS]


def write_words(words: Iterable[Word], *, plain: Occurs) -> str:
    """Return the text that `read_words` reads as `words`."""
    return " ".join(_written(word, plain) for word in words)


def _written(word: Word, plain: Occurs) -> str:
    sign = "" if word.occurs == plain else {"all": "+", "not": "-", "any": ""}[word.occurs]
    match word.kind:
        case "phrase":
            return f'{sign}"{word.text}"'
        case "elements":
            return f"{sign}{_ELEMENTS}{word.text}"
        case _:
            return sign + word.text
