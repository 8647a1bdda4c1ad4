"""Rows on their way into the tables: straight into empty ones, or merged by way of a stage.

Both ways run inside the caller's transaction, so a kill at any moment leaves nothing. Which
rows there are is the business of `writer` (a batch in memory) and `loading` (a folder).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from psycopg import sql

from panosc.catalogue.rows import Shape, table_of
from panosc.domain.entities import LINKS, MODEL_BY_NAME, MODELS
from panosc.domain.errors import Conflict, Invalid

BLOCK = 1 << 16
SHARED = frozenset({"Affiliation", "Person", "Instrument", "Technique", "Sample"})
"""Classes that many writers name: a line without a value keeps the value that is there."""
PARTS: dict[str, tuple[str, ...]] = {
    "Member": ("document_id", "dataset_id"),
    "Parameter": ("dataset_id", "document_id"),
    "File": ("dataset_id",),
    "DatasetSample": ("dataset_id",),
    "DatasetTechnique": ("dataset_id",),
    "DocumentDataset": ("dataset_id",),
}
"""What goes with a record and is replaced with it: class → columns of its owner."""
PACKAGE = "package"
"""Key of a link between a dataset and a package that was made of it at this node."""
ORDER: tuple[str, ...] = (*(model.name for model in MODELS), *LINKS)
"""Classes in an order in which each comes after those it refers to."""
SAID = ("access", "is_public", "embargo_until", "release_date")
"""What a guarded record says of access itself."""
DERIVED = ("mark", "core_at", "open_at")
"""What follows from that on the day it comes, and from what is decided later."""
FILLED: tuple[str, ...] = (*(table_of(name) for name in ORDER), "plot", "awaited")
"""The tables of the catalogue proper: what a load into an empty one fills, and goes with it."""


def driver(connection: sa.Connection) -> "psycopg.Connection[tuple[object, ...]]":
    """Return psycopg's own connection, for COPY."""
    found = connection.connection.driver_connection
    if not isinstance(found, psycopg.Connection):
        raise TypeError(found)
    return found


def copy_in(connection: sa.Connection, table: str, shape: Shape, lines: Iterable[str]) -> int:
    """Send `lines` of `shape` into `table`; return how many there were."""
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in shape.columns)
    command = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), columns)
    count, size, block = 0, 0, list[str]()
    with driver(connection).cursor() as cursor, cursor.copy(command) as copy:
        for line in lines:
            block.append(line)
            count += 1
            size += len(line)
            if size > BLOCK:
                copy.write("".join(block))
                block, size = [], 0
        copy.write("".join(block))
    return count


def is_empty(connection: sa.Connection) -> bool:
    """Whether the catalogue holds no record at all."""
    tables = {MODEL_BY_NAME[name].table for name in MODEL_BY_NAME}
    query = " union all ".join(f"(select 1 from {table} limit 1)" for table in sorted(tables))
    return connection.execute(sa.text(query)).first() is None


