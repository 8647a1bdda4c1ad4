"""What brings files back, in rounds: find their volumes, mount, watch, and let them go again.

Everything that is known is in the database before the tape system is called, and each call may
come twice. So a node that is killed anywhere goes on with the next round, and no volume is
mounted a second time for it. Files are looked at (size, time of change) and never opened.
"""

import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from panosc.catalogue.writer import record_changes
from panosc.data.restoring import store, wished
from panosc.data.restoring.store import Mount, Recall
from panosc.data.restoring.tapes import Tape, TapeFault, Told
from panosc.domain.errors import Unreadable
from panosc.files.tiers import NEARLINE, ONLINE, OnlineFile, require_online
from panosc.settings import Settings

FIRST_REST = timedelta(seconds=2)
LONGEST_REST = timedelta(minutes=5)
PRUNE_EVERY = timedelta(hours=1)
_log = logging.getLogger(__name__)

_CHANGED = (
    "It came back with another size or time of change than it was registered with: it has to be "
    "ingested again."
)
_NOWHERE = "No tape has it, says the tape system."
_FORGOTTEN = "It is in the catalogue no more as it was when it was asked for."
_ALREADY = "It was back on disk by itself."
_LEFT = "It had changed on disk, and was left there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a site wants its files back."""

    drives: int
    settle: timedelta
    patience: timedelta
    stay: timedelta
    poll: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Terms":
        """Return the terms of the settings."""
        return cls(
            drives=settings.restore_drives,
            settle=timedelta(seconds=settings.restore_settle_s),
            patience=timedelta(seconds=settings.restore_patience_s),
            stay=timedelta(days=settings.restore_days),
            poll=timedelta(seconds=settings.tape_poll_s),
        )


