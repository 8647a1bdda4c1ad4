"""The federation: what the application and its pages are given of other catalogues.

Asking them is `live`, fetching them `harvesting`; what is known of them is `overview`.
"""

import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from panosc.federation.evidence import table
from panosc.federation.evidence.cells import Findings
from panosc.federation.live.asking import Fanout
from panosc.federation.overview import catalogues, harvests, health, sources
from panosc.federation.overview.catalogues import Catalogue
from panosc.federation.overview.harvests import Harvest, Problem
from panosc.federation.overview.health import Day, Span
from panosc.federation.overview.sources import Telling
from panosc.federation.tending import Tending
from panosc.search.service import SearchService
from panosc.settings import Settings

KEPT = timedelta(minutes=1)
"""How long the table of evidence is kept."""
RECENT_S = 1.0


class Federation:
    """What there is of other catalogues."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        local: SearchService,
    ) -> None:
        self.tending = Tending(engine, settings, clock)
        self.live = Fanout(engine, settings, clock, local)
        self.settings = settings
        self._found: tuple[datetime, list[Findings]] | None = None
        self._known: tuple[float, list[Catalogue]] | None = None
        self._engine = engine
        self._clock = clock

    def has_live(self) -> bool:
        """Whether any other catalogue is asked live."""
        return self.live.has_live()

    def live_names(self) -> list[str]:
        """Return the names of those that are."""
        return [one.name for one in self.known() if one.is_live]

    def copied_names(self) -> list[str]:
        """Return the names of those of whose records this node has copies, its own apart.

        A catalogue that was adopted is this node's own.
        """
        return [one.name for one in self.known() if one.is_harvested and not one.is_adopted]

    def known(self) -> list[Catalogue]:
        """Return all catalogues as they were a second ago at most: for what every search asks."""
        now = time.monotonic()
        if self._known is None or now - self._known[0] > RECENT_S:
            self._known = (now, self.catalogues())
        return self._known[1]

    def catalogues(self) -> list[Catalogue]:
        """Return all catalogues, by title."""
        with self._engine.connect() as connection:
            return catalogues.catalogues(connection)

    def catalogue(self, name: str) -> Catalogue:
        """Return one.

        Raises
        ------
        NotFound
        """
        with self._engine.connect() as connection:
            return catalogues.catalogue(connection, name)

    def days(self, name: str) -> list[Day]:
        """Return how a catalogue did on each of the last 90 days."""
        with self._engine.connect() as connection:
            return health.days(connection, name, now=self._clock())

    def lately(self) -> dict[str, Span]:
        """Return how the catalogues did in the last hours."""
        with self._engine.connect() as connection:
            return health.lately(connection, now=self._clock())

    def last_message(self, name: str) -> tuple[datetime, str] | None:
        """Return what went wrong last with a catalogue, and in which hour."""
        with self._engine.connect() as connection:
            return health.last_message(connection, name)

    def harvests(self, name: str) -> list[Harvest]:
        """Return the last harvests of a catalogue, the newest first."""
        with self._engine.connect() as connection:
            return harvests.newest(connection, name)

    def last_harvests(self) -> dict[str, Harvest]:
        """Return the last harvest of each catalogue."""
        with self._engine.connect() as connection:
            return harvests.last(connection)

    def harvested(self) -> dict[str, datetime]:
        """Return when a harvest of each catalogue last came to its end."""
        with self._engine.connect() as connection:
            return harvests.last_done(connection)

    def problems(self, name: str) -> list[Problem]:
        """Return records of a catalogue that could not be taken."""
        with self._engine.connect() as connection:
            return harvests.problems(connection, name)

    def findings(self) -> list[Findings]:
        """Return what is known of each facility by evidence; kept for a while."""
        now = self._clock()
        if self._found is None or not timedelta() <= now - self._found[0] < KEPT:
            with self._engine.connect() as connection:
                self._found = (now, table.findings(connection, now=now))
        return self._found[1]

    def tellings(self, model: str, pids: Collection[str]) -> dict[str, list[Telling]]:
        """Return who told of these records; whoever asks has shown that they may be known."""
        with self._engine.connect() as connection:
            return sources.tellings(connection, model, pids)