@contextmanager
def bare_tables(connection: sa.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Take keys and indexes off empty `tables`, and put them back over what came in.

    Building an index over a million rows once is several times faster than keeping it up to
    date row by row, and the cost stays proportional to the rows. The tables are locked.
    """
    names = ", ".join(f'"{table}"' for table in tables)
    # emptied in this transaction, so that COPY need not write them to the log as well
    connection.execute(sa.text(f"truncate {names}"))
    saved = connection.execute(_CONSTRAINTS, {"tables": list(tables)}).all()
    indexes = connection.execute(_INDEXES, {"tables": list(tables)}).all()
    for row in sorted(saved, key=lambda row: row.kind != "f"):
        connection.execute(sa.text(f'alter table "{row.place}" drop constraint "{row.name}"'))
    for row in indexes:
        connection.execute(sa.text(f'drop index "{row.name}"'))
    yield
    for row in indexes:
        connection.exec_driver_sql(row.definition)
    for row in sorted(saved, key=lambda row: row.kind == "f"):
        with connection.begin_nested():
            connection.exec_driver_sql(
                f'alter table "{row.place}" add constraint "{row.name}" {row.definition}'
            )


_CONSTRAINTS = sa.text(
    "select c.relname as place, k.conname as name, k.contype as kind,"
    " pg_get_constraintdef(k.oid) as definition"
    " from pg_constraint k join pg_class c on c.oid = k.conrelid"
    " where c.relname = any(:tables) and c.relnamespace = current_schema()::regnamespace"
    " and k.contype in ('p', 'u', 'f') order by c.relname, k.conname"
)
_INDEXES = sa.text(
    "select c.relname as name, pg_get_indexdef(i.indexrelid) as definition"
    " from pg_index i join pg_class c on c.oid = i.indexrelid"
    " join pg_class t on t.oid = i.indrelid"
    " where t.relname = any(:tables) and t.relnamespace = current_schema()::regnamespace"
    " and not exists (select from pg_constraint k where k.conindid = i.indexrelid)"
    " order by c.relname"
)


class Stage:
    """Temporary tables beside the real ones, from which a batch is merged in sets."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.filled: dict[str, Shape] = {}

    def fill(self, shape: Shape, lines: Iterable[str]) -> int:
        """Put `lines` beside the table of `shape`; return how many there were."""
        stage = f"stage_{shape.table}"
        columns = ", ".join(f'"{name}"' for name in shape.columns)
        self._run(f'drop table if exists pg_temp."{stage}"')
        self._run(
            f'create temporary table "{stage}" on commit drop as'
            f' select {columns} from "{shape.table}" with no data'
        )
        self.filled[shape.name] = shape
        return copy_in(self.connection, stage, shape, lines)

    def merge(self, *, replaced: frozenset[str]) -> set[tuple[str, int]]:
        """Bring everything staged into the tables, and forget it.

        Parameters
        ----------
        replaced : frozenset of str
            Parts of which the batch holds all that its records have.

        Returns
        -------
        set of (model, id)
            Records that are new or have changed, or whose parts were written.
        """
        touched: set[tuple[str, int]] = set()
        for name in ORDER:
            shape = self.filled.get(name)
            if shape is not None and shape.has_own_key:
                self._check_identity(shape)
                self._check_references(shape)
                touched |= {(name, key) for key in self._upsert(shape)}
        for name in ORDER:
            if name in PARTS and (name in self.filled or name in replaced):
                touched |= self._replace(name, whole=name in replaced)
        if "Location" in self.filled:
            self._locate(self.filled["Location"])
        self.filled = {}
        return touched

    def _run(self, statement: str) -> sa.CursorResult[tuple[object, ...]]:
        return self.connection.exec_driver_sql(statement)

    def _check_identity(self, shape: Shape) -> None:
        assert shape.model is not None  # noqa: S101 - only records have keys of their own
        key = shape.model.property_by_name[shape.model.key].column
        twice = self._run(
            f'select {key} from "stage_{shape.table}" group by id, {key}'
            " having count(*) > 1 limit 1"
        ).scalar()
        if twice is not None:
            raise Invalid(f"{shape.name} {twice} is there twice.", field=shape.model.key)
        other = self._run(
            f'select s.{key} as mine, t.{key} as theirs from "stage_{shape.table}" s'
            f' join "{shape.table}" t using (id) where s.{key} <> t.{key} limit 1'
        ).first()
        if other is not None:
            raise Conflict(f"{shape.name} {other.mine} has the key of {other.theirs}.")

    def _check_references(self, shape: Shape) -> None:
        for name, (column, target) in shape.references.items():
            table = MODEL_BY_NAME[target].table
            lost = self._run(
                f'select s."{column}" from "stage_{shape.table}" s where s."{column}" is not null'
                f' and not exists (select from "{table}" t where t.id = s."{column}") limit 1'
            ).scalar()
            if lost is not None:
                raise Dangling(shape.name, name, target, int(str(lost)))

    def _upsert(self, shape: Shape) -> list[int]:
        table, columns = shape.table, [name for name in shape.columns if name != "id"]
        names = ", ".join(f'"{name}"' for name in ("id", *columns))
        keep = shape.name in SHARED
        new = {
            name: f'coalesce(excluded."{name}", {table}."{name}")' if keep else f'excluded."{name}"'
            for name in columns
        }
        compared = columns
        if shape.model is not None and shape.model.guarded:
            # as long as the record says the same of access, time and decisions may have moved on
            compared = [name for name in columns if name not in DERIVED]
            same = f"({_row(table, SAID)}) is not distinct from ({_row('excluded', SAID)})"
            for name in DERIVED:
                new[name] = f'case when {same} then {table}."{name}" else {new[name]} end'
            if "mark_reason" in new:
                kept = f"case when {same} then {table}.mark_reason end"
                new["mark_reason"] = f"coalesce({new['mark_reason']}, {kept})"
        assigned = ", ".join(f'"{name}" = {value}' for name, value in new.items())
        before = _row(table, compared)
        after = ", ".join(new[name] for name in compared)
        # in the order of keys, so that two writers never wait for each other in a circle
        result = self._run(
            f'insert into "{table}" ({names}) select {names} from "stage_{table}" order by id'
            f" on conflict (id) do update set {assigned}, changed = now()"
            f" where ({before}) is distinct from ({after}) returning id"
        )
        return [int(str(row[0])) for row in result]

    def _replace(self, name: str, *, whole: bool) -> set[tuple[str, int]]:
        """Put the staged parts in the place of those that their owners had."""
        shape = self.filled.get(name)
        table = table_of(name)
        touched: set[tuple[str, int]] = set()
        for column in PARTS[name]:
            owner = column.removesuffix("_id").capitalize()
            selects = [] if shape is None else [f'select "{column}" as id from "stage_{table}"']
            if whole and owner in self.filled:
                selects.append(f'select id from "stage_{self.filled[owner].table}"')
            if not selects:
                continue
            owners = " union ".join(selects)
            # a dataset that comes anew stays in the packages that were made of it here
            kept = f" and key is distinct from '{PACKAGE}'" if name == "DocumentDataset" else ""
            self._run(f'delete from "{table}" where "{column}" in ({owners}){kept}')
            found = self._run(f"select id from ({owners}) o where id is not null")
            touched |= {(owner, int(str(row[0]))) for row in found}
        if shape is not None:
            self._check_references(shape)
            names = ", ".join(f'"{item}"' for item in shape.columns)
            ignore = " on conflict do nothing" if name in LINKS else ""
            self._run(
                f'insert into "{table}" ({names}) select {names} from "stage_{table}"{ignore}'
            )
        return touched

    def _locate(self, shape: Shape) -> None:
        self._check_references(shape)
        names = ", ".join(f'"{item}"' for item in shape.columns)
        assigned = ", ".join(f'"{item}" = excluded."{item}"' for item in shape.columns)
        self._run(
            f"insert into location ({names}) select distinct on (url, part) {names}"
            " from stage_location order by url, part"
            f" on conflict (url, part) do update set {assigned}"
        )


def _row(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f'{table}."{name}"' for name in columns)


class Dangling(Invalid):
    """A row names a record that is nowhere; `key` is the surrogate of its identifier."""

    def __init__(self, model: str, name: str, target: str, key: int) -> None:
        super().__init__(f"{model}.{name} names a {target} that does not exist.", field=name)
        self.model = model
        self.name = name
        self.target = target
        self.key = key
