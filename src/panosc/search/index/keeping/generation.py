"""One generation of the index as its writer has it: it takes up changes, and remembers how far.

A kill at any moment costs work and nothing else: the position is written after what it stands
for, and a change that comes again replaces the same records by the same.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
import tantivy

from panosc.catalogue import changes
from panosc.catalogue.changes import Change, Follower
from panosc.catalogue.database import unlimited
from panosc.domain.errors import Conflict
from panosc.search.index import gathering, schema
from panosc.search.index.folder import Folder, Mark

BATCH = 5_000
"""Changes that are taken up together."""
CHUNK = 1_000
"""Records that are read together."""
HEAP_BYTES = 64_000_000


def follower_of(generation: str) -> Follower:
    """Return the follower that keeps the feed from being pruned before a generation has it."""
    return Follower(f"index:{generation}")


class Generation:
    """A generation that is written by this process, which holds the lock of the folder."""

    def __init__(self, engine: sa.Engine, folder: Folder, name: str, *, position: int = 0) -> None:
        self.name = name
        self.position = position
        self.check: Callable[[], None] = lambda: None
        """Is called between portions, and may raise to give up the changes at hand."""
        self._engine, self._folder = engine, folder
        self._fields = schema.build()
        self._index = tantivy.Index(self._fields, path=str(folder.path / name))
        self._index.config_reader("manual", 0)
        self._writer = self._index.writer(HEAP_BYTES, 1)
        # a commit that was killed left files whose names the next one would want
        self._writer.garbage_collect_files()

    @classmethod
    def taken_up(cls, engine: sa.Engine, folder: Folder) -> "tuple[Generation | None, str | None]":
        """Open the one in use to write on; or None, and why it cannot be used."""
        name = folder.current()
        if name is None:
            return None, "there is none"
        mark = folder.mark(name)
        if mark is None:
            return None, "it does not say what it is of"
        fault = mark.fault or _damage(folder.path / name)
        if fault is not None:
            return None, fault
        opened = cls(engine, folder, name, position=mark.position)
        fault = opened.foreign(mark)
        if fault is not None:
            opened.close()
            return None, fault
        return opened, None

    def foreign(self, mark: Mark) -> str | None:
        """Return why this is not an index of this database as it is; None if it is one."""
        with self._engine.connect() as connection:
            if follower_of(self.name).position(connection) is None:
                return "it is not an index of this database"
            if changes.last(connection) < mark.position:
                return "the database is older than it"
            before = changes.since(connection, mark.position - 1, limit=1)
            at = [change for change in before if change.number == mark.position]
            # one that was pruned was taken up before
            if at and mark.seal is not None and seal_of(at[0]) != mark.seal:
                return "the database has another history"
        return None

    def follow(self, limit: int = BATCH) -> int:
        """Take up the next changes; return how many there were.

        Changes and records are those of one moment.
        """
        with (
            self._engine.connect().execution_options(
                isolation_level="REPEATABLE READ"
            ) as connection,
            connection.begin(),
        ):
            found = changes.since(connection, self.position, limit=limit)
            if not found:
                return 0
            unlimited(connection)
            moment = moment_of(connection)
            searcher = self._index.searcher()
            for model, keys in gathering.touched(connection, found, searcher).items():
                self.replace(connection, model, keys)
        self.commit(found[-1].number, seal_of(found[-1]), moment)
        return len(found)

    def replace(self, connection: sa.Connection, model: str, keys: Iterable[int]) -> None:
        """Let the records with these keys stand in the index as they are now, or not at all."""
        waiting = iter(keys)
        while chunk := list(islice(waiting, CHUNK)):
            # by a query, as the deletion by a term takes a key for a signed number and finds none
            gone = tantivy.Query.term_set_query(self._fields, "key", chunk)
            self._writer.delete_documents_by_query(gone)
            self.add(connection, model, chunk)
            # one change of what many share takes minutes
            self.check()

    def add(self, connection: sa.Connection, model: str, keys: Iterable[int]) -> None:
        """Add the records with these keys, which are not in the index."""
        for document in gathering.documents(connection, model, keys):
            self._writer.add_document(document)

    def commit(self, position: int, seal: str | None, moment: str) -> None:
        """Make what was written last, and then that it is up to `position`."""
        self._writer.commit()
        self._index.reload()
        self._folder.write_mark(self.name, Mark(position=position, seal=seal, moment=moment))
        self.position = position
        with self._engine.begin() as connection:
            follower_of(self.name).start(connection, position)

    def close(self) -> None:
        """Let go of the index; what was not committed is lost."""
        # whoever keeps an exception keeps this object, but not the lock on the files
        self._writer = None  # type: ignore[assignment]

    def settle(self) -> None:
        """Wait until the merging of its segments has ended."""
        self._writer.wait_merging_threads()
        self._writer = self._index.writer(HEAP_BYTES, 1)


def _damage(path: Path) -> str | None:
    """Return why the files of an index cannot be used; None if they can."""
    try:
        if not tantivy.Index.exists(str(path)):
            return "its files are not there"
        # also finds that its fields are not those of this version
        tantivy.Index(schema.build(), path=str(path))
    except ValueError as error:
        return f"it is damaged: {error}"
    return None


def begin(engine: sa.Engine, generation: str) -> tuple[int, str | None]:
    """Let the feed wait for a new generation; return where it stands, with its seal."""
    with engine.begin() as connection:
        number = changes.last(connection)
        newest = changes.since(connection, number - 1, limit=1)
        try:
            follower_of(generation).start(connection, number)
        except Conflict:
            # pruned between two statements: then nothing before it matters, either
            number = changes.last(connection)
            follower_of(generation).start(connection, number)
    return number, seal_of(newest[0]) if newest and newest[0].number == number else None


def forget(engine: sa.Engine, folder: Folder, generation: str) -> None:
    """Delete a generation, and let the feed wait for it no more."""
    folder.remove(generation)
    with engine.begin() as connection:
        follower_of(generation).forget(connection)


def seal_of(change: Change) -> str:
    """Return what tells a change from one of the same number in another database."""
    return f"{change.model} {change.pid} {change.at.isoformat()}"


def moment_of(connection: sa.Connection) -> str:
    """Return the time of the database: whatever this transaction sees was made before it."""
    # not `now()`: that is when the transaction began, before its first statement decided on what
    # it sees
    return str(connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().isoformat())
