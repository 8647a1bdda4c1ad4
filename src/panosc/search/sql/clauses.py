"""The question as SQL: conditions, relations as semi-joins, order.

Access goes with every step: a guarded record counts only where the viewer may list it, and a
relation that is detail counts as empty where the viewer may not see the detail. So a denial
is no oracle either. Rows are fetched by `results`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from panosc.domain.entities import MODEL_BY_NAME, Model, Relation
from panosc.domain.query import And, Clause, Compare, Include, Not, Or, Order, Query, Related, Text
from panosc.search.sql import parameters, techniques
from panosc.search.sql.columns import (
    Condition,
    Viewer,
    column_of,
    compare,
    deny,
    table_of,
    text_in,
)

Inner = Callable[[sa.FromClause], Condition]

_PARTS = frozenset({"Member", "Parameter", "File"})
_VALUES = ("value_number", "value_text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a condition stands: a class, one use of its table, and who looks."""

    model: Model
    table: sa.FromClause
    viewer: Viewer


def start(model: Model, viewer: Viewer) -> Place:
    """Return the place from which a statement starts; there is one in each statement."""
    return Place(model=model, table=root(model.table), viewer=viewer)


@cache
def root(name: str) -> sa.FromClause:
    """Return a table under the name that it has where it is read first; once in a statement."""
    # kept, since SQLAlchemy takes a millisecond to give a table with many columns another name
    return table_of(name).alias()


def conditions(query: Query, place: Place) -> list[Condition]:
    """Return what a query asks of a record: its ``where`` and its includes' conditions."""
    found = [clause_of(query.where, place)]
    return found + [included(item, place) for item in query.includes if demands(item.scope)]


def demands(query: Query) -> bool:
    """Whether the query has a condition anywhere."""
    return query.where != And(()) or any(demands(item.scope) for item in query.includes)


def has_regexp(query: Query) -> bool:
    """Whether the query has a regular expression anywhere."""
    return _regexp_in(query.where) or any(has_regexp(item.scope) for item in query.includes)


def _regexp_in(clause: Clause) -> bool:
    match clause:
        case And() | Or():
            return any(map(_regexp_in, clause.clauses))
        case Related() | Not():
            return _regexp_in(clause.clause)
        case Compare():
            return clause.operator == "regexp"
        case _:
            return False


def clause_of(clause: Clause, place: Place) -> Condition:
    """Return a clause as a condition on the record at `place`."""
    if place.model.name == "Parameter":
        return parameters.condition(clause, place.table, lambda leaf: _leaf(leaf, place))
    match clause:
        case And():
            return sa.and_(sa.true(), *(clause_of(item, place) for item in clause.clauses))
        case Or():
            return sa.or_(sa.false(), *(clause_of(item, place) for item in clause.clauses))
        case Not():
            return deny(clause_of(clause.clause, place))
        case _:
            return _leaf(clause, place)


def _leaf(clause: Clause, place: Place) -> Condition:
    match clause:
        case Compare():
            return compare(clause, place.model, place.table, place.viewer)
        case Text():
            return text_in(clause.words, place.model, place.table)
        case Related():
            relation = place.model.relation_by_name[clause.relation]
            return _related_where(relation, clause.clause, place)
        case Not():
            return deny(clause_of(clause.clause, place))
        case _:
            return clause_of(clause, place)


def _related_where(relation: Relation, clause: Clause, place: Place) -> Condition:
    target = MODEL_BY_NAME[relation.target]
    if relation.name != "techniques":
        return related(
            relation,
            place,
            lambda table: clause_of(clause, _at(target, table, place)),
        )

    def has(fits: Inner) -> Condition:
        return related(relation, place, fits)

    found = techniques.of_set(clause, has, tag_leaf(place.viewer))
    return found if techniques.implies_tag(clause) else sa.and_(has(lambda _: sa.true()), found)


def tag_leaf(viewer: Viewer) -> techniques.Leaf:
    """Return how a condition on a single technique is compiled."""
    model = MODEL_BY_NAME["Technique"]

    def leaf(clause: Clause, table: sa.FromClause) -> Condition:
        if isinstance(clause, Compare):
            return techniques.tag(clause, table, viewer)
        return _leaf(clause, Place(model=model, table=table, viewer=viewer))

    return leaf


def included(include: Include, place: Place) -> Condition:
    """Return the condition that an include puts on the record it starts from."""
    relation = place.model.relation_by_name[include.relation]
    scope = include.scope
    found = related(relation, place, lambda table: shown(include, relation, table, place.viewer))
    if relation.name != "techniques":
        return found
    whole = _related_where(relation, scope.where, place)
    if not any(demands(item.scope) for item in scope.includes):
        return whole
    return sa.and_(whole, found)


