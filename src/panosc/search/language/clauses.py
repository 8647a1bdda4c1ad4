"""Filters become clauses of the one query tree. Values have been read before."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from panosc.domain.query import Clause, Compare, Not, Operator, Related, Value, all_of, any_of
from panosc.search.language.ranges import Between, written_range
from panosc.search.language.spans import days, sizes, years


def where(
    *,
    fields: Mapping[str, tuple[str, ...]],
    ranges: Sequence[Between],
    texts: Sequence[tuple[str, str]],
    excluded: Iterable[tuple[str, str]],
) -> Clause:
    """Return the condition that all fields and parameters fit, and nothing excluded does."""
    parts = [_FIELDS[name](values) for name, values in fields.items()]
    measured: dict[str, list[Clause]] = {}
    for item in ranges:
        measured.setdefault(item.name, []).append(_in_range(item))
    for name, text in texts:
        measured.setdefault(name, []).append(_has_text(name, text))
    parts += [any_of(alternatives) for alternatives in measured.values()]
    banned: dict[str, list[str]] = {}
    for name, value in excluded:
        banned.setdefault(name, []).append(value)
    parts += [Not(_either(name, tuple(values))) for name, values in banned.items()]
    return all_of(parts)


def _either(name: str, values: tuple[str, ...]) -> Clause:
    if name in _FIELDS:
        return _FIELDS[name](values)
    return any_of([_measured(name, value) for value in values])


def _measured(name: str, value: str) -> Clause:
    found = written_range(name, value)
    return _has_text(name, value) if found is None else _in_range(found)


def _in_range(between: Between) -> Clause:
    parts: list[Clause] = [_is("name", between.name)]
    is_one = between.low is not None and between.low == between.high
    if is_one and not (between.above or between.below):
        parts.append(_is("value", between.low))
    else:
        low: Operator = "gt" if between.above else "gte"
        high: Operator = "lt" if between.below else "lte"
        ends = ((low, between.low), (high, between.high))
        parts += [
            Compare(property="value", operator=operator, operands=(end,))
            for operator, end in ends
            if end is not None
        ]
    if between.unit:
        parts.append(_is("unit", between.unit))
    return Related("parameters", all_of(parts))


def _has_text(name: str, text: str) -> Clause:
    return Related("parameters", all_of([_is("name", name), _like("value", text)]))


def _is(name: str, value: Value) -> Clause:
    return Compare(property=name, operator="eq", operands=(value,))


def _like(name: str, text: str) -> Clause:
    """Return that a property holds a text literally, whatever the case."""
    literal = re.sub(r"([\\%_])", r"\\\1", text)
    return Compare(property=name, operator="ilike", operands=(literal,))


def _in(name: str, values: tuple[str, ...]) -> Clause:
    return Compare(property=name, operator="inq", operands=values)


def _holding(name: str, values: tuple[str, ...]) -> Clause:
    return any_of([_like(name, value) for value in values])


def _people(values: tuple[str, ...]) -> Clause:
    names = [_like(name, value) for value in values for name in ("fullName", "lastName")]
    members = Related("members", Related("person", any_of(names)))
    # a dataset without people of its own is the work of those of its proposal
    return any_of([members, Related("documents", members)])


def _in_years(text: str) -> Clause:
    low, high = years(text) or (None, None)
    first = f"{low:04}" if low is not None else ""
    last = f"{high:04}" if high is not None else ""
    return _in_days("creationDate", f"{first}..{last}")


def _in_days(name: str, text: str) -> Clause:
    start, end = days(text) or (None, None)
    parts: list[Clause] = []
    if start is not None:
        parts.append(Compare(property=name, operator="gte", operands=(start,)))
    if end is not None:
        parts.append(Compare(property=name, operator="lt", operands=(end,)))
    return all_of(parts)


def _of_size(text: str) -> Clause:
    low, high = sizes(text) or (None, None)
    parts: list[Clause] = []
    if low is not None:
        parts.append(Compare(property="size", operator="gte", operands=(low,)))
    if high is not None:
        parts.append(Compare(property="size", operator="lte", operands=(high,)))
    return all_of(parts)


_FIELDS: dict[str, Callable[[tuple[str, ...]], Clause]] = {
    "facility": lambda values: Related("instrument", _in("facility", values)),
    "instrument": lambda values: Related("instrument", _in("pid", values)),
    "technique": lambda values: Related("techniques", _in("pid", values)),
    "kind": lambda values: _in("kind", values),
    "access": lambda values: _in("access", values),
    "year": lambda values: any_of([_in_years(value) for value in values]),
    "title": lambda values: _holding("title", values),
    "author": _people,
    "sample": lambda values: Related("samples", _holding("name", values)),
    "document": lambda values: Related("documents", _in("pid", values)),
    "pid": lambda values: _in("pid", values),
    "created": lambda values: any_of([_in_days("creationDate", value) for value in values]),
    "released": lambda values: any_of([_in_days("releaseDate", value) for value in values]),
    "bytes": lambda values: any_of([_of_size(value) for value in values]),
}
