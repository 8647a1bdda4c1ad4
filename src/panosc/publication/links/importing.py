"""Links from events elsewhere: kept for the records of this node, whoever they are told of.

The same answer imported twice changes nothing. What is of no record of this node is counted and
left out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from panosc.catalogue import changes
from panosc.catalogue.publishing.tables import doi as doi_table
from panosc.catalogue.publishing.tables import related
from panosc.catalogue.tables import dataset, document
from panosc.domain.access import Who
from panosc.policy import audit
from panosc.publication.identifiers import doi_address
from panosc.publication.links.reading import Event

_BATCH: Final = 500
Record = tuple[str, str]
"""Model and PID."""


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of the events."""

    added: int = 0
    known: int = 0
    """Links that were there before."""
    foreign: int = 0
    """Events of no record of this node."""
    unread: int = 0
    """Events that are not understood."""


class Importer:
    """Keeps links that others tell."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def take(self, who: Who, events: Iterable[Event | None]) -> Imported:
        """Keep what events tell of records of this node."""
        counts = Imported()
        waiting = iter(events)
        while batch := list(islice(waiting, _BATCH)):
            told = [event for event in batch if event is not None]
            counts.unread += len(batch) - len(told)
            if told:
                self._batch(who, told, counts)
        return counts

    def _batch(self, who: Who, told: Sequence[Event], counts: Imported) -> None:
        with self._engine.begin() as connection:
            ours = _records(
                connection, {end.doi for one in told for end in (one.first, one.second)}
            )
            rows: dict[tuple[str, str, str, str], dict[str, object]] = {}
            for event in told:
                ends = [one for one in (event, event.turned()) if one.first.doi in ours]
                counts.foreign += not ends
                for one in ends:
                    for model, pid in ours[one.first.doi]:
                        key = (model, pid, one.relation, one.second.doi)
                        rows[key] = self._row(one, model, pid)
            if not rows:
                return
            added = connection.execute(
                insert(related)
                .values(list(rows.values()))
                .on_conflict_do_nothing()
                .returning(related.c.model, related.c.pid)
            ).all()
            counts.added += len(added)
            counts.known += len(rows) - len(added)
            if added:
                source = told[0].source
                audit.record(
                    connection,
                    who,
                    "links.imported",
                    now=self._clock(),
                    source=source,
                    links=len(added),
                )
                changes.append(connection, sorted({(row.model, row.pid) for row in added}))

    def _row(self, event: Event, model: str, pid: str) -> dict[str, object]:
        return {
            "model": model,
            "pid": pid,
            "relation": event.relation,
            "identifier": event.second.doi,
            "scheme": "DOI",
            "url": doi_address(event.second.doi),
            "general": event.second.kind,
            "title": event.second.title,
            "source": event.source,
            "at": self._clock(),
        }


def _records(connection: sa.Connection, dois: Iterable[str]) -> dict[str, list[Record]]:
    """Return the records of this node that DOIs stand for: registered here, or as their PID."""
    asked = sa.any_(sa.literal(sorted(dois), ARRAY(sa.Text)))
    registered = sa.select(doi_table.c.doi, doi_table.c.model, doi_table.c.pid).where(
        doi_table.c.doi == asked, doi_table.c.kind == "version"
    )
    own = [
        sa.select(table.c.pid, sa.literal(model), table.c.pid).where(
            table.c.pid == asked, table.c.mark != "erased"
        )
        for table, model in ((dataset, "Dataset"), (document, "Document"))
    ]
    brought = sa.select(
        sa.func.lower(document.c.doi), sa.literal("Document"), document.c.pid
    ).where(sa.func.lower(document.c.doi) == asked, document.c.mark != "erased")
    found: dict[str, list[Record]] = {}
    for name, model, pid in connection.execute(sa.union(registered, *own, brought)):
        found.setdefault(name, []).append((model, pid))
    return found
