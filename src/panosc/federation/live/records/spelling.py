"""Identifiers in a question as the catalogue spells them that is asked."""

from dataclasses import replace

from panosc.domain.query import And, Clause, Compare, Include, Not, Or, Query, Related
from panosc.federation.naming import Names
from panosc.federation.source import Source


def spelt_for(query: Query, source: Source) -> Query:
    """Return a question without the prefix that only this node puts before identifiers."""
    return _query(query, Names(source)) if source.prefix else query


def _query(query: Query, names: Names) -> Query:
    where = _clause(query.where, names)
    includes = tuple(_include(one, names) for one in query.includes)
    if where == query.where and includes == query.includes:
        return query
    return replace(query, where=where, includes=includes)


def _include(include: Include, names: Names) -> Include:
    return replace(include, scope=_query(include.scope, names))


def _clause(clause: Clause, names: Names) -> Clause:
    match clause:
        case And():
            return And(tuple(_clause(one, names) for one in clause.clauses))
        case Or():
            return Or(tuple(_clause(one, names) for one in clause.clauses))
        case Not():
            return Not(_clause(clause.clause, names))
        case Related():
            return Related(clause.relation, _clause(clause.clause, names))
        case Compare(property="pid"):
            operands = tuple(
                names.theirs(one) if isinstance(one, str) else one for one in clause.operands
            )
            return replace(clause, operands=operands)
        case _:
            return clause
