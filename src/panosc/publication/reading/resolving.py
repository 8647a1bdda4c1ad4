"""From a DOI to the records of this node that it may stand for, whoever asks.

Whether they may know of a record is decided when it is gathered; only of several versions the
newest is chosen that they may know of.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.publishing.tables import doi as doi_table
from panosc.catalogue.tables import document
from panosc.domain.access import Who
from panosc.publication import identifiers
from panosc.publication.reading import versions
from panosc.publication.record import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A record that a DOI may stand for."""

    model: Model
    pid: str
    is_elsewhere: bool = False
    """Whether the DOI stands for all versions, of which this is the newest."""


def targets(engine: sa.Engine, who: Who, text: str, *, now: datetime) -> list[Target]:
    """Return what a DOI may stand for: as it was registered, as a document says, as a PID."""
    bare = identifiers.doi(text)
    found = [] if bare is None else _registered(engine, who, bare, now=now)
    found += [Target(model=model, pid=text) for model in ("Dataset", "Document")]
    # a DOI is compared in small letters, and PIDs may be written as they came
    if bare is not None and bare != text:
        found += [Target(model=model, pid=bare) for model in ("Dataset", "Document")]
    return list(dict.fromkeys(found))


def _registered(engine: sa.Engine, who: Who, bare: str, *, now: datetime) -> list[Target]:
    with engine.connect() as connection:
        row = connection.execute(sa.select(doi_table).where(doi_table.c.doi == bare)).first()
        if row is not None and row.kind == "concept":
            newest = versions.newest(connection, who, bare, now=now) or row.pid
            return [Target(model="Dataset", pid=newest, is_elsewhere=True)]
        if row is not None:
            return [Target(model=row.model, pid=row.pid)]
        said = sa.select(document.c.pid).where(sa.func.lower(document.c.doi) == bare).limit(2)
        return [Target(model="Document", pid=pid) for pid in connection.execute(said).scalars()]