class Rounds:
    """One process of a node brings files back; the others stand by."""

    def __init__(
        self, engine: sa.Engine, tape: Tape, terms: Terms, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._tape = tape
        self._terms = terms
        self._clock = clock
        self._failures = 0
        self._rests_until: datetime | None = None
        self._polled: dict[int, datetime] = {}
        self._pruned: datetime | None = None

    def round(self) -> None:
        """Do everything that can be done now; return soon."""
        self._prune()
        with self._engine.connect() as connection:
            if store.is_idle(connection, self._clock()):
                return
        # after a fault the tape system is left in peace for a while; time goes on for its mounts
        steps = (self._drop, self._release, self._sort, self._begin)
        faults = self._failures
        self._follow()
        for step in steps:
            if self._is_resting():
                return
            try:
                step()
            except TapeFault as fault:
                self._rest(fault)
        if faults == self._failures:
            self._failures = 0

    def _prune(self) -> None:
        now = self._clock()
        if self._pruned is None or now >= self._pruned + PRUNE_EVERY:
            with store.writing(self._engine) as connection:
                store.prune(connection, now=now)
            self._pruned = now

    # ---- which volume ----

    def _sort(self) -> None:
        now = self._clock()
        with self._engine.connect() as connection:
            found = store.asked(connection, now)
            tiers = store.where_now(connection, [item.url for item in found])
        wanted = [item for item in found if tiers.get(item.url) == NEARLINE]
        there = {item.id: _ALREADY for item in found if tiers.get(item.url) == ONLINE}
        gone = {
            item.id: _FORGOTTEN for item in found if tiers.get(item.url) not in {NEARLINE, ONLINE}
        }
        try:
            places = self._tape.volumes([item.url for item in wanted]) if wanted else {}
        except TapeFault as fault:
            self._put_off(wanted, fault)
            raise
        nowhere = {item.id: _NOWHERE for item in wanted if item.url not in places}
        now = self._clock()
        with store.writing(self._engine) as connection:
            queued = {item.id: places[item.url] for item in wanted if item.url in places}
            store.queue(connection, queued, now=now)
            store.move(connection, nowhere | gone, "failed", was=["asked"], now=now)
            # whoever put it there takes it away: it is not ours to release
            store.move(connection, there, "released", was=["asked"], now=now)

    # ---- mounts ----

    def _begin(self) -> None:
        while True:
            with store.writing(self._engine) as connection:
                wished.let_go(connection, self._clock())
                mount = store.begin(
                    connection,
                    secrets.token_hex(8),
                    now=self._clock(),
                    drives=self._terms.drives,
                    settle=self._terms.settle,
                )
            if mount is None:
                return
            self._send(mount)

    def _send(self, mount: Mount) -> None:
        with self._engine.connect() as connection:
            urls = [item.url for item in store.of_mount(connection, mount.id)]
        try:
            self._tape.recall(mount.request, mount.volume, urls)
        except TapeFault as fault:
            with store.writing(self._engine) as connection:
                store.complain(connection, mount.id, str(fault))
            raise
        with store.writing(self._engine) as connection:
            store.sent(connection, mount.id)

    def _follow(self) -> None:
        with self._engine.connect() as connection:
            live = store.mounts(connection, "live")
        self._polled = {item.id: at for item in live if (at := self._polled.get(item.id))}
        for mount in live:
            if self._is_resting() or not self._is_due(mount):
                self._expire(mount)
                continue
            try:
                told = self._tape.poll(mount.request)
                self._polled[mount.id] = self._clock()
                if not told:
                    # the node was killed before it was sent, or the tape system has forgotten it
                    self._send(mount)
                elif self._take(mount, told):
                    continue
            except TapeFault as fault:
                with store.writing(self._engine) as connection:
                    store.complain(connection, mount.id, str(fault))
                self._rest(fault)
            self._expire(mount)

    def _is_due(self, mount: Mount) -> bool:
        last = self._polled.get(mount.id)
        return last is None or self._clock() >= last + self._terms.poll

    def _take(self, mount: Mount, told: Mapping[str, Told]) -> bool:
        """Take up what the tape system says of a mount; return whether it gets on."""
        came: list[int] = []
        failed: dict[int, str | None] = {}
        words: dict[int, str] = {}
        with self._engine.connect() as connection:
            items = store.of_mount(connection, mount.id)
        for item in items:
            said = told.get(item.url)
            state = None if said is None or said.state != "online" else _state(item)
            if said is None:
                continue
            if said.state == "failed":
                failed[item.id] = said.message or "The tape system cannot bring it."
            elif said.state == "online" and state is None:
                came.append(item.id)
            elif state == "changed":
                failed[item.id] = _CHANGED
            elif said.message and said.message != item.message:
                words[item.id] = said.message
        now = self._clock()
        gets_on = bool(came or failed) or not items
        with store.writing(self._engine) as connection:
            store.tell(connection, words, now=now)
            store.move(connection, failed, "failed", was=["staging"], now=now)
            # what it adds to the feed of changes comes last
            if gets_on and not came:
                store.beat(connection, mount.id, now=now)
        if came:
            self._arrive(mount, came)
        return gets_on

    def _arrive(self, mount: Mount, came: list[int]) -> None:
        now = self._clock()
        with store.writing(self._engine) as connection:
            touched = store.arrive(connection, came, now=now, until=now + self._terms.stay)
            lost: dict[int, str | None] = dict.fromkeys(came, _FORGOTTEN)
            store.move(connection, lost, "failed", was=["staging"], now=now)
            store.beat(connection, mount.id, now=now)
            record_changes(connection, touched)

    def _expire(self, mount: Mount) -> None:
        now = self._clock()
        if now - mount.beat < self._terms.patience:
            return
        _log.warning("The volume %s brought nothing in time and is given up", mount.volume)
        with store.writing(self._engine) as connection:
            store.give_up(connection, mount.id, now=now, next_try=now + self._terms.settle)

    def _drop(self) -> None:
        with self._engine.connect() as connection:
            dropping = store.mounts(connection, "dropping")
        for mount in dropping:
            # the volume is free for another mount when the tape system has let it go
            self._tape.drop(mount.request)
            with store.writing(self._engine) as connection:
                store.lose(connection, mount.id, now=self._clock())

    # ---- back to tape ----

    def _release(self) -> None:
        now = self._clock()
        with store.writing(self._engine) as connection:
            found = store.due(connection, now)
            if not found:
                return
            touched = store.leave(connection, [item.id for item in found], now=now)
            record_changes(connection, touched)
        # what is not as it was when it came has perhaps never been on tape: it is left alone
        same = [item for item in found if _state(item) is None]
        try:
            self._tape.release([item.url for item in same])
        except TapeFault as fault:
            self._put_off(found, fault)
            raise
        with store.writing(self._engine) as connection:
            released = {item.id: None if item in same else _LEFT for item in found}
            store.move(connection, released, "released", was=["releasing"], now=self._clock())

    # ---- faults ----

    def _put_off(self, items: list[Recall], fault: TapeFault) -> None:
        message = f"It is tried again: {fault}"
        with store.writing(self._engine) as connection:
            store.put_off(
                connection,
                [item.id for item in items],
                message,
                until=self._clock() + FIRST_REST,
            )

    def _is_resting(self) -> bool:
        return self._rests_until is not None and self._clock() < self._rests_until

    def _rest(self, fault: TapeFault) -> None:
        self._failures += 1
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(10, self._failures - 1))
        self._rests_until = self._clock() + rest
        _log.warning("The tape system: %s. It is asked again in %s", fault, rest)


def _state(item: Recall) -> str | None:
    """Return None for a file that is as it was, else ``gone`` or ``changed``; opens nothing."""
    try:
        path = require_online(item.url, ONLINE)
    except Unreadable:
        # it lies elsewhere: the word of the tape system is all there is
        return None
    return OnlineFile(path=path, size=item.size, mtime_ns=item.mtime_ns).state()
