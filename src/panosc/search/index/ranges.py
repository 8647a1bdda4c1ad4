"""Which numbers a condition on parameters asks for, as one range; the same ends as `search.sql`.

Only what is one range of one parameter has an answer here: any value of a record that lies in it
fulfils the whole condition.
"""

import math
from dataclasses import dataclass

from panosc.domain.query import And, Clause, Compare, Operator
from panosc.domain.units import Scale, category_of, scale_of
from panosc.search.index.schema import slot
from panosc.search.sql.parameters import TOLERANCE, as_number

LARGEST = 1.7976931348623157e308
"""Stands for infinity, which the index cannot hold."""
_OUTWARDS = {"gte": (-1,), "lt": (-1,), "gt": (1,), "lte": (1,), "between": (-1, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A range of the field at `path`; `is_above` and `is_below` leave out the ends."""

    path: str
    low: float = -LARGEST
    high: float = LARGEST
    is_above: bool = False
    is_below: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no number lies in it."""
        return self.low > self.high or (self.low == self.high and (self.is_above or self.is_below))


def wanted(clause: Clause) -> Wanted | None:
    """Return the range that a condition on parameters asks for; None if it is not one range."""
    parts = clause.clauses if isinstance(clause, And) else (clause,)
    names: list[str] = []
    units: list[str] = []
    values: list[Compare] = []
    for part in parts:
        match part:
            case Compare(property="name", operator="eq", operands=(str(name),)):
                names.append(name)
            case Compare(property="unit", operator="eq", operands=(str(unit),)):
                units.append(unit)
            case Compare(property="value"):
                values.append(part)
            case _:
                return None
    if len(names) != 1 or len(units) > 1 or not values:
        return None
    scale: Scale | None = None
    path = f"plain.{slot(names[0])}"
    if units:
        scale = scale_of(units[0], category=category_of(names[0]))
        if scale is None:
            return None
        path = f"si.{slot(names[0], scale.si_unit)}"
    return _narrowed(path, values, scale)


def _narrowed(path: str, values: list[Compare], scale: Scale | None) -> Wanted | None:
    found = Wanted(path=path)
    for compare in values:
        operator: Operator = compare.operator
        operands = compare.operands
        if operator in {"eq", "inq"}:
            if len(compare.operands) != 1 or isinstance(compare.operands[0], str):
                return None
            operator, operands = "between", (operands[0], operands[0])
        numbers = [as_number(item) for item in operands]
        known = [item for item in numbers if item is not None and not math.isnan(item)]
        if operator not in _OUTWARDS or len(known) != len(numbers):
            return None
        ends = _ends(operator, known, scale)
        if any(abs(end) >= LARGEST for end in ends):
            # the index holds infinity for the largest number
            return None
        found = _between(found, operator, ends)
    return found


def _ends(operator: str, numbers: list[float], scale: Scale | None) -> list[float]:
    if scale is None:
        return numbers
    in_si = [scale.to_si(item) for item in numbers]
    slack = [abs(item) * TOLERANCE if math.isfinite(item) else 0.0 for item in in_si]
    return [
        number + sign * width
        for number, sign, width in zip(in_si, _OUTWARDS[operator], slack, strict=True)
    ]


def _between(before: Wanted, operator: str, ends: list[float]) -> Wanted:
    low, high, is_above, is_below = before.low, before.high, before.is_above, before.is_below
    first, last = ends[0], ends[-1]
    if operator in {"gt", "gte", "between"}:
        is_above = max((low, is_above), (first, operator == "gt"))[1]
        low = max(low, first)
    if operator in {"lt", "lte", "between"}:
        is_below = min((high, not is_below), (last, operator != "lt"))[1] is False
        high = min(high, last)
    return Wanted(path=before.path, low=low, high=high, is_above=is_above, is_below=is_below)
