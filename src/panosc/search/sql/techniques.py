"""Techniques: conditions speak of a dataset's whole set of tags, and PaNET makes them broad.

``and`` may be met by two tags; a denial means that no tag fits, and that there is one. A tag
fits when its own name or identifier does, or when PaNET holds it for narrower than a
technique whose label, alternative label or identifier does.
"""

from collections.abc import Callable
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.query import NEGATIVE, And, Clause, Compare, Operator, Or
from panosc.search.panet import PREFIX, ontology
from panosc.search.patterns import fits
from panosc.search.sql.columns import Condition, Viewer, compare

Exists = Callable[[Callable[[sa.FromClause], Condition]], Condition]
"""Whether a dataset has a tag that fulfils a condition on the technique's table."""
Leaf = Callable[[Clause, sa.FromClause], Condition]

_NAMED = frozenset({"pid", "panetId", "name"})


def of_set(clause: Clause, has: Exists, leaf: Leaf) -> Condition:
    """Return what a clause says of a dataset that has at least one tag."""
    match clause:
        case And():
            return sa.and_(sa.true(), *(of_set(item, has, leaf) for item in clause.clauses))
        case Or():
            return sa.or_(sa.false(), *(of_set(item, has, leaf) for item in clause.clauses))
        case Compare() if clause.operator in NEGATIVE:
            return sa.not_(has(lambda table: leaf(positive(clause), table)))
        case _:
            return has(lambda table: leaf(clause, table))


def implies_tag(clause: Clause) -> bool:
    """Whether `of_set` is true only of a dataset that has a tag."""
    match clause:
        case And():
            return any(map(implies_tag, clause.clauses))
        case Or():
            return all(map(implies_tag, clause.clauses))
        case Compare():
            return clause.operator not in NEGATIVE
        case _:
            return True


def of_tag(clause: Clause, table: sa.FromClause, leaf: Leaf) -> Condition | None:
    """Return which tags an answer shows: those that fit a positive part; None for all."""
    match clause:
        case And():
            found = [of_tag(item, table, leaf) for item in clause.clauses]
            positives = [item for item in found if item is not None]
            return sa.or_(*positives) if positives else None
        case Or():
            found = [of_tag(item, table, leaf) for item in clause.clauses]
            if any(item is None for item in found):
                return None
            return sa.or_(sa.false(), *(item for item in found if item is not None))
        case Compare() if clause.operator in NEGATIVE:
            return None
        case _:
            return leaf(clause, table)


def positive(comparison: Compare) -> Compare:
    """Return what a denial denies."""
    return Compare(
        property=comparison.property,
        operator=NEGATIVE[comparison.operator],
        operands=comparison.operands,
        flags=comparison.flags,
    )


def tag(comparison: Compare, table: sa.FromClause, viewer: Viewer) -> Condition:
    """Return a positive comparison on one tag, PaNET taken into account."""
    own = compare(comparison, MODEL_BY_NAME["Technique"], table, viewer)
    if comparison.property not in _NAMED:
        return own
    spelt = [spelling for item in narrower(comparison) for spelling in (PREFIX + item, item)]
    if comparison.property != "name" and comparison.operator in {"eq", "inq"}:
        spelt += [str(item) for item in comparison.operands if item is not None]
    if not spelt:
        return own
    any_of = sa.any_(sa.literal(spelt, pg.ARRAY(sa.Text)))
    return sa.or_(own, table.c.panet_id == any_of, table.c.pid == any_of)


@lru_cache(maxsize=256)
def narrower(comparison: Compare) -> tuple[str, ...]:
    """Return the techniques of PaNET that a positive comparison reaches, sorted."""
    panet, found = ontology(), set[str]()
    operator: Operator = comparison.operator
    match operator:
        case "eq" | "inq":
            for item in comparison.operands:
                found |= panet.resolve(str(item)) if item is not None else frozenset()
        case "like" | "ilike" | "regexp":
            test = fits(operator, str(comparison.operands[0]), comparison.flags)
            reach = panet.matching if comparison.property == "name" else panet.matching_iri
            found |= reach(test)
        case _:
            pass
    return tuple(sorted(panet.descendants(found)))
