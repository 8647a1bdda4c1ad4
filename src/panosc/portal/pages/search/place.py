"""Addresses of the search page: what is asked, and how the answer is shown.

What is asked is a `Selection`; only the page itself knows of ``view`` (list or table) and ``show``
(a parameter whose spread is shown, ``NAME`` or ``NAME UNIT``).
Form fields ``NAME.min``, ``NAME.max`` and ``NAME.unit`` become one range, empty ones nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from panosc.portal.words import plural, query_string
from panosc.search.language.names import Names
from panosc.search.language.selection import LAST_PAGE, Selection
from panosc.search.language.url import settled

Pairs = list[tuple[str, str]]

VIEWS = ("list", "table")
MOST_SHOWN = 6
"""Parameters whose spread is shown at once."""
_PARTS = ("min", "max", "unit", "in")
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One address of the search page."""

    selection: Selection
    view: str = VIEWS[0]
    shown: tuple[tuple[str, str], ...] = ()
    """Name and unit (may be empty) of the parameters asked to be shown."""
    root: str = ""

    def params(self) -> Pairs:
        """Return the canonical key and value pairs."""
        pairs = self.selection.params()
        pairs += [("show", f"{name} {unit}".strip()) for name, unit in self.shown]
        if self.view != VIEWS[0]:
            pairs.append(("view", self.view))
        return pairs

    @property
    def path(self) -> str:
        """The address, from the root of the server on."""
        return self.to(self.params())

    def to(self, pairs: Iterable[tuple[str, str]]) -> str:
        """Return the address of the page for other pairs."""
        text = query_string(pairs)
        return f"{self.root}/search" + (f"?{text}" if text else "")

    def asking(self, selection: Selection) -> "Place":
        """Return the first page of another question, shown alike."""
        return replace(self, selection=selection.from_start())

    def sorted_by(self, sort: str) -> str:
        """Return the address of the same in another order."""
        return self.asking(replace(self.selection, sort=sort)).path

    def seen_as(self, view: str) -> str:
        """Return the address of the same page as a list or as a table."""
        return replace(self, view=view).path

    def without(self, pair: tuple[str, str], *, instead: str = "") -> str:
        """Return the address without one pair, or with another value in its place."""
        pairs: Pairs = []
        for found in self.asking(self.selection).params():
            if found != pair:
                pairs.append(found)
            elif instead:
                pairs.append((found[0], instead))
        return self.to(pairs)


class Paging:
    """Addresses of the pages of one place: numbered ones, behind them what follows a dataset.

    Parameters
    ----------
    place : Place
    total : int
        Datasets found.
    last : str
        Identifier of the last one on the page, empty if the page is not full.
    """

    def __init__(self, place: Place, total: int, last: str = "") -> None:
        self._place = place
        selection = place.selection
        pages = -(-total // selection.size)
        self.is_numbered = not selection.after
        self.page = selection.page if self.is_numbered else 0
        self.last = min(pages, LAST_PAGE)
        self.is_cut = pages > LAST_PAGE
        self.next: Selection | None = None
        """The page that follows this one."""
        if self.is_numbered and self.page < self.last:
            self.next = replace(selection, page=self.page + 1)
        elif self.is_cut and last and not selection.is_ranked:
            self.next = replace(selection.from_start(), after=last)
        self.following = "" if self.next is None else self._to(self.next)
        """Its address, empty if there is none."""
        self.before = self.at(self.page - 1) if self.page > 1 else ""
        """Address of the page before this one."""

    def at(self, number: int) -> str:
        """Return the address of a page."""
        return self._to(replace(self._place.selection.from_start(), page=number))

    def near(self) -> list[int | None]:
        """Return the pages to offer, None for a gap."""
        near = range(self.page - 2, self.page + 3) if self.is_numbered else ()
        wanted = sorted({1, self.last, *near} & set(range(1, self.last + 1)))
        found: list[int | None] = []
        for number in wanted:
            if found and found[-1] != number - 1:
                found.append(None)
            found.append(number)
        return found

    def _to(self, selection: Selection) -> str:
        return replace(self._place, selection=selection).path


def read(pairs: Pairs, names: Names, root: str) -> Place:
    """Return the place that the query part of a URL spells, whatever its spelling."""
    joined = ranges_joined(pairs)
    own = [(key, value) for key, value in joined if key in {"show", "view"}]
    asked = [pair for pair in joined if pair not in own]
    views = [value for key, value in own if key == "view" and value in VIEWS]
    shown: dict[str, str] = {}
    for key, value in own:
        name, _, unit = value.partition(" ")
        known = names.parameter(name) if key == "show" and len(unit) <= _LONGEST else None
        if known:
            shown[known] = unit.strip()
    selection = settled(asked, names)
    taken = {item.name for item in selection.ranges}
    rest = [(name, unit) for name, unit in shown.items() if name not in taken]
    return Place(
        selection=selection,
        view=views[0] if views else VIEWS[0],
        shown=tuple(rest[-MOST_SHOWN:]),
        root=root,
    )


def ranges_joined(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """Return the pairs with the fields of a range made one, empty ones left out.

    A unit without ends is one to show the parameter in, unless it is the one it was shown ``in``.

    Examples
    --------
    >>> ranges_joined([("q", ""), ("wavelength.min", "4"), ("wavelength.unit", "nm")])
    [('wavelength', '4.. nm')]
    >>> ranges_joined([("wavelength.in", "nm"), ("wavelength.unit", "angstrom")])
    [('show', 'wavelength angstrom')]
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
        low, high, unit, shown_in = (found.get(part, "") for part in _PARTS)
        if key and (low or high):
            text = low if low == high else f"{low}..{high}"
            kept.append((key, f"{text} {unit}".strip()))
        elif key and shown_in and unit not in {"", shown_in}:
            kept.append(("show", f"{key} {unit}"))
    return kept


def headline(total: int, words: str, *, is_least: bool = False) -> str:
    """Return the title of the page, which is the count."""
    counted = ("≥ " if is_least else "") + plural(total, "dataset")
    if not words:
        return counted
    return f"{counted} {'matches' if total == 1 else 'match'} “{words}”"
