"""Text becomes stems, and a record the stems of eight levels of impact (BM25F, worked out ahead).

The same record and the same question score alike on every node: lengths and frequencies that BM25
needs are frozen here (`statistics`), nothing is counted in a catalogue. What is done to a text is
done to a question. There is no index here and no access.
"""

# ruff: noqa: RUF001 (signs that look alike are what this is about)

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from panosc.search.index.text import formulas
from panosc.search.index.text.spelling import LONGEST_STEM, beginning, fold, letters, stem
from panosc.search.index.text.spelling import slips as spelt_nearly
from panosc.search.index.text.statistics import rarity_of
from panosc.search.index.text.units import GLUED

LEVELS = 8
LEVEL_VALUES: tuple[float, ...] = tuple((level + 0.5) / LEVELS for level in range(LEVELS))
"""What a stem of each level weighs: the middle of the impacts that it stands for."""
HALF = 8.0
"""The sum that gives a score of one half."""
MOST_STEMS = 4_000
"""Stems of one text; what comes after is not found."""
_LONGEST_TEXT = 60_000
_SHORTEST, _LONGEST = 4, 30
"""Letters of a word that may have a slip in it."""
_REMEMBERED = 400
"""Characters of texts that are kept, for they come again: labels, instruments, people, titles."""

_STOP = frozenset(
    "a an and are as at be by for from in into is it its of on or over that the their this to via "  # noqa: SIM905
    "was we were which with".split()
)
_JOINED = re.compile(
    r"\b(?:(x)[\s-](rays?)|(in|ex)[\s-]+(situ|vivo|vitro|operando)|(micro|nano|photo|electro"
    r"|magneto|multi|non|re|co|sub|ultra|poly|anti|inter|quasi|hydro|thermo|bio|meso|macro|pseudo"
    r"|hetero|homo|di|tri|mono|spectro|super|semi|para|ferro|cryo|electro|pre|post)-([a-z]{3,}))\b",
    re.IGNORECASE,
)
_JOINING = ("ray", "situ", "vivo", "vitro", "operando")
"""What is in each compound that has no hyphen."""
_PARTS_OF = {"xray": ("x", "ray"), "insitu": ("situ",), "exsitu": ("situ",)}
_PIECE = re.compile(r"\d+\.\d+(?![\d.])|\w+")
_INSIDE = re.compile(r"[^\w.+()\[\]]+")
_EDGE = "\"'`,;:!?.()[]{}<>«»„“”‚‘…|/\\_*=&%#~^"
_ADDRESS = re.compile(
    r"(?:https?://(?:dx\.)?(?:doi\.org|hdl\.handle\.net)/|doi:|hdl:)", re.IGNORECASE
)

WEIGHTS: Mapping[str, float] = {
    "title": 4.0,
    "keywords": 2.5,
    "technique": 2.5,
    "sample": 2.5,
    "instrument": 2.0,
    "people": 2.0,
    "parameters": 1.0,
    "abstract": 1.0,
    "files": 0.6,
    "pid": 3.0,
    "broader": 0.8,
}
"""How much a word counts in each field."""
_LENGTHS: Mapping[str, float] = {
    "title": 8.0,
    "keywords": 4.0,
    "technique": 8.0,
    "sample": 4.0,
    "instrument": 2.0,
    "people": 6.0,
    "parameters": 24.0,
    "abstract": 60.0,
    "files": 6.0,
    "pid": 1.0,
    "broader": 60.0,
}
"""Stems that a field has on average: frozen, as facilities write."""
_SHARED = frozenset({"technique", "broader", "instrument"})
"""Fields of which many records say the same."""
_NORMALISED = 0.35
"""How much the length of a field matters: 0 not at all, 1 in full."""
_SATURATION = 3.0
"""The frequency that gives half of the greatest impact: k1 of BM25."""


def stems(text: str) -> list[str]:
    """Return the stems of a text in their order; a word that says nothing is empty.

    Examples
    --------
    >>> stems("X-ray diffraction of LiFePO₄ at 100K")
    ['xray', 'diffract', '', 'lifepo4', '', '100', 'k']
    """
    return list(_read(text)[0])


def elements(text: str) -> frozenset[str]:
    """Return the symbols of the elements in the chemical formulas of a text.

    Examples
    --------
    >>> sorted(elements("LiFePO₄ and NaCl at SANS-I of the INSTITUTE, in He or CO"))
    ['Cl', 'Fe', 'Li', 'Na', 'O', 'P']
    """
    return _elements(text) if len(text) <= _REMEMBERED else _elements_of(text[:_LONGEST_TEXT])


