"""What a stranger answered, as records that the rest of this node can rely on.

Known properties of the right kind stay, the rest goes; texts, lists and depth are bounded. A record
without an identifier is none.
"""

import math
from collections.abc import Mapping
from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Model, Property
from panosc.federation.live.records.applying import moment

MOST_RELATED = 1000
LONGEST_TEXT = 20_000
LONGEST_PID = 1000
DEEPEST = 4

Item = dict[str, Any]


def cleaned(given: object, model: str) -> Item | None:
    """Return a record with what of it can be used; None if it has no identifier."""
    found = _cleaned(given, MODEL_BY_NAME[model], DEEPEST) if isinstance(given, Mapping) else {}
    pid = found.get("pid", "")
    if not pid.strip() or not pid.isprintable() or len(pid) > LONGEST_PID:
        return None
    home = given.get("home") if isinstance(given, Mapping) else None
    if isinstance(home, str) and home.startswith(("https://", "http://")):
        found["home"] = home[:LONGEST_TEXT]
    return found


def _cleaned(given: Mapping[Any, Any], model: Model, depth: int) -> Item:
    found: Item = {}
    for prop in model.properties:
        value = _value(prop, given.get(prop.name))
        if value is not None:
            found[prop.name] = value
    if depth:
        for relation in model.relations:
            value = given.get(relation.name)
            target = MODEL_BY_NAME[relation.target]
            if relation.kind == "one" and isinstance(value, Mapping) and value:
                found[relation.name] = _cleaned(value, target, depth - 1)
            elif relation.kind != "one" and isinstance(value, list):
                found[relation.name] = [
                    _cleaned(one, target, depth - 1)
                    for one in value[:MOST_RELATED]
                    if isinstance(one, Mapping)
                ]
    return found


def _value(prop: Property, value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    match prop.kind:
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer" | "number":
            return _number(value)
        case "time":
            return value if moment(value) is not None else None
        case "list":
            texts = value if isinstance(value, list) else []
            return [one[:LONGEST_TEXT] for one in texts[:MOST_RELATED] if isinstance(one, str)]
        case _:
            is_flag = prop.kind == "scalar" and isinstance(value, bool)
            is_kept = prop.kind == "scalar" or prop.name == "id"
            return value if is_flag or (is_kept and _is_number(value)) else _text(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> Any:
    if _is_number(value):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:  # noqa: PLR2004
        return int(value)
    return None


def _text(value: Any) -> str | None:
    if _is_number(value):
        value = str(value)
    return value[:LONGEST_TEXT] if isinstance(value, str) else None
