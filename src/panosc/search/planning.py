"""Which part of a question the index answers, and which the database.

The index answers what it can answer exactly: totals, pages, words. What it finds is read from the
database, under the condition of access; what has changed since the index was brought up to date is
counted and found there. So the answer does not depend on the way it took, only its time does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from tantivy import Query as Indexed

from panosc.domain.query import Query
from panosc.search.index.searching import Moment
from panosc.search.index.searching import Page as Found
from panosc.search.sql.clauses import Place, demands
from panosc.search.sql.ranking import Ranking, rank

MOST_KEYS = 20_000
"""Records that are handed to the database by their keys to be sorted there."""
DEEPEST = 5_000
"""Records before a page, up to which what has changed meanwhile is sorted in."""

Counter = Callable[[Query, Sequence[int]], int]
"""Counts in the database how many of some records, by key, fulfil a question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which records the database is to read: a condition, and how well they fit."""

    ranking: Ranking
    is_whole: bool
    """Whether the question's own conditions hold already."""
    skip: int
    limit: int | None


class Planner:
    """Plans the questions of one viewer at one moment; without an index the database does all."""

    def __init__(self, moment: Callable[[], Moment | None], count_of: Counter) -> None:
        self._moment_now = moment
        self._count_of = count_of
        self._asked: tuple[Query, Indexed] | None = None

    @property
    def _moment(self) -> Moment | None:
        return self._moment_now()

    def total(self, query: Query) -> int | None:
        """Return how many records fit, None if the database has to count."""
        moment, asked = self._moment, self._exact(query)
        if moment is None or asked is None:
            return None
        total = moment.count(asked)
        changed = () if query.words else moment.changed(query.model)
        if changed:
            total += self._count_of(query, changed)
        return total

    def chosen(self, query: Query, place: Place, after: int | None = None) -> Chosen | None:
        """Return the records to read; None if the database has to find them.

        Those before the one with the key `after` may be among them.
        """
        if not (query.words or demands(query) or query.skip or query.after):
            # the newest of all: an index of the database has them in order
            return None
        moment = self._moment
        if moment is None or not moment.covers(query):
            return None
        asked = self._exact(query)
        if asked is None:
            if not query.words:
                return None
            found = moment.every(moment.query(replace(query, includes=()), None))
            return self._of(found, query, place, is_whole=False)
        if query.words and not query.order:
            return self._best(moment, query, asked, place)
        return self._sorted(moment, query, asked, place, after)

    def ranking(self, query: Query, place: Place) -> Ranking:
        """Return which records have the words of a question, and how well they fit."""
        moment = self._moment
        if moment is None or not moment.covers(query):
            return rank(query.words, place)
        only = Query(model=query.model, words=query.words)
        return joined(moment.every(moment.query(only, None)), place)

    def _exact(self, query: Query) -> Indexed | None:
        moment = self._moment
        if moment is None or not moment.covers(query):
            return None
        if self._asked is not None and self._asked[0] is query:
            return self._asked[1]
        filters = moment.filters(query)
        if filters is None:
            return None
        asked = moment.query(query, filters)
        self._asked = query, asked
        return asked

    def _best(self, moment: Moment, query: Query, asked: Indexed, place: Place) -> Chosen:
        if query.limit is None:
            return self._of(moment.every(asked), query, place, is_whole=True)
        found = moment.best(asked, limit=query.limit, skip=query.skip)
        return Chosen(ranking=joined(found, place), is_whole=True, skip=0, limit=None)

    def _sorted(
        self, moment: Moment, query: Query, asked: Indexed, place: Place, after: int | None
    ) -> Chosen | None:
        changed = () if query.words else moment.changed(query.model)
        found: Found | None = None
        if query.limit is not None and query.order:
            if not changed:
                found = moment.sorted_page(query, asked, limit=query.limit, after=after)
            elif query.skip + query.limit <= DEEPEST:
                first, most = replace(query, skip=0), query.skip + query.limit
                found = moment.sorted_page(first, asked, limit=most, after=after)
        if found is None:
            # without words all are alike: scores would only take their time
            found = moment.every(asked) if query.words else moment.few(asked, MOST_KEYS)
            if found is None:
                return None
        if changed:
            # what has changed is looked at once more, by its own conditions
            found = Found(keys=[*found.keys, *changed])
        return self._of(found, query, place, is_whole=not changed)

    def _of(self, found: Found, query: Query, place: Place, *, is_whole: bool) -> Chosen:
        skip = query.skip if found.skip is None else found.skip
        return Chosen(ranking=joined(found, place), is_whole=is_whole, skip=skip, limit=query.limit)


def joined(found: Found, place: Place) -> Ranking:
    """Return what the index found as a condition on the records at `place`, with a score each."""
    key: sa.ColumnElement[Any] = place.table.c.id
    keys = sa.literal(list(found.keys), sa.ARRAY(sa.BigInteger))
    if not found.scores:
        return Ranking(condition=key == sa.any_(keys), score=sa.literal(0.0, sa.Double))
    scores = sa.literal(list(found.scores), sa.ARRAY(sa.Double))
    hits = sa.func.unnest(keys, scores).table_valued(
        sa.column("key", sa.BigInteger), sa.column("score", sa.Double)
    )
    rows = hits.render_derived()
    return Ranking(condition=key == rows.c.key, score=rows.c.score)
