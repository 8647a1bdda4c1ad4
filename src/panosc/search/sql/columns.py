"""Properties of a record as SQL expressions, and one comparison of one property.

What a property shows is decided here once for filters, order and output: ``isPublic`` and
``access`` are the state of this moment, ``embargoUntil`` is when it opens, detail of an
embargoed record is null to whoever may not see it, and a part without a loaded key is known by
a name made of its database key. Values of parameters are `parameters`, relations are `sql`.
"""

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import ColumnElement

from panosc.catalogue import tables
from panosc.domain.access import ALWAYS, NEVER, Who
from panosc.domain.entities import Model, Property
from panosc.domain.query import NEGATIVE, Compare, Operator, Value
from panosc.policy.sql import state, visible
from panosc.search.patterns import anywhere, escape, translate

Condition = ColumnElement[bool]

_INT64 = 2**63
_WHOLE = r"^[0-9]{1,18}$"
_OF_THE_MOMENT = frozenset({"isPublic", "access", "embargoUntil"})
_ORDERED = frozenset({"gt", "gte", "lt", "lte", "between"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks, and when: on this depends what there is."""

    who: Who
    now: datetime
    salt: str = ""
    """A secret of the node: from it parts without an identifier of their own get one."""

    def may_list(self, table: sa.FromClause) -> Condition:
        """Return whether a guarded row appears among results."""
        return visible(table, self.who, "list", now=self.now)

    def may_detail(self, table: sa.FromClause) -> Condition:
        """Return whether the detail of a guarded row is open to the viewer."""
        return visible(table, self.who, "detail", now=self.now)


@cache
def table_of(name: str) -> sa.Table:
    """Return the table of that name."""
    return tables.metadata.tables[name]


def column_of(
    prop: Property, model: Model, table: sa.FromClause, viewer: Viewer
) -> ColumnElement[Any]:
    """Return what the viewer sees of a property."""
    columns = table.c
    if model.guarded and prop.name in _OF_THE_MOMENT:
        return _at_this_moment(prop, table, viewer)
    if prop.kind == "scalar":
        return sa.func.coalesce(columns.value_text, sa.cast(columns.value_number, sa.Text))
    column: ColumnElement[Any] = columns[prop.column]
    if prop.name == "id" and prop.column == "key":
        return sa.func.coalesce(column, _opaque(columns.id, viewer))
    if prop.level == "detail" and model.guarded:
        return sa.case((viewer.may_detail(table), column))
    return column


def _opaque(number: ColumnElement[Any], viewer: Viewer) -> ColumnElement[Any]:
    """Return a name for a row that tells nothing of how many rows were written before it."""
    mixed = sa.func.md5(viewer.salt + sa.cast(number, sa.Text))
    return "p" + sa.func.substr(mixed, 1, 16)


def _at_this_moment(prop: Property, table: sa.FromClause, viewer: Viewer) -> ColumnElement[Any]:
    columns = table.c
    if prop.name == "isPublic":
        return sa.and_(columns.mark == "normal", columns.open_at <= viewer.now)
    if prop.name == "access":
        return state(table, now=viewer.now)
    # what was decided here counts: an extension, a policy, the date of a document
    ends = sa.and_(columns.open_at > viewer.now, columns.open_at < NEVER)
    is_embargoed = sa.and_(columns.mark == "normal", columns.core_at <= viewer.now, ends)
    own = columns[prop.column]
    was_released = sa.and_(columns.open_at <= viewer.now, columns.open_at > ALWAYS)
    is_early = sa.and_(was_released, own > columns.open_at)
    return sa.case((sa.or_(is_embargoed, is_early), columns.open_at), else_=own)


def compare(comparison: Compare, model: Model, table: sa.FromClause, viewer: Viewer) -> Condition:
    """Return the comparison as SQL; a denial is true for whatever the positive is not."""
    prop = model.property_by_name[comparison.property]
    expression = column_of(prop, model, table, viewer)
    base = NEGATIVE.get(comparison.operator)
    found = _positive(comparison, base or comparison.operator, prop, expression)
    return deny(found) if base else found


def deny(condition: Condition) -> Condition:
    """Return the exact complement: also true where `condition` is null."""
    return sa.func.coalesce(condition, sa.false()).is_(sa.false())


def text_in(words: str, model: Model, table: sa.FromClause) -> Condition:
    """Return whether any searchable property holds `words` literally, whatever the case."""
    pattern = f"%{escape(words)}%"
    found: list[Condition] = []
    for prop in model.properties:
        if prop.searchable:
            column = table.c[prop.column]
            is_list = prop.kind == "list"
            found.append(
                _any_element(column, lambda one: one.ilike(pattern))
                if is_list
                else column.ilike(pattern)
            )
    return sa.or_(sa.false(), *found)


def match(
    expression: ColumnElement[Any], operator: Operator, pattern: str, flags: str
) -> Condition:
    """Return a positive pattern operator on a text."""
    if operator == "like":
        return expression.like(anywhere(pattern))
    if operator == "ilike":
        return expression.ilike(anywhere(pattern))
    sign = "~*" if "i" in flags else "~"
    return expression.bool_op(sign)(sa.literal(translate(pattern, flags), sa.Text))


def ordered(
    expression: ColumnElement[Any], operator: Operator, operands: list[ColumnElement[Any]]
) -> Condition:
    """Return gt, gte, lt, lte or between."""
    first = operands[0]
    match operator:
        case "gt":
            return expression > first
        case "gte":
            return expression >= first
        case "lt":
            return expression < first
        case "lte":
            return expression <= first
        case _:
            return sa.and_(expression >= first, expression <= operands[1])


def double(value: float) -> float:
    """Return a number as a float, beyond its range as an infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _positive(
    comparison: Compare, operator: Operator, prop: Property, expression: ColumnElement[Any]
) -> Condition:
    operands: tuple[Value | Decimal, ...] = comparison.operands
    if prop.kind == "list":
        return _list(comparison, operator, expression)
    if operator in {"like", "ilike", "regexp"}:
        return match(expression, operator, str(operands[0]), comparison.flags)
    if prop.kind in {"integer", "number"}:
        expression, operands = _numeric(expression, comparison.operands)
    elif prop.name == "id" and operator in _ORDERED and all(map(_is_whole, comparison.operands)):
        expression = sa.case((expression.bool_op("~")(_WHOLE), sa.cast(expression, sa.BigInteger)))
        operands = tuple(int(str(item)) for item in operands)
    return _plain(expression, operator, operands)


def _plain(
    expression: ColumnElement[Any], operator: Operator, operands: tuple[Value | Decimal, ...]
) -> Condition:
    if operator in _ORDERED:
        return ordered(
            expression, operator, [sa.literal(item, expression.type) for item in operands]
        )
    values = [item for item in operands if item is not None]
    found: list[Condition] = []
    if len(values) == 1:
        found.append(expression == sa.literal(values[0], expression.type))
    elif values:
        found.append(expression.in_(values))
    if len(values) < len(operands):
        found.append(expression.is_(None))
    return sa.or_(sa.false(), *found)


def _numeric(
    expression: ColumnElement[Any], operands: tuple[Value, ...]
) -> tuple[ColumnElement[Any], tuple[Value | Decimal, ...]]:
    numbers = [item for item in operands if isinstance(item, int | float)]
    if all(isinstance(item, int) and abs(item) < _INT64 for item in numbers):
        return expression, operands
    if isinstance(expression.type, sa.Integer):
        # as doubles, numbers beyond 2**53 would be equal to their neighbours
        return sa.cast(expression, sa.Numeric), tuple(
            Decimal(item) if isinstance(item, int | float) else item for item in operands
        )
    return sa.cast(expression, sa.Double), tuple(
        double(item) if isinstance(item, int | float) else item for item in operands
    )


def _is_whole(value: Value) -> bool:
    text = str(value)
    return text.isascii() and text.isdigit() and len(text) <= 18  # noqa: PLR2004


def _list(comparison: Compare, operator: Operator, column: ColumnElement[Any]) -> Condition:
    """Return whether any element of a list fits; null means that there is no list."""
    operands = comparison.operands
    values = tuple(item for item in operands if item is not None)
    found: list[Condition] = [] if len(values) == len(operands) else [column.is_(None)]
    if operator in {"like", "ilike", "regexp"}:
        pattern, flags = str(operands[0]), comparison.flags
        found.append(_any_element(column, lambda one: match(one, operator, pattern, flags)))
    elif operator in _ORDERED:
        found.append(_any_element(column, lambda one: _plain(one, operator, values)))
    elif values:
        found.append(column.overlap(sa.literal(list(values), pg.ARRAY(sa.Text))))
    return sa.or_(sa.false(), *found)


def _any_element(column: ColumnElement[Any], fits: Any) -> Condition:
    element = sa.func.unnest(column).table_valued(sa.column("element", sa.Text))
    element = element.render_derived()
    return sa.exists(sa.select(sa.literal(1)).select_from(element).where(fits(element.c.element)))
