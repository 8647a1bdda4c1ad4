"""The search page. Its URL is the question (`search.url`); whoever asks differently is sent there.

Form fields ``NAME.min``, ``NAME.max`` and ``NAME.unit`` become one range, empty ones nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.units import display
from panosc.portal.hits import asking, hits
from panosc.portal.site import Asker, Site, add_page, go_to
from panosc.portal.words import plural, query_string
from panosc.portal.words import words as in_words
from panosc.search.facets import Facet
from panosc.search.language.selection import FACETS, LAST_PAGE, Between, Selection, parse
from panosc.search.panet import ontology

Pairs = list[tuple[str, str]]

TOP = 8
"""Values of a facet that are shown at once."""
MOST = 40
ORDER = ("technique", "facility", "instrument", "year", "kind", "access")
NAMES = {"year": "Measured in", "kind": "Kind"}
SORTS = (
    ("best match", ""),
    ("newest", "-created"),
    ("oldest", "created"),
    ("title", "title"),
    ("largest", "-size"),
)
_PARTS = ("min", "max", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter that is on: what it says and where the page without it is."""

    text: str
    without: str
    selection: Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of a facet."""

    value: str
    label: str
    count: int
    is_chosen: bool


class Paging:
    """Addresses of the pages of one selection."""

    def __init__(self, selection: Selection, root: str) -> None:
        self._selection = selection
        self._root = root
        self.page = selection.page

    def at(self, number: int) -> str:
        """Return the address of a page."""
        return address(replace(self._selection, page=number), self._root)

    def near(self, last: int) -> list[int | None]:
        """Return the pages to offer, None for a gap."""
        wanted = sorted({1, last, *range(self.page - 2, self.page + 3)} & set(range(1, last + 1)))
        found: list[int | None] = []
        for number in wanted:
            if found and found[-1] != number - 1:
                found.append(None)
            found.append(number)
        return found


def router(site: Site) -> APIRouter:
    """Return the route of the search page."""
    routes = APIRouter()

    def search(request: Request, who: Asker) -> Response:
        known = site.search.parameter_names(who)
        pairs = request.query_params.multi_items()
        selection = parse(ranges_joined(pairs), parameters=known)
        root = site.render.root
        if not selection.problems and selection.params() != pairs:
            return go_to(address(selection, root))
        answer = site.search.answer(who, asking(selection.query()))
        found = hits(answer)
        facets = site.search.facets(who, selection, FACETS)
        chips = _chips(selection, facets, root)
        return site.render.page(
            request,
            "search",
            title=headline(answer.total, selection.words),
            asked=selection.words,
            selection=selection,
            total=answer.total,
            hits=found,
            facets=_choices(selection, facets),
            chips=chips,
            hidden=_hidden(selection),
            known=known[:300],
            sorts=_sorts(selection, root),
            paging=Paging(selection, root),
            last_page=min(-(-answer.total // selection.size), LAST_PAGE),
            is_cut=answer.total > selection.size * LAST_PAGE,
            ways_out=_ways_out(site, who, chips) if not answer.total else [],
        )

    add_page(routes, "/search", search, summary="Search datasets")
    return routes


def address(selection: Selection, root: str = "") -> str:
    """Return the path of the page for a selection."""
    text = query_string(selection.params())
    return f"{root}/search" + (f"?{text}" if text else "")


def headline(total: int, words: str) -> str:
    """Return the title of the page, which is the count."""
    if not words:
        return plural(total, "dataset")
    verb = "matches" if total == 1 else "match"
    return f"{plural(total, 'dataset')} {verb} “{words}”"


def ranges_joined(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Return the pairs with the three fields of a range made one, empty ones left out.

    Examples
    --------
    >>> ranges_joined([("q", ""), ("wavelength.min", "4"), ("wavelength.unit", "nm")])
    [('wavelength', '4.. nm')]
    """
    kept: Pairs = []
    parts: dict[str, dict[str, str]] = {}
    chosen = ""
    for key, value in pairs:
        name, _, part = key.rpartition(".")
        if key == "parameter":
            chosen = value.strip()
        elif part in _PARTS and name:
            parts.setdefault(name, {})[part] = value.strip()
        elif value.strip():
            kept.append((key, value))
    for name, found in parts.items():
        key = chosen if name == "parameter" else name
        low, high, unit = (found.get(part, "") for part in _PARTS)
        if key and (low or high):
            kept.append((key, f"{low}..{high} {unit}".strip() if low != high else f"{low} {unit}"))
    return kept


