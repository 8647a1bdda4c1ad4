"""Records as CSV (RFC 4180): one line each, units in the headings, safe to open in a spreadsheet.

A cell that a spreadsheet could take for a formula gets an apostrophe before it.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any

from panosc.domain.units import category_of, display, scale_of
from panosc.portal.pages.exports.records import Record
from panosc.portal.words import clean
from panosc.search.results import tidy

Cell = str | int | float | None
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_COLUMNS: tuple[tuple[str, Callable[[Record], Cell]], ...] = (
    ("pid", lambda record: record.pid),
    ("title", lambda record: record.title),
    ("people", lambda record: _joined(person.name for person in record.people)),
    ("facility", lambda record: record.facility),
    ("instrument", lambda record: record.instrument),
    ("techniques", lambda record: _joined(method.label for method in record.techniques)),
    ("panet", lambda record: _joined(method.id for method in record.techniques)),
    ("kind", lambda record: record.kind),
    ("access", lambda record: record.access),
    ("embargo until (UTC)", lambda record: record.until),
    ("measured (UTC)", lambda record: record.measured),
    ("released (UTC)", lambda record: record.released),
    ("size (bytes)", lambda record: record.size),
    ("licence", lambda record: record.licence),
    ("documents", lambda record: _joined(record.documents)),
    ("url", lambda record: record.url),
)


def lines(records: Iterable[Record], units: Mapping[str, str | None]) -> Iterator[str]:
    """Yield the file line by line.

    Parameters
    ----------
    records : iterable of Record
    units : mapping
        Parameter → the unit of its column, None where it has none.
    """
    names = [name for name, _ in _COLUMNS]
    names += [f"{name} ({display(unit)})" if unit else name for name, unit in units.items()]
    yield _line(names)
    for record in records:
        cells: list[Cell] = [cell(record) for _, cell in _COLUMNS]
        cells += [_measured(record, name, unit) for name, unit in units.items()]
        yield _line(cells)


def _line(cells: Sequence[Cell]) -> str:
    out = StringIO()
    csv.writer(out).writerow([safe(cell) if isinstance(cell, str) else cell for cell in cells])
    return out.getvalue()


def safe(text: str) -> str:
    """Return a text that no spreadsheet reckons with.

    Examples
    --------
    >>> safe("=1+1"), safe("1 = 1"), safe(" @SUM(A1)")
    ("'=1+1", '1 = 1', "' @SUM(A1)")
    """
    shown = clean(text)
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA) else shown


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(texts)


def _measured(record: Record, name: str, unit: str | None) -> Cell:
    """Return the values of a parameter: one number as a number, several joined."""
    values = [_value(item, unit) for item in record.parameters if item.get("name") == name]
    kept = list(dict.fromkeys(value for value in values if value not in {None, ""}))
    if len(kept) == 1:
        return kept[0]
    return _joined(str(value) for value in kept)


def _value(item: Mapping[str, Any], unit: str | None) -> Cell:
    """Return a value in the unit of its column, with its own unit where that is no such."""
    value, own = item.get("value"), item.get("unit")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None if value is None else str(value)
    category = category_of(item.get("name") or "")
    source = scale_of(own, category=category) if own else None
    target = scale_of(unit, category=category) if unit else None
    if source is not None and target is not None and source.si_unit == target.si_unit:
        return value if source == target else tidy(target.from_si(source.to_si(value)))
    return f"{value} {own}" if own else value
