"""The intake of a watcher: one way from files to records as long as it lives, many short runs.

A run is written down only when a record is about to be changed, and ends after some minutes: so
what a bad hour brought in can be undone by itself. Policy, profile and lists are read anew for
each run.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import fields
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from panosc.domain.access import Who
from panosc.domain.errors import PanoscError, Unavailable
from panosc.ingest.passing import Passage
from panosc.ingest.readers import Readers, readers
from panosc.ingest.report import Report
from panosc.ingest.runs import journal
from panosc.ingest.service import Intake, Request
from panosc.ingest.walking import Found
from panosc.settings import Settings

LONGEST_S = 300.0
"""How long one run lasts at most."""
BEAT_S = 20.0
REMEMBERED = 200
"""Entries of each list in the report of a run."""


class Rounds:
    """Takes files, settles places and lets files vanish; for one thread, in a ``with`` block.

    Raises
    ------
    Forbidden, Invalid
        As `Intake` does.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        request: Request,
        *,
        who: Who,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine, self._settings = engine, settings
        self._new = partial(Intake, engine, settings, request, who=who, clock=clock)
        self.pulse: Callable[[], None] = lambda: None
        """Called whenever something has been committed."""
        self._intake = self._new()
        self._begun = self._beaten = time.monotonic()
        self._readers: AbstractContextManager[Readers] | None = None
        self._passage: Passage | None = None
        self.registered = 0
        """Datasets, new ones and new versions, since it began."""
        self.quarantined = 0
        """Files that were set aside since it began."""

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self._intake.profile.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(DBAPIError, PanoscError):
            self._end()
        self._dismiss()

    def take(self, files: Sequence[Found]) -> None:
        """Read and register what is new or has changed."""
        self._do(lambda passage: passage.take(files))

    def settle(self) -> int:
        """Register the datasets that are complete by now; return how many places wait."""
        waiting = 0

        def settled(passage: Passage) -> None:
            nonlocal waiting
            waiting = passage.settle()

        self._do(settled)
        self._intake.report.waiting = waiting
        return waiting

    def vanish(self, urls: Sequence[str]) -> None:
        """Note that files are no longer where they were."""
        self._do(lambda passage: passage.vanish(urls))

    def tend(self) -> None:
        """Say that the run is alive, or end it when it has lasted long enough."""
        now = time.monotonic()
        if now - self._begun >= LONGEST_S:
            self._end()
        elif self._intake.report.run is not None and now - self._beaten >= BEAT_S:
            self._intake.beat()
            self._beaten = now

    def _do(self, act: Callable[[Passage], object]) -> None:
        passage = self._ready()
        report = Report()
        passage.registering = self._intake.registering(report, note=self._note)
        try:
            act(passage)
        except Unavailable:
            # the processes that read may be no more: others are begun next time
            self._dismiss()
            raise
        finally:
            self.registered += report.new + report.versions
            self.quarantined += len(report.quarantined)
            if self._intake.report.run is not None:
                _merge(self._intake.report, report)

    def _ready(self) -> Passage:
        if self._readers is None:
            self._readers = readers(self._settings)
            those_who_read = self._readers.__enter__()
            if self._passage is None:
                self._passage = self._intake.passage(
                    those_who_read,
                    note=self._note,
                    advance=self._advance,
                    is_live=True,
                )
            self._passage.readers = those_who_read
        assert self._passage is not None  # noqa: S101 - made with the readers
        return self._passage

    def _advance(self, _: Sequence[Found]) -> None:
        self.pulse()

    def _dismiss(self) -> None:
        if self._readers is not None:
            held, self._readers = self._readers, None
            held.__exit__(None, None, None)

    def _note(self, connection: sa.Connection, records: Sequence[tuple[str, str]]) -> None:
        run = self._intake.report.run
        if run is None:
            run = self._intake.begin()
            self._begun = self._beaten = time.monotonic()
        journal.note(connection, run, records)

    def _end(self) -> None:
        """End the run and have the next one begin on what is in force then."""
        self._begun = time.monotonic()
        self._intake.end("done")
        try:
            self._intake = self._new()
        except PanoscError:
            # a profile or policy that is being edited: what was in force stays so
            self._intake.report = Report()
            return
        if self._passage is not None:
            self._passage.profile = self._intake.profile
            self._passage.terms_of = self._intake.terms_of


def _merge(total: Report, one: Report) -> None:
    """Add what one step did; of troubles only the last are kept."""
    for item in fields(Report):
        mine, other = getattr(total, item.name), getattr(one, item.name)
        if item.name in {"is_dry", "run", "waiting"}:
            continue
        if isinstance(other, list):
            mine += other
            del mine[:-REMEMBERED]
        elif isinstance(other, dict):
            mine.update(other)
        else:
            setattr(total, item.name, mine + other)
