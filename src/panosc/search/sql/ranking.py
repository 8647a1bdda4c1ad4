"""Ranked words, the PaNOSC ``query``: any word counts, where it stands says how much.

A word is a literal piece of text, whatever its case. What fits gets a score in the open
interval (0, 1); the rest does not come back. There is no stemming and no index of words
here: that is the full-text index's business.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from panosc.domain.entities import MODEL_BY_NAME
from panosc.search.patterns import escape
from panosc.search.sql.clauses import Place, related
from panosc.search.sql.columns import Condition

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


def rank(text: str, place: Place) -> Ranking:
    """Return how the records at `place` fit `text`; without a word nothing does."""
    hits: list[tuple[Condition, float]] = []
    for word in tokens(text):
        pattern = f"%{escape(word)}%"
        hits += [(found, weight) for found, weight in _places(place, pattern)]
    if not hits:
        return Ranking(condition=sa.false(), score=sa.literal(0.0, sa.Double))
    zero = sa.literal(0.0, sa.Double)
    weights = [
        sa.case((found, sa.literal(weight, sa.Double)), else_=zero) for found, weight in hits
    ]
    total: ColumnElement[Any] = weights[0]
    for weight in weights[1:]:
        total = total + weight
    return Ranking(
        condition=sa.or_(*(found for found, _ in hits)),
        score=total / (total + sa.literal(HALF, sa.Double)),
    )


def _places(place: Place, pattern: str) -> list[tuple[Condition, float]]:
    """Return where a word may stand, each with its weight."""
    columns = place.table.c

    def named(relation: str, *names: str) -> Condition:
        found = place.model.relation_by_name[relation]
        return related(found, place, _in(names, pattern))

    match place.model.name:
        case "Dataset":
            return [
                (columns.title.ilike(pattern), 3.0),
                (columns.description.ilike(pattern), 1.0),
                (named("instrument", "name", "facility"), 2.0),
                (named("techniques", "name"), 2.0),
                (named("samples", "name"), 1.0),
            ]
        case "Document":
            keywords = sa.func.array_to_string(columns.keywords, "\n")
            return [
                (columns.title.ilike(pattern), 3.0),
                (keywords.ilike(pattern), 2.0),
                (columns.summary.ilike(pattern), 1.0),
                (_of_datasets(place, "techniques", pattern), 2.0),
                (_of_datasets(place, "instrument", pattern), 2.0),
            ]
        case _:
            names = [item.column for item in place.model.properties if item.searchable]
            return [(columns[name].ilike(pattern), 3.0) for name in names]


def _of_datasets(place: Place, relation: str, pattern: str) -> Condition:
    """Return whether something that belongs to a dataset of the document has the word."""
    model = MODEL_BY_NAME["Dataset"]
    inner = model.relation_by_name[relation]

    def fits(table: sa.FromClause) -> Condition:
        here = Place(model=model, table=table, viewer=place.viewer)
        return related(inner, here, _in(("name",), pattern))

    return related(place.model.relation_by_name["datasets"], place, fits)


def _in(names: tuple[str, ...], pattern: str) -> Callable[[sa.FromClause], Condition]:
    return lambda table: sa.or_(*(table.c[name].ilike(pattern) for name in names))
