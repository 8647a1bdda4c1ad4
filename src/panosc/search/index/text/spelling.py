"""One spelling for the words of texts and of questions: signs, letters, British, plurals, stems.

Whatever is done here is done to both sides, so that it need not be right, only the same.
"""

# ruff: noqa: RUF001, RUF002 (signs that look alike are what this is about)

import re
import unicodedata
from functools import lru_cache
from string import ascii_lowercase

import tantivy

LONGEST_STEM = 60
"""Characters of a stem; what is longer is cut."""

_LETTERS = str.maketrans(
    {
        "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ß": "ss", "ð": "d",
        "Ð": "D", "þ": "th", "Þ": "Th", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i",
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": " ", "−": "-", "⁻": "-", "₋": "-",
        "·": "·", "•": "·", "⋅": "·", "∙": "·", "∗": "*", "\u00ad": None, "\u200b": None,
        "\u200c": None, "\u200d": None, "\ufeff": None, "’": "'", "ʼ": "'", "µ": "μ",
    }
)  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "  # noqa: SIM905
        "sigma sigma tau upsilon phi chi psi omega".split(),
        strict=True,
    )
)
_LONE_GREEK = re.compile(r"(?<![α-ωΑ-Ω])[α-ωΑ-Ω](?![α-ωΑ-Ω])")
_ANGSTROM = re.compile(r"(?<![^\W\d_])[Å\u212b](?!\w)")
_DEGREES = re.compile(r"°\s?C\b")
_HYDRATE = re.compile(r"(?<=[\dA-Za-z)\]])\s?[·*]\s?(\d*(?:\.\d+)?)\s?(?=[HD]2O)")
_MICRO = re.compile(r"μ(?=(?:m|s|g|l|L|A|V|W|M|eV|J|T|Pa|bar|Sv|mol)\b)")


def fold(text: str) -> str:
    """Return the text without accents, with sub- and superscripts on the line, Greek spelt out.

    A Greek letter stays where it is part of a formula's ``7-δ``.

    Examples
    --------
    >>> fold("LiFePO₄ Müller α-helix 5 Å 3 µm Fe³⁺ CuSO4 · 5 H2O")
    'LiFePO4 Muller alpha-helix 5 angstrom 3 um Fe3+ CuSO4.5H2O'
    """
    if text.isascii():
        return _HYDRATE.sub(r".\1", text) if "*" in text else text
    text = _DEGREES.sub(" degC", text.translate(_LETTERS).replace("A\u030a", "Å"))
    text = _ANGSTROM.sub(" angstrom", text) if "Å" in text or "\u212b" in text else text
    # marks go before and after: to put a heap of them in order takes the square of its size
    text = unicodedata.normalize("NFKD", _unmarked(text)).translate(_LETTERS)
    text = _MICRO.sub("u", _unmarked(text))
    text = _LONE_GREEK.sub(_greek, text)
    # half a letter cannot be written down
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return _HYDRATE.sub(r".\1", re.sub(r"  +", " ", text))


def _unmarked(text: str) -> str:
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def _greek(letter: "re.Match[str]") -> str:
    return _GREEK.get(letter[0].lower(), letter[0])