def _choices(
    selection: Selection, facets: dict[str, list[Facet]]
) -> list[tuple[str, str, list[Choice], list[Choice]]]:
    """Return key, name, the values to show at once and those behind “more” of each facet."""
    found = []
    for key in ORDER:
        chosen = selection.chosen(key)
        values = [
            Choice(
                value=facet.value,
                label=_label(key, facet.value, facet.label),
                count=facet.count,
                is_chosen=facet.value in chosen,
            )
            for facet in facets[key]
        ]
        known = {choice.value for choice in values}
        values += [
            Choice(value=value, label=_label(key, value, value), count=0, is_chosen=True)
            for value in chosen
            if value not in known
        ]
        first = [choice for choice in values if choice.is_chosen]
        first += [choice for choice in values if not choice.is_chosen][: max(0, TOP - len(first))]
        rest = [choice for choice in values if choice not in first][: MOST - TOP]
        if values:
            in_order = sorted(first, key=values.index)
            found.append((key, NAMES.get(key, in_words(key)), in_order, rest))
    return found


def _label(key: str, value: str, label: str) -> str:
    if key == "technique":
        return ontology().label(value) or label
    if key == "access":
        return {"open": "Open", "embargoed": "Under embargo", "closed": "Closed"}.get(value, value)
    return in_words(label) if key == "kind" else label


def _chips(selection: Selection, facets: dict[str, list[Facet]], root: str) -> list[Chip]:
    chips: list[Chip] = []

    def add(text: str, rest: Selection) -> None:
        chips.append(Chip(text=text, without=address(rest, root), selection=rest))

    for key in FACETS:
        labels = {facet.value: facet.label for facet in facets[key]}
        chosen = selection.chosen(key)
        for value in chosen:
            rest = {key: tuple(other for other in chosen if other != value)}
            shown = _label(key, value, labels.get(value, value))
            name = NAMES.get(key, in_words(key))
            add(f"{name}: {shown}", replace(selection, **rest, page=1))  # type: ignore[arg-type]
    for item in selection.ranges:
        others = tuple(other for other in selection.ranges if other != item)
        add(_range(item), replace(selection, ranges=others, page=1))
    for text in selection.texts:
        add(f"{in_words(text.name)}: {' or '.join(text.values)}", selection.without(text.name))
    return chips


def _range(item: Between) -> str:
    name, unit = in_words(item.name), f" {display(item.unit)}" if item.unit else ""
    low, high = (f"{end:g}" if end is not None else "" for end in (item.low, item.high))
    if low == high:
        return f"{name} {low}{unit}"
    if not high:
        return f"{name} from {low}{unit}"
    return f"{name} {low} to {high}{unit}" if low else f"{name} up to {high}{unit}"


def _hidden(selection: Selection) -> Pairs:
    """Return what the filter form carries along: all that it does not show itself."""
    return [(key, value) for key, value in selection.params() if key not in {*FACETS, "page"}]


def _sorts(selection: Selection, root: str) -> list[tuple[str, str, bool]]:
    shown = SORTS if selection.words else (("newest", ""), *SORTS[2:])
    return [
        (name, address(replace(selection, sort=value, page=1), root), value == selection.sort)
        for name, value in shown
    ]


def _ways_out(site: Site, who: Any, chips: list[Chip]) -> Iterator[tuple[Chip, int]]:
    """Yield which filter to drop, with the number of datasets that there would be."""
    for chip in chips[:TOP]:
        count = site.search.count(who, chip.selection.query())
        if count:
            yield chip, count
