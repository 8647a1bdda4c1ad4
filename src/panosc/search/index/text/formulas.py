"""Chemical formulas in text: which there are, of what elements, and one spelling for each.

Sub- and superscripts have been folded before (`spelling.fold`). It knows symbols and numbers only,
no names of substances and no rules of valence.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

SYMBOLS = frozenset(
    "H D He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se "  # noqa: SIM905
    "Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy "
    "Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf "
    "Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og".split()
)
"""Of the elements; D is deuterium."""

_ALONE = frozenset("H2 D2 N2 O2 O3 F2 Cl2 Br2 I2 P4 S8 C60 C70".split())  # noqa: SIM905
_CODES = re.compile(r"I[ND]\d|[A-Z]+0\d")
"""What looks like a formula and is a beamline: IN5, ID22, I06."""
_LONGEST = 80
_PIECE = re.compile(
    r"(?P<symbol>[A-Z][a-z]?)(?P<count>\d+(?:\.\d+)?)?(?:(?:(?<=\d)[+-])?[xyz](?![a-z]))?"
    r"|(?P<open>[(\[])|(?P<close>[)\]])(?P<times>\d+(?:\.\d+)?)?"
)
_HYDRATE = re.compile(r"(?<=[\d)\]A-Za-z])[.·*](?P<times>\d+(?:\.\d+)?)?(?P<water>[HD]2O)$")
_INEXACT = re.compile(r"[+\-±](?:x|y|z|δ|d|delta)$")
_CHARGE = re.compile(r"\^?(?:(?P<count>\d?)(?P<sign>[+-])|(?P<sign2>[+-])(?P<count2>\d))$")
_OXIDATION = re.compile(r"\((?P<roman>I|II|III|IV|V|VI|VII)\)$")
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}
_ALLOY = re.compile(r"[A-Z][a-z]?(?:-\d*(?:\.\d+)?[A-Z][a-z]?)+")
_SYMBOL = re.compile(r"[A-Z][a-z]?")


Counts = dict[str, float]
"""How much there is of each element."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read. `name` is how it is written, in lower case and without frills."""

    name: str
    elements: frozenset[str]
    composition: str
    """What it is made of, whatever its order: the same for LiFePO4 and FeLiO4P."""
    parts: tuple[str, ...] = ()
    """What else it can be found by: the salt of a hydrate, the element of an ion."""


@lru_cache(maxsize=5_000)
def read(chunk: str) -> Formula | None:
    """Return the formula that a piece of text without spaces is, if it is one.

    Examples
    --------
    >>> read("LiFePO4").composition == read("FeLiO4P").composition
    True
    >>> read("Fe3+").name, read("CuSO4.5H2O").name
    ('fe3+', 'cuso4.5h2o')
    >>> read("INSTITUTE"), read("SANS"), read("Cobalt")
    (None, None, None)
    """
    if not 1 < len(chunk) <= _LONGEST or not (chunk[0].isupper() or chunk[0] in "(["):
        return None
    hydrate = _HYDRATE.search(chunk)
    if hydrate is not None:
        return _hydrate(chunk[: hydrate.start()], hydrate)
    ion = _ion(chunk)
    if ion is not None:
        return ion
    bare = _INEXACT.sub("", chunk)
    counts = _count(bare)
    if counts is None or not _is_telling(bare, counts):
        return None
    return Formula(bare.lower(), _symbols(counts), _canonical(counts))


def elements(text: str) -> frozenset[str]:
    """Return the elements of all formulas in a text; careful: no symbol that stands alone.

    A text that is nothing but one symbol or formula (the value of a parameter) counts.
    """
    chunks = text.split()
    found = set[str]()
    for chunk in chunks:
        found |= _of_chunk(chunk.strip(",;:!?\"'."))
    if not found and len(chunks) == 1:
        counts = _count(chunks[0]) or {}
        upper = chunks[0].isupper() and chunks[0].isalpha()
        if not _CODES.match(chunks[0]) and not (upper and len(counts) > 2):  # noqa: PLR2004
            found |= _symbols(counts)
    return frozenset(found)