def surface_words(texts: Sequence[str]) -> set[str]:
    """Return the words of texts as people would complete them, in lower case."""
    found = set[str]()
    for text in texts:
        for chunk in text[:_LONGEST_TEXT].split()[:MOST_STEMS]:
            word = chunk.strip(_EDGE).lower()
            if 2 < len(word) <= LONGEST_STEM and word not in _STOP and word[0].isalnum():  # noqa: PLR2004
                found.add(word.encode("utf-8", "ignore").decode("utf-8"))
    return found


def rarity(stem: str) -> float:
    """Return how much a stem tells: its inverse document frequency, frozen."""
    return rarity_of(stem)


def impacts(texts: Mapping[str, Sequence[str]]) -> tuple[frozenset[str], ...]:
    """Return the stems of a record by level, each in one: BM25F without the rarity.

    Parameters
    ----------
    texts
        The texts of each field; fields are those of `WEIGHTS`.
    """
    sums: dict[str, float] = {}
    for weight, found in _fields(texts):
        for item, count in Counter(found).items():
            sums[item] = sums.get(item, 0.0) + weight * count
    sums.pop("", None)
    levels: list[set[str]] = [set() for _ in range(LEVELS)]
    for item, total in sums.items():
        levels[level_of(total)].add(item)
    return tuple(map(frozenset, levels))


def level_of(total: float) -> int:
    """Return the level of a stem of which all fields together say so much."""
    return int(LEVELS * total / (total + _SATURATION))


class Weighing:
    """What the fields of one record say of single stems, for whoever asks for few of them.

    Parameters
    ----------
    texts
        As `impacts` takes them.
    """

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self._fields = [_Unread(name, values) for name, values in texts.items() if values]

    def of(self, item: str) -> float:
        """Return what all fields together say of a stem: 0 if it is in none."""
        total = 0.0
        first = beginning(item)
        for field in self._fields:
            # most fields of most records need not be read: this takes a third of scoring
            if first is not None and field.lacks(first):
                continue
            weight, found = field.read()
            count = found.count(item)
            if count:
                total += weight * count
        return total


class _Unread:
    """A field that is read when it has to be."""

    __slots__ = ("_letters", "_name", "_read", "_values")
    _letters: str | None

    def __init__(self, name: str, values: Sequence[str]) -> None:
        self._name, self._values = name, values
        self._read: _Field | None = None

    def lacks(self, first: str) -> bool:
        """Whether it surely has no stem of this `beginning`."""
        if self._name in _SHARED:
            # what many records say is known already
            return False
        try:
            seen = self._letters
        except AttributeError:
            seen = self._letters = letters(" ".join(self._values))
        return seen is not None and first not in seen

    def read(self) -> "_Field":
        """Return what a stem weighs here, and the stems."""
        if self._read is None:
            self._read = _field_of(self._name, self._values)
        return self._read


_Field = tuple[float, Sequence[str]]
"""What a stem weighs in a field, and the stems there."""


def _fields(texts: Mapping[str, Sequence[str]]) -> list[_Field]:
    return [_field_of(name, values) for name, values in texts.items() if values]


def _field_of(name: str, values: Sequence[str]) -> _Field:
    return _shared(name, tuple(values)) if name in _SHARED else _field(name, values)


@lru_cache(maxsize=2_000)
def _shared(name: str, values: tuple[str, ...]) -> _Field:
    return _field(name, values)


def _field(name: str, values: Sequence[str]) -> _Field:
    items: list[str] = []
    length = 0
    for value in values:
        found, more = _read(value)
        length += len(found)
        items += found
        items += more
    weight = WEIGHTS[name] / (1 - _NORMALISED + _NORMALISED * length / _LENGTHS[name])
    return weight, items


def alternatives(word: str) -> list[list[str]]:
    """Return the rows of stems that stand for a word of a question: one of them has to be there.

    A compound is found in one word and in several, a formula whatever the order of its elements.
    A word that says nothing has none.

    Examples
    --------
    >>> alternatives("small-angle")
    [['smallangl'], ['small', 'angl']]
    >>> alternatives("x-ray"), alternatives("the")
    ([['xray']], [])
    """
    word = word[:_REMEMBERED]
    found, more = _read(word)
    row = [item for item in found if item]
    chunks = word.split()
    if len(chunks) != 1:
        return [row] if row else []
    formula = [[item] for item in more if item.startswith("=")]
    if len(row) < 2:  # noqa: PLR2004
        return [one for one in (row, *formula) if one]
    joined = _joined(_bare(fold(chunks[0])))
    return [[joined], row] if joined in more else [row, *formula]


