"""What each class of users may use in a day, and what each caller has used.

Counted in memory, and added to the table `usage` every few seconds and at the end: several
processes add up, and a kill loses what was counted since. A day is one of UTC. An address is
forgotten after two days. How often one may ask in a minute is `portal.guards.limits`.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.exc import SQLAlchemyError

from panosc.catalogue.people import usage
from panosc.domain.access import Who
from panosc.domain.errors import OverBudget

WRITE_EVERY_S = 5.0
MOST_KNOWN = 50_000
"""Callers that are remembered at once; beyond that those with nothing to write are asked again."""
ADDRESSES_KEPT = timedelta(days=2)
_ADDRESS = "address:"
_BLOCK = 1000
_Key = tuple[date, str]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one caller of a class may use in a day; None for no limit."""

    requests_per_day: int | None = None
    bytes_per_day: int | None = None


UNLIMITED = Allowance()


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What one caller has used today, and may; `until` is when it begins again."""

    requests: int
    bytes: int
    user_class: str
    allowance: Allowance
    until: datetime


@dataclass(slots=True)
class _Count:
    """One caller's day: what the table held when it was last looked at, and what is to come."""

    stored: list[int]
    fresh: list[int]

    def total(self, kind: int) -> int:
        return self.stored[kind] + self.fresh[kind]


