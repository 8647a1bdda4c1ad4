"""Writing the whole catalogue out as NDJSON: sorted, so that equal catalogues give equal bytes.

What it writes, `loading` reads. A dump is read in one snapshot while the node runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from panosc.catalogue import tables
from panosc.catalogue.database import unlimited
from panosc.catalogue.rows import is_record, table_of
from panosc.catalogue.staging import ORDER
from panosc.domain.entities import LINKS, MODEL_BY_NAME, Model

CHUNK = 5000
Beside = Callable[[sa.Connection, str], Iterable[Mapping[str, Any]]]
"""Yields the lines of ``Group`` or ``GroupMember``, sorted."""


def dump(
    engine: sa.Engine, folder: Path, *, bare: bool = False, beside: Beside | None = None
) -> dict[str, int]:
    """Write one file a class into `folder`; return how many lines each has.

    Parameters
    ----------
    engine : Engine
    folder : Path
        Made when it is not there; files of an earlier dump are replaced, each at once.
    bare : bool
        Leave out stamps and random identifiers: two runs over the same input then dump
        the same bytes.
    beside : callable, optional
        Tells of groups and their members; without it they are not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    with engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        unlimited(connection)
        for name in ORDER:
            _write(folder, name, rows(connection, name, bare=bare), counts)
        if beside is not None:
            for name in ("Group", "GroupMember"):
                _write(folder, name, map(_bare, beside(connection, name)), counts)
    return counts


def _write(
    folder: Path, name: str, found: Iterable[Mapping[str, Any]], counts: dict[str, int]
) -> None:
    path, partial = folder / f"{name}.ndjson", folder / f"{name}.ndjson.partial"
    with partial.open("wb") as out:
        for row in found:
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            counts[name] = counts.get(name, 0) + 1
    if name in counts:
        partial.replace(path)
    else:
        partial.unlink()
        path.unlink(missing_ok=True)


def _bare(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in row.items() if value is not None}


def rows(connection: sa.Connection, name: str, *, bare: bool) -> Iterator[dict[str, Any]]:
    """Yield the rows of one class in NDJSON shape and in a stable order."""
    model = MODEL_BY_NAME.get(name)
    select, keys = _link(name) if model is None else _class(model, bare=bare)
    for row in connection.execute(select.execution_options(yield_per=CHUNK)):
        out = {
            key: _plain(value) for key, value in zip(keys, row, strict=False) if value is not None
        }
        if model is not None and name != "Location":
            out |= row[len(keys)] or {}
        yield out


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, int) and abs(value) >= 2**63:
        # a float that the database's JSON spells without a point, too long for an integer
        return float(value)
    return value


def _identifier(target: str, join: sa.FromClause, column: Any) -> tuple[Any, sa.FromClause]:
    """Return the JSON identifier behind a reference `column`, and `join` with its table."""
    model = MODEL_BY_NAME[target]
    other = tables.metadata.tables[model.table].alias()
    key = other.c[model.property_by_name[model.key].column]
    return key, join.outerjoin(other, other.c.id == column)


def _link(name: str) -> tuple["sa.Select[Any]", list[str]]:
    columns = LINKS[name]
    table = tables.metadata.tables[table_of(name)]
    found: list[Any] = []
    join: sa.FromClause = table
    for column, target in columns.values():
        key, join = _identifier(target, join, table.c[column])
        found.append(key)
    return sa.select(*found).select_from(join).order_by(*found), list(columns)


def _access(table: sa.Table) -> sa.ColumnElement[Any]:
    """Return what a record says of access, or what was decided for good on a dataset.

    So that data which were withdrawn, erased or released are so wherever they are loaded.
    """
    if table is not tables.dataset:
        return table.c.access
    ruling = tables.ruling.c
    released = sa.case((ruling.released_at.is_not(None), "open"))
    return sa.func.coalesce(ruling.mark, released, table.c.access)


def _class(model: Model, *, bare: bool) -> tuple["sa.Select[Any]", list[str]]:
    table = tables.metadata.tables[model.table]
    join: sa.FromClause = table
    columns: list[Any] = []
    keys: list[str] = []
    references: list[Any] = []
    for name, (column, target) in model.references.items():
        key, join = _identifier(target, join, table.c[column])
        references.append(key)
        columns.append(key)
        keys.append(name)
    for item in model.properties:
        keys.append(item.name)
        if item.kind == "scalar":
            number = sa.func.to_jsonb(table.c.value_number)
            columns.append(sa.func.coalesce(number, sa.func.to_jsonb(table.c.value_text)))
        else:
            value = _access(table) if item.name == "access" else table.c[item.column]
            # a part that is the whole file is not told
            columns.append(sa.func.nullif(value, "") if item.name == "part" else value)
    if not bare and "created" in table.c:
        keys += ["created", "changed"]
        columns += [table.c.created, table.c.changed]
    own = table.c[model.property_by_name[model.key].column]
    if model.name == "Location":
        order = [own, table.c.part]
    else:
        order = [own] if is_record(model) else [*references, *columns]
    if model.name != "Location":
        columns.append(table.c.extra)
    if table is tables.dataset:
        join = join.outerjoin(tables.ruling, tables.ruling.c.dataset_id == table.c.id)
    return sa.select(*columns).select_from(join).order_by(*order), keys
