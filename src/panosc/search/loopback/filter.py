"""A whole filter: ``where``, ``include``, ``order``, ``limit``, ``skip``, ``fields``, ``query``."""

from typing import Any

from panosc.domain.entities import MODEL_BY_NAME, Model
from panosc.domain.errors import BadFilter
from panosc.domain.query import Include, Order, Query, Word
from panosc.search.language.words import read_words
from panosc.search.loopback.where import Budget, property_of, read_where, shown, unknown

DEEPEST = 10
MOST_INCLUDES = 50
LARGEST = 2**31 - 1

_KEYS = ("where", "include", "order", "limit", "skip", "offset", "fields", "query")
_INCLUDE_KEYS = ("relation", "scope")
_DIRECTIONS = {"ASC": False, "DESC": True}
_MOST_WORDS = 1000


def read_filter(value: Any, model_name: str) -> Query:
    """Return the question that a filter object asks of a class.

    Raises
    ------
    BadFilter
        With the place of the first fault.
    """
    return _query(value, MODEL_BY_NAME[model_name], "", Budget(), 0)


def _query(value: Any, model: Model, place: str, budget: Budget, depth: int) -> Query:
    name = place or "filter"
    if value is None:
        return Query(model=model.name)
    if not isinstance(value, dict):
        raise BadFilter(f"The {name} {shown(value)} is not an object.", field=name)
    for key in value:
        if key not in _KEYS:
            here = _at(place, shown(key, quoted=False))
            raise unknown("key", key, f"The {name}", [*_KEYS], place=here)
    if value.get("skip") is not None and value.get("offset") is not None:
        raise BadFilter("skip and offset mean the same.", field=_at(place, "offset"))
    skip_key = "offset" if value.get("skip") is None else "skip"
    skip = _whole(value.get(skip_key), _at(place, skip_key), "offset/skip")
    return Query(
        model=model.name,
        where=read_where(
            value.get("where"),
            model,
            place=_at(place, "where"),
            budget=budget,
            is_related=depth > 0,
        ),
        includes=_includes(value.get("include"), model, _at(place, "include"), budget, depth),
        order=_orders(value.get("order"), model, _at(place, "order")),
        limit=_whole(value.get("limit"), _at(place, "limit"), "limit") or None,
        skip=skip or 0,
        fields=_fields(value.get("fields"), model, _at(place, "fields")),
        words=_words(value.get("query"), _at(place, "query")),
    )


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _includes(
    value: Any, model: Model, place: str, budget: Budget, depth: int
) -> tuple[Include, ...]:
    if value is None:
        return ()
    if depth >= DEEPEST:
        raise BadFilter(f"Includes are nested more than {DEEPEST} deep.", field=place)
    entries = value if isinstance(value, list) else [value]
    budget.includes += len(entries)
    if budget.includes > MOST_INCLUDES:
        raise BadFilter(f"There are more than {MOST_INCLUDES} includes.", field=place)
    return tuple(
        _include(entry, model, f"{place}[{index}]", budget, depth)
        for index, entry in enumerate(entries)
    )


def _include(value: Any, model: Model, place: str, budget: Budget, depth: int) -> Include:
    entry = {"relation": value} if isinstance(value, str) else value
    if not isinstance(entry, dict) or not isinstance(entry.get("relation"), str):
        raise BadFilter(
            f"{shown(value)} names no relation.",
            field=place,
            hint='Write {"relation": "name"}, with a "scope" where needed.',
        )
    for key in entry:
        if key not in _INCLUDE_KEYS:
            here = f"{place}.{shown(key, quoted=False)}"
            raise unknown("key", key, "An include", [*_INCLUDE_KEYS], place=here)
    relation = model.relation_by_name.get(entry["relation"])
    if relation is None:
        names = [*model.relation_by_name]
        raise unknown("relation", entry["relation"], model.name, names, place=f"{place}.relation")
    target = MODEL_BY_NAME[relation.target]
    scope = _query(entry.get("scope"), target, f"{place}.scope", budget, depth + 1)
    if scope.words:
        raise BadFilter("query belongs to the filter itself.", field=f"{place}.scope.query")
    return Include(relation=relation.name, scope=scope)


def _orders(value: Any, model: Model, place: str) -> tuple[Order, ...]:
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    if len(items) > len(model.properties):
        raise BadFilter("There are more sort keys than properties.", field=place)
    return tuple(
        order
        for index, item in enumerate(items)
        for order in _order(item, model, f"{place}[{index}]" if isinstance(value, list) else place)
    )


def _order(value: Any, model: Model, place: str) -> tuple[Order, ...]:
    if not isinstance(value, str):
        raise BadFilter(
            f"The order {shown(value)} is not a text.", field=place, hint='Write "title DESC".'
        )
    if not value.strip():
        return ()
    name, *rest = value.split()
    if len(rest) > 1 or (rest and rest[0].upper() not in _DIRECTIONS):
        raise BadFilter(f"The order {shown(value)} has invalid direction", field=place)
    prop = property_of(model, name, place=place)
    descending = bool(rest) and _DIRECTIONS[rest[0].upper()]
    return (Order(property=prop.name, descending=descending),)


def _whole(value: Any, place: str, what: str) -> int | None:
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 20:  # noqa: PLR2004
        text = int(text)
    if isinstance(text, bool) or not isinstance(text, int | float) or text < 0 or text % 1 != 0:
        raise BadFilter(
            f"The {what} parameter {shown(value)} is not valid",
            field=place,
            hint="It is a whole number, not negative; 0 or none at all means no limit.",
        )
    return min(int(text), LARGEST)


def _fields(value: Any, model: Model, place: str) -> frozenset[str] | None:
    """Return the properties to return; None for all of the standard."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        wanted = {
            key: _wanted(item, f"{place}.{shown(key, quoted=False)}") for key, item in value.items()
        }
    elif isinstance(value, list) or value is None:
        wanted = {}
        for item in value or ():
            if not isinstance(item, str):
                raise BadFilter(f"{shown(item)} is no property.", field=place)
            wanted[item] = True
    else:
        raise BadFilter(f"fields is a list or an object, not {shown(value)}.", field=place)
    for name in wanted:
        if name != "score" and name not in model.references and name not in model.relation_by_name:
            property_of(model, name, place=place)
    chosen = {name for name, keep in wanted.items() if keep}
    if chosen or not wanted:
        return frozenset(chosen) or None
    standard = {item.name for item in model.properties if item.standard}
    return frozenset(standard - wanted.keys())


def _wanted(value: Any, place: str) -> bool:
    found = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
    if found is None:
        raise BadFilter(f"Expected true or false, not {shown(value)}.", field=place)
    return found


def _words(value: Any, place: str) -> tuple[Word, ...]:
    if value is None:
        return ()
    if not isinstance(value, str) or len(value) > _MOST_WORDS:
        raise BadFilter(f"query is a text of at most {_MOST_WORDS} letters.", field=place)
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadFilter("The text holds a character that no text has.", field=place)
    return read_words(value, plain="any")
