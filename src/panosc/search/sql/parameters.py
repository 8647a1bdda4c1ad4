"""Parameters: a value is a number or a text, and a unit beside it converts it.

Within one ``and`` a unit speaks for the values beside it: they are compared in SI with what
is stored in SI. A unit alone asks for whatever converts to it; an unknown unit only for its
own spelling. Without a unit numbers are compared as they are stored.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from panosc.domain.query import NEGATIVE, And, Clause, Compare, Operator, Or, Value
from panosc.domain.units import Scale, category_of, scale_of
from panosc.search.sql.columns import Condition, deny, double, match, ordered

if TYPE_CHECKING:
    from sqlalchemy.sql.elements import ColumnElement

Leaf = Callable[[Clause], Condition]

TOLERANCE = 1e-9
"""Relative: two numbers so near are one after a conversion."""

_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
_LONGEST = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What the conditions around say: the unit of values, and what the name means."""

    scale: Scale | None = None
    category: str | None = None


def condition(clause: Clause, table: sa.FromClause, leaf: Leaf) -> Condition:
    """Return a clause on parameters as SQL; `leaf` takes what is special in nothing."""
    return _condition(clause, table, leaf, _Context())


def _condition(clause: Clause, table: sa.FromClause, leaf: Leaf, context: _Context) -> Condition:
    match clause:
        case And():
            return _all(clause.clauses, table, leaf, context)
        case Or():
            return sa.or_(
                sa.false(), *(_condition(item, table, leaf, context) for item in clause.clauses)
            )
        case Compare(property="value"):
            return _value(clause, table, context.scale)
        case Compare() if _is_unit(clause):
            return _all((clause,), table, leaf, context)
        case _:
            return leaf(clause)


def _all(
    clauses: Iterable[Clause], table: sa.FromClause, leaf: Leaf, context: _Context
) -> Condition:
    parts = tuple(clauses)
    context = replace(context, category=_category(parts) or context.category)
    units = [item for item in parts if isinstance(item, Compare) and _is_unit(item)]
    if not units:
        return sa.and_(sa.true(), *(_condition(item, table, leaf, context) for item in parts))
    first = units[0]
    rest = tuple(item for item in parts if item is not first)
    branches: list[Condition] = []
    for operand in first.operands:
        unit = str(operand)
        scale = scale_of(unit, category=context.category)
        inner = replace(context, scale=scale)
        others = (_condition(item, table, leaf, inner) for item in rest)
        branches.append(sa.and_(_measured(unit, scale, table), *others))
    return sa.or_(*branches)


def _is_unit(clause: Compare) -> bool:
    return (
        clause.property == "unit"
        and clause.operator in {"eq", "inq"}
        and bool(clause.operands)
        and None not in clause.operands
    )


def _category(clauses: Iterable[Clause]) -> str | None:
    for item in clauses:
        if isinstance(item, Compare) and item.property == "name" and item.operator == "eq":
            return category_of(str(item.operands[0]))
    return None


def _measured(unit: str, scale: Scale | None, table: sa.FromClause) -> Condition:
    """Return whether a parameter's unit converts to this one."""
    if scale is not None:
        return table.c.si_unit == scale.si_unit
    if not unit.strip():
        return sa.or_(table.c.unit == unit, table.c.unit.is_(None))
    return table.c.unit == unit


def _value(comparison: Compare, table: sa.FromClause, scale: Scale | None) -> Condition:
    base = NEGATIVE.get(comparison.operator)
    operator = base or comparison.operator
    if operator in {"like", "ilike", "regexp"}:
        text = sa.func.coalesce(table.c.value_text, sa.cast(table.c.value_number, sa.Text))
        found = match(text, operator, str(comparison.operands[0]), comparison.flags)
    elif operator in {"eq", "inq"}:
        found = sa.or_(sa.false(), *(_equal(item, table, scale) for item in comparison.operands))
    else:
        found = _ordered(operator, comparison.operands, table, scale)
    return deny(found) if base else found


def _equal(operand: Value, table: sa.FromClause, scale: Scale | None) -> Condition:
    if operand is None:
        return sa.and_(table.c.value_number.is_(None), table.c.value_text.is_(None))
    found: list[Condition] = []
    number = as_number(operand)
    if number is not None:
        found.append(_number("between", [number, number], table, scale))
    if isinstance(operand, str):
        found.append(table.c.value_text == operand)
    return sa.or_(sa.false(), *found)


def _ordered(
    operator: Operator, operands: tuple[Value, ...], table: sa.FromClause, scale: Scale | None
) -> Condition:
    numbers = [as_number(item) for item in operands]
    known = [item for item in numbers if item is not None]
    if len(known) == len(numbers):
        return _number(operator, known, table, scale)
    texts: list[ColumnElement[Any]] = [sa.literal(str(item), sa.Text) for item in operands]
    return ordered(table.c.value_text, operator, texts)


def _number(
    operator: Operator, numbers: list[float], table: sa.FromClause, scale: Scale | None
) -> Condition:
    column: ColumnElement[Any] = table.c.value_number
    slack = [0.0] * len(numbers)
    if scale is not None:
        column = table.c.si_value
        numbers = [scale.to_si(item) for item in numbers]
        slack = [abs(item) * TOLERANCE if math.isfinite(item) else 0.0 for item in numbers]
    # an end that belongs to the range is moved outwards, one that does not as well
    outwards = {"gte": (-1,), "lt": (-1,), "gt": (1,), "lte": (1,)}.get(operator, (-1, 1))
    ends: list[ColumnElement[Any]] = [
        sa.literal(number + sign * width, sa.Double)
        for number, sign, width in zip(numbers, outwards, slack, strict=True)
    ]
    found = ordered(column, operator, ends)
    if operator in {"gt", "gte"}:
        # PostgreSQL holds NaN for greater than any number
        return sa.and_(found, column <= sa.literal(math.inf, sa.Double))
    return found


def as_number(value: Value) -> float | None:
    """Return a number or the text of one as a float; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return double(value)
    if isinstance(value, str) and len(value) <= _LONGEST and _NUMBER.fullmatch(value):
        return float(value)
    return None


def asked_units(clause: Clause, category: str | None = None) -> list[tuple[str, Scale]]:
    """Return the units that a clause asks for, in its order: answers are given in them."""
    match clause:
        case And() | Or():
            inner = (_category(clause.clauses) if isinstance(clause, And) else None) or category
            return [unit for item in clause.clauses for unit in asked_units(item, inner)]
        case Compare() if _is_unit(clause):
            found = (
                (str(item), scale_of(str(item), category=category)) for item in clause.operands
            )
            return [(unit, scale) for unit, scale in found if scale is not None]
        case _:
            return []
