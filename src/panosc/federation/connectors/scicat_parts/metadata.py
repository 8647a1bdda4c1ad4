"""Scientific metadata, a free tree, as parameters: a name, a value, a unit.

Names are paths with dots, as SciCat's ``metadataKeys`` gives them. What it calls a quantity is
an object with ``value`` and ``unit``, or ``v`` and ``u`` in old records; two values are a range.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from panosc.domain.units import scale_of
from panosc.federation.values import LONGEST, mapping, number, several, text

MOST = 5000
"""Parameters of one record."""
DEEPEST = 12
_QUANTITY = frozenset({"value", "v", "unit", "u"})
_RANGE = 2
_LONGEST_NAME = 500
Row = dict[str, Any]


def parameters(tree: object, warnings: list[str], *, before: str = "") -> list[Row]:
    """Return the parameters of a tree: rows without the record that they belong to.

    Examples
    --------
    >>> tree = {"cryo": {"temperature": {"value": 4, "unit": "K"}}, "mode": "fast"}
    >>> [(row["name"], row["value"], row.get("unit")) for row in parameters(tree, [])]
    [('cryo.temperature', 4, 'K'), ('mode', 'fast', None)]
    """
    rows: list[Row] = []
    for name, leaf in _leaves(mapping(tree), before, 0):
        if len(rows) >= MOST:
            warnings.append(f"Only the first {MOST} parameters were taken.")
            break
        found = _rows(name, leaf)
        if not found and leaf not in (None, "", [], {}):
            warnings.append(f"The parameter {name[:80]} has no value that can be used.")
        rows += found
    return rows


def _leaves(tree: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, leaf in tree.items():
        name = f"{before}.{key}" if before else str(key)
        is_tree = isinstance(leaf, dict) and leaf and not _QUANTITY & leaf.keys()
        if is_tree and depth < DEEPEST:
            yield from _leaves(leaf, name, depth + 1)
        else:
            yield name, leaf


def _rows(path: str, leaf: Any) -> list[Row]:
    name = text(path, _LONGEST_NAME)
    if name is None:
        return []
    given = leaf if isinstance(leaf, dict) else {"value": leaf}
    value = given.get("value", given.get("v"))
    unit = text(given.get("unit", given.get("u")), 100)
    if unit and scale_of(unit) is None and scale_of(text(given.get("unitSI")) or "") is not None:
        # SciCat knows units that we do not, and has told them in SI
        value, unit = given.get("valueSI"), text(given.get("unitSI"), 100)
    ends = [number(end) for end in several(value)]
    if len(ends) == _RANGE and None not in ends:
        named = zip(("min", "max"), ends, strict=True)
        return [_row(f"{name}.{end}", item, unit) for end, item in named]
    measured = number(value) if unit and isinstance(value, str) else None
    plain = _plain(value) if measured is None else measured
    return [] if plain is None else [_row(name, plain, unit)]


def _row(name: str, value: Any, unit: str | None) -> Row:
    return {"name": name, "value": value} | ({"unit": unit} if unit else {})


def _plain(value: Any) -> str | int | float | bool | None:
    """Return a value as one number or text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | dict) and value:
        words = [text(item) for item in several(value)]
        if words and None not in words:
            return text(", ".join(word or "" for word in words))
        try:
            return text(orjson.dumps(value)[:LONGEST].decode("utf-8", "ignore"))
        except TypeError:
            return None
    return text(value)
