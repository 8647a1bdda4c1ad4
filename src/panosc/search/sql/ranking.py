"""Ranked words, the PaNOSC ``query``: any word counts, where it stands says how much.

A word is a literal piece of text, whatever its case. What fits gets a score in the open
interval (0, 1); the rest does not come back. There is no stemming and no index of words
here: that is `search.index`, which datasets and documents have as soon as it is built.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from panosc.domain.query import Word
from panosc.search.patterns import escape
from panosc.search.sql.clauses import Place
from panosc.search.sql.columns import Condition, Viewer, table_of

HALF = 4.0
"""The weight that gives a score of one half."""
MOST_WORDS = 10

_WORD = re.compile(r"[^\W_](?:[\w./+\-]*\w)?")
_LITTLE = frozenset("a an and as at by for from in into is of on or the to via with".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How well records fit the words: a condition, and a score where it holds."""

    condition: Condition
    score: ColumnElement[Any]


def tokens(text: str) -> list[str]:
    """Return the words to look for: in lower case, once each, without the little ones.

    Examples
    --------
    >>> tokens("The X-ray diffraction of LaB6, and LaB6!")
    ['x-ray', 'diffraction', 'lab6']
    """
    found = list(dict.fromkeys(word.casefold() for word in _WORD.findall(text)))
    return ([word for word in found if word not in _LITTLE] or found)[:MOST_WORDS]


def rank(words: Sequence[Word], place: Place) -> Ranking:
    """Return how the records at `place` fit `words`; without a word nothing does."""
    found, needed = [], 0
    telling = [word for word in words if word.text.casefold() not in _LITTLE]
    for word in telling or words:
        parts = tokens(word.text) if word.kind == "word" else [word.text.casefold()]
        needed += len(parts) if word.occurs == "all" else 0
        for part in parts:
            for ids, condition, weight in _places(place, f"%{escape(part)}%"):
                found.append(_hit(ids, condition, weight, part, word.occurs))
    if not found:
        return Ranking(condition=sa.false(), score=sa.literal(0.0, sa.Double))
    # each place is looked up in its own index; what was found is then added up by record
    hits = sa.union(*[select.add_columns(sa.literal(n)) for n, select in enumerate(found)])
    rows = hits.subquery()
    total = sa.func.sum(rows.c.weight)
    every = sa.func.count(sa.distinct(rows.c.word)).filter(rows.c.occurs == "all")
    none = sa.func.count().filter(rows.c.occurs == "not")
    sums = sa.select(rows.c.id, total.label("weight")).group_by(rows.c.id)
    sums = sums.having(every == needed, none == 0)
    weighed = sums.subquery()
    sum_ = weighed.c.weight
    return Ranking(
        condition=place.table.c.id == weighed.c.id,
        score=sum_ / (sum_ + sa.literal(HALF, sa.Double)),
    )


def _hit(
    ids: ColumnElement[Any], condition: Condition, weight: float, part: str, occurs: str
) -> sa.Select[Any]:
    return sa.select(
        ids.label("id"),
        sa.literal(weight, sa.Double).label("weight"),
        sa.literal(part, sa.Text).label("word"),
        sa.literal(occurs, sa.Text).label("occurs"),
    ).where(condition)


_Hit = tuple[ColumnElement[Any], Condition, float]
"""Identifiers of the records, where they stand, and what that weighs."""


def _places(place: Place, pattern: str) -> list[_Hit]:
    """Return where a word may stand, each with its weight."""
    match place.model.name:
        case "Dataset":
            return _in_datasets(place.viewer, pattern)
        case "Document":
            return _in_documents(place.viewer, pattern)
        case _:
            table = table_of(place.model.table).alias()
            names = [item.column for item in place.model.properties if item.searchable]
            return [(table.c.id, table.c[name].ilike(pattern), 3.0) for name in names]


def _in_datasets(viewer: Viewer, pattern: str) -> list[_Hit]:
    own, measured, studied = (table_of("dataset").alias() for _ in range(3))
    tagged, sampled = table_of("dataset_technique").alias(), table_of("dataset_sample").alias()
    samples = sampled.c.sample_id.in_(_named("sample", pattern))
    is_open = sa.and_(studied.c.id == sampled.c.dataset_id, viewer.may_detail(studied))
    return [
        (own.c.id, own.c.title.ilike(pattern), 3.0),
        (own.c.id, own.c.description.ilike(pattern), 1.0),
        (measured.c.id, measured.c.instrument_id.in_(_instruments(pattern)), 2.0),
        (tagged.c.dataset_id, tagged.c.technique_id.in_(_named("technique", pattern)), 2.0),
        (studied.c.id, sa.and_(samples, is_open), 1.0),
    ]


def _in_documents(viewer: Viewer, pattern: str) -> list[_Hit]:
    own = table_of("document").alias()
    keywords = sa.func.array_to_string(own.c.keywords, "\n")

    def over(fits: Callable[[sa.FromClause], Condition]) -> tuple[ColumnElement[Any], Condition]:
        link, dataset = table_of("document_dataset").alias(), table_of("dataset").alias()
        joined = link.c.dataset_id == dataset.c.id
        return link.c.document_id, sa.and_(joined, viewer.may_list(dataset), fits(dataset))

    def tagged(dataset: sa.FromClause) -> Condition:
        link = table_of("dataset_technique").alias()
        return sa.and_(
            link.c.dataset_id == dataset.c.id,
            link.c.technique_id.in_(_named("technique", pattern)),
        )

    return [
        (own.c.id, own.c.title.ilike(pattern), 3.0),
        (own.c.id, keywords.ilike(pattern), 2.0),
        (own.c.id, own.c.summary.ilike(pattern), 1.0),
        (*over(tagged), 2.0),
        (*over(lambda dataset: dataset.c.instrument_id.in_(_instruments(pattern))), 2.0),
    ]


def _named(table_name: str, pattern: str) -> sa.Select[Any]:
    table = table_of(table_name).alias()
    return sa.select(table.c.id).where(table.c.name.ilike(pattern))


def _instruments(pattern: str) -> sa.Select[Any]:
    table = table_of("instrument").alias()
    columns = table.c
    fits = sa.or_(columns.name.ilike(pattern), columns.facility.ilike(pattern))
    return sa.select(columns.id).where(fits)
