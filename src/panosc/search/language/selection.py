"""A question as people see it: words, filters, order and page; the common ground of the spellings.

`url`, `box` and `arguments` read and write it, `clauses` makes it the question to the catalogue.
Values in it are in their one canonical spelling.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from panosc.domain.arguments import FACETS, FIELDS, SPANS, TEXTS
from panosc.domain.query import Order, Query
from panosc.search.language import clauses
from panosc.search.language.ranges import Between
from panosc.search.language.words import read_words

__all__ = [
    "FACETS",
    "FIELDS",
    "LAST_PAGE",
    "SIZES",
    "SORTS",
    "SPANS",
    "STATES",
    "TEXTS",
    "Between",
    "Matching",
    "Selection",
]

SIZES = (25, 50, 100)
LAST_PAGE = 100
SORTS: dict[str, str] = {
    "created": "creationDate",
    "released": "releaseDate",
    "title": "title",
    "size": "size",
    "pid": "pid",
}
"""Values of ``sort``, each also with ``-`` before it for descending → property."""
STATES = ("open", "embargoed", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """A condition on a parameter whose value is a text: any of `values`, whatever the case."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """What must not be: a value of a field or of a parameter, as the URL spells it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a visitor has chosen on the search page.

    Several values of one field or parameter mean any of them; all fields have to fit.
    """

    words: str = ""
    facility: tuple[str, ...] = ()
    instrument: tuple[str, ...] = ()
    technique: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    sample: tuple[str, ...] = ()
    document: tuple[str, ...] = ()
    pid: tuple[str, ...] = ()
    created: tuple[str, ...] = ()
    """When it was measured: days, months, years or ranges of them."""
    released: tuple[str, ...] = ()
    bytes: tuple[str, ...] = ()
    """Total size, such as ``1GB..``."""
    ranges: tuple[Between, ...] = ()
    texts: tuple[Matching, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    sort: str = ""
    """One of `SORTS`, with ``-`` for descending; empty: relevance, or newest without words."""
    page: int = 1
    after: str = ""
    """Identifier of a dataset: the page is what follows it, in an order by a property."""
    size: int = SIZES[0]
    problems: tuple[str, ...] = ()
    """What could not be used, and why, in sentences."""

    @property
    def is_ranked(self) -> bool:
        """Whether the words put the results in order."""
        return bool(self.words) and not self.sort

    def from_start(self) -> "Selection":
        """Return the first page of the same."""
        return replace(self, page=1, after="")

    def without(self, name: str) -> "Selection":
        """Return the same with nothing chosen for one key (a field or a parameter).

        ``-name`` means what is excluded of it.
        """
        first = self.from_start()
        if name in FIELDS:
            return replace(first, **{name: ()})  # type: ignore[arg-type]
        if name == "q":
            return replace(first, words="")
        if name.startswith("-"):
            kept = tuple(item for item in self.excluded if item.name != name[1:])
            return replace(first, excluded=kept)
        return replace(
            first,
            ranges=tuple(item for item in self.ranges if item.name != name),
            texts=tuple(item for item in self.texts if item.name != name),
        )

    def chosen(self, name: str) -> tuple[str, ...]:
        """Return the values chosen for a field."""
        values: tuple[str, ...] = getattr(self, name) if name in FIELDS else ()
        return values

    def filters(self) -> Iterator[tuple[str, str]]:
        """Yield the canonical key and value pairs of all filters."""
        yield from ((name, value) for name in FIELDS for value in self.chosen(name))
        yield from ((item.name, item.text) for item in self.ranges)
        yield from ((item.name, value) for item in self.texts for value in item.values)
        yield from ((f"-{item.name}", item.value) for item in self.excluded)

    def params(self) -> list[tuple[str, str]]:
        """Return the canonical key and value pairs of the URL; defaults are left out."""
        pairs = [("q", self.words)] if self.words else []
        pairs += self.filters()
        if self.sort:
            pairs.append(("sort", self.sort))
        if self.after:
            pairs.append(("after", self.after))
        elif self.page != 1:
            pairs.append(("page", str(self.page)))
        if self.size != SIZES[0]:
            pairs.append(("size", str(self.size)))
        return pairs

    def query(self) -> Query:
        """Return the question: the page `page` of the datasets that fit, or what comes `after`."""
        order: tuple[Order, ...] = ()
        # words rank what they find; without them the newest comes first
        sort = self.sort or ("" if self.is_ranked else "-created")
        if sort:
            key = sort.removeprefix("-")
            order = (Order(property=SORTS[key], descending=sort.startswith("-")),)
        return Query(
            model="Dataset",
            where=clauses.where(
                fields={name: self.chosen(name) for name in FIELDS if self.chosen(name)},
                ranges=self.ranges,
                texts=[(item.name, value) for item in self.texts for value in item.values],
                excluded=[(item.name, item.value) for item in self.excluded],
            ),
            order=order,
            limit=self.size,
            skip=0 if self.after else (self.page - 1) * self.size,
            after=self.after or None,
            words=read_words(self.words, plain="all"),
        )