def slips(word: str) -> frozenset[str]:
    """Return the stems of what a word of a question may have been meant to be, with one slip.

    None for short words and for those that are not of letters alone.

    Examples
    --------
    >>> "tomograph" in slips("Tomografhy"), slips("LiFePO4")
    (True, frozenset())
    """
    plain = fold(word[:_REMEMBERED]).strip(_EDGE).lower()
    is_word = plain.isascii() and plain.isalpha()
    return spelt_nearly(plain) if is_word and _SHORTEST <= len(plain) <= _LONGEST else frozenset()


def score(total: float) -> float:
    """Return the score in the open interval (0, 1)."""
    return min(max(total / (total + HALF), 1e-9), 1 - 1e-9)


def _read(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stems of a text in order, and what else it can be found by."""
    if len(text) <= _REMEMBERED:
        return _remembered(text)
    return _analysed(text[:_LONGEST_TEXT])


@lru_cache(maxsize=5_000)
def _elements(text: str) -> frozenset[str]:
    return _elements_of(text)


def _elements_of(text: str) -> frozenset[str]:
    # no symbol without a capital letter
    return frozenset() if text.islower() else formulas.elements(fold(text))


@lru_cache(maxsize=5_000)
def _remembered(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _analysed(text)


def _analysed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found: list[str] = []
    more: list[str] = []
    for chunk in _together(fold(text)).split():
        one, others = (
            _of_chunk(chunk) if len(chunk) <= _REMEMBERED else _of_chunk(chunk[:_REMEMBERED])
        )
        found += one
        more += others
        if len(found) >= MOST_STEMS:
            break
    return tuple(found[:MOST_STEMS]), tuple(more[:MOST_STEMS])


def _together(text: str) -> str:
    """Return a text with its compounds in one word; most texts have none, which is soon seen."""
    low = text.lower()
    if "-" in text or any(part in low for part in _JOINING):
        return _JOINED.sub(_join, text)
    return text


def _join(found: "re.Match[str]") -> str:
    return "".join(part for part in found.groups() if part)


def _bare(chunk: str) -> str:
    return _ADDRESS.sub("", chunk).strip(_EDGE)


def _joined(chunk: str) -> str:
    return stem("".join(letter for letter in chunk.lower() if letter.isalnum())[:LONGEST_STEM])


@lru_cache(maxsize=20_000)
def _of_chunk(chunk: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if chunk.isascii() and (chunk.isalpha() and chunk[1:].islower()):
        # most are plain words
        item = _of_word(chunk.lower())
        return (item,), _PARTS_OF.get(item, ())
    if chunk != chunk.lower():
        formula = formulas.read(chunk.strip("\"'`,;:!?.{}<>")) or formulas.read(chunk.strip(_EDGE))
        if formula is not None:
            spelt = () if formula.name.isalnum() else (_joined(formula.name),)
            return (stem(formula.name),), (f"={formula.composition}", *formula.parts, *spelt)
    bare = _bare(chunk)
    found: list[str] = []
    for piece in _PIECE.findall(bare):
        _add_piece(piece, found)
    if len(found) < 2:  # noqa: PLR2004
        return tuple(found), _PARTS_OF.get(found[0], ()) if found else ()
    more = [_joined(bare)]
    if bare != bare.lower():
        inside = map(formulas.read, _INSIDE.split(bare))
        more += [f"={formula.composition}" for formula in inside if formula is not None]
    return tuple(found), tuple(more)


def _of_word(word: str) -> str:
    return "" if word in _STOP else stem(word)


def _add_piece(piece: str, found: list[str]) -> None:
    if piece.isalpha():
        found.append(_of_word(piece.lower()))
    elif "_" in piece:
        for part in piece.split("_"):
            if part:
                _add_piece(part, found)
    else:
        glued = GLUED.fullmatch(piece) if piece[0].isdigit() else None
        if glued is not None:
            found += (_number(glued[1]), stem(glued[2].lower()))
        else:
            found.append(_number(piece.lower())[:LONGEST_STEM])


def _number(text: str) -> str:
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text
