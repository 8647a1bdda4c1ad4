"""Conditions on one parameter of a record: its name, its value, and the unit that converts it.

As `search.sql.parameters` has it in SQL: in one ``and`` a unit speaks for the values beside it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from panosc.domain.query import NEGATIVE, And, Clause, Compare, Operator, Or, Value
from panosc.domain.units import Scale, category_of, scale_of
from panosc.search.patterns import fits as pattern_fits
from panosc.search.sql.parameters import TOLERANCE, as_number

Item = Mapping[str, Any]
Leaf = Callable[[Clause], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    scale: Scale | None = None
    category: str | None = None


def is_measured(clause: Clause, item: Item, leaf: Leaf) -> bool:
    """Whether a parameter fulfils a clause; `leaf` judges what is special in nothing."""
    return _fits(clause, item, leaf, _Context())


def _fits(clause: Clause, item: Item, leaf: Leaf, context: _Context) -> bool:
    match clause:
        case And():
            return _all(clause.clauses, item, leaf, context)
        case Or():
            return any(_fits(one, item, leaf, context) for one in clause.clauses)
        case Compare(property="value"):
            return _value(clause, item, context.scale)
        case Compare() if _is_unit(clause):
            return _all((clause,), item, leaf, context)
        case _:
            return leaf(clause)


def _all(clauses: Iterable[Clause], item: Item, leaf: Leaf, context: _Context) -> bool:
    parts = tuple(clauses)
    context = replace(context, category=_category(parts) or context.category)
    units = [one for one in parts if isinstance(one, Compare) and _is_unit(one)]
    if not units:
        return all(_fits(one, item, leaf, context) for one in parts)
    rest = tuple(one for one in parts if one is not units[0])
    for operand in units[0].operands:
        scale = scale_of(str(operand), category=context.category)
        inner = replace(context, scale=scale)
        if _has_unit(str(operand), scale, item) and all(
            _fits(one, item, leaf, inner) for one in rest
        ):
            return True
    return False


def _is_unit(clause: Compare) -> bool:
    return (
        clause.property == "unit"
        and clause.operator in {"eq", "inq"}
        and bool(clause.operands)
        and None not in clause.operands
    )


def _category(clauses: Iterable[Clause]) -> str | None:
    for one in clauses:
        if isinstance(one, Compare) and one.property == "name" and one.operator == "eq":
            return category_of(str(one.operands[0]))
    return None


def scale_of_item(item: Item) -> Scale | None:
    """Return what the unit of a parameter means, None for a text and for an unknown unit."""
    unit, name = item.get("unit"), item.get("name")
    if number_of(item) is None or not isinstance(unit, str):
        return None
    return scale_of(unit, category=category_of(name) if isinstance(name, str) else None)


def number_of(item: Item) -> float | None:
    """Return the value of a parameter, None for a text."""
    value = item.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return as_number(value)


def _has_unit(unit: str, scale: Scale | None, item: Item) -> bool:
    if scale is not None:
        own = scale_of_item(item)
        return own is not None and own.si_unit == scale.si_unit
    given = item.get("unit")
    return bool(given == unit or (not unit.strip() and given is None))


def _value(comparison: Compare, item: Item, scale: Scale | None) -> bool:
    base = NEGATIVE.get(comparison.operator)
    operator = base or comparison.operator
    if operator in {"like", "ilike", "regexp"}:
        text, kind = _as_text(item), operator
        test = pattern_fits(kind, str(comparison.operands[0]), comparison.flags)
        found = text is not None and test(text)
    elif operator in {"eq", "inq"}:
        found = any(_equal(one, item, scale) for one in comparison.operands)
    else:
        found = _ordered(operator, comparison.operands, item, scale)
    return not found if base else found


def _as_text(item: Item) -> str | None:
    value, number = item.get("value"), number_of(item)
    if isinstance(value, str):
        return value
    if number is None:
        return None
    # as PostgreSQL prints it
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)  # noqa: PLR2004


def _equal(operand: Value, item: Item, scale: Scale | None) -> bool:
    value = item.get("value")
    if operand is None:
        return value is None
    number = as_number(operand)
    if number is not None and _number("between", [number, number], item, scale):
        return True
    return isinstance(operand, str) and isinstance(value, str) and value == operand


def _ordered(
    operator: Operator, operands: tuple[Value, ...], item: Item, scale: Scale | None
) -> bool:
    numbers = [one for one in map(as_number, operands) if one is not None]
    if len(numbers) == len(operands):
        return _number(operator, numbers, item, scale)
    value = item.get("value")
    return isinstance(value, str) and ordered(operator, value, [str(one) for one in operands])


def _number(operator: Operator, numbers: list[float], item: Item, scale: Scale | None) -> bool:
    value = number_of(item)
    if value is None:
        return False
    slack = [0.0] * len(numbers)
    if scale is not None:
        own = scale_of_item(item)
        if own is None:
            return False
        value = own.to_si(value)
        numbers = [scale.to_si(one) for one in numbers]
        slack = [abs(one) * TOLERANCE if math.isfinite(one) else 0.0 for one in numbers]
    outwards = {"gte": (-1,), "lt": (-1,), "gt": (1,), "lte": (1,)}.get(operator, (-1, 1))
    ends = [
        number + sign * width for number, sign, width in zip(numbers, outwards, slack, strict=True)
    ]
    return ordered(operator, value, ends)


def ordered(operator: Operator, value: Any, operands: Sequence[Any]) -> bool:
    """Return gt, gte, lt, lte or between."""
    first = operands[0]
    match operator:
        case "gt":
            return bool(value > first)
        case "gte":
            return bool(value >= first)
        case "lt":
            return bool(value < first)
        case "lte":
            return bool(value <= first)
        case _:
            return bool(first <= value <= operands[1])
