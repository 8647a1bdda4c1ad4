"""The use cases of the overview of ingest: for stewards. The first argument says who asks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.domain.errors import Invalid
from panosc.ingest.overview import looking
from panosc.ingest.overview.told import Announced, Chosen, Effect, Place, Sought, Touched
from panosc.ingest.profiles import Completion
from panosc.ingest.profiles.shipped import profile_of
from panosc.ingest.runs import listing
from panosc.ingest.runs.editing.applying import demand
from panosc.ingest.runs.entries import Run, SetAside
from panosc.ingest.watching import heartbeat
from panosc.ingest.watching.heartbeat import Seen
from panosc.policy.decisions.records import is_text
from panosc.settings import Settings

MOST_RUNNING = 20
LARGEST = 2**63 - 1


class Overview:
    """Tells what ingest is doing and has done; every method needs a steward.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    """

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._clock = clock
        # a profile is a file of the operator's; it is read again when the node starts
        self._waits = cache(lambda: _waits(settings))

    def check(self, who: Who) -> None:
        """Let nobody but a steward go on."""
        demand(who)

    def runs(
        self, who: Who, chosen: Chosen, *, before: int | None = None, limit: int = 50
    ) -> list[Run]:
        """Return the newest runs that fit, with numbers below `before`."""
        _check_text("who", chosen.who)
        with self._asked(who) as connection:
            below = None if before is None else min(before, LARGEST)
            found = looking.numbers(
                connection, chosen, before=below, limit=limit, now=self._clock()
            )
            return listing.numbered(connection, found, now=self._clock())

    def running(self, who: Who) -> list[Run]:
        """Return the runs that are at work."""
        return self.runs(who, Chosen(state="running"), limit=MOST_RUNNING)

    def watchers(self, who: Who) -> list[Seen]:
        """Return all watchers that were ever heard of."""
        with self._asked(who) as connection:
            return heartbeat.seen(connection, now=self._clock())

    def places(self, who: Who, *, limit: int) -> tuple[int, list[Place]]:
        """Return how many datasets wait for more files, and those that wait the longest."""
        with self._asked(who) as connection:
            return looking.places(connection, self._waits(), limit=limit)

    def reasons(self, who: Who) -> list[tuple[str, int]]:
        """Return how many files are set aside for each reason."""
        with self._asked(who) as connection:
            return looking.reasons(connection)

    def announced(self, who: Who, *, limit: int) -> Announced:
        """Return how many announcements there are, and the newest that are not done."""
        with self._asked(who) as connection:
            return looking.announced(connection, limit=limit)

    def set_aside(
        self, who: Who, sought: Sought, *, after: str = "", limit: int = 50
    ) -> tuple[int, list[SetAside]]:
        """Return how many files set aside fit, and those whose URLs come after `after`."""
        for name, text in (("reason", sought.reason), ("path", sought.text), ("after", after)):
            _check_text(name, text)
        with self._asked(who) as connection:
            return looking.set_aside(connection, sought, after=after, limit=limit)

    def urls(self, who: Who, sought: Sought) -> list[str]:
        """Return all files set aside that fit."""
        for name, text in (("reason", sought.reason), ("path", sought.text)):
            _check_text(name, text)
        with self._asked(who) as connection:
            return looking.urls(connection, sought)

    def effects(self, who: Who, run: int) -> list[Effect]:
        """Return what undoing a run would do, class by class."""
        with self._asked(who) as connection:
            return looking.effects(connection, run)

    def touched(self, who: Who, run: int, *, skip: int = 0, limit: int = 50) -> list[Touched]:
        """Return the datasets of a run, in the order in which it came to them."""
        with self._asked(who) as connection:
            return list(looking.touched(connection, run, skip=skip, limit=limit))

    def instruments(self, who: Who, names: Sequence[str]) -> dict[str, str]:
        """Return name → PID of those instruments that are in the catalogue."""
        with self._asked(who) as connection:
            return looking.instruments(connection, names)

    @contextmanager
    def _asked(self, who: Who) -> Iterator[sa.Connection]:
        demand(who)
        with self._engine.connect() as connection:
            yield connection


def _check_text(name: str, text: str) -> None:
    if not is_text(text):
        raise Invalid("This is no text.", field=name)


def _waits(settings: Settings) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what the datasets of each rule of the profile in force wait for."""
    try:
        profile = profile_of(settings)
    except Invalid:
        # whoever begins an ingest is told what is wrong with it
        return {}
    return {
        (profile.name, item.rule.name): tuple(sentences(item.rule.completion))
        for item in profile.rules
    }


def sentences(completion: Completion) -> Iterator[str]:
    """Yield what would complete a dataset; any of them is enough."""
    if completion.at_once:
        yield "files that can be read"
    if completion.marker is not None:
        yield f"a file named {completion.marker}"
    if completion.end_time:
        yield "an end time in its leading file"
    if completion.quiet_s is not None:
        yield f"{_span(completion.quiet_s)} without a new or changed file"


def _span(seconds: float) -> str:
    """Return a time span as people say it.

    Examples
    --------
    >>> _span(90), _span(600), _span(3600)
    ('90 s', '10 min', '1 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