class Budgets:
    """Counts what callers use, and refuses those who have used all of it.

    Parameters
    ----------
    allowances : callable
        The allowance of each class of users, as the policy in force says; a class that is not
        named has no limit.
    write_every_s : float
        Most seconds of counting that a kill may lose.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        allowances: Callable[[], Mapping[str, Allowance]] = lambda: MappingProxyType({}),
        *,
        write_every_s: float = WRITE_EVERY_S,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._allowances = allowances
        self._write_every_s = write_every_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: dict[_Key, _Count] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._pruned: date | None = None

    def __enter__(self) -> Self:
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="budgets", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._write_if_possible()

    def admit(self, who: Who, address: str) -> str | None:
        """Count a request; return who pays for its answer, None for a local shell.

        Raises
        ------
        OverBudget
            If the caller has used what the class may use in a day.
        """
        if who.via == "shell":
            return None
        payer, today = payer_of(who, address), self._today()
        allowance = self._allowance(who.user_class)
        if (today, payer) not in self._counts:
            self._count(today, payer)
        with self._lock:
            count = self._kept(today, payer)
            over = _over(count, allowance)
            if over is None:
                count.fresh[0] += 1
        if over is not None:
            raise self._refusal(who.user_class, over)
        return payer

    def spend(self, payer: str, size: int) -> None:
        """Count the bytes of an answer, for whom `admit` returned."""
        today = self._today()
        with self._lock:
            self._kept(today, payer).fresh[1] += size

    def used(self, who: Who, address: str = "unknown") -> Used:
        """Return what a caller has used today."""
        today = self._today()
        count = self._count(today, payer_of(who, address))
        return Used(
            requests=count.total(0),
            bytes=count.total(1),
            user_class=who.user_class,
            allowance=self._allowance(who.user_class),
            until=self._midnight(today),
        )

    def write(self) -> None:
        """Add what was counted to the table, and learn what other processes did."""
        with self._writing:
            today = self._today()
            self._prune(today)
            with self._lock:
                fresh = {
                    key: (count.fresh[0], count.fresh[1])
                    for key, count in self._counts.items()
                    if any(count.fresh)
                }
            keys = sorted(fresh)
            for start in range(0, len(keys), _BLOCK):
                self._write(keys[start : start + _BLOCK], fresh)
            with self._lock:
                self._forget(today)

    def _run(self) -> None:
        while not self._stopped.wait(self._write_every_s):
            self._write_if_possible()

    def _write_if_possible(self) -> None:
        try:
            self.write()
        except SQLAlchemyError as error:
            # nothing is lost: it is added the next time
            _log.warning("What was used could not be written: %s", type(error).__name__)

    def _kept(self, day: date, payer: str) -> _Count:
        """Return the count of a caller, under the lock."""
        found = self._counts.get((day, payer))
        if found is None:
            found = self._counts[day, payer] = _Count(stored=[0, 0], fresh=[0, 0])
        return found

    def _count(self, day: date, payer: str) -> _Count:
        """Return what is known of a caller, from the table at first sight."""
        with self._lock:
            found = self._counts.get((day, payer))
        if found is not None:
            return found
        query = sa.select(usage.c.requests, usage.c.bytes).where(
            usage.c.subject == payer, usage.c.day == day
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        fresh = _Count(stored=[0, 0] if row is None else [row.requests, row.bytes], fresh=[0, 0])
        with self._lock:
            return self._counts.setdefault((day, payer), fresh)

    def _write(self, keys: list[_Key], fresh: Mapping[_Key, tuple[int, int]]) -> None:
        rows = [
            {"day": day, "subject": payer, "requests": number, "bytes": size}
            for (day, payer), (number, size) in ((key, fresh[key]) for key in keys)
        ]
        insert = pg.insert(usage).values(rows)
        adding = insert.on_conflict_do_update(
            index_elements=[usage.c.subject, usage.c.day],
            set_={
                "requests": usage.c.requests + insert.excluded.requests,
                "bytes": usage.c.bytes + insert.excluded.bytes,
            },
        ).returning(usage.c.day, usage.c.subject, usage.c.requests, usage.c.bytes)
        with self._engine.begin() as connection:
            written = connection.execute(adding).all()
        with self._lock:
            for row in written:
                count = self._counts[row.day, row.subject]
                taken = fresh[row.day, row.subject]
                count.stored = [row.requests, row.bytes]
                count.fresh = [count.fresh[0] - taken[0], count.fresh[1] - taken[1]]

    def _forget(self, today: date) -> None:
        """Drop other days, and when there are too many whoever has nothing to write."""
        is_full = len(self._counts) > MOST_KNOWN
        self._counts = {
            key: count
            for key, count in self._counts.items()
            if any(count.fresh) or (key[0] == today and not is_full)
        }

    def _prune(self, today: date) -> None:
        if self._pruned == today:
            return
        is_old = usage.c.day < today - ADDRESSES_KEPT
        with self._engine.begin() as connection:
            connection.execute(sa.delete(usage).where(is_old, usage.c.subject.startswith(_ADDRESS)))
        self._pruned = today

    def _allowance(self, user_class: str) -> Allowance:
        return self._allowances().get(user_class, UNLIMITED)

    def _refusal(self, user_class: str, over: tuple[str, int, int]) -> OverBudget:
        what, used, most = over
        until = self._midnight(self._today())
        wait = int((until - self._clock()).total_seconds()) + 1
        return OverBudget(
            f"The budget of a day is used up: {used} of {most} {what} for a user of the class "
            f"{user_class!r}.",
            retry_after=wait,
            hint=f"It begins again at {until:%Y-%m-%d %H:%M} UTC. Ask the operator of this node "
            "when you need more.",
        )

    def _today(self) -> date:
        return self._clock().date()

    def _midnight(self, today: date) -> datetime:
        return datetime.combine(today + timedelta(days=1), time(), tzinfo=self._clock().tzinfo)


def payer_of(who: Who, address: str) -> str:
    """Return whose budget is used: a person's, or that of an address."""
    return who.person or f"{_ADDRESS}{address}"


def _over(count: _Count, allowance: Allowance) -> tuple[str, int, int] | None:
    """Return what is used up, how much of it was used and how much there was."""
    for kind, what, most in (
        (0, "requests", allowance.requests_per_day),
        (1, "bytes", allowance.bytes_per_day),
    ):
        if most is not None and count.total(kind) >= most:
            return what, count.total(kind), most
    return None