_NOT_ISE = re.compile(
    r"(?:.*(?:rais|nois|wis|ecis|ncis|ercis|mis|pris|vis|uis|chis|ertis|eatis|pois|xcis|ancis|adis"
    r"|andis|diseas)|ris|aris|bis|anis|dis|lis)(?:e|ed|es|er|ers|ing|ation|ations|able)"
)
"""Words that have no spelling with z: raise, noise, precise, exercise, promise, comprise …"""
_ISE = re.compile(r"is(e|ed|es|er|ers|ing|ation|ations|able)$")
_LYSE = re.compile(r"lys(e|ed|er|ers|ing)$")
_OUR = re.compile(r"(col|lab|hon|arm|vap|tum|fav|hum|rum|sav|vig|od|flav|harb|neighb|behavi)our")
_RE = re.compile(r"(fib|cent|met|lit|calib|lust|tit)re(s|d)?$")
_SWAPS = (
    ("sulph", "sulf"), ("aluminium", "aluminum"), ("caesium", "cesium"), ("haem", "hem"),
    ("palaeo", "paleo"), ("archaeo", "archeo"), ("paed", "ped"), ("oestr", "estr"),
    ("mould", "mold"), ("artefact", "artifact"), ("catalogue", "catalog"), ("analogue", "analog"),
    ("programme", "program"), ("anaesth", "anesth"), ("leukaem", "leukem"), ("defence", "defense"),
)  # fmt: skip
_IRREGULAR = {
    "spectra": "spectrum", "spectrums": "spectrum", "teeth": "tooth", "mice": "mouse",
    "feet": "foot", "nuclei": "nucleus", "bacteria": "bacterium", "phenomena": "phenomenon",
    "vertices": "vertex", "matrices": "matrix", "indices": "index", "foci": "focus",
    "axes": "axis", "strata": "stratum", "larvae": "larva", "algae": "alga", "leaves": "leaf",
    "radii": "radius", "fungi": "fungus", "vertebrae": "vertebra", "criteria": "criterion",
    "hypotheses": "hypothesis", "syntheses": "synthesis", "analyses": "analysis",
    "analyse": "analysis", "analysed": "analysis", "analysing": "analysis", "analyze": "analysis",
    "analyzed": "analysis", "analyzing": "analysis", "analyzes": "analysis", "moulds": "mold",
    "celsius": "degc", "angstroms": "angstrom", "angstroem": "angstrom",
}  # fmt: skip
_SAME_WORD = re.compile(r"(graph|scop|metr|trop)i$")
_PLAIN = re.compile(r"[a-z]+")
_NO_LETTERS = {code: None for code in range(128) if not chr(code).isalnum()}
_stemmer = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the stem of one word in lower case: the same for all its forms and spellings.

    What holds a digit or is not written in Latin letters stays as it is.

    Examples
    --------
    >>> stem("crystallised") == stem("crystallization")
    True
    >>> stem("tumours") == stem("tumor"), stem("spectra") == stem("spectrum")
    (True, True)
    """
    return _stem(word)


def _stem(word: str) -> str:
    if not _PLAIN.fullmatch(word):
        return word[:LONGEST_STEM]
    word = _american(_IRREGULAR.get(word, word)[:LONGEST_STEM])
    return _SAME_WORD.sub(r"\1", "".join(_stemmer.analyze(word))) or word


def _american(word: str) -> str:
    if len(word) > 5 and not _NOT_ISE.fullmatch(word):  # noqa: PLR2004
        word = _ISE.sub(r"iz\1", word)
    word = _LYSE.sub(r"lyz\1", word)
    word = _OUR.sub(r"\1or", word) if "our" in word else word
    word = _RE.sub(r"\1er\2", word) if "re" in word else word
    for british, american in _SWAPS:
        if british in word:
            word = word.replace(british, american)
    return word


def _changed(old: str, new: str) -> int:
    """Return the place of the first letter in which two words differ."""
    return next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 3)


_OTHERWISE = frozenset(
    _stem(new)[:3]
    for old, new in _IRREGULAR.items()
    if _changed(old, new) < 3  # noqa: PLR2004
)
"""How stems begin whose words may begin otherwise."""
_SHIFTED = tuple(
    (american[:3], at)
    for british, american in _SWAPS
    for at in range(3 - _changed(british, american))
)
"""What is in stems, and where, whose words may begin otherwise."""


@lru_cache(maxsize=1_000)
def beginning(stem: str) -> str | None:
    """Return letters that stand in `letters` of each text with the stem; None where none are sure.

    Stems of words end otherwise than the words, and few begin otherwise.

    Examples
    --------
    >>> beginning("crystal"), beginning("degc"), beginning("100"), beginning("hematit")
    ('cry', None, None, None)
    """
    first = stem[:3]
    is_plain = len(stem) > 3 and _PLAIN.fullmatch(stem) and "z" not in first  # noqa: PLR2004
    if not is_plain or first in _OTHERWISE:
        return None
    return None if any(stem.startswith(part, at) for part, at in _SHIFTED) else first


def letters(text: str) -> str | None:
    """Return the letters and digits of a text, for `beginning`; None where signs or addresses are.

    Examples
    --------
    >>> letters("X-ray of NaCl"), letters("α-Fe")
    ('xrayofnacl', None)
    """
    if not text.isascii():
        return None
    found = text.lower().translate(_NO_LETTERS)
    # addresses of identifiers are taken out, which joins what stands around them
    return None if "doi" in found or "hdl" in found else found


@lru_cache(maxsize=64)
def slips(word: str) -> frozenset[str]:
    """Return the stems of all words that are one slip away from a word in small Latin letters.

    A slip is a letter too many, too few, a wrong one, or two that changed places. The stems of two
    such words may be much further from one another than the words.
    """
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {left + right[1:] for left, right in cuts if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in cuts if len(right) > 1}
    for letter in ascii_lowercase:
        found |= {left + letter + right for left, right in cuts}
        found |= {left + letter + right[1:] for left, right in cuts if right}
    # their stems are not remembered: they are many, and hardly any of them comes again
    return frozenset(map(_stem, found - {word, ""}))