def shown(include: Include, relation: Relation, table: sa.FromClause, viewer: Viewer) -> Condition:
    """Return which related records an answer shows under an include."""
    target = MODEL_BY_NAME[relation.target]
    place = Place(model=target, table=table, viewer=viewer)
    if relation.name == "techniques":
        found = techniques.of_tag(include.scope.where, table, tag_leaf(viewer))
        parts = [] if found is None else [found]
    else:
        parts = [clause_of(include.scope.where, place)]
    parts += [included(item, place) for item in include.scope.includes if demands(item.scope)]
    return sa.and_(sa.true(), *parts)


def _at(model: Model, table: sa.FromClause, place: Place) -> Place:
    return Place(model=model, table=table, viewer=place.viewer)


def related(relation: Relation, place: Place, fits: Inner) -> Condition:
    """Return whether the record has a related one that fits and that the viewer may see."""
    target = MODEL_BY_NAME[relation.target]
    table = table_of(target.table).alias()
    parts = [*reachable(relation, place.model, table, place.viewer), fits(table)]
    # exists rather than in: under an or the planner then still may take it row by row
    if relation.kind == "one":
        inner = sa.select(table.c.id).where(table.c.id == place.table.c[relation.local], *parts)
    elif relation.kind == "many":
        inner = sa.select(table.c.id).where(table.c[relation.remote] == place.table.c.id, *parts)
    else:
        link = table_of(relation.link).alias()
        on = link.c[relation.remote] == table.c.id
        inner = sa.select(table.c.id).join_from(link, table, on)
        inner = inner.where(link.c[relation.local] == place.table.c.id, *parts)
    found = sa.exists(inner.correlate(place.table))
    if relation.level == "detail" and place.model.guarded:
        return sa.and_(place.viewer.may_detail(place.table), found)
    return found


def reachable(
    relation: Relation, source: Model, table: sa.FromClause, viewer: Viewer
) -> list[Condition]:
    """Return what makes a related row visible by itself, whatever its other end."""
    target = MODEL_BY_NAME[relation.target]
    if target.guarded:
        found = [viewer.may_list(table)]
        if relation.level == "detail" and not source.guarded:
            # a steward sees the detail of what is withdrawn, but nobody finds it in a list
            found.append(viewer.may_detail(table))
        return found
    if target.name == "Member" and not source.guarded:
        return [_owned(table, name, viewer) for name in ("Document", "Dataset")]
    return []


def _owned(table: sa.FromClause, name: str, viewer: Viewer) -> Condition:
    """Return whether a member belongs to no record of this class, or to a visible one."""
    owner = table_of(MODEL_BY_NAME[name].table).alias()
    column = table.c[f"{name.lower()}_id"]
    listed = sa.select(owner.c.id).where(viewer.may_list(owner))
    return sa.or_(column.is_(None), column.in_(listed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SortKey:
    """What records are sorted by: those without it come last."""

    expression: ColumnElement[Any]
    descending: bool = False
    is_own: bool = False
    """Whether every record has one of its own."""

    @property
    def directed(self) -> ColumnElement[Any]:
        """The expression as it stands after ``order by``."""
        found = self.expression.desc() if self.descending else self.expression.asc()
        # without the words an index that has the same order can be used
        return found if self.is_own else found.nulls_last()

    def follows(self, value: Any) -> Condition:
        """Return whether a record comes later than one with `value`."""
        if value is None:
            return sa.false()
        expression = self.expression
        later = expression < value if self.descending else expression > value
        return later if self.is_own else sa.or_(later, expression.is_(None))


def sort_keys(orders: Iterable[Order], place: Place) -> list[SortKey]:
    """Return what an order sorts by; in the end the identifier, so that pages are stable."""
    keys: list[SortKey] = []
    for order in orders:
        prop = place.model.property_by_name[order.property]
        if prop.kind == "scalar":
            expressions: list[ColumnElement[Any]] = [place.table.c[name] for name in _VALUES]
        elif prop.name == "id" and prop.column == "key":
            keys.append(_own_key(place, descending=order.descending))
            continue
        else:
            expressions = [column_of(prop, place.model, place.table, place.viewer)]
        keys += [SortKey(expression=one, descending=order.descending) for one in expressions]
    return [*keys, _own_key(place)]


def order_of(orders: Iterable[Order], place: Place) -> list[ColumnElement[Any]]:
    """Return the sort keys as they stand after ``order by``."""
    return [key.directed for key in sort_keys(orders, place)]


def following(keys: Sequence[SortKey], values: Sequence[Any]) -> Condition:
    """Return whether a record comes later than the one that has these values."""
    found: Condition = sa.false()
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        found = sa.or_(
            key.follows(value), sa.and_(key.expression.is_not_distinct_from(value), found)
        )
    return found


def _own_key(place: Place, *, descending: bool = False) -> SortKey:
    key = place.model.property_by_name[place.model.key].column
    # parts come in the order in which they were written
    column = place.table.c[key if place.model.name not in _PARTS else "id"]
    return SortKey(expression=column, descending=descending, is_own=True)
