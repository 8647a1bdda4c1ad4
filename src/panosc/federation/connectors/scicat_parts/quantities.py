"""Conditions on parameters as SciCat takes them: ``scientific``, which converts units itself.

A name with dots leads into a tree. Some versions spell its dots another way in ``scientific``, and
then find nothing; such a condition is asked as MongoDB's, of the values in SI that SciCat stores.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc.domain.query import And, Clause, Compare, Operator, Related
from panosc.domain.units import Scale, category_of, scale_of
from panosc.federation.connectors.scicat_parts.records import KEPT

Condition = dict[str, Any]
SIGNS: Mapping[Operator, str] = {"gt": "$gt", "gte": "$gte", "lt": "$lt", "lte": "$lte"}
_RELATIONS = {
    "$gt": "GREATER_THAN",
    "$gte": "GREATER_THAN_OR_EQUAL",
    "$lt": "LESS_THAN",
    "$lte": "LESS_THAN_OR_EQUAL",
}
_OURS = frozenset(KEPT.values())
_TREE = "scientificMetadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One end of a comparison of one parameter."""

    name: str
    sign: str
    value: float
    scale: Scale | None
    is_whole: bool
    """Whether this is all that was asked; of two ends only the first is."""

    @property
    def is_nested(self) -> bool:
        """Whether the name leads into a tree."""
        return "." in self.name

    def scientific(self) -> Condition:
        """Return it as SciCat's own kind of condition."""
        unit = "" if self.scale is None else self.scale.unit
        asked = {"lhs": self.name, "relation": _RELATIONS[self.sign], "rhs": self.value}
        return asked | {"unit": unit}

    def nested(self) -> Condition:
        """Return it as MongoDB's; it does not look at the unit, which others have to do."""
        value = self.value if self.scale is None else self.scale.to_si(self.value)
        ends = ("", ".value", ".v") if self.scale is None else (".valueSI",)
        paths = (self.name, self.name.replace(".", "%2E"))
        places = [f"{_TREE}.{path}{end}" for path in paths for end in ends]
        return {"$or": [{place: {self.sign: value}} for place in places]}


def quantity_of(clause: Clause) -> Quantity | None:
    """Return a comparison of a parameter, the first if there are two; None for anything else."""
    if not isinstance(clause, Related) or clause.relation != "parameters":
        return None
    told = _told(clause.clause)
    if told is None:
        return None
    name, values, unit = told
    first = values[0].operands[0]
    is_between = values[0].operator == "between"
    sign = "$gte" if is_between else SIGNS.get(values[0].operator)
    is_number = isinstance(first, int | float) and not isinstance(first, bool)
    if sign is None or not is_number or name in _OURS or name.endswith((".min", ".max")):
        return None
    scale = None if unit is None else scale_of(unit, category=category_of(name))
    if unit is not None and scale is None:
        return None
    assert isinstance(first, int | float)  # noqa: S101 - is_number
    is_whole = len(values) == 1 and not is_between
    return Quantity(name=name, sign=sign, value=first, scale=scale, is_whole=is_whole)


def _told(clause: Clause) -> tuple[str, list[Compare], str | None] | None:
    """Return name, comparisons of the value, and unit; None for any other kind of condition."""
    parts = clause.clauses if isinstance(clause, And) else (clause,)
    told: dict[str, list[Compare]] = {"name": [], "value": [], "unit": []}
    for part in parts:
        if not isinstance(part, Compare) or part.property not in told or not part.operands:
            return None
        told[part.property].append(part)
    named, units = told["name"], told["unit"]
    is_one = len(named) == 1 and bool(told["value"]) and len(units) <= 1
    if not is_one or any(one.operator != "eq" for one in (*named, *units)):
        return None
    unit = str(units[0].operands[0]) if units else None
    return str(named[0].operands[0]), told["value"], unit
