"""What the index does not know yet: the records that were changed after its position.

Its answers leave them out, so that they are never older than the catalogue without saying so.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from panosc.catalogue import changes, tables
from panosc.catalogue.tables import metadata
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.pid import surrogate
from panosc.search.index.schema import MODELS

MOST = 2_000
"""Of more changed records than this, those are left aside that are too new to be in the index."""
FILTERED = ("Instrument", "Technique")
"""Shared records by which others are filtered."""
_UNKNOWN = sa.null().label("created")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The records whose documents in the index may be out of date."""

    keys: tuple[int, ...] = ()
    """Their keys, in order; of very many only of those that may be in the index."""
    is_partial: bool = False
    """Whether some were left aside."""
    shared: frozenset[tuple[str, int]] = frozenset()
    """Class and key of the instruments and techniques that changed."""

    def __bool__(self) -> bool:
        return bool(self.keys)


@dataclass(slots=True)
class _Change:
    """What the feed tells of one record."""

    last: int
    """Number of its last change."""
    created: datetime | None
    """When it was first written; None: unknown, or it was deleted meanwhile."""


@dataclass
class _Feed:
    """The feed behind one position, as far as it was read: it is read on, never again."""

    position: int
    newest: int
    changes: dict[tuple[str, str], _Change] = field(default_factory=dict)

    def read(self, connection: sa.Connection, newest: int) -> None:
        """Take up what has come since."""
        feed = tables.changes.c
        asked = (
            sa.select(
                feed.model,
                feed.pid,
                sa.func.max(feed.number).label("last"),
                sa.func.bool_or(feed.deleted).label("deleted"),
            )
            .where(feed.number > self.newest, feed.model.in_((*MODELS, *FILTERED)))
            .group_by(feed.model, feed.pid)
        )
        rows = connection.execute(asked.add_columns(_UNKNOWN).limit(MOST + 1)).all()
        if len(rows) > MOST:
            found = asked.subquery()
            rows = connection.execute(sa.select(found, _created(found).label("created"))).all()
        for row in rows:
            known = self.changes.get((row.model, row.pid))
            if known is None:
                self.changes[row.model, row.pid] = _Change(last=row.last, created=row.created)
            else:
                # when it was written first still holds, even if it went and came again since
                known.last = row.last
        self.newest = newest

    def forget(self, position: int) -> None:
        """Drop what an index at `position` knows."""
        self.position = position
        self.changes = {who: one for who, one in self.changes.items() if one.last > position}

    def pending(self, moment: datetime | None) -> Pending:
        """Return what an index at the position does not know that was read at `moment`."""
        records = [(who, one) for who, one in self.changes.items() if who[0] in MODELS]
        kept = [who for who, _ in records]
        if len(records) > MOST and moment is not None:
            kept = [who for who, one in records if one.created is None or one.created <= moment]
        shared = (who for who in self.changes if who[0] in FILTERED)
        return Pending(
            keys=tuple(sorted(surrogate(*who) for who in kept)),
            is_partial=len(kept) < len(records),
            shared=frozenset((model, surrogate(model, pid)) for model, pid in shared),
        )


class _Lagging:
    """Finds what is pending, once for all who ask at the same position of index and feed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._feeds: WeakKeyDictionary[sa.Pool, _Feed] = WeakKeyDictionary()
        self._known: WeakKeyDictionary[sa.Pool, tuple[tuple[object, ...], Pending]]
        self._known = WeakKeyDictionary()

    def pending(
        self, connection: sa.Connection, position: int, moment: datetime | None = None
    ) -> Pending:
        """Return what an index at `position` does not know, which was read at `moment`."""
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
            key = (position, feed.newest, moment)
            known = self._known.get(pool)
            if known is None or known[0] != key:
                known = self._known[pool] = key, feed.pending(moment)
            return known[1]


_lagging = _Lagging()
pending = _lagging.pending


def _created(changed: "sa.Subquery") -> "sa.ColumnElement[datetime]":
    """Return when a changed record was first written."""
    found = [
        sa.select(table.c.created)
        .where(
            changed.c.model == model,
            # what was deleted and came again may still be in the index as it was
            ~changed.c.deleted,
            table.c.pid == changed.c.pid,
        )
        .scalar_subquery()
        for model in MODELS
        for table in [metadata.tables[MODEL_BY_NAME[model].table]]
    ]
    return sa.func.coalesce(*found)