@lru_cache(maxsize=5_000)
def _of_chunk(chunk: str) -> frozenset[str]:
    if len(chunk) > _LONGEST:
        return frozenset()
    one = _strict(chunk)
    if one:
        return one
    if _ALLOY.fullmatch(chunk):
        symbols = _SYMBOL.findall(chunk)
        telling = any(len(symbol) > 1 for symbol in symbols)
        return frozenset(symbols) if telling and SYMBOLS.issuperset(symbols) else frozenset()
    found = set[str]()
    pieces = [piece.strip("()[]") for piece in re.split(r"[/:@|]|(?<=[^\W\d_])-(?=[A-Z])", chunk)]
    if len(pieces) > 1:
        for piece in pieces:
            is_symbol = len(piece) == 2 and piece in SYMBOLS  # noqa: PLR2004
            found |= {piece} if is_symbol else _strict(piece)
    elif chunk.strip("()[]") != chunk:
        found |= _strict(chunk.strip("()[]"))
    return frozenset(found)


def _strict(chunk: str) -> frozenset[str]:
    if _CODES.match(chunk):
        return frozenset()
    found = read(chunk)
    if found is None or (len(found.elements - {"D"}) == 1 and not _is_one(chunk)):
        return frozenset()
    return found.elements


def _is_one(chunk: str) -> bool:
    """Tell whether a formula of one element is surely one: O2, Fe3+, but no P65 and no Mn12."""
    return chunk in _ALONE or not chunk[-1].isdigit()


def _ion(chunk: str) -> Formula | None:
    oxidation, charge = _OXIDATION.search(chunk), _CHARGE.search(chunk)
    if oxidation is not None:
        symbol, state = chunk[: oxidation.start()], _ROMAN[oxidation["roman"]]
        sign = "+"
    elif charge is not None:
        symbol = chunk[: charge.start()]
        state = int(charge["count"] or charge["count2"] or 1)
        sign = charge["sign"] or charge["sign2"]
    else:
        return None
    if symbol in SYMBOLS:
        name = f"{symbol.lower()}{state if state > 1 else ''}{sign}"
        return Formula(name, _symbols({symbol: 1}), f"{symbol}{state}{sign}", (symbol.lower(),))
    counts = _count(symbol)
    if counts is None or len(counts) < 2:  # noqa: PLR2004
        return None
    return Formula(symbol.lower(), _symbols(counts), _canonical(counts))


def _hydrate(salt: str, water: "re.Match[str]") -> Formula | None:
    counts = _count(salt)
    if counts is None:
        return None
    times = float(water["times"] or 1)
    total = dict(counts)
    for symbol, count in (_count(water["water"]) or {}).items():
        _add(total, symbol, count * times)
    name = f"{salt}.{times:g}{water['water']}".lower()
    return Formula(name, _symbols(total), _canonical(total), (salt.lower(), water["water"].lower()))


def _count(text: str) -> Counts | None:
    """Return how much there is of each element; None: it is no formula."""
    levels: list[Counts] = [{}]
    place = 0
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None:
            return None
        if piece["symbol"]:
            symbol = piece["symbol"]
            if symbol not in SYMBOLS:
                return None
            _add(levels[-1], symbol, float(piece["count"] or 1))
        elif piece["open"]:
            levels.append({})
        else:
            if len(levels) == 1:
                return None
            for symbol, count in levels.pop().items():
                _add(levels[-1], symbol, count * float(piece["times"] or 1))
        place = piece.end()
    return levels[0] if len(levels) == 1 and levels[0] else None


def _add(counts: Counts, symbol: str, count: float) -> None:
    counts[symbol] = counts.get(symbol, 0.0) + count


def _is_telling(text: str, counts: Counts) -> bool:
    """Tell whether it is a formula rather than a word: a number, or small letters between."""
    if any(letter.isdigit() for letter in text):
        return True
    return len(counts) > 1 and any(letter.islower() for letter in text)


def _symbols(counts: Counts) -> frozenset[str]:
    return frozenset(counts) | ({"H"} if "D" in counts else set())


def _canonical(counts: Counts) -> str:
    return "".join(f"{symbol}{counts[symbol]:g}" for symbol in sorted(counts))
