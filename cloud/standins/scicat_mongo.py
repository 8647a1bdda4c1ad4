"""As much of MongoDB, and of how SciCat asks it, as the stand-in for SciCat needs.

Values are compared within their type only, as MongoDB does: a text never equals a time. That is
what makes a filter of version 4 on dates find nothing, without a word.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

Json = Any
TIMES = frozenset({
    "createdAt", "updatedAt", "creationTime", "startTime", "endTime", "registeredTime",
    "timestamp", "dateOfPublishing",
})  # fmt: skip
_ISO = re.compile(r"\d{4}(-\d{2}(-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?)?)?")
_LOOSE = re.compile(r"[A-Za-z][A-Za-z() ]*[ -]\d{1,5}")
"""What ``new Date`` of JavaScript takes for a date as well, such as ``LoKI run 1``."""
_SPELLED = {
    "inq": "$in", "nin": "$nin", "and": "$and", "or": "$or", "like": "$regex", "ilike": "$regex",
    "gte": "$gte", "lte": "$lte", "gt": "$gt", "lt": "$lt",
}  # fmt: skip
_UNITS = {
    "m": (1.0, "m"), "mm": (1e-3, "m"), "nm": (1e-9, "m"), "angstrom": (1e-10, "m"),
    "Å": (1e-10, "m"), "K": (1.0, "K"), "mK": (1e-3, "K"), "s": (1.0, "s"), "ms": (1e-3, "s"),
    "eV": (1.602176634e-19, "J"), "keV": (1.602176634e-16, "J"),
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}


@lru_cache(maxsize=100_000)
def date_of(text: str, *, is_loose: bool = False) -> datetime | None:
    """Return the time that a text is for MongoDB's driver, or for JavaScript."""
    if not _ISO.fullmatch(text):
        return datetime(2001, 1, 1, tzinfo=UTC) if is_loose and _LOOSE.fullmatch(text) else None
    try:
        found = datetime.fromisoformat(text + "-01" * (2 - min(2, text.count("-"))))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def dated(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record as the database has it: with times, as far as they are asked for."""
    return {key: _time(key, value) for key, value in record.items()}


def _time(name: str, value: Json) -> Json:
    return (date_of(value) or value) if name in TIMES and isinstance(value, str) else value


def spelled(where: Json) -> Json:
    """Return a filter of version 3 as MongoDB's: whatever looks like a date becomes one."""
    if isinstance(where, dict):
        found = {_SPELLED.get(key, key): spelled(value) for key, value in where.items()}
        return found | ({"$options": "i"} if "ilike" in where else {})
    if isinstance(where, list):
        return [spelled(value) for value in where]
    if isinstance(where, str):
        return date_of(where, is_loose=True) or where
    return where


def cast(where: Json) -> Json:
    """Return a filter with times for the fields that are some, as the schema has them."""
    if isinstance(where, dict):
        return {
            key: _time(key, value) if isinstance(value, str) else _cast(key, value)
            for key, value in where.items()
        }
    return [cast(value) for value in where] if isinstance(where, list) else where


def _cast(name: str, value: Json) -> Json:
    if name in TIMES and isinstance(value, dict):
        return {key: _time(name, item) for key, item in value.items()}
    return cast(value)


def fits(record: Mapping[str, Json], where: Json) -> bool:
    """Return whether MongoDB finds a record by a filter."""
    if not isinstance(where, dict):
        return False
    for key, wanted in where.items():
        if key in {"$and", "$or", "$nor"}:
            inner = [fits(record, one) for one in wanted]
            found = all(inner) if key == "$and" else any(inner) is (key == "$or")
        elif key == "$text":
            found = has_words(record, wanted["$search"])
        else:
            found = _is(list(_at(record, key.split("."))), wanted)
        if not found:
            return False
    return True


def _at(record: Json, path: list[str]) -> Iterator[Json]:
    if isinstance(record, list):
        for one in record:
            yield from _at(one, path)
        if path:
            return
    if not path:
        yield record
    elif isinstance(record, dict) and path[0] in record:
        yield from _at(record[path[0]], path[1:])


def _is(values: list[Json], wanted: Json) -> bool:
    if not isinstance(wanted, dict) or not any(key.startswith("$") for key in wanted):
        return wanted in values or (wanted is None and not values)
    flags = re.IGNORECASE if "i" in str(wanted.get("$options", "")) else 0
    for key, operand in wanted.items():
        match key:
            case "$options":
                continue
            case "$in":
                found = any(value in operand for value in values)
            case "$nin":
                found = not any(value in operand for value in values)
            case "$eq":
                found = operand in values
            case "$regex":
                texts = [value for value in values if isinstance(value, str)]
                found = any(re.search(str(operand), value, flags) for value in texts)
            case _ if key in _ORDER:
                same = [value for value in values if _kind(value) == _kind(operand)]
                found = any(_ORDER[key](value, operand) for value in same)
            case _:
                found = False
        if not found:
            return False
    return True


def _kind(value: Json) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, dict | list):
        return "other"
    return "number" if isinstance(value, int | float) else type(value).__name__


