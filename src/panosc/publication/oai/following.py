"""Keeping what harvesters may know of beside a node that serves: one thread of one process.

It takes up everything once, then follows the feed of changes. Which process it is a lock of the
database says; the others stand by. A kill at any moment costs work and nothing else: what was
taken up comes again, with a later stamp.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa

from panosc.catalogue.beside.leading import Post, beside
from panosc.catalogue.changes import Follower, last
from panosc.catalogue.database import unlimited
from panosc.catalogue.publishing.tables import oai_record as kept
from panosc.catalogue.tables import dataset, document
from panosc.publication.oai import keeping, store, touching
from panosc.publication.oai.keeping import Clock, Naming
from panosc.publication.oai.names import Lineage
from panosc.settings import Settings

POST = Post(name="telling harvesters of changes", lock=store.LOCK + 1)
LOOK_S = 0.5
"""How often the end of the feed is looked at."""
BATCH = 1000
"""Changes that are taken up together."""
CHUNK = 10_000
"""Records that are stamped together: readers wait for that long."""


@contextmanager
def harvested(
    engine: sa.Engine, settings: Settings, clock: Clock, lineage: Lineage
) -> Iterator[None]:
    """Keep up what harvesters may know of beside whatever the block does."""
    keeper = Keeper(engine, clock, lineage, settings.facility)
    with beside(engine, POST, keeper, look_s=LOOK_S):
        yield


class Interrupted(Exception):
    """The node stops."""


class Keeper:
    """Follows the feed.

    Parameters
    ----------
    engine : Engine
    clock : callable
        The same as that of the web service.
    lineage : callable
        Tells of techniques which sets they are in.
    facility : str
        The node's own name.
    """

    def __init__(self, engine: sa.Engine, clock: Clock, lineage: Lineage, facility: str) -> None:
        self._engine, self._clock = engine, clock
        self._lineage, self._facility = lineage, facility
        self._follower = Follower("oai")
        self._goes_on: Callable[[], bool] = lambda: True

    def step(self, goes_on: Callable[[], bool]) -> bool:
        """Do the next changes, after everything once; return whether there may be more."""
        self._goes_on = goes_on
        with suppress(Interrupted):
            self.start()
            return self.follow()
        return False

    def catch_up(self) -> None:
        """Do all there is to do now, in this thread; another process must not be at it."""
        self.start()
        while self.follow():
            pass

    def start(self) -> None:
        """Take up everything, unless that has been done."""
        with self._engine.connect() as connection:
            position, newest = self._follower.position(connection), last(connection)
            if position is not None:
                return
            naming = Naming.of(connection, self._lineage, self._facility)
        for model, table in (("Dataset", dataset), ("Document", document)):
            after = -1
            while keys := self._next(table, after):
                self._stamp(model, keys, naming)
                after = keys[-1]
            self._miss(model, table)
        with self._engine.begin() as connection:
            self._follower.start(connection, newest)

    def follow(self) -> bool:
        """Do the next changes; return whether there were any."""
        with self._follower.batch(self._engine, limit=BATCH) as (connection, changes):
            if not changes:
                return False
            unlimited(connection)
            changed = touching.keys_of(changes)
            naming = Naming.of(connection, self._lineage, self._facility)
            with self._engine.connect() as reading:
                unlimited(reading)
                for model, keys in touching.touched(reading, changed, CHUNK):
                    self._stamp(model, keys, naming)
            at = keeping.stamp(connection, self._clock)
            for model in ("Dataset", "Document"):
                if model in changed:
                    keeping.take_up(connection, model, changed[model], at, naming)
        return True

    def _next(self, table: sa.Table, after: int) -> list[int]:
        query = sa.select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(CHUNK)
        with self._engine.connect() as connection:
            return list(connection.scalars(query))

    def _stamp(self, model: str, keys: list[int], naming: Naming) -> None:
        if not self._goes_on():
            raise Interrupted
        with keeping.stamping(self._engine, self._clock) as (connection, at):
            keeping.take_up(connection, model, keys, at, naming)

    def _miss(self, model: str, table: sa.Table) -> None:
        """Let those be deleted that are here from before and in no catalogue any more."""
        there = sa.select(table.c.id).where(table.c.id == kept.c.id)
        gone = sa.select(kept.c.id).where(kept.c.model == model, ~there.exists())
        with self._engine.connect() as connection:
            unlimited(connection)
            keys = list(connection.scalars(gone))
        for begin in range(0, len(keys), CHUNK):
            with keeping.stamping(self._engine, self._clock) as (connection, at):
                keeping.miss(connection, model, keys[begin : begin + CHUNK], at)
