"""A line of an NDJSON catalogue becomes a line of PostgreSQL's COPY text format.

Every row of the catalogue passes here, a dozen million for a large one, so a shape is worked
out once per class and a row is then one pass over its columns. What a value cannot be is said
with its property; which line it was is added by whoever reads the lines.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from panosc.domain.access import guard_of
from panosc.domain.entities import LINKS, MODEL_BY_NAME, Kind, Model, Property
from panosc.domain.errors import Invalid
from panosc.domain.pid import surrogate
from panosc.domain.units import category_of, scale_of

Row = dict[str, Any]
NULL = "\\N"
_STAMPS = {"created", "changed"}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\ufffd"})
_LARGEST = 2**63 - 1


def _escaped(text: str) -> str:
    # isprintable is false for whatever needs an escape but the backslash, and is fast
    if "\\" not in text and text.isprintable():
        return text
    return text.translate(_ESCAPES)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _escaped(value)
    if value is None:
        return NULL
    if isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    raise Invalid("is not a text")


def _boolean(value: Any) -> str:
    if value is True:
        return "t"
    if value is False:
        return "f"
    if value is None:
        return NULL
    raise Invalid("is neither true nor false")


def _integer(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 != 0:
        raise Invalid("is not a whole number")
    if abs(value) > _LARGEST:
        raise Invalid("is larger than 2^63 - 1")
    return str(int(value))


def _number(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid("is not a number")
    return repr(float(value))


def moment(value: Any) -> datetime | None:
    """Return the time that ISO 8601 text says; without a zone it is UTC."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Invalid("is not a date and time of ISO 8601") from None


def _time(value: Any) -> str:
    found = moment(value)
    return NULL if found is None else found.isoformat()


def _list(value: Any) -> str:
    if value is None:
        return NULL
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Invalid("is not a list of texts")
    quoted = [item.replace("\\", "\\\\").replace('"', '\\"') for item in value]
    return _escaped("{" + ",".join(f'"{item}"' for item in quoted) + "}")


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    "text": _text,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "time": _time,
    "list": _list,
}