def has_words(record: Json, search: str) -> bool:
    """Return whether a text search finds a record: one of the words, each phrase, no ``-word``."""
    told = " ".join(_texts(record)).lower()
    stems = {_stem(word) for word in re.findall(r"\w+", told)}
    phrases = re.findall(r'(-?)"([^"]*)"', search)
    rest = re.sub(r'-?"[^"]*"', " ", search)
    words = [word for word in rest.split() if not word.startswith("-")]
    without = [word[1:] for word in rest.split() if word.startswith("-")]
    if any(_stem(word) in stems for word in without):
        return False
    if any((phrase.lower() in told) is bool(minus) for minus, phrase in phrases):
        return False
    return bool(phrases) or any(
        _stem(piece) in stems for word in words for piece in re.findall(r"\w+", word)
    )


def _stem(word: str) -> str:
    return word.lower().rstrip("s")


def _texts(record: Json) -> Iterator[str]:
    if isinstance(record, str):
        yield record
    elif isinstance(record, dict | list):
        for value in record.values() if isinstance(record, dict) else record:
            yield from _texts(value)


def to_si(value: float, unit: str) -> tuple[float, str]:
    """Return a quantity in SI, as SciCat stores it; an unknown unit stays."""
    factor, si = _UNITS.get(unit, (1.0, unit))
    return float(f"{value * factor:.12g}"), si


def rewritten(tree: Json, path: list[str], unit: str) -> Json:
    """Return metadata as ``fullquery`` prints them: in the unit of the question, and rounded."""
    if not isinstance(tree, dict):
        return tree
    if path:
        key, *rest = path
        return tree | {key: rewritten(tree[key], rest, unit)} if key in tree else tree
    own = tree.get("unit")
    if not own or own == unit or own not in _UNITS or unit not in _UNITS:
        return tree
    value = to_si(tree["value"], own)[0] / _UNITS[unit][0]
    return tree | {"value": float(f"{value:.3g}"), "unit": unit}


_RELATIONS = {
    "GREATER_THAN": "$gt",
    "LESS_THAN": "$lt",
    "GREATER_THAN_OR_EQUAL": "$gte",
    "LESS_THAN_OR_EQUAL": "$lte",
}


def scientific(conditions: list[dict[str, Json]]) -> dict[str, Json]:
    """Return ``scientific`` conditions as SciCat makes them: of one name with a unit the last."""
    found: dict[str, Json] = {}
    either: list[dict[str, Json]] = []
    for one in conditions:
        key, rhs, unit = f"scientificMetadata.{one['lhs']}", one["rhs"], one.get("unit")
        sign = _RELATIONS.get(one["relation"])
        if sign and unit:
            value, si = to_si(float(rhs), unit)
            found |= {f"{key}.valueSI": {sign: value}, f"{key}.unitSI": {"$eq": si}}
        elif sign or one["relation"] == "EQUAL_TO_STRING":
            ends = ("", ".v", ".value")
            either.append({"$or": [{key + end: {sign or "$eq": rhs}} for end in ends]})
        elif one["relation"] == "EQUAL_TO_NUMERIC" and unit:
            value, si = to_si(float(rhs), unit)
            found |= {f"{key}.valueSI": {"$eq": value}, f"{key}.unitSI": {"$eq": si}}
        elif one["relation"] == "EQUAL_TO_NUMERIC":
            found[f"{key}.value"] = {"$eq": rhs}
    if len(either) == 1:
        found["$or"] = either[0]["$or"]
    elif either:
        found["$and"] = either
    return found
