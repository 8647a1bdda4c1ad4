"""The desk: takes announcements one by one and lets their files be ingested.

Several desks may work, in as many processes: a lock in the database keeps an announcement with
one of them, and ends with the process that held it. An announcement stays waiting until its
datasets are registered; taken twice, it does nothing twice.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.beside.leading import in_thread
from panosc.catalogue.intake import announcement
from panosc.domain.access import Who
from panosc.domain.errors import Invalid, PanoscError, Unavailable
from panosc.ingest.messages.register import Announcement, from_row
from panosc.ingest.messages.taking import Outcome, Stopped, by_ingest
from panosc.policy import audit
from panosc.settings import Settings

MOST_TRIES = 15
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
EVERY_S = 1.0
LOST_S = 5.0
"""Until the database is asked again that was lost."""
_CANDIDATES = 20
_LOCKS = 0x616E6E
_LONGEST_DETAIL = 2000
_log = logging.getLogger(__name__)

Take = Callable[[Announcement], Outcome]
"""Works on one announcement; raises `PanoscError` when it cannot be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often an announcement is tried; each wait in between is twice as long as before."""

    tries: int = MOST_TRIES
    first: timedelta = FIRST_WAIT
    longest: timedelta = LONGEST_WAIT

    def after(self, tries: int) -> timedelta:
        """Return how long to wait after so many tries."""
        return min(self.first * (1 << min(tries - 1, 30)), self.longest)


class Desk:
    """Works on announcements.

    Parameters
    ----------
    take : callable, optional
        Does the work on one; else `panosc.ingest.service.ingest` does.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        take: Take | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._ends = threading.Event()
        self._take = take or by_ingest(engine, settings, clock, self._ends)
        self._patience = patience or Patience()

    def step(self) -> bool:
        """Work on the next announcement that is due; return whether there was one."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as held:
            for name in self._due(held):
                lock = sa.func.hashtext(name)
                if not held.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCKS, lock))):
                    continue
                try:
                    claimed = self._claim(name)
                    if claimed is not None:
                        self._work(claimed)
                        return True
                finally:
                    held.execute(sa.select(sa.func.pg_advisory_unlock(_LOCKS, lock)))
        return False

    def work(self) -> None:
        """Work until `stop` is called, whatever happens to a single announcement."""
        while not self._ends.is_set():
            try:
                pause = 0.0 if self.step() else EVERY_S
            except (SQLAlchemyError, Unavailable):
                _log.exception("The database is lost; asked again in %s s", LOST_S)
                pause = LOST_S
            if self._ends.wait(pause):
                return

    def stop(self) -> None:
        """Let `work` end; what it is at is left for the next start."""
        self._ends.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work in a thread beside whatever the block does."""
        with in_thread(self.work, self.stop, name="announcements"):
            yield

    def _due(self, connection: sa.Connection) -> list[str]:
        query = (
            sa.select(announcement.c.id)
            .where(announcement.c.state == "waiting", announcement.c.next_try <= self._clock())
            .order_by(announcement.c.next_try, announcement.c.at)
            .limit(_CANDIDATES)
        )
        return list(connection.scalars(query))

    def _claim(self, name: str) -> Announcement | None:
        """Count a try and put the next one off; None if somebody has been faster."""
        now = self._clock()
        query = (
            sa.select(announcement)
            .where(
                announcement.c.id == name,
                announcement.c.state == "waiting",
                announcement.c.next_try <= now,
            )
            .with_for_update()
        )
        with self._engine.begin() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            # were the process killed now, this is when it is tried again
            following = now + self._patience.after(row.tries + 1)
            self._set(connection, name, tries=row.tries + 1, next_try=following)
            return from_row(row)

    def _work(self, claimed: Announcement) -> None:
        tries = claimed.tries + 1
        try:
            outcome = self._take(claimed)
        except Stopped:
            with self._engine.begin() as connection:
                self._set(connection, claimed.id, tries=claimed.tries, next_try=self._clock())
            return
        except (SQLAlchemyError, Unavailable):
            raise
        except Invalid as error:
            outcome = Outcome(failed=" ".join(filter(None, (error.detail, error.hint))))
        except PanoscError as error:
            outcome = Outcome(waits_for=" ".join(filter(None, (error.detail, error.hint))))
        except Exception as error:
            # whatever is wrong with one must not keep the others waiting
            _log.exception("The announcement %s cannot be worked on", claimed.id)
            outcome = Outcome(waits_for=f"It went wrong inside: {type(error).__name__}: {error}")
        self._settle(claimed, outcome, is_last=tries >= self._patience.tries)

    def _settle(self, claimed: Announcement, outcome: Outcome, *, is_last: bool) -> None:
        detail = outcome.failed or outcome.waits_for or outcome.detail
        values: dict[str, Any] = {"detail": _printable(detail), "pids": list(outcome.pids)}
        if outcome.run is not None:
            values["run_id"] = outcome.run
        if outcome.failed or (outcome.waits_for and is_last):
            values["state"] = "failed"
        elif not outcome.waits_for:
            values["state"] = "done"
        with self._engine.begin() as connection:
            self._set(connection, claimed.id, **values)
            if "state" in values:
                audit.record(
                    connection,
                    Who(person=claimed.who),
                    f"ingest.{values['state']}",
                    now=self._clock(),
                    subject=claimed.id,
                    reason=values["detail"],
                    datasets=len(outcome.pids),
                    run=outcome.run,
                )

    @staticmethod
    def _set(connection: sa.Connection, name: str, **values: Any) -> None:
        connection.execute(
            sa.update(announcement).where(announcement.c.id == name).values(**values)
        )


def _printable(text: str | None) -> str | None:
    if text is None:
        return None
    kept = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return kept[:_LONGEST_DETAIL]
