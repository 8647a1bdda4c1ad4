"""What the index does not know yet: the records that were changed after its position.

Its answers leave them out, so that they are never older than the catalogue without saying so.
"""

import threading
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from tantivy import Query, Searcher

from panosc.catalogue import changes, tables
from panosc.domain.pid import surrogate
from panosc.search.index.documents import SCHEMA
from panosc.search.index.gathering import keys_at
from panosc.search.index.schema import MODELS

MOST = 2_000
"""Of more changed records than this, those are left aside that are not in the index at all."""
FILTERED = ("Instrument", "Technique")
"""Shared records by which others are filtered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The records whose documents in the index may be out of date."""

    keys: tuple[int, ...] = ()
    """Their keys, in order; of very many only of those that are in the index."""
    is_partial: bool = False
    """Whether some were left aside."""
    shared: frozenset[tuple[str, int]] = frozenset()
    """Class and key of the instruments and techniques that changed."""

    def __bool__(self) -> bool:
        return bool(self.keys)


@dataclass
class _Feed:
    """The feed behind one position, as far as it was read: it is read on, never again."""

    position: int
    newest: int
    changes: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Class and number of the last change of each record, by its key."""

    def read(self, connection: sa.Connection, newest: int) -> None:
        """Take up what has come since."""
        feed = tables.changes.c
        asked = (
            sa.select(feed.model, feed.pid, sa.func.max(feed.number).label("last"))
            .where(feed.number > self.newest, feed.model.in_((*MODELS, *FILTERED)))
            .group_by(feed.model, feed.pid)
        )
        for row in connection.execute(asked):
            self.changes[surrogate(row.model, row.pid)] = row.model, row.last
        self.newest = newest

    def forget(self, position: int) -> None:
        """Drop what an index at `position` knows."""
        self.position = position
        self.changes = {key: one for key, one in self.changes.items() if one[1] > position}

    def pending(self, searcher: Searcher) -> Pending:
        """Return what an index at the position does not know."""
        keys = [key for key, (model, _) in self.changes.items() if model in MODELS]
        kept = keys
        if len(keys) > MOST:
            there = searcher.search(Query.term_set_query(SCHEMA, "key", keys), len(keys)).hits
            kept = list(keys_at(searcher, [address for _, address in there]))
        shared = ((model, key) for key, (model, _) in self.changes.items() if model in FILTERED)
        return Pending(
            keys=tuple(sorted(kept)),
            is_partial=len(kept) < len(keys),
            shared=frozenset(shared),
        )


class _Lagging:
    """Finds what is pending, once for all who ask at the same position of index and feed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._feeds: WeakKeyDictionary[sa.Pool, _Feed] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[sa.Pool, tuple[Searcher, int, Pending]]
        self._known = WeakKeyDictionary()

    def pending(self, connection: sa.Connection, position: int, searcher: Searcher) -> Pending:
        """Return what an index at `position` does not know."""
        newest = changes.last(connection)
        if newest <= position:
            return Pending()
        # a pool is of one database; all who ask wait for the first, who does the work for them
        pool = connection.engine.pool
        with self._lock:
            feed = self._feeds.get(pool)
            if feed is None or not feed.position <= position <= feed.newest:
                feed = self._feeds[pool] = _Feed(position=position, newest=position)
            if newest > feed.newest:
                # what one reads that another does not see yet is looked at in the database
                feed.read(connection, newest)
            if position > feed.position:
                feed.forget(position)
            known = self._known.get(pool)
            if known is None or known[0] is not searcher or known[1] != feed.newest:
                known = self._known[pool] = searcher, feed.newest, feed.pending(searcher)
            return known[2]


_lagging = _Lagging()
pending = _lagging.pending
