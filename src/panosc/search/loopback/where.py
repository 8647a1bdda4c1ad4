"""A ``where`` becomes a clause: properties, operators and values checked one by one."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, get_args

from panosc.domain.entities import MODEL_BY_NAME, Model, Property
from panosc.domain.errors import BadFilter
from panosc.domain.query import (
    And,
    Clause,
    Compare,
    Not,
    Operator,
    Or,
    Related,
    Text,
    Value,
    all_of,
)
from panosc.search.patterns import BadPattern, split, translate

DEEPEST = 14
MOST_CLAUSES = 1000
MOST_VALUES = 5000
MOST_RELATIONS = 50
_SHOWN = 60

_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_PATTERNS = frozenset({"like", "nlike", "ilike", "nilike", "regexp"})
_LISTS = frozenset({"inq", "nin", "between"})
_NULLABLE = frozenset({"eq", "neq", "inq", "nin"})
_IGNORING_CASE: dict[str, Operator] = {"like": "ilike", "nlike": "nilike"}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR, _MONTH = re.compile(r"[0-9]{4}"), re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(slots=True)
class Budget:
    """How much of a question has been read; too much is refused."""

    clauses: int = 0
    values: int = 0
    includes: int = 0
    relations: int = 0

    def spend(self, place: str, *, clauses: int = 0, values: int = 0, relations: int = 0) -> None:
        """Count what was read at `place`."""
        self.relations += relations
        if self.relations > MOST_RELATIONS:
            raise BadFilter(
                f"There are more than {MOST_RELATIONS} conditions on related records.", field=place
            )
        self.clauses += clauses
        self.values += values
        if self.clauses > MOST_CLAUSES:
            raise BadFilter(f"There are more than {MOST_CLAUSES} conditions.", field=place)
        if self.values > MOST_VALUES:
            raise BadFilter(f"There are more than {MOST_VALUES} values.", field=place)


def read_where(
    value: Any,
    model: Model,
    *,
    place: str = "where",
    budget: Budget | None = None,
    is_related: bool = False,
) -> Clause:
    """Return the clause that a ``where`` object says about `model`.

    Parameters
    ----------
    is_related : bool
        Whether `model` is reached over a relation: there ``not`` is refused.

    Raises
    ------
    BadFilter
        With the place of the first fault.
    """
    if value is None:
        return And(())
    reader = _Reader(budget=budget or Budget())
    return reader.object(value, _Spot(model=model, place=place, is_related=is_related))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a condition stands."""

    model: Model
    place: str
    depth: int = 0
    is_related: bool = False

    def at(self, step: str) -> "_Spot":
        return replace(self, place=self.place + step)

    def below(self, step: str) -> "_Spot":
        return replace(self, place=self.place + step, depth=self.depth + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads objects of conditions out of one budget."""

    budget: Budget

    def object(self, value: Any, spot: _Spot) -> Clause:
        if not isinstance(value, dict):
            raise BadFilter(
                f"The where clause {shown(value)} is not an object.",
                field=spot.place,
                hint='Write {"property": value} or {"property": {"operator": value}}.',
            )
        if spot.depth > DEEPEST:
            raise BadFilter(f"Conditions are nested more than {DEEPEST} deep.", field=spot.place)
        clauses: list[Clause] = []
        for key, item in value.items():
            clauses += self._member(key, item, spot, spot.at(f".{shown(key, quoted=False)}"))
        return all_of(clauses)

    def _member(self, key: str, item: Any, spot: _Spot, here: _Spot) -> list[Clause]:
        model = spot.model
        if key in {"and", "or"}:
            return [self._several(key, item, here)]
        if key == "not" and key not in model.property_by_name:
            return [self._denied(item, here)]
        if key == "text" and "text" not in model.property_by_name:
            self.budget.spend(here.place, clauses=1)
            return [Text(_text(item, here.place))]
        if key in model.references:
            return [_reference(key, item, model, here.place, self.budget)]
        if key in model.relation_by_name and key not in model.property_by_name:
            return [self._related(key, item, here)]
        prop = property_of(model, key, place=here.place)
        return _property(prop, item, here.place, self.budget)

    def _several(self, key: str, item: Any, here: _Spot) -> Clause:
        if not isinstance(item, list):
            raise BadFilter(
                f"The {key} operator takes a list of conditions, not {shown(item)}.",
                field=here.place,
            )
        self.budget.spend(here.place, clauses=len(item))
        parts = [self.object(part, here.below(f"[{index}]")) for index, part in enumerate(item)]
        return all_of(parts) if key == "and" else Or(tuple(parts))

    def _denied(self, item: Any, here: _Spot) -> Clause:
        if here.is_related:
            raise BadFilter(
                "not belongs to the record that is looked for, not inside a relation.",
                field=here.place,
                hint='Write {"not": {"techniques": {…}}}, or neq, nin, nlike for one property.',
            )
        self.budget.spend(here.place, clauses=1)
        return Not(self.object(item, here.below("")))

    def _related(self, name: str, item: Any, here: _Spot) -> Clause:
        relation = here.model.relation_by_name[name]
        self.budget.spend(here.place, clauses=1, relations=1)
        target = MODEL_BY_NAME[relation.target]
        return Related(
            name, self.object(item, replace(here.below(""), model=target, is_related=True))
        )


def property_of(model: Model, name: Any, *, place: str) -> Property:
    """Return the property of `model` called `name`; otherwise say which there are."""
    found = model.property_by_name.get(name)
    if found is None:
        raise unknown("property", name, model.name, [*model.property_by_name], place=place)
    return found


def unknown(what: str, name: Any, owner: str, names: list[str], *, place: str) -> BadFilter:
    """Return the error for a name that does not exist, with the nearest that does."""
    near = get_close_matches(str(name)[:100], names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
    return BadFilter(f"{owner} has no {what} {shown(name)}.", field=place, hint=hint)


def shown(value: Any, *, quoted: bool = True) -> str:
    """Return a short printable form of what was sent."""
    text = value if isinstance(value, str) else repr(value)
    clean = "".join(letter if letter.isprintable() else "�" for letter in text[: _SHOWN + 1])
    short = clean if len(clean) <= _SHOWN else clean[: _SHOWN - 1] + "…"
    return f'"{short}"' if quoted and isinstance(value, str) else short


def _reference(key: str, item: Any, model: Model, place: str, budget: Budget) -> Clause:
    column, target = model.references[key]
    relation = next((one for one in model.relations if one.local == column), None)
    if relation is None or relation.kind != "one":
        raise unknown("property", key, model.name, [*model.property_by_name], place=place)
    owner = MODEL_BY_NAME[target]
    clauses = _property(owner.property_by_name[owner.key], item, place, budget)
    return Related(relation.name, all_of(clauses))


def _property(prop: Property, item: Any, place: str, budget: Budget) -> list[Clause]:
    if not isinstance(item, dict):
        if isinstance(item, list):
            raise BadFilter(
                f"{prop.name} is compared with a list.",
                field=place,
                hint=f'Write {{"{prop.name}": {{"inq": […]}}}} for any of several values.',
            )
        item = {"eq": item}
    names = [name for name in item if name != "options"]
    if not names:
        raise BadFilter(f"{prop.name} has no operator.", field=place, hint="Such as eq or like.")
    flags = _flags(item.get("options"), names, f"{place}.options")
    return [
        _compare(
            prop,
            name,
            item[name],
            place=f"{place}.{shown(name, quoted=False)}",
            budget=budget,
            flags=flags,
        )
        for name in names
    ]


def _flags(options: Any, names: list[str], place: str) -> str:
    if options is None or options == "":
        return ""
    if not isinstance(options, str) or not _PATTERNS.issuperset(names):
        raise BadFilter("options are letters such as i, beside like or regexp.", field=place)
    return "i" if "i" in options else ""


def _compare(
    prop: Property, name: str, value: Any, *, place: str, budget: Budget, flags: str
) -> Clause:
    if name not in _OPERATORS:
        raise unknown("operator", name, "A condition", [*_OPERATORS], place=place)
    operator: Operator = _IGNORING_CASE.get(name, name) if flags else name
    if name in _PATTERNS:
        budget.spend(place, clauses=1, values=1)
        return _pattern(prop, operator, value, place, flags)
    values = value if name in _LISTS else [value]
    if not isinstance(values, list) or (name == "between" and len(values) != 2):  # noqa: PLR2004
        wanted = "two values" if name == "between" else "a list of values"
        raise BadFilter(f"{name} takes {wanted}, not {shown(value)}.", field=place)
    budget.spend(place, clauses=1, values=len(values))
    if prop.kind == "boolean" and name not in _NULLABLE:
        raise BadFilter(f"{prop.name} is true or false: {name} does not apply.", field=place)
    operands = tuple(
        _value(prop, item, f"{place}[{index}]" if name in _LISTS else place, name)
        for index, item in enumerate(values)
    )
    return Compare(property=prop.name, operator=operator, operands=operands)


def _pattern(prop: Property, operator: Operator, value: Any, place: str, flags: str) -> Clause:
    if prop.kind not in {"text", "list", "scalar"}:
        raise BadFilter(
            f"{prop.name} is no text: {operator} does not apply.",
            field=place,
            hint="Use eq, gt, gte, lt, lte, between, inq …",
        )
    pattern = _text(value, place)
    if operator == "regexp":
        pattern, more = split(pattern)
        flags = "".join(sorted({*flags, *more}))
        try:
            translate(pattern, flags)
        except BadPattern as error:
            raise BadFilter(
                f"{shown(value)} is no regular expression that can be searched for. {error}",
                field=place,
            ) from None
    else:
        flags = ""
    return Compare(property=prop.name, operator=operator, operands=(pattern,), flags=flags)


def _value(prop: Property, value: Any, place: str, operator: str) -> Value:
    if value is None:
        if operator in _NULLABLE:
            return None
        raise BadFilter(f"{operator} needs a value, not null.", field=place)
    match prop.kind:
        case "text" | "list":
            return _text(value, place, loose=True)
        case "boolean":
            return _boolean(value, place)
        case "integer" | "number":
            return _number(value, place)
        case "time":
            return _time(value, place)
        case "scalar":
            numeric = isinstance(value, int | float) and not isinstance(value, bool)
            return value if numeric else _text(value, place, loose=True)


def _text(value: Any, place: str, *, loose: bool = False) -> str:
    if isinstance(value, bool) and loose:
        return "true" if value else "false"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value % 1 == 0 else str(value)
    if not isinstance(value, str):
        raise BadFilter(f"Expected a text, not {shown(value)}.", field=place)
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadFilter("The text holds a character that no text has.", field=place)
    return value


def _boolean(value: Any, place: str) -> bool:
    if isinstance(value, bool):
        return value
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise BadFilter(f"Expected true or false, not {shown(value)}.", field=place)
    return found


def _number(value: Any, place: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) and len(value) <= _SHOWN:
        number = float(value)
        return int(value) if value.strip().lstrip("+-").isdigit() else number
    raise BadFilter(f"Expected a number, not {shown(value)}.", field=place)


def _time(value: Any, place: str) -> datetime:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _EPOCH + timedelta(milliseconds=value)
        text = value.strip()
        if _YEAR.fullmatch(text):
            text += "-01-01"
        elif _MONTH.fullmatch(text):
            text += "-01"
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        raise BadFilter(
            f"{shown(value)} is no date and time.",
            field=place,
            hint="Write 2020-05-05 or 2020-05-05T15:01:02Z.",
        ) from None
