"""What the index does not know yet: the records that were changed after its position.

Its answers leave them out, so that they are never older than the catalogue without saying so.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from panosc.catalogue import changes, tables
from panosc.catalogue.tables import metadata
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.pid import surrogate
from panosc.search.index.schema import MODELS

MOST = 20_000
"""Of more changed records than this, those are left aside that are too new to be in the index."""
FILTERED = ("Instrument", "Technique")
"""Shared records by which others are filtered."""
_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The records whose documents in the index may be out of date."""

    position: int
    newest: int
    """The last change of the feed when this was found."""
    keys: frozenset[int]
    """Their keys; of very many only of those that may be in the index."""

    shared: frozenset[tuple[str, int]] = frozenset()
    """Class and key of the instruments and techniques that changed."""

    def __bool__(self) -> bool:
        return bool(self.keys)


class _Lagging:
    """Finds what is pending, once for all who ask at the same position of index and feed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[sa.Pool, OrderedDict[tuple[int, int], Pending]]
        self._known = WeakKeyDictionary()

    def pending(
        self, connection: sa.Connection, position: int, moment: datetime | None = None
    ) -> Pending:
        """Return what an index at `position` does not know, which was read at `moment`."""
        newest = changes.last(connection)
        if newest <= position:
            return Pending(position=position, newest=newest, keys=frozenset())
        with self._lock:
            # a pool is of one database
            known = self._known.setdefault(connection.engine.pool, OrderedDict())
            if (position, newest) in known:
                return known[position, newest]
        found = Pending(
            position=position,
            newest=newest,
            keys=_keys(connection, position, moment),
            shared=_shared(connection, position),
        )
        with self._lock:
            known[position, newest] = found
            while len(known) > _KEPT:
                known.popitem(last=False)
        return found


_lagging = _Lagging()
pending = _lagging.pending


def _keys(connection: sa.Connection, position: int, moment: datetime | None) -> frozenset[int]:
    feed = tables.changes.c
    changed = (
        sa.select(feed.model, feed.pid, sa.func.bool_or(feed.deleted).label("deleted"))
        .where(feed.number > position, feed.model.in_(MODELS))
        .group_by(feed.model, feed.pid)
    )
    rows = connection.execute(changed.limit(MOST + 1)).all()
    if len(rows) > MOST:
        query = changed if moment is None else _old(changed.subquery(), moment)
        rows = connection.execute(query).all()
    return frozenset(surrogate(row.model, row.pid) for row in rows)


def _shared(connection: sa.Connection, position: int) -> frozenset[tuple[str, int]]:
    feed = tables.changes.c
    asked = sa.select(feed.model, feed.pid).where(feed.number > position, feed.model.in_(FILTERED))
    rows = connection.execute(asked.distinct())
    return frozenset((row.model, surrogate(row.model, row.pid)) for row in rows)


def _old(changed: "sa.Subquery", moment: datetime) -> "sa.Select[tuple[str, str]]":
    """Return those of the changed records that may have been there at that moment."""
    is_new = [
        sa.exists().where(
            changed.c.model == model,
            # what was deleted and came again may still be in the index as it was
            ~changed.c.deleted,
            table.c.pid == changed.c.pid,
            table.c.created > moment,
        )
        for model in MODELS
        for table in [metadata.tables[MODEL_BY_NAME[model].table]]
    ]
    return sa.select(changed.c.model, changed.c.pid).where(~sa.or_(*is_new))
