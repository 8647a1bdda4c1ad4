"""One look at all DOIs that are due: each is put, looked at, and noted.

Every step may be the last one of this process. What is due stays due until what DataCite has
was seen and noted, and putting it twice is putting it once.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from panosc.publication.minting import queue
from panosc.publication.minting.datacite import DataCite, Fault, Held, Refused, event_to
from panosc.publication.minting.neighbours import concerned
from panosc.publication.minting.queue import Got, Task, Wish
from panosc.publication.minting.suffixes import doi_of
from panosc.publication.minting.telling import Teller, Told
from panosc.publication.reading import versions

_log = logging.getLogger(__name__)
_STEPS: Final = 3
"""Events that lead from any state to any other that can be reached, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How patient the node is with DataCite."""

    first: timedelta = timedelta(seconds=5)
    """After the first fault of a DOI; twice as long after each other one."""
    longest: timedelta = timedelta(hours=1)

    def wait(self, tries: int) -> timedelta:
        """Return how long to wait after so many faults before this one."""
        return min(self.longest, self.first * float(1 << min(tries, 20)))


class Rounds:
    """Does what is due.

    Parameters
    ----------
    prefix : str
        Under which the node registers DOIs.
    """

    def __init__(
        self,
        engine: sa.Engine,
        datacite: DataCite,
        teller: Teller,
        terms: Terms,
        *,
        prefix: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._datacite = datacite
        self._teller = teller
        self._terms = terms
        self._prefix = prefix
        self._clock = clock
        self._rests_until: datetime | None = None

    def round(self, *, goes_on: Callable[[], bool] = lambda: True) -> int:
        """Do what is due now, and return how many were tried; `goes_on` is asked before each."""
        tried = 0
        if self._rests_until is not None and self._clock() < self._rests_until:
            return tried
        with self._engine.connect() as connection:
            tasks = queue.due(connection, self._clock())
        for task in tasks:
            if not goes_on():
                break
            tried += 1
            try:
                self._do(task)
            except Fault as fault:
                self._put_off(task, fault)
                if fault.is_busy:
                    break
            except Refused as refusal:
                self._leave(task, refusal)
                if refusal.is_account:
                    break
        return tried

    def _do(self, task: Task) -> None:
        now = self._clock()
        with self._engine.connect() as connection:
            told = self._teller.tell(connection, task, now=now)
        look = told.opens if told.opens is not None and told.opens > now else None
        if told.state is not None and (told.digest, told.state) != (task.sent, task.state):
            held = self._send(task, told)
        else:
            held = None
        with self._engine.begin() as connection:
            got = Got(state=task.state, sent=task.sent)
            if held is not None:
                got = Got(state=held.state, sent=told.digest)
            if told.state is not None and task.kind == "version":
                self._note_concept(connection, task, now)
            if got.state != task.state:
                # what names this record names it by its DOI from now on
                others = concerned(connection, [(task.model, task.pid)])
                queue.touch(connection, others - {(task.model, task.pid)}, now=now)
            queue.done(connection, task, got, now=self._clock(), look=look)

    def _send(self, task: Task, told: Told) -> Held:
        """Put a DOI until DataCite has it in the state that it shall have."""
        wanted = told.state or "draft"
        state = task.state
        for _ in range(_STEPS):
            self._datacite.put(task.doi, told.attributes, event=event_to(wanted, state))
            # an event that is not possible is left out, and the answer is 200 all the same
            held = self._datacite.get(task.doi)
            if held is None:
                raise Fault("DataCite took the DOI and does not know it.")
            state = held.state
            is_there = state == wanted or (wanted == "draft" and state != "draft")
            if is_there and (held.url, held.title) == (told.attributes["url"], told.title):
                if state != wanted:
                    # what was public once never is a draft again
                    wanted = "registered"
                    if state == "findable":
                        continue
                return held
        raise Fault(f"DataCite has the DOI as {state}, not as {wanted}, or with another title.")

    def _note_concept(self, connection: sa.Connection, task: Task, now: datetime) -> None:
        """Let the versions of a dataset have a DOI for all of them, once there are two."""
        if task.model != "Dataset":
            return
        root = versions.root(connection, task.pid)
        if root is None or task.wanted == "draft":
            return
        name = doi_of("Dataset", root, prefix=self._prefix, kind="concept")
        wish = Wish(
            doi=name, model="Dataset", pid=root, kind="concept", wanted=task.wanted, by="versions"
        )
        queue.want_many(connection, [wish], now=now)

    def _put_off(self, task: Task, fault: Fault) -> None:
        now = self._clock()
        wait = max(fault.after or timedelta(), self._terms.wait(task.tries))
        if fault.is_busy:
            self._rests_until = now + (fault.after or self._terms.first)
        with self._engine.begin() as connection:
            queue.again(connection, task, f"It is tried again: {fault}", at=now + wait)
        _log.info("The DOI %s has to wait: %s", task.doi, fault)

    def _leave(self, task: Task, refusal: Refused) -> None:
        with self._engine.begin() as connection:
            if refusal.is_account:
                queue.park_all(connection, str(refusal), now=self._clock())
            queue.park(connection, task, str(refusal))
        _log.warning("The DOI %s waits for a person: %s", task.doi, refusal)
