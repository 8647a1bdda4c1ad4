"""The index as the services use it: one moment of it for whoever asks."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.search.index.access import Gate, shared_with
from panosc.search.index.folder import Folder
from panosc.search.index.keeping.lagging import pending
from panosc.search.index.searching import Moment


class SearchIndex:
    """The index of one home."""

    def __init__(self, home: Path) -> None:
        self.folder = Folder(home)

    def moment(self, connection: sa.Connection, who: Who, *, now: datetime) -> Moment | None:
        """Return what the index holds for somebody now; None while there is no index."""
        snapshot = self.folder.reader()
        if snapshot is None:
            return None
        late = pending(connection, snapshot.position, snapshot.moment)
        gate = Gate(snapshot.schema, who, now=now, shared=shared_with(connection, who, now=now))
        return Moment(snapshot.index, snapshot.searcher, gate, sorted(late.keys))
