"""One watcher a root: a lock in the database, which ends with the process that holds it.

A root is locked alone, the folders above it together with others: so two watchers never have the
same folder, also where the root of one lies in that of the other.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError


class RootLocks:
    """The locks of some roots, held by a connection of their own."""

    def __init__(self, engine: sa.Engine, roots: Sequence[str]) -> None:
        self._engine = engine
        self._roots = roots
        self._connection: sa.Connection | None = None

    def acquire(self) -> str | None:
        """Lock all roots; return the first that another watcher has, and then hold none.

        Raises
        ------
        DBAPIError
            If the database cannot be reached.
        """
        self.release()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            for root in self._roots:
                for folder in (root, *map(str, Path(root).parents)):
                    name = "pg_try_advisory_lock" + ("" if folder == root else "_shared")
                    held = sa.select(getattr(sa.func, name)(_key(folder)))
                    if not connection.scalar(held):
                        _free(connection)
                        return root
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        self._connection = connection
        return None

    @property
    def connection(self) -> sa.Connection:
        """The connection that holds them: what it writes, only their holder writes."""
        if self._connection is None:
            raise RuntimeError("the locks are not held")
        return self._connection

    def release(self) -> None:
        """Let others have the roots."""
        if self._connection is not None:
            held, self._connection = self._connection, None
            _free(held)


def _free(connection: sa.Connection) -> None:
    if not connection.invalidated:
        with suppress(SQLAlchemyError):
            connection.execute(sa.select(sa.func.pg_advisory_unlock_all()))
    with suppress(SQLAlchemyError):
        connection.close()


def _key(folder: str) -> int:
    digest = hashlib.blake2b(b"watch " + folder.encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)
