"""A question taken apart into what another catalogue may or may not be able to filter by.

A part is one clause of the top ``and``; the ranked words together are the part ``words``. Its key
is what people call it, with a number where two would be called the same.
"""

from collections.abc import Iterable
from dataclasses import replace

from panosc.domain.query import And, Clause, Compare, Not, Or, Query, Related, all_of

WORDS = "words"


def parts_of(query: Query) -> dict[str, Clause]:
    """Return the clauses of a question by their keys; `WORDS`, if there are any, is not a clause.

    Examples
    --------
    >>> from panosc.domain.query import Text
    >>> list(parts_of(Query(model="Dataset", where=And((Text("a"), Text("b"))))))
    ['text', 'text 2']
    """
    clauses = query.where.clauses if isinstance(query.where, And) else (query.where,)
    found: dict[str, Clause] = {}
    for clause in clauses:
        name, number = called(clause), 2
        key = name
        while key in found:
            key, number = f"{name} {number}", number + 1
        found[key] = clause
    return found


def without(query: Query, unasked: Iterable[str]) -> Query:
    """Return the question without some of its parts; its words go with the key `WORDS`."""
    dropped = frozenset(unasked)
    kept = [clause for key, clause in parts_of(query).items() if key not in dropped]
    return replace(query, where=all_of(kept), words=() if WORDS in dropped else tuple(query.words))


def called(clause: Clause) -> str:
    """Return what a clause is about: a parameter by its name, a relation, or a property."""
    match clause:
        case Related(relation="parameters"):
            return _parameter(clause.clause) or "parameters"
        case Related():
            return clause.relation
        case Compare():
            return clause.property
        case Not():
            return called(clause.clause)
        case And() | Or():
            names = {called(item) for item in clause.clauses}
            return names.pop() if len(names) == 1 else "conditions"
        case _:
            return "text"


def _parameter(clause: Clause) -> str | None:
    inner = clause.clauses if isinstance(clause, And | Or) else (clause,)
    names = {
        str(item.operands[0])
        for item in inner
        if isinstance(item, Compare) and item.property == "name" and item.operator == "eq"
    }
    return names.pop() if len(names) == 1 else None
