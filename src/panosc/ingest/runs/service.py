"""The use cases of runs, of edits and of what was set aside. The first argument says who asks.

Only stewards may see and undo runs and edit; the history of a dataset is for whoever may see its
detail.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.ingest.runs.editing.operations import Edit, Preview, Selection
from panosc.ingest.runs.entries import Entry, Run, SetAside
from panosc.settings import Settings

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
        raise NotImplementedError

    def run(self, who: Who, number: int) -> Run:
        """Return one run with its report."""
        raise NotImplementedError

    def undo(self, who: Who, number: int, *, reason: str) -> int:
        """Bring every record back to what it was before a run; return the run that did it."""
        raise NotImplementedError

    def history(self, who: Who, model: str, pid: str) -> list[Entry]:
        """Return what was done to a record, the newest first."""
        raise NotImplementedError

    def quarantine(
        self, who: Who, *, after: str = "", limit: int = 100
    ) -> tuple[int, list[SetAside]]:
        """Return how many files are set aside, and those whose URLs come after `after`."""
        raise NotImplementedError

    def retry(self, who: Who, urls: Sequence[str] | None = None) -> int:
        """Forget that files (None: all) were set aside, so that the next run reads them."""
        raise NotImplementedError

    def preview(self, who: Who, selection: Selection, edit: Edit, *, sample: int = 20) -> Preview:
        """Return what an edit would do."""
        raise NotImplementedError

    def apply(self, who: Who, selection: Selection, edit: Edit, *, reason: str, token: str) -> int:
        """Do what a preview showed; return the run."""
        raise NotImplementedError
