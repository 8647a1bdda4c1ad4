"""The index as the services use it: one moment of it for whoever asks."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.search.index.access import Gate, shared_with
from panosc.search.index.folder import Folder, Snapshot
from panosc.search.index.gathering import documents_of, said_anew
from panosc.search.index.keeping.lagging import FILTERED, Pending, pending
from panosc.search.index.searching import Late, Moment


class SearchIndex:
    """The index of one home."""

    def __init__(self, home: Path) -> None:
        self.folder = Folder(home)

    def moment(self, connection: sa.Connection, who: Who, *, now: datetime) -> Moment | None:
        """Return what the index holds for somebody now; None while there is no index."""
        snapshot = self.folder.reader()
        if snapshot is None:
            return None
        late = pending(connection, snapshot.position, snapshot.searcher)
        gate = Gate(snapshot.schema, who, now=now, shared=shared_with(connection, who, now=now))
        return Moment(snapshot.index, snapshot.searcher, gate, _late(connection, snapshot, late))


def _late(connection: sa.Connection, snapshot: Snapshot, pending: Pending) -> Late:
    """Return what is pending; what follows from it is worked out where a question needs it."""

    def documents() -> set[int]:
        return documents_of(connection, set(pending.keys), snapshot.searcher)

    def is_renamed() -> bool:
        changed = {
            name: {key for model, key in pending.shared if model == name} for name in FILTERED
        }
        return any(
            said_anew(connection, model, keys, snapshot.searcher)[1]
            for model, keys in changed.items()
        )

    return Late(
        keys=pending.keys,
        is_partial=pending.is_partial,
        documents=documents,
        is_renamed=is_renamed,
    )
