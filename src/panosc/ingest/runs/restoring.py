"""Records as they should be, in tables beside the real ones, and how the real ones become so.

Undoing fills these tables from images, an edit with copies that it works on. Only what differs is
written, so that ten thousand records with one change each take one row each.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from panosc.catalogue.staging import DERIVED, SAID
from panosc.domain.entities import MODEL_BY_NAME
from panosc.ingest.runs.images import PARTS, RECORDS, Part, columns_of, table_of

PREFIX = "want_"
_STAMPS = ("created", "changed")


class Wanted:
    """Tables ``want_…`` with records and parts as they should be, until the transaction ends."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.made: set[str] = set()

    def make(self, table: str) -> None:
        """Make the table beside `table`, empty."""
        if table not in self.made:
            self.made.add(table)
            self._run(f"drop table if exists pg_temp.{PREFIX}{table}")
            self._run(
                f"create temporary table {PREFIX}{table} on commit drop as"
                f' select * from "{table}" with no data'
            )

    def from_images(self, source: str) -> None:
        """Take the records over whose images stand in the table `source` (model, pid, before)."""
        for model in RECORDS:
            table = table_of(model)
            if not self._any(f"select from {source} where model = '{model}' limit 1"):
                continue
            self.make(table)
            columns = columns_of(table)
            names = _names(columns)
            self._run(
                f"insert into {PREFIX}{table} ({names}) select {_names(columns, 'o')}"
                f" from {source} s, jsonb_populate_record(null::\"{table}\", s.before->'row') o"
                f" where s.model = '{model}' and s.before is not null"
            )
            for part in PARTS.get(model, ()):
                self.make(part.table)
                columns = columns_of(part.table)
                self._run(
                    f"insert into {PREFIX}{part.table} ({_names(columns)})"
                    f" select {_names(columns, 'o')} from {source} s,"
                    f" jsonb_populate_recordset(null::{part.table},"
                    f" coalesce(s.before->'{part.name}', '[]')) o"
                    f" where s.model = '{model}' and s.before is not null"
                )
        if "dataset" in self.made:
            # what was decided on a dataset is laid over it anew: `rulings.apply`
            self._run(
                f"update {PREFIX}dataset w set mark = case when access in ('withdrawn', 'erased')"
                " then access else 'normal' end, mark_reason = case when exists"
                f" (select from {source} s where s.model = 'Dataset' and s.pid = w.pid"
                " and s.before->>'ruled' is not null) then null else mark_reason end"
            )

    def copy(self, model: str, chosen: str, *, parts: Iterable[str] = ()) -> None:
        """Take copies of the records whose keys the SQL `chosen` gives, and of some parts."""
        table = table_of(model)
        self.make(table)
        self._run(f'insert into {PREFIX}{table} select * from "{table}" where id in ({chosen})')
        for part in PARTS.get(model, ()):
            if part.name in parts:
                self.make(part.table)
                self._run(
                    f"insert into {PREFIX}{part.table} select * from {part.table}"
                    f" where {part.owner} in (select id from {PREFIX}{table})"
                )

    def write(self) -> None:
        """Let the real tables be so, for the records and those of their parts that are here."""
        for model in RECORDS:
            if table_of(model) in self.made:
                self._settle_record(model)
        for model, parts in PARTS.items():
            if table_of(model) in self.made:
                for part in parts:
                    if part.table in self.made:
                        self._settle_part(part, f"{PREFIX}{table_of(model)}")

    def _settle_record(self, model: str) -> None:
        table = table_of(model)
        names = columns_of(table)
        new = {name: f"excluded.{_name(name)}" for name in names if name not in {"id", *_STAMPS}}
        compared = list(new)
        if MODEL_BY_NAME[model].guarded:
            # as long as the record says the same of access, time and decisions may have moved on
            said = " and ".join(
                f'"{table}".{_name(name)} is not distinct from excluded.{_name(name)}'
                for name in SAID
            )
            compared = [name for name in compared if name not in DERIVED]
            for name in DERIVED:
                new[name] = f'case when {said} then "{table}".{name} else excluded.{name} end'
        assigned = ", ".join(f"{_name(name)} = {value}" for name, value in new.items())
        differs = " or ".join(
            f'"{table}".{_name(name)} is distinct from excluded.{_name(name)}' for name in compared
        )
        self._run(
            f'insert into "{table}" ({_names(names)})'
            f" select {_names(names)} from {PREFIX}{table} order by id"
            f" on conflict (id) do update set {assigned}, changed = now() where {differs}"
        )

    def _settle_part(self, part: Part, owners: str) -> None:
        table, want = part.table, f"{PREFIX}{part.table}"
        names = columns_of(table)
        mine = f"p.{part.owner} in (select id from {owners})"
        if part.other:
            match = f"w.{part.owner} = p.{part.owner} and w.{part.other} = p.{part.other}"
            self._run(
                f"delete from {table} p where {mine} and not exists"
                f" (select from {want} w where {match})"
            )
            self._run(
                f"insert into {table} ({_names(names)}) select {_names(names)} from {want} w"
                f" where w.{part.owner} is not null on conflict do nothing"
            )
            return
        self._run(f"create index on {want} (id)")
        self._run(f"analyze {want}")
        self._run(
            f"delete from {table} p where {mine} and not exists"
            f" (select from {want} w where w.id = p.id)"
        )
        values = [name for name in names if name != "id"]
        assigned = ", ".join(f"{_name(name)} = w.{_name(name)}" for name in values)
        differs = " or ".join(
            f"p.{_name(name)} is distinct from w.{_name(name)}" for name in values
        )
        self._run(
            f"update {table} p set {assigned} from {want} w"
            f" where w.id = p.id and w.{part.owner} is not null and ({differs})"
        )
        self._run(
            f"insert into {table} ({_names(names)}) select {_names(names)} from {want} w"
            f" where w.id is not null and w.{part.owner} is not null"
            f" and not exists (select from {table} p where p.id = w.id)"
        )
        self._run(
            f"insert into {table} ({_names(values)}) select {_names(values)} from {want} w"
            f" where w.id is null and w.{part.owner} is not null"
        )

    def _run(self, statement: str) -> "sa.CursorResult[tuple[object, ...]]":
        return self.connection.exec_driver_sql(statement)

    def _any(self, statement: str) -> bool:
        return self._run(statement).first() is not None


def _name(column: str) -> str:
    return f'"{column}"'


def _names(columns: Iterable[str], alias: str = "") -> str:
    return ", ".join(f"{alias}.{_name(name)}" if alias else _name(name) for name in columns)
