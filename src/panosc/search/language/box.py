"""The text of the search box: words with fields among them, as people write them.

``lysozyme technique:SANS temperature:<300K -facility:ESS title:(silver or "ice cream")``. A field
takes a bare word, a text in quotes or several in brackets; what is no field stays a word. Here
the text is taken apart and put together; what the values mean is `url` and `values`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from panosc.domain.units import display, scale_of
from panosc.search.language.ranges import spelt, written_range
from panosc.search.language.selection import FIELDS, Selection

LONGEST = 1000
Takes = Callable[[str, str], bool]
"""Whether a name before a colon is a field for what follows it."""

_PHRASE = re.compile(r'[+-]?"[^"]*"?')
_BARE = re.compile(r'[^\s"]+')
_NAME = re.compile(r"(?P<sign>[+-]?)(?P<name>[A-Za-z][A-Za-z0-9_]{0,99}):(?!//)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?$)', re.DOTALL)
_GROUP = re.compile(r'\(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)', re.DOTALL)
_IN_GROUP = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]+', re.DOTALL)
_VALUE = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
_NUMERIC = re.compile(r"[<>=≤≥]{0,2}[\d.+-][\d.eE+<-]*")
# what follows a number as its unit, after a space
_UNITS = frozenset(
    "K Å A nm pm µm μm um mm cm m eV keV meV MeV GeV °C C mK T mT G bar mbar Pa kPa MPa GPa s ms "  # noqa: SIM905
    "µs us min h Hz kHz MHz deg ° mA nA % kV V Å⁻¹ 1/Å nm⁻¹ 1/nm angstrom kelvin".split()
)
_NEEDS_QUOTES = re.compile(r'[\s"()\\]')


@dataclass(slots=True)
class Split:
    """A text of the box taken apart."""

    words: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """Fields with their values as written; ``-`` before a name excludes."""
    strange: list[str] = field(default_factory=list)
    """Names before a colon that are no fields: they stay among the words."""


def split_box(text: str, takes: Takes) -> Split:
    """Take a text apart; whatever it is, every part of it ends up somewhere."""
    found, kept = Split(), []
    position, is_start = 0, True
    while position < len(text):
        space = _SPACE.match(text, position)
        if space is not None and space.end() > position:
            kept.append(" ")
            position, is_start = space.end(), True
            continue
        name = _NAME.match(text, position) if is_start else None
        if name is not None:
            values, end = _values(text, name.end(), takes)
            if name["name"].casefold() != "elements" and takes(name["name"], values[0]):
                sign = "-" if name["sign"] == "-" else ""
                found.pairs += [(sign + name["name"], value) for value in values if value]
                position = end
                kept.append(" ")
                continue
            found.strange.append(name["name"])
        piece = _PHRASE.match(text, position) or _BARE.match(text, position)
        end = piece.end() if piece is not None else position + 1
        kept.append(text[position:end])
        position, is_start = end, False
    found.words = " ".join("".join(kept).split())
    return found


def quoted(value: str, *, always: bool = False) -> str:
    """Return a value as it stands in the box: in quotes where it needs them."""
    if not always and not _NEEDS_QUOTES.search(value) and value.casefold() != "or":
        return value
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '\\"'))


def _values(text: str, start: int, takes: Takes) -> tuple[list[str], int]:
    """Return what a field is given, at least an empty text, and where it ends."""
    if start < len(text) and text[start].isspace():
        # `title: silver`, unless the next thing is a field itself
        following = _SPACE.match(text, start)
        after = following.end() if following is not None else start
        other = _NAME.match(text, after)
        is_field = other is not None and takes(other["name"], "1")
        if after >= len(text) or is_field or text[after] in "+-":
            return [""], start
        start = after
    phrase = _QUOTED.match(text, start)
    if phrase is not None:
        return [_plain(phrase[1])], phrase.end()
    group = _GROUP.match(text, start)
    if group is not None:
        return _alternatives(group[1]), group.end()
    bare = _VALUE.match(text, start)
    if bare is None:
        return [""], start
    value, end = bare[0], bare.end()
    unit = _VALUE.match(text, end + 1) if text[end : end + 1].isspace() else None
    if unit is not None and unit[0] in _UNITS and _NUMERIC.fullmatch(value):
        return [f"{value} {unit[0]}"], unit.end()
    return [value], end


def _alternatives(text: str) -> list[str]:
    """Return what stands between `or`, words beside each other as one."""
    found: list[list[str]] = [[]]
    for piece in _IN_GROUP.finditer(text):
        if piece[0].casefold() == "or":
            found.append([])
        else:
            phrase = _QUOTED.fullmatch(piece[0])
            found[-1].append(piece[0] if phrase is None else _plain(phrase[1]))
    return [" ".join(pieces) for pieces in found if pieces] or [""]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def write_box(selection: Selection) -> str:
    """Return the text of the box that asks for the same, on its first page.

    Examples
    --------
    >>> write_box(Selection(words="ice", facility=("ESS", "ILL"), created=("2024..",)))
    'ice facility:(ESS or ILL) created:2024..'
    """
    # an open phrase would swallow what comes after it
    is_open = selection.words.count('"') % 2 == 1
    fields = " ".join(_fields(selection, always_quoted=is_open))
    parts = [fields, selection.words] if is_open else [selection.words, fields]
    return " ".join(part for part in parts if part)


def _fields(selection: Selection, *, always_quoted: bool) -> Iterator[str]:
    for name, values in _measured(selection).items():
        yield f"{name}:{_group(values, always_quoted=always_quoted)}"
    for banned in selection.excluded:
        is_parameter = banned.name not in FIELDS
        value = _range(banned.name, banned.value) if is_parameter else banned.value
        yield f"-{banned.name}:{_group([value], always_quoted=always_quoted)}"
    if selection.sort:
        yield f"sort:{selection.sort}"


def _measured(selection: Selection) -> dict[str, list[str]]:
    """Return what is asked for, by field and parameter, as it is written in the box."""
    found = {name: list(selection.chosen(name)) for name in FIELDS if selection.chosen(name)}
    for item in selection.ranges:
        found.setdefault(item.name, []).append(_range(item.name, item.text))
    for text in selection.texts:
        found.setdefault(text.name, []).extend(text.values)
    return found


def _group(values: list[str], *, always_quoted: bool) -> str:
    def write(value: str) -> str:
        return quoted(value, always=always_quoted)

    return write(values[0]) if len(values) == 1 else f"({' or '.join(map(write, values))})"


def _range(name: str, text: str) -> str:
    """Return a range with its unit as people write it, beside the number where that can be."""
    item = written_range(name, text)
    if item is None or item.unit is None:
        return text
    shown = display(item.unit)
    again = scale_of(shown)
    unit = shown if again is not None and again == scale_of(item.unit) else item.unit
    is_near = not (unit[0].isdigit() or unit[0] in "+-.") and " " not in unit
    return spelt(item, unit if is_near else f" {unit}")
