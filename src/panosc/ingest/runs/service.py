"""The use cases of runs, of edits and of what was set aside. The first argument says who asks.

Only stewards may see and undo runs and edit; the history of a dataset is for whoever may see its
detail.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.writer import Born
from panosc.domain.access import Who
from panosc.ingest.runs import listing
from panosc.ingest.runs.editing.applying import apply, demand, preview
from panosc.ingest.runs.editing.operations import Edit, Preview, Selection
from panosc.ingest.runs.entries import Entry, Run, SetAside
from panosc.ingest.runs.undoing import undo
from panosc.policy import audit, births
from panosc.policy.shelf import open_shelf
from panosc.settings import Settings

MOST = 1000
"""Most lines that are listed at once."""
Choose = Callable[[Who, str], Sequence[str]]
"""Returns the PIDs of the datasets that a search finds: see `Selection.where`."""


class Runs:
    """Shows and undoes what was done to the catalogue, and corrects it.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    settings : Settings
    clock : callable
        Returns the present time.
    choose : callable, optional
        Finds datasets by a search; without it they are chosen by PID.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        choose: Choose | None = None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._choose = choose

    def runs(self, who: Who, *, before: int | None = None, limit: int = 50) -> list[Run]:
        """Return the newest runs first, with numbers below `before`."""
        demand(who)
        with self._engine.connect() as connection:
            return listing.listed(
                connection, before=before, limit=min(limit, MOST), now=self._clock()
            )

    def run(self, who: Who, number: int) -> Run:
        """Return one run with its report."""
        demand(who)
        with self._engine.connect() as connection:
            return listing.one(connection, number, now=self._clock())

    def undo(self, who: Who, number: int, *, reason: str) -> int:
        """Bring every record back to what it was before a run; return the run that did it."""
        demand(who)
        now = self._clock()
        return undo(self._engine, number, who=who, reason=reason, now=now, born=self._born(now))

    def history(self, who: Who, model: str, pid: str) -> list[Entry]:
        """Return what was done to a record, the newest first."""
        with self._engine.connect() as connection:
            return listing.history(connection, who, model, pid, now=self._clock())

    def quarantine(
        self, who: Who, *, after: str = "", limit: int = 100
    ) -> tuple[int, list[SetAside]]:
        """Return how many files are set aside, and those whose URLs come after `after`."""
        demand(who)
        with self._engine.connect() as connection:
            return listing.set_aside(connection, after=after, limit=min(limit, MOST))

    def retry(self, who: Who, urls: Sequence[str] | None = None) -> int:
        """Forget that files (None: all) were set aside, so that the next run reads them."""
        demand(who)
        with self._engine.begin() as connection:
            count = listing.release(connection, urls)
            audit.record(
                connection, who, "quarantine.retried", now=self._clock(), subject=None, files=count
            )
        return count

    def preview(self, who: Who, selection: Selection, edit: Edit, *, sample: int = 20) -> Preview:
        """Return what an edit would do."""
        demand(who)
        with self._engine.connect() as connection:
            # nothing is committed: what is shown has been done to copies
            return preview(connection, who, selection, edit, choose=self._choose, sample=sample)

    def apply(self, who: Who, selection: Selection, edit: Edit, *, reason: str, token: str) -> int:
        """Do what a preview showed; return the run."""
        now = self._clock()
        return apply(
            self._engine,
            who,
            selection,
            edit,
            reason=reason,
            token=token,
            now=now,
            choose=self._choose,
            born=self._born(now),
        )

    def _born(self, now: datetime) -> Born:
        return births.for_writers(open_shelf(self._settings, self._engine), now)
