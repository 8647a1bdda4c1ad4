"""Whether a request changed anything, and undoing what it did."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from panosc.catalogue.people import metadata

_VOLATILE = {
    "account": ("seen",),
    "session": ("seen",),
    "token": ("used",),
    "device": ("polled",),
}
"""Columns that say when something was used last."""
_IGNORED = {"usage", "plot"}


class Keeper:
    """Keeps the database as it is now beside itself, and brings it back."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        connection.autocommit = True
        self._tables = [table for table in metadata.sorted_tables if table.name not in _IGNORED]
        connection.execute("create schema kept")
        for table in self._tables:
            connection.execute(
                f'create table kept."{table.name}" as table public."{table.name}"'.encode()
            )
        self._before = self.state()

    def state(self) -> dict[str, int]:
        """Return a number for the content of each table."""
        queries = []
        for table in self._tables:
            left_out = "{" + ",".join(_VOLATILE.get(table.name, ())) + "}"
            row = f"(to_jsonb(t) - '{left_out}'::text[])::text"
            queries.append(
                f"select '{table.name}', coalesce(sum(hashtextextended({row}, 0)), 0)"
                f' from public."{table.name}" t'
            )
        return dict(self._connection.execute(" union all ".join(queries).encode()).fetchall())

    def changed(self) -> list[str]:
        """Return the tables that are not what they were."""
        now = self.state()
        return [name for name, value in now.items() if value != self._before[name]]

    def restore(self, names: list[str]) -> None:
        """Bring tables back as they were."""
        if not names:
            return
        with self._connection.transaction():
            self._connection.execute("set local session_replication_role = replica")
            for table in self._tables:
                if table.name not in names:
                    continue
                kept = [c.name for c in table.columns if c.computed is None]
                listed = ", ".join(f'"{name}"' for name in kept)
                self._connection.execute(f'delete from public."{table.name}"'.encode())
                self._connection.execute(
                    f'insert into public."{table.name}" ({listed}) overriding system value '
                    f'select {listed} from kept."{table.name}"'.encode()
                )


@contextmanager
def kept(cluster: object, engine: sa.Engine) -> Iterator[Keeper]:
    """Keep the state of a node's database while a block runs."""
    with cluster.connect(engine.url.database, is_admin=True) as connection:
        yield Keeper(connection)
