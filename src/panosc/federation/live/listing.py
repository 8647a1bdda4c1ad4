"""Which catalogues are asked live, what their probes found, and from when there are copies."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.federating.tables import connector as table
from panosc.catalogue.federating.tables import harvest, told
from panosc.domain.errors import PanoscError
from panosc.federation.connectors import connector_of
from panosc.federation.contract import Connector, Support
from panosc.federation.source import Source
from panosc.federation.sources import known_of

KEPT_S = 1.0
OLDEST_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A catalogue that is asked live; without `source` it cannot be, for its `problem`."""

    name: str
    title: str
    prefix: str = ""
    source: Source | None = None
    connector: type[Connector] | None = None
    features: Mapping[str, Support] = field(default_factory=dict)
    problem: str | None = None
    copied: datetime | None = None
    """When its records were last harvested to the end."""
    has_told: bool = False
    """Whether any of its records is known here by a harvest."""


class Listing:
    """Reads them from the database, at most once in `KEPT_S`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._kept: tuple[Listed, ...] = ()
        self._read_at = -math.inf

    def live(self) -> tuple[Listed, ...]:
        """Return the catalogues that are asked live, by name."""
        age = time.monotonic() - self._read_at
        if age < KEPT_S:
            return self._kept
        # while one reads them anew the others go on with what was known a moment ago
        if self._lock.acquire(blocking=age > OLDEST_S):
            try:
                if time.monotonic() - self._read_at >= KEPT_S:
                    self._kept = self._read()
                    self._read_at = time.monotonic()
            finally:
                self._lock.release()
        return self._kept

    def _read(self) -> tuple[Listed, ...]:
        done = (
            sa.select(sa.func.max(harvest.c.ended))
            .where(harvest.c.connector == table.c.name, harvest.c.state == "done")
            .scalar_subquery()
        )
        has_told = sa.exists().where(told.c.connector == table.c.name)
        statement = sa.select(table, done.label("copied"), has_told.label("has_told")).where(
            table.c.is_live
        )
        with self._engine.connect() as connection:
            rows = connection.execute(statement.order_by(table.c.name)).all()
        return tuple(map(_listed, rows))


def _listed(row: "sa.Row[Any]") -> Listed:
    try:
        known = known_of(row)
        found = connector_of(row.kind)
    except PanoscError as error:
        return Listed(name=row.name, title=row.title, problem=error.detail, copied=row.copied)
    return Listed(
        name=row.name,
        title=row.title,
        prefix=row.prefix,
        source=known.source,
        connector=found,
        features={} if known.probed is None else known.probed.features,
        copied=row.copied,
        has_told=row.has_told,
    )
