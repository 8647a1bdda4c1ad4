"""Which records anyone may know of: listed by their keys, a batch at a time.

Keys are spread evenly over 63 bits, so a list of millions is cut into parts of about the same
length by cutting that range: nobody has to count to where a part begins.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from panosc.catalogue.tables import dataset, document
from panosc.domain.access import ALWAYS, ANYONE
from panosc.domain.pid import surrogate
from panosc.policy.sql import count_listed, visible
from panosc.publication.reading.copies import is_copied
from panosc.publication.record import Model

KEYS: Final = 2**63
BATCH: Final = 5000
_TABLES: Final = {"Dataset": dataset, "Document": document}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One record that anyone may know of."""

    key: int
    pid: str
    changed: datetime
    """When what anyone sees of it changed: also by the end of an embargo."""


class Listing:
    """Lists what anyone may know of.

    Every batch is a statement of its own: however slowly a list is read, no connection waits.
    """

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def count(self, model: Model) -> int:
        """Return how many there are."""
        counted = count_listed(_TABLES[model], ANYONE, now=self._clock())
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(counted)).scalar_one())

    def after(self, model: Model, pid: str | None, limit: int) -> list[Listed]:
        """Return the records after one, in the order of keys; None: the first ones."""
        return self._between(
            model, 0 if pid is None else surrogate(model, pid) + 1, KEYS - 1, limit
        )

    def part(self, model: Model, number: int, of: int, *, most: int) -> Iterator[Listed]:
        """Yield one part of `of`, at most so many; parts are numbered from 0."""
        width = KEYS // of
        begin = number * width
        last = KEYS - 1 if number == of - 1 else begin + width - 1
        while most > 0:
            batch = self._between(model, begin, last, min(BATCH, most))
            yield from batch
            if len(batch) < BATCH:
                return
            most -= len(batch)
            begin = batch[-1].key + 1

    def _between(self, model: Model, begin: int, last: int, limit: int) -> list[Listed]:
        table, now = _TABLES[model], self._clock()
        opened = sa.case(
            (sa.and_(table.c.open_at > ALWAYS, table.c.open_at <= now), table.c.open_at)
        )
        query = (
            sa.select(table.c.id, table.c.pid, sa.func.greatest(table.c.changed, opened))
            .where(
                table.c.id >= begin,
                table.c.id <= last,
                visible(table, ANYONE, "list", now=now),
                sa.not_(is_copied(model)),
            )
            .order_by(table.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [
                Listed(key=key, pid=pid, changed=changed)
                for key, pid, changed in connection.execute(query)
            ]