class Shape:
    """How rows of one class, or of one link, are written.

    Attributes
    ----------
    table : str
        Where they go.
    columns : tuple of str
        The columns of each line, in order.
    """

    def __init__(self, name: str, *, now: datetime) -> None:
        model = MODEL_BY_NAME.get(name)
        self.name = name
        self.now = now
        self.model = model
        self.table = table_of(name)
        self.references = model.references if model is not None else LINKS[name]
        self._key = model.key if model is not None else None
        self._plain = [] if model is None else _plain_properties(model)
        # a dump tells when a record came and changed; whoever loads it keeps the stamps itself
        self._known = {item for item, _, _ in self._plain} | set(self.references) | _STAMPS
        columns = [column for column, _ in self._columns()]
        self.columns = tuple(columns)
        self._last: dict[str, tuple[Any, str]] = {}

    @property
    def has_own_key(self) -> bool:
        """Whether rows are records, whose primary key comes from their identifier."""
        return self.model is not None and is_record(self.model)

    def _columns(self) -> list[tuple[str, str]]:
        columns: list[tuple[str, str]] = []
        if self.has_own_key:
            columns.append(("id", ""))
        columns += [(column, name) for name, (column, _) in self.references.items()]
        if self.model is None:
            self._known |= {"id"}
            return [*columns, ("key", "id")]
        columns += [(self.model.property_by_name[name].column, name) for name, _, _ in self._plain]
        if self.name == "Parameter":
            columns += [("value_number", ""), ("value_text", ""), ("si_value", ""), ("si_unit", "")]
            self._known |= {"value"}
        if self.model.guarded:
            columns += [("mark", ""), ("core_at", ""), ("open_at", "")]
        return columns if self.name == "Location" else [*columns, ("extra", "")]

    def line(self, row: Row) -> str:
        """Return one line for COPY.

        Raises
        ------
        Invalid
            If a value cannot be what its property is; `field` names the property.
        """
        cells: list[str] = []
        if self.has_own_key:
            cells.append(str(self.identity(row)))
        for name, (_, target) in self.references.items():
            cells.append(self._reference(name, target, row.get(name)))
        if self.model is None:
            cells.append(_text(row.get("id")))
            return "\t".join(cells) + "\n"
        name = ""
        try:
            for name, write, missing in self._plain:
                value = row.get(name)
                cells.append(missing(value) if value is None else write(value))
        except Invalid as error:
            raise Invalid(f"{name} {error.detail}.", field=name) from None
        if self.name == "Parameter":
            cells += _quantity(row)
        if self.model.guarded:
            cells += self._guard(row)
        if self.name != "Location":
            cells.append(self._extra(row))
        return "\t".join(cells) + "\n"

    def identity(self, row: Row) -> int:
        """Return the primary key of a record."""
        key = row.get(self._key or "")
        if not isinstance(key, str | int) or key == "" or isinstance(key, bool):
            raise Invalid(f"{self._key} is missing.", field=self._key)
        return surrogate(self.name, str(key))

    def _reference(self, name: str, target: str, value: Any) -> str:
        if value is None:
            if self.model is None or self.name in {"File", "Location"}:
                raise Invalid(f"{name} is missing.", field=name)
            return NULL
        last = self._last.get(name)
        # parts of one record stand together, so most lines name what the line before named
        if last is not None and last[0] == value:
            return last[1]
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise Invalid(f"{name} is not an identifier.", field=name)
        cell = str(surrogate(target, str(value)))
        self._last[name] = (value, cell)
        return cell

    def _guard(self, row: Row) -> list[str]:
        until = moment(row.get("embargoUntil") or row.get("releaseDate"))
        guard = guard_of(
            row.get("access"), is_public=row.get("isPublic") is True, until=until, now=self.now
        )
        return [guard.mark, _when(guard.core_at), _when(guard.open_at)]

    def _extra(self, row: Row) -> str:
        if row.keys() <= self._known:
            return NULL
        rest = {key: value for key, value in row.items() if key not in self._known}
        text = orjson.dumps(rest).decode().replace("\\u0000", "\ufffd")
        return text.translate(_ESCAPES)

    def unknown(self, row: Row) -> set[str]:
        """Return the keys of `row` that the data model does not have."""
        return set() if row.keys() <= self._known else row.keys() - self._known


@lru_cache(maxsize=64)
def _when(time: datetime) -> str:
    return time.isoformat()


def table_of(name: str) -> str:
    """Return the table of a class or a link of the data model."""
    model = MODEL_BY_NAME.get(name)
    if model is not None:
        return model.table
    return "_".join(column.removesuffix("_id") for column, _ in LINKS[name].values())


_Write = Callable[[Any], str]


def _plain_properties(model: Model) -> list[tuple[str, _Write, _Write]]:
    """Return (name, how a value is written, how the lack of one is) of each property."""
    return [
        (item.name, _WRITERS[item.kind], _when_missing(item))
        for item in model.properties
        if item.kind != "scalar"
    ]


def _when_missing(item: Property) -> _Write:
    cell = NULL if item.default is None else item.default

    def write(_value: Any) -> str:
        if item.required:
            raise Invalid("is missing")
        return cell

    return write


def is_record(model: Model) -> bool:
    """Whether the class has identifiers of its own, unlike parts such as files."""
    return model.key == "pid" or model.name in {"Person", "Affiliation"}


@lru_cache(maxsize=65536)
def _scale(name: str, unit: str) -> tuple[float, float, str] | None:
    scale = scale_of(unit, category=category_of(name))
    return None if scale is None else (scale.factor, scale.offset, scale.si_unit)


def _quantity(row: Row) -> list[str]:
    """Return the cells value_number, value_text, si_value, si_unit of a parameter."""
    value, name, unit = row.get("value"), str(row.get("name")), row.get("unit")
    if value is None or isinstance(value, str | bool):
        return [NULL, _text(value), NULL, NULL]
    if not isinstance(value, int | float):
        return [NULL, _escaped(orjson.dumps(value).decode()), NULL, NULL]
    number = float(value)
    scale = _scale(name, unit) if isinstance(unit, str) else None
    if scale is None or not math.isfinite(number):
        return [repr(number), NULL, NULL, NULL]
    return [repr(number), NULL, repr(number * scale[0] + scale[1]), scale[2]]
