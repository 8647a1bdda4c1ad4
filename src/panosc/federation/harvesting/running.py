"""Harvesting beside a node that serves: one process of it does what is due, one after the other.

A catalogue that takes long gives way to others that are due, and goes on after them. One that
fails is tried again later and later, up to once a day; its page says why.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.beside.leading import Post, beside
from panosc.catalogue.federating.tables import connector
from panosc.domain.errors import PanoscError
from panosc.federation.harvesting.harvester import LOCK, Harvester, Stopped, Wish
from panosc.settings import Settings

POST = Post(name="harvesting other catalogues", lock=LOCK - 1)
LOOK_S = 2.0
TURN_S = 600.0
"""How long a catalogue may take while others are due."""
_c = connector.c
_log = logging.getLogger(__name__)


@contextmanager
def harvesting(
    engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
) -> Iterator[None]:
    """Harvest what is due beside whatever the block does."""
    work = Harvesting(engine, settings, clock)
    with beside(engine, POST, work, look_s=LOOK_S):
        yield


class Harvesting:
    """Harvests what is due."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        turn_s: float = TURN_S,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._harvester = Harvester(engine, settings, clock)
        self._turn_s = turn_s

    def step(self, goes_on: Callable[[], bool]) -> bool:
        """Harvest the catalogue that is due the longest; return whether there was one."""
        name = self._next()
        if name is None:
            return False
        begun = time.monotonic()

        def has_turn() -> bool:
            if not goes_on():
                return False
            return time.monotonic() - begun < self._turn_s or self._next(but=name) is None

        try:
            self._harvester.harvest(name, Wish(by="schedule"), goes_on=has_turn)
        except Stopped:
            # at the end of the line
            self._put(name, self._clock())
        except PanoscError as error:
            _log.warning("The harvest of %s failed: %s", name, error.detail)
            self._put_off(name)
        return True

    def _next(self, *, but: str = "") -> str | None:
        statement = (
            sa.select(_c.name)
            .where(_c.is_harvested, _c.due <= self._clock(), _c.name != but)
            .order_by(_c.due, _c.name)
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.scalar(statement)

    def _put(self, name: str, due: datetime) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(connector).where(_c.name == name).values(due=due))

    def _put_off(self, name: str) -> None:
        """See to it that a catalogue which could not even be begun with does not stay due."""
        with self._engine.begin() as connection:
            later = self._clock() + sa.func.make_interval(0, 0, 0, 0, 0, 0, _c.every_s)
            connection.execute(
                sa.update(connector)
                .where(_c.name == name, _c.due <= self._clock())
                .values(due=later)
            )
