"""One moment of the index, as one viewer may see it: totals, pages, counts by value, spreads.

What has changed since the index was last brought up to date is left out of its answers.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import tantivy
from tantivy import Order, Query

from panosc.domain.query import Query as Question
from panosc.domain.query import Word
from panosc.search.index import analysis
from panosc.search.index.access import Gate
from panosc.search.index.compiling import Compiler, Inexact, all_of
from panosc.search.index.schema import FIRST, LAST, MODELS
from panosc.search.index.wording import Wording, told

Hits = Sequence[tuple[Any, tantivy.DocAddress]]
_LEAST = 1e-6
"""Of a score, before it is brought between 0 and 1."""
MOST_TIES = 20_000
MOST_VALUES = 65_000
"""Buckets that one count by value may have."""
_SORTS = {
    ("Dataset", "creationDate"): "created",
    ("Dataset", "releaseDate"): "released",
    ("Dataset", "size"): "size",
    ("Document", "startDate"): "created",
    ("Document", "releaseDate"): "released",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Candidates for a page: their keys, with scores where words rank them."""

    keys: Sequence[int]
    scores: Sequence[float] = ()
    skip: int | None = None
    """How many of them come before the page; None: as many as the question skips."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """What has changed since the index was last brought up to date."""

    keys: Sequence[int] = ()
    """Keys of the records that did."""
    is_partial: bool = False
    """Whether records are not among them that the index cannot have yet."""
    documents: Callable[[], Collection[int]] = tuple
    """Returns the documents that belong, or belonged, to datasets among them."""
    is_renamed: Callable[[], bool] = bool
    """Whether instruments or techniques are called otherwise."""


NOTHING_LATE = Late()


class Moment:
    """What the index holds at one moment, for one viewer.

    Parameters
    ----------
    index, searcher
        Of one snapshot.
    gate : Gate
        What the viewer may see.
    late : Late
        What has changed since.
    """

    def __init__(
        self,
        index: tantivy.Index,
        searcher: tantivy.Searcher,
        gate: Gate,
        late: Late = NOTHING_LATE,
    ) -> None:
        self._late = late
        self._now = gate.now
        self._schema = index.schema
        self._searcher = searcher
        self._counts: dict[int, tuple[Query, int]] = {}
        self._found: dict[Hashable, Hits] = {}
        """Hits of the last search: what is asked for twice is so one after the other."""
        self._compiler = Compiler(index, gate, self._documents_of, late.is_renamed)
        self._changed: dict[str, Sequence[int]] = {}

    def is_behind(self, model: str) -> bool:
        """Whether records of a class have come or changed of which this does not know."""
        return self._late.is_partial or bool(self.changed(model))

    def is_renamed(self) -> bool:
        """Whether instruments or techniques are called otherwise than here."""
        return self._late.is_renamed()

    def is_short(self, question: Question) -> bool:
        """Whether there may be more than totals say: words of such records are not known."""
        return self.is_behind(question.model) if question.words else self._late.is_partial

    def changed(self, model: str) -> Sequence[int]:
        """Return the keys of records of which the index may be wrong, where it is asked for these.

        A document is found by its datasets.
        """
        if not self._late.keys or model != "Document":
            return self._late.keys
        if model not in self._changed:
            self._changed[model] = sorted({*self._late.keys, *self._late.documents()})
        return self._changed[model]

    def filters(self, question: Question) -> Query | None:
        """Return what a question asks for apart from its words; None if only SQL can say it."""
        try:
            return self._compiler.filters(question)
        except Inexact:
            return None

    def covers(self, question: Question) -> bool:
        """Whether words can be looked up here for this class of records."""
        return question.model in MODELS

    def query(self, question: Question, filters: Query | None) -> Query:
        """Return the whole question: its words, filters, and what the viewer may know of."""
        parts = [] if filters is None else [Query.const_score_query(filters, 0.0)]
        if not question.words:
            return self._listed(all_of(parts), question.model)
        words = told(question.words)
        strict = self._worded(words, question.model, parts)
        if question.limit is not None and not question.order:
            # one pass for the page and the count; `best` has it then
            self.best(strict, limit=question.limit, skip=question.skip)
        # where any word will do, one that nobody has says nothing, whatever the others find
        loose = [one for one in words if one.occurs == "any"]
        tried = (loose if len(loose) > 1 else ()) if self.count(strict) else words
        forgiven = self.unseen(tried, question.model)
        return self._worded(words, question.model, parts, forgiven) if forgiven else strict

    def count(self, query: Query) -> int:
        """Return how many records there are."""
        if id(query) not in self._counts:
            self._search(query, 1)
        return self._counts[id(query)][1]

    def best(self, query: Query, *, limit: int, skip: int = 0) -> Page:
        """Return the best matches, best first; scores lie in (0, 1)."""
        hits = self._search(query, limit, offset=skip)
        return Page(
            keys=self._keys(hits),
            scores=[analysis.score(max(total, _LEAST)) for total, _ in hits],
        )

    def every(self, query: Query) -> Page:
        """Return all matches."""
        return self.best(query, limit=max(1, self.count(query)))

    def few(self, query: Query, most: int) -> Page | None:
        """Return all matches without scores; None if there are more than `most`."""
        hits = self._search(query, most + 1)
        return None if len(hits) > most else Page(keys=self._keys(hits))

    def _search(self, query: Query, limit: int, **options: Any) -> Hits:
        """Return some of the hits; all are counted in the same pass, which is kept."""
        asked = (id(query), limit, *options.items())
        if asked not in self._found:
            result: Any = self._searcher.search(query, limit, count=True, **options)
            # the query is kept as well: no other one then has its id
            self._counts[id(query)] = query, int(result.count)
            self._found = {asked: result.hits}
        return self._found[asked]

    def sorted_page(
        self, question: Question, query: Query, *, limit: int, after: int | None = None
    ) -> Page | None:
        """Return candidates for a page sorted by a time or size; None if only SQL can say it.

        Records that are equal in it are all among them: the database puts them in order. So are
        those that are equal to the one with the key `after`, behind which the page begins.
        """
        name = None
        if len(question.order) == 1:
            name = _SORTS.get((question.model, question.order[0].property))
        if name is None:
            return None
        is_down = question.order[0].descending
        field = f"{name}_{'down' if is_down else 'up'}"
        if after is not None:
            return self._following(question, query, field, limit, after)
        # one more at either end tells whether equal ones lie across it
        before = min(1, question.skip)
        found = self._search(
            query,
            limit + before + 1,
            offset=question.skip - before,
            order_by_field=field,
            order=Order.Desc if is_down else Order.Asc,
        )
        page = found[before : before + limit]
        if not page:
            return Page(keys=())
        first, last = int(page[0][0]), int(page[-1][0])
        rest = found[before + limit :]
        is_split = bool(before and found[0][0] == first) or bool(rest and rest[0][0] == last)
        if not is_split:
            return Page(keys=self._keys(page), skip=0)
        low, high = sorted((first, last))
        earlier = (high + 1, LAST) if is_down else (FIRST, low - 1)
        skipped = self.count(all_of([query, self._compiler.between(field, *earlier)]))
        equal = self._equal(query, field, low, high)
        return None if equal is None else Page(keys=equal, skip=question.skip - skipped)

    def _following(
        self, question: Question, query: Query, field: str, limit: int, after: int
    ) -> Page | None:
        """Return candidates for the page that follows the record with the key `after`."""
        # not found either if it has changed since: then only the database knows where it stands
        own = self._listed(Query.term_query(self._schema, "key", after), question.model)
        found = self._searcher.search(own, 1, count=False, order_by_field=field).hits
        if not found:
            return None
        value = int(found[0][0])
        is_down = question.order[0].descending
        later = (FIRST, value - 1) if is_down else (value + 1, LAST)
        rest = all_of([query, self._compiler.between(field, *later)])
        equal = self._equal(query, field, value, value)
        page = self.sorted_page(replace(question, after=None), rest, limit=limit)
        if equal is None or page is None:
            return None
        return Page(keys=[*equal, *page.keys], skip=0)

    def _equal(self, query: Query, field: str, low: int, high: int) -> list[int] | None:
        """Return the keys of records that are alike in a field; None if there are too many."""
        ties = all_of([query, self._compiler.between(field, low, high)])
        found = self._searcher.search(ties, MOST_TIES + 1, count=False).hits
        return None if len(found) > MOST_TIES else self._keys(found)

    def by_value(self, query: Query, fields: Iterable[str]) -> dict[str, list[tuple[Any, int]]]:
        """Return how many records there are under each value of some fields, all in one pass.

        ``access`` is no field: its values are the states of access that lists show.
        """
        names = list(fields)
        asked: dict[str, Any] = {
            name: {"terms": {"field": name, "size": MOST_VALUES}}
            for name in names
            if name != "access"
        }
        if "access" in names:
            ranges = [{"from": self._now + 1}]
            for name in ("listed_at", "opened_at"):
                asked[name] = {"range": {"field": name, "ranges": ranges}}
            asked["all"] = {"value_count": {"field": "key"}}
        if not asked:
            return {}
        found = self._searcher.aggregate(query, asked)
        counts = {
            name: [(bucket["key"], bucket["doc_count"]) for bucket in found[name]["buckets"]]
            for name in names
            if name != "access"
        }
        if "access" in names:
            counts["access"] = self._states(found)
        return counts

    def _states(self, found: Any) -> list[tuple[Any, int]]:
        """Return how many records are in each state, from how many open or are listed later."""
        later = {
            name: next(
                (one["doc_count"] for one in found[name]["buckets"] if one.get("from") is not None),
                0,
            )
            for name in ("listed_at", "opened_at")
        }
        states = {
            "open": round(found["all"]["value"]) - later["opened_at"],
            # nothing opens before it is listed, and what is withdrawn is in no list
            "embargoed": later["opened_at"] - later["listed_at"],
            "closed": later["listed_at"],
        }
        return [(name, number) for name, number in states.items() if number]

    def extents(self, query: Query, paths: Iterable[str]) -> dict[str, tuple[float, float]]:
        """Return the least and the greatest number at each path where there is one."""
        asked = {path: {"stats": {"field": path}} for path in paths}
        if not asked:
            return {}
        found = self._searcher.aggregate(self.detailed(query), asked)
        return {
            path: (float(found[path]["min"]), float(found[path]["max"]))
            for path in asked
            if found[path]["count"]
        }

    def spreads(self, query: Query, edges: Mapping[str, Sequence[float]]) -> dict[str, list[int]]:
        """Return how many numbers at paths lie between their edges: low ones belong to a range."""
        asked: dict[str, Any] = {}
        for path, ends in edges.items():
            ranges = [{"from": low, "to": high} for low, high in pairwise(ends)]
            asked[path] = {"range": {"field": path, "ranges": ranges}}
        if not asked:
            return {}
        found = self._searcher.aggregate(self.detailed(query), asked)
        counts = {
            path: {bucket.get("from"): bucket["doc_count"] for bucket in found[path]["buckets"]}
            for path in asked
        }
        return {
            path: [counts[path].get(low, 0) for low in ends[:-1]] for path, ends in edges.items()
        }

    def having(self, query: Query, path: str) -> Query:
        """Return the records with a parameter that the viewer may see."""
        return all_of([query, self._compiler.detail(Query.exists_query(path))])

    def detailed(self, query: Query) -> Query:
        """Return those of the records of which the viewer may see the detail."""
        return self._compiler.detail(query)

    def beginning(
        self, query: Query, field: str, prefix: str, *, limit: int
    ) -> list[tuple[str, int]]:
        """Return the terms of a field that begin so, with how many of the records have them."""
        return self._searcher.terms_with_prefix(field, prefix, query, limit)

    def _worded(
        self,
        words: Sequence[Word],
        model: str,
        filters: Sequence[Query],
        forgiven: Sequence[Word] = (),
    ) -> Query:
        wording = Wording(self._schema, self._compiler, forgiven)
        return self._listed(all_of([wording.query(words), *filters]), model)

    def unseen(self, words: Sequence[Word], model: str) -> list[Word]:
        """Return the words that no record has which the viewer may see."""
        wording = Wording(self._schema, self._compiler)
        return [
            word
            for word in words
            if word.kind == "word"
            and word.occurs != "not"
            and not self.count(self._listed(wording.one(word), model))
        ]

    def _listed(self, query: Query, model: str) -> Query:
        changed = self.changed(model)
        late = [Query.term_set_query(self._schema, "key", list(changed))] if changed else []
        return self._compiler.listed(query, model, *late)

    def _documents_of(self, datasets: Query) -> Sequence[int]:
        found = self.by_value(datasets, ["documents"])["documents"]
        if len(found) >= MOST_VALUES:
            raise Inexact
        return [int(key) for key, _ in found]

    def _keys(self, hits: Hits) -> list[int]:
        found = self._searcher.fast_field_values("key", [address for _, address in hits])
        return [int(key) for key in found if key is not None]
