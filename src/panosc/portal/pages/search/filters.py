"""The filters of the search page: facets to choose from, and chips of what is chosen."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from panosc.domain.units import display
from panosc.portal.pages.search.place import Place
from panosc.portal.words import number
from panosc.portal.words import words as in_words
from panosc.search.counts.facets import Facet
from panosc.search.language.selection import FACETS, Between, Selection
from panosc.search.panet import ROOT, ontology

TOP = 8
"""Values of a facet that are shown at once."""
MOST = 32
ORDER = ("technique", "facility", "instrument", "year", "kind", "access")
NAMES = {
    "year": "Measured in",
    "created": "Measured",
    "bytes": "Size",
    "pid": "Identifier",
    "document": "Proposal or publication",
}
_STATES = {"open": "Open", "embargoed": "Under embargo", "closed": "Closed"}
_DEEPEST = 3
_ORDERING = "defined by "
"""How PaNET calls the branches that only put techniques in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter that is on: what it says, its pair in the URL, and the page without it."""

    text: str
    pair: tuple[str, str]
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a facet; in a tree `depth` says how many broader ones stand above it."""

    value: str
    label: str
    count: int
    is_chosen: bool
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One facet: the values to show at once, and those behind “more”."""

    key: str
    name: str
    first: Sequence[Choice]
    rest: Sequence[Choice]


def groups(selection: Selection, facets: Mapping[str, Sequence[Facet]]) -> list[Group]:
    """Return the facets that have a value to choose, in the order of the page."""
    found = []
    for key in ORDER:
        choices = _choices(key, selection.chosen(key), facets.get(key, ()))
        if choices:
            top = _top(choices)
            if key == "technique":
                first = _tree([choice for choice in choices if choice in top])
                rest = _tree([choice for choice in choices if choice not in top][: MOST - TOP])
            else:
                first = [choice for choice in choices if choice in top]
                rest = [choice for choice in choices if choice not in top][: MOST - TOP]
            found.append(Group(key=key, name=name_of(key), first=first, rest=rest))
    return found


def name_of(key: str) -> str:
    """Return what a key of the URL is called on the page."""
    return NAMES.get(key, in_words(key))


def label_of(key: str, value: str, label: str) -> str:
    """Return what a value of a facet is called on the page."""
    if key == "technique":
        return ontology().label(value) or label
    if key == "access":
        return _STATES.get(value, value)
    return in_words(label) if key == "kind" else label


def chips(place: Place, facets: Mapping[str, Sequence[Facet]]) -> list[Chip]:
    """Return the filters that are on, in the order of the URL."""
    return [
        Chip(text=told(pair, place.selection, facets), pair=pair, without=place.without(pair))
        for pair in place.selection.filters()
    ]


def told(pair: tuple[str, str], selection: Selection, facets: Mapping[str, Sequence[Facet]]) -> str:
    """Return a filter in words, such as ``Wavelength 4 to 8 Å``."""
    key, value = pair
    for between in selection.ranges:
        if (between.name, between.text) == pair:
            return _range(between)
    is_not = key.startswith("-")
    key = key.removeprefix("-")
    if key in FACETS:
        labels = {facet.value: facet.label for facet in facets.get(key, ())}
        value = label_of(key, value, labels.get(value, value))
    return f"{name_of(key)}: {'not ' if is_not else ''}{value}"


def _choices(key: str, chosen: Sequence[str], facets: Iterable[Facet]) -> list[Choice]:
    values = [
        Choice(
            value=facet.value,
            label=label_of(key, facet.value, facet.label),
            count=facet.count,
            is_chosen=facet.value in chosen,
        )
        for facet in facets
    ]
    known = {choice.value for choice in values}
    values += [
        Choice(value=value, label=label_of(key, value, value), count=0, is_chosen=True)
        for value in chosen
        if value not in known
    ]
    return _telling(values) if key == "technique" else values


def _top(choices: Sequence[Choice]) -> set[Choice]:
    first = [choice for choice in choices if choice.is_chosen]
    first += [choice for choice in choices if not choice.is_chosen][: max(0, TOP - len(first))]
    return set(first)


@cache
def orders() -> frozenset[str]:
    """Return what PaNET has only to put techniques in order: they tell nothing of a dataset."""
    below = ontology().children(ROOT)
    return frozenset(item.id for item in below if item.label.startswith(_ORDERING)) | {ROOT}


def _telling(choices: Sequence[Choice]) -> list[Choice]:
    """Leave out techniques that tell nothing: what one narrower technique finds as well, or all."""
    panet = ontology()
    counts = {choice.value: choice.count for choice in choices}
    same = set(orders())
    for value, count in counts.items():
        for broader in panet.ancestors([value]) - {value}:
            # equivalent techniques are broader than one another: one of them stays
            is_mutual = value in panet.ancestors([broader])
            if counts.get(broader) == count and (not is_mutual or value < broader):
                same.add(broader)
    return [choice for choice in choices if choice.is_chosen or choice.value not in same]


def _tree(choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices each under the narrowest broader one among them, in their order."""
    panet = ontology()
    by_value = {choice.value: choice for choice in choices}
    above = {value: (panet.ancestors([value]) - {value}) & by_value.keys() for value in by_value}
    below: dict[str | None, list[Choice]] = {}
    for choice in choices:
        # those with most above them are the narrowest; a loop of equivalents has no top
        broader = [name for name in above[choice.value] if choice.value not in above[name]]
        parent = max(broader, key=lambda name: (len(above[name]), name), default=None)
        below.setdefault(parent, []).append(choice)
    found: list[Choice] = []

    def walk(parent: str | None, depth: int) -> None:
        for choice in below.get(parent, ()):
            found.append(
                Choice(
                    value=choice.value,
                    label=choice.label,
                    count=choice.count,
                    is_chosen=choice.is_chosen,
                    depth=min(depth, _DEEPEST),
                )
            )
            walk(choice.value, depth + 1)

    walk(None, 0)
    return found


def _range(item: Between) -> str:
    unit = f" {display(item.unit)}" if item.unit else ""
    low, high = (number(end) if end is not None else "" for end in (item.low, item.high))
    if low and low == high:
        says = low
    elif low and high and not (item.above or item.below):
        says = f"{low} to {high}"
    else:
        start = f"{'above' if item.above else 'from'} {low}" if low else ""
        end = f"{'below' if item.below else 'up to'} {high}" if high else ""
        says = f"{start} {end}".strip()
    return f"{in_words(item.name)} {says}{unit}"
