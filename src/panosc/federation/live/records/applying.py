"""Conditions of a question, looked at on records as other catalogues answered them.

They mean what they mean in the database of this node (`search.sql`): the same operators, units
converted, techniques with all that is narrower. Who may see what is no matter here: what another
catalogue shows to anyone is open.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Model, Property
from panosc.domain.query import (
    NEGATIVE,
    And,
    Clause,
    Compare,
    Not,
    Operator,
    Or,
    Related,
    Text,
)
from panosc.federation.live.records.measuring import is_measured, ordered
from panosc.search.panet import PREFIX
from panosc.search.patterns import fits as pattern_fits
from panosc.search.sql.techniques import narrower, positive

Item = Mapping[str, Any]

_NAMED = frozenset({"pid", "panetId", "name"})
_PATTERNS = frozenset({"like", "ilike", "regexp"})
_ORDERED = frozenset({"gt", "gte", "lt", "lte", "between"})


def are_told(clause: Clause, model: str, items: Sequence[Item]) -> bool:
    """Whether records tell at all what a clause asks for.

    A property or a relation that none of them has was not sent, and says nothing.
    """
    match clause:
        case And() | Or():
            return all(are_told(one, model, items) for one in clause.clauses)
        case Not():
            return are_told(clause.clause, model, items)
        case Related():
            target = MODEL_BY_NAME[model].relation_by_name[clause.relation].target
            found = [one for item in items for one in related(item, clause.relation)]
            return bool(found) and are_told(clause.clause, target, found)
        case Compare():
            return any(item.get(clause.property) is not None for item in items)
        case Text():
            names = [one.name for one in MODEL_BY_NAME[model].properties if one.searchable]
            return any(item.get(name) is not None for item in items for name in names)


def fits(clause: Clause, model: str, item: Item) -> bool:
    """Whether a record fulfils a clause; what it does not tell, it does not have."""
    if model == "Parameter":
        return is_measured(clause, item, lambda leaf: _fits(leaf, model, item))
    return _fits(clause, model, item)


def related(item: Item, relation: str) -> list[Item]:
    """Return the related records inside a record, however a catalogue says that there is none."""
    found = item.get(relation)
    if isinstance(found, Mapping):
        return [found] if found else []
    if isinstance(found, list):
        return [one for one in found if isinstance(one, Mapping)]
    return []


def shown_tags(clause: Clause, tag: Item) -> bool | None:
    """Whether a technique fits a positive part of a clause; None where there is none."""
    match clause:
        case And() | Or():
            found = [shown_tags(one, tag) for one in clause.clauses]
            known = [one for one in found if one is not None]
            if isinstance(clause, Or) and (len(known) < len(found)):
                return None
            return any(known) if known or isinstance(clause, Or) else None
        case Compare() if clause.operator in NEGATIVE:
            return None
        case _:
            return _tag(clause, tag)


def _fits(clause: Clause, model: str, item: Item) -> bool:
    match clause:
        case And():
            return all(fits(one, model, item) for one in clause.clauses)
        case Or():
            return any(fits(one, model, item) for one in clause.clauses)
        case Not():
            return not fits(clause.clause, model, item)
        case Text():
            return _has_text(clause.words, MODEL_BY_NAME[model], item)
        case Compare():
            return compare(clause, MODEL_BY_NAME[model], item)
        case Related():
            return _related_fits(clause, MODEL_BY_NAME[model], item)


def _related_fits(clause: Related, model: Model, item: Item) -> bool:
    found = related(item, clause.relation)
    if clause.relation == "techniques":
        return bool(found) and _of_set(clause.clause, found)
    target = model.relation_by_name[clause.relation].target
    return any(fits(clause.clause, target, one) for one in found)


def compare(comparison: Compare, model: Model, item: Item) -> bool:
    """Whether a property of a record compares so; a denial is true of all else."""
    prop = model.property_by_name[comparison.property]
    value = item.get(prop.name)
    base = NEGATIVE.get(comparison.operator)
    operator = base or comparison.operator
    values = value if isinstance(value, list) else [value]
    if isinstance(value, list) and operator in {"eq", "inq"}:
        found = any(one in comparison.operands for one in values if one is not None)
    else:
        found = any(_positive(comparison, operator, prop, one) for one in values)
    return not found if base else found


def _positive(comparison: Compare, operator: Operator, prop: Property, value: Any) -> bool:
    operands: tuple[Any, ...] = comparison.operands
    if operator in {"eq", "inq"}:
        return any(_same(prop, value, one) for one in operands)
    if value is None:
        return False
    if operator in _PATTERNS:
        return isinstance(value, str) and _pattern(
            operator, str(operands[0]), comparison.flags, value
        )
    if prop.name == "id":
        value, operands = _numbered(str(value), operands)
        if value is None:
            return False
    if prop.kind == "time":
        value, operands = moment(value), tuple(moment(one) for one in operands)
    try:
        return ordered(operator, value, operands)
    except TypeError:
        # of another kind than it should be
        return False


def _same(prop: Property, value: Any, operand: Any) -> bool:
    if value is None or operand is None:
        return value is None and operand is None
    if prop.kind == "time":
        return moment(value) is not None and moment(value) == moment(operand)
    if prop.name == "id":
        return str(value) == str(operand)
    if isinstance(value, bool) != isinstance(operand, bool):
        return False
    return bool(value == operand)


def _numbered(value: str, operands: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Return identifiers as numbers where the question is about numbers."""
    if not all(_is_whole(str(one)) for one in operands):
        return value, tuple(map(str, operands))
    return int(value) if _is_whole(value) else None, tuple(int(str(one)) for one in operands)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18  # noqa: PLR2004


def moment(value: Any) -> datetime | None:
    """Return a time as catalogues write it; one without zone is in UTC. None for what is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _pattern(operator: Operator, pattern: str, flags: str, text: str) -> bool:
    kind: Any = operator
    return pattern_fits(kind, pattern, flags)(text)


def _has_text(words: str, model: Model, item: Item) -> bool:
    wanted = words.lower()
    for prop in model.properties:
        value = item.get(prop.name) if prop.searchable else None
        texts: Iterable[Any] = value if isinstance(value, list) else (value,)
        if any(wanted in one.lower() for one in texts if isinstance(one, str)):
            return True
    return False


def _of_set(clause: Clause, tags: Sequence[Item]) -> bool:
    """Whether the techniques of a dataset together fulfil a clause."""
    match clause:
        case And():
            return all(_of_set(one, tags) for one in clause.clauses)
        case Or():
            return any(_of_set(one, tags) for one in clause.clauses)
        case Compare() if clause.operator in NEGATIVE:
            return not any(_tag(positive(clause), tag) for tag in tags)
        case _:
            return any(_tag(clause, tag) for tag in tags)


def _tag(clause: Clause, tag: Item) -> bool:
    if not isinstance(clause, Compare):
        return _fits(clause, "Technique", tag)
    if compare(clause, MODEL_BY_NAME["Technique"], tag):
        return True
    if clause.property not in _NAMED:
        return False
    spelt = {spelling for one in narrower(clause) for spelling in (PREFIX + one, one)}
    if clause.property != "name" and clause.operator in {"eq", "inq"}:
        spelt |= {str(one) for one in clause.operands if one is not None}
    return tag.get("panetId") in spelt or tag.get("pid") in spelt
