"""A question written as a filter of the search API: the opposite of `read_filter`.

`write_filter` writes every question exactly, with our extensions ``not`` and relations in
``where``. `write_standard` writes what the standard knows, where it can: conditions on relations
become includes, which find the same records.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.query import (
    And,
    Clause,
    Compare,
    Include,
    Not,
    Or,
    Query,
    Related,
    Text,
    Value,
    all_of,
)
from panosc.search.language.words import write_words

_LISTS = frozenset({"inq", "nin", "between"})


def write_filter(query: Query) -> dict[str, Any]:
    """Return the filter object that `read_filter` reads as `query`."""
    written: dict[str, Any] = {}
    if query.where != And(()):
        written["where"] = _clause(query.where)
    if query.includes:
        written["include"] = [_include(item) for item in query.includes]
    if query.order:
        written["order"] = [
            f"{item.property} {'DESC' if item.descending else 'ASC'}" for item in query.order
        ]
    if query.limit is not None:
        written["limit"] = query.limit
    if query.skip:
        written["skip"] = query.skip
    if query.fields is not None:
        written["fields"] = sorted(query.fields)
    if query.words:
        written["query"] = write_words(query.words, plain="any")
    return written


def write_standard(query: Query) -> dict[str, Any]:
    """Return a filter that finds the same records, of the standard's own means where it has them.

    What must be of related records goes into includes: these return them as well. What the
    standard cannot say at all is written with our extensions.
    """
    model = MODEL_BY_NAME[query.model]
    parts = query.where.clauses if isinstance(query.where, And) else (query.where,)
    kept: list[Clause] = []
    includes = list(query.includes)
    for part in map(_together, parts):
        if isinstance(part, Related) and not _has_extension(part.clause):
            target = model.relation_by_name[part.relation].target
            scope = Query(model=target, where=part.clause)
            includes.append(Include(relation=part.relation, scope=scope))
        else:
            kept.append(part)
    return write_filter(replace(query, where=all_of(kept), includes=tuple(includes)))


def _together(clause: Clause) -> Clause:
    """Return conditions of which one is enough, over one relation, as one condition over it."""
    if not isinstance(clause, Or):
        return clause
    related = [item for item in clause.clauses if isinstance(item, Related)]
    names = {item.relation for item in related}
    if len(related) < len(clause.clauses) or len(names) != 1:
        return clause
    return Related(names.pop(), Or(tuple(item.clause for item in related)))


def _has_extension(clause: Clause) -> bool:
    match clause:
        case And() | Or():
            return any(map(_has_extension, clause.clauses))
        case Not() | Related():
            return True
        case _:
            return False


def _include(include: Include) -> dict[str, Any]:
    written: dict[str, Any] = {"relation": include.relation}
    scope = write_filter(include.scope)
    if scope:
        written["scope"] = scope
    return written


def _clause(clause: Clause) -> dict[str, Any]:
    match clause:
        case And():
            return {"and": [_clause(item) for item in clause.clauses]}
        case Or():
            return {"or": [_clause(item) for item in clause.clauses]}
        case Not():
            return {"not": _clause(clause.clause)}
        case Text():
            return {"text": clause.words}
        case Related():
            return {clause.relation: _clause(clause.clause)}
        case Compare():
            return {clause.property: _comparison(clause)}


def _comparison(comparison: Compare) -> dict[str, Any]:
    values = [_value(item) for item in comparison.operands]
    if comparison.operator in _LISTS:
        return {comparison.operator: values}
    if comparison.operator == "regexp":
        # with its flags, so that slashes in the pattern are not taken for others
        return {"regexp": f"/{values[0]}/{comparison.flags}"}
    return {comparison.operator: values[0]}


def _value(value: Value) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
