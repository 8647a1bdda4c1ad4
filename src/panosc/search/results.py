"""Rows become answers: records of the PaNOSC shape with their related records inside.

One statement per include and block of records, never one per record. Related records are
those that the include asks for; limit, skip and order of a scope hold for each record by
itself. How much one answer may hold is bounded.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from panosc.domain.entities import MODEL_BY_NAME, Model, Property, Relation
from panosc.domain.errors import TooLarge
from panosc.domain.query import Include, Query
from panosc.domain.units import Scale
from panosc.search.sql.clauses import Place, order_of, reachable, root, shown, start
from panosc.search.sql.columns import Viewer, column_of
from panosc.search.sql.parameters import asked_units

Item = dict[str, Any]
Run = Callable[[sa.Select[Any]], Sequence[sa.Row[Any]]]

MOST_RELATED = 100_000
"""Related records of one kind for a block of records, and within one answer."""

_EXACT = 2**53
_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")


@dataclass(slots=True)
class Record:
    """One record on its way into an answer."""

    row: Any
    item: Item
    weight: int = 1
    """How many records it holds, itself included."""
    related: dict[str, dict[int, "Record"]] = field(default_factory=dict)


class _TooMany(Exception):
    """A block of records has more related ones than are fetched at once."""


class Assembler:
    """Builds answers for one viewer; `run` executes a statement."""

    def __init__(self, run: Run, viewer: Viewer) -> None:
        self._run = run
        self._viewer = viewer

    def select(self, query: Query, place: Place) -> sa.Select[Any]:
        """Return the statement for the records themselves, without conditions."""
        return sa.select(*_columns(query, place))

    def items(self, query: Query, rows: Sequence[sa.Row[Any]]) -> list[Item]:
        """Return the answers behind `rows` of `select`, related records included.

        Raises
        ------
        TooLarge
            If a single record has more related ones than an answer holds.
        """
        model = MODEL_BY_NAME[query.model]
        properties = _properties(query, model)
        records = [Record(row=row, item=_item(properties, row)) for row in rows]
        try:
            self._attach(query, records)
        except _TooMany:
            if len(rows) > 1:
                half = len(rows) // 2
                return self.items(query, rows[:half]) + self.items(query, rows[half:])
            raise TooLarge(
                f"One {model.name} has more than {MOST_RELATED} related records.",
                limit=MOST_RELATED,
                hint='Give the include a limit: {"relation": …, "scope": {"limit": 100}}.',
            ) from None
        return [record.item for record in records]

    def _attach(self, query: Query, records: list[Record]) -> None:
        model = MODEL_BY_NAME[query.model]
        for include in query.includes:
            relation = model.relation_by_name[include.relation]
            for record in records:
                record.related.setdefault(relation.name, {})
            by_owner = self._owners(relation, model, records)
            if by_owner:
                self._fill(include, relation, model, by_owner)
        for record in records:
            _settle(record, model)
        if sum(record.weight for record in records) > 2 * MOST_RELATED:
            raise _TooMany

    def _owners(
        self, relation: Relation, model: Model, records: list[Record]
    ) -> dict[int, list[Record]]:
        """Return the records that may have related ones, by the key that leads there."""
        name = f"local_{relation.local}" if relation.kind == "one" else "id_"
        is_detail = relation.level == "detail" and model.guarded
        found: dict[int, list[Record]] = {}
        for record in records:
            key = getattr(record.row, name)
            if key is not None and (not is_detail or record.row.detail_):
                found.setdefault(key, []).append(record)
        return found

    def _fill(
        self, include: Include, relation: Relation, source: Model, by_owner: dict[int, list[Record]]
    ) -> None:
        statement = self._related(include, relation, source, list(by_owner))
        rows = self._run(statement.limit(MOST_RELATED + 1))
        if len(rows) > MOST_RELATED:
            raise _TooMany
        target = MODEL_BY_NAME[relation.target]
        units = asked_units(include.scope.where) if target.name == "Parameter" else []
        properties = _properties(include.scope, target)
        children: dict[int, Record] = {}
        for row in rows:
            if row.id_ not in children:
                children[row.id_] = Record(row=row, item=_item(properties, row, units))
        self._attach(include.scope, list(children.values()))
        for row in rows:
            child = children[row.id_]
            for owner in by_owner[row.owner_]:
                _put(owner.related[relation.name], row.id_, child)

    def _related(
        self, include: Include, relation: Relation, source: Model, keys: list[int]
    ) -> sa.Select[Any]:
        """Return the statement for the related records of `keys`, each with its owner."""
        scope, target = include.scope, MODEL_BY_NAME[relation.target]
        place = start(target, self._viewer)
        table = place.table
        owner: sa.ColumnElement[Any] = table.c.id
        statement = sa.select(*_columns(scope, place))
        if relation.kind == "many":
            owner = table.c[relation.remote]
        elif relation.kind == "link":
            link = root(relation.link)
            owner = link.c[relation.local]
            statement = statement.join_from(link, table, link.c[relation.remote] == table.c.id)
        wanted = owner == sa.any_(sa.literal(keys, sa.ARRAY(sa.BigInteger)))
        visible = reachable(relation, source, table, self._viewer)
        statement = statement.add_columns(owner.label("owner_")).where(
            wanted, *visible, shown(include, relation, table, self._viewer)
        )
        order = order_of(scope.order, place)
        if scope.limit is None and not scope.skip:
            return statement.order_by(*order)
        number = sa.func.row_number().over(partition_by=owner, order_by=order)
        inner = statement.add_columns(number.label("number_")).subquery()
        outer = sa.select(inner).where(inner.c.number_ > scope.skip).order_by(inner.c.number_)
        if scope.limit is not None:
            outer = outer.where(inner.c.number_ <= scope.skip + scope.limit)
        return outer


def _put(related: dict[int, Record], key: int, child: Record) -> None:
    """Add a related record; under two includes of one relation it shows what both ask for."""
    before = related.get(key)
    if before is not None:
        child = Record(
            row=child.row,
            item={**child.item, **before.item},
            weight=before.weight + child.weight,
        )
    related[key] = child


def _settle(record: Record, model: Model) -> None:
    for name, children in record.related.items():
        record.weight += sum(child.weight for child in children.values())
        items = [child.item for child in children.values()]
        if model.relation_by_name[name].kind != "one":
            record.item[name] = items
        elif items:
            record.item[name] = items[0]
    if record.weight > MOST_RELATED:
        raise _TooMany


def _properties(query: Query, model: Model) -> list[Property]:
    if query.fields is None:
        return [item for item in model.properties if item.standard]
    return [item for item in model.properties if item.name in query.fields]


def _columns(query: Query, place: Place) -> list[sa.ColumnElement[Any]]:
    """Return what has to be read: properties, keys of relations, whether detail is open."""
    model, table, viewer = place.model, place.table, place.viewer
    found: list[sa.ColumnElement[Any]] = [table.c.id.label("id_")]
    for prop in _properties(query, model):
        if prop.kind == "scalar":
            names = ("value_number", "value_text", "si_value", "si_unit")
            found += [table.c[name].label(f"{name}_") for name in names]
        else:
            found.append(column_of(prop, model, table, viewer).label(f"p_{prop.name}"))
    relations = [model.relation_by_name[item.relation] for item in query.includes]
    locals_ = {relation.local for relation in relations if relation.kind == "one"}
    found += [table.c[name].label(f"local_{name}") for name in sorted(locals_)]
    if model.guarded and any(relation.level == "detail" for relation in relations):
        found.append(viewer.may_detail(table).label("detail_"))
    return found


def _item(
    properties: Sequence[Property], row: Any, units: Sequence[tuple[str, Scale]] = ()
) -> Item:
    item: Item = {}
    asked: str | None = None
    for prop in properties:
        if prop.kind == "scalar":
            value, asked = _quantity(row, units)
        else:
            value = getattr(row, f"p_{prop.name}")
        if prop.name == "unit" and asked is not None:
            value = asked
        if value is not None:
            item[prop.name] = _shown(prop, value)
    return item


def _quantity(row: Any, units: Sequence[tuple[str, Scale]]) -> tuple[Any, str | None]:
    """Return value and unit as asked for; the unit None where it stays as stored."""
    if row.value_number_ is None:
        return row.value_text_, None
    if row.si_unit_ is not None:
        for unit, scale in units:
            if scale.si_unit == row.si_unit_:
                if unit == getattr(row, "p_unit", None):
                    break
                return tidy(scale.from_si(row.si_value_)), unit
    return tidy(row.value_number_), None


def tidy(number: float) -> float | int:
    """Return a whole number as an int, as JSON prints it."""
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def _shown(prop: Property, value: Any) -> Any:
    if prop.kind == "time":
        return timestamp(value)
    if prop.name == "id" and _WHOLE.fullmatch(value):
        return int(value)
    return value


def timestamp(time: datetime) -> str:
    """Return a time as the standard prints it: UTC, milliseconds, Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
