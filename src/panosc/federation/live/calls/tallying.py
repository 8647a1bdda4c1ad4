"""How other catalogues do, counted per hour and written in batches, not with each question."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.federating.tables import connector, health
from panosc.federation.live.answer import Fared

EVERY_S = 10.0
_COUNTS = ("asked", "answered", "late", "failed", "spared", "ms")
_LONGEST = 500


class Tally:
    """Counts what became of questions; all threads may."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, datetime], dict[str, Any]] = {}

    def note(self, name: str, fared: Fared, seconds: float, message: str | None = None) -> None:
        """Count one question; one that was not put, because the catalogue is down, is spared."""
        hour = self._clock().replace(minute=0, second=0, microsecond=0)
        with self._lock:
            row = self._rows.setdefault((name, hour), dict.fromkeys(_COUNTS, 0))
            if fared == "down":
                row["spared"] += 1
                return
            row["asked"] += 1
            row[fared] += 1
            if fared == "answered":
                row["ms"] += round(seconds * 1000)
            if message is not None:
                row["message"] = message[:_LONGEST]

    def write(self) -> None:
        """Add to the table what was counted."""
        with self._lock:
            rows, self._rows = self._rows, {}
        if not rows:
            return
        columns = health.c
        with self._engine.begin() as connection:
            # one that was removed meanwhile is not counted any more
            known = set(connection.scalars(sa.select(connector.c.name).with_for_update(read=True)))
            for (name, hour), counts in sorted(rows.items(), key=lambda one: one[0]):
                if name not in known:
                    continue
                new = insert(health).values(connector=name, hour=hour, **counts)
                added = {one: columns[one] + new.excluded[one] for one in _COUNTS}
                added["message"] = sa.func.coalesce(new.excluded.message, columns.message)
                keys = [columns.connector, columns.hour]
                connection.execute(new.on_conflict_do_update(index_elements=keys, set_=added))
