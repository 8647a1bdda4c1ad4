"""What people ask for from tape: they ask, look how it stands, and take it back.

Whoever may have the bytes of a file may ask for it. One recall serves all who want a file, and
each of them sees how it stands; who the others are is not told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.tables import dataset
from panosc.catalogue.tape.tables import LIVE, recall, wish
from panosc.data.admitting import Admission, Located
from panosc.data.restoring import store, wished
from panosc.data.restoring.estimating import Queue, expected
from panosc.data.restoring.standing import Whole, whole
from panosc.data.restoring.wished import Told
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, Forbidden, NotFound, OverBudget, TooLarge
from panosc.files.tiers import NEARLINE, ONLINE
from panosc.policy import audit
from panosc.policy.decisions.records import is_text
from panosc.policy.requiring import require
from panosc.settings import Settings

DAY = timedelta(days=1)
MOST_NAMES = 10_000
State = Literal["on tape", "asked", "queued", "staging", "online", "failed", "given up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a file stands that is, or was, on tape."""

    name: str
    size: int
    state: State
    message: str | None = None
    asked: datetime | None = None
    changed: datetime | None = None
    until: datetime | None = None
    """Until when it stays on disk."""
    expected: datetime | None = None
    people: int = 0
    """How many people want it."""
    is_mine: bool = False

    @property
    def is_kept(self) -> bool:
        """Whether it comes, or is kept on disk, because somebody wants it."""
        return self.state in {"asked", "queued", "staging", "online"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What asking did."""

    files: int
    """That are wanted now, whether or not they were before."""
    new: int
    """That this person had not asked for."""
    size: int
    """Bytes of the new ones."""


class Wishes:
    """Wishes of people for files on tape; the first argument says whose."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        admission: Admission,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._admission = admission

    @property
    def is_possible(self) -> bool:
        """Whether this node has a tape system."""
        return self._settings.tape is not None

    def whole(self, who: Who) -> Whole:
        """Return how restoring stands as a whole, for stewards.

        Raises
        ------
        Unauthenticated, Forbidden, WrongScope
        """
        require(who, "manage")
        if not who.is_steward:
            raise Forbidden(
                "Only stewards may see what everybody wants from tape.",
                hint="What you want yourself stands on the page of each dataset.",
            )
        with self._engine.connect() as connection:
            return whole(connection)

    def ask(self, who: Who, pid: str, names: Sequence[str] | None = None) -> Asked:
        """Ask for files of a dataset, for all that are on tape when `names` is None.

        Needs the permission `bytes`. Asking twice is asking once; what is on disk by an earlier
        wish stays there for longer.

        Raises
        ------
        Unauthenticated, WrongScope
        NotFound, Embargoed, Forbidden, Gone
            As `Admission.locate` does.
        OverBudget
            If it is more than a person may ask for in a day. Nothing is asked for then.
        Conflict
            If this node has no tape system.
        """
        person = require(who, "data")
        files = self._chosen(who, pid, names)
        if not self.is_possible:
            raise Conflict(
                "This node cannot bring files back from tape by itself.",
                hint="Ask whoever runs it; the page About has the address.",
            )
        now = self._clock()
        with store.writing(self._engine) as connection:
            wanted = self._wanted(connection, files, now)
            known = wished.already(connection, person, [key for key, _ in wanted])
            new = [(key, file) for key, file in wanted if (key, file.dataset_id) not in known]
            size = sum(file.size for _, file in new)
            self._refuse_too_much(connection, who, person, len(new), size)
            rows = [
                {
                    "recall_id": key,
                    "account": person,
                    "dataset_id": file.dataset_id,
                    "name": file.name,
                    "size": file.size,
                    "at": now,
                }
                for key, file in new
            ]
            if rows:
                again = insert(wish).on_conflict_do_update(
                    index_elements=["recall_id", "account", "dataset_id"],
                    set_={"ended": None},
                )
                connection.execute(again, rows)
                audit.record(
                    connection,
                    who,
                    "restore.asked",
                    now=now,
                    subject=pid,
                    files=len(new),
                    bytes=size,
                )
        return Asked(files=len(wanted), new=len(new), size=size)

    def look(self, who: Who, pid: str) -> list[Standing]:
        """Return how the files of a dataset stand that are on tape or were asked for, by name.

        The first `MOST_NAMES` of them. Needs the permission `bytes`.

        Raises
        ------
        NotFound, Embargoed, Forbidden, WrongScope, Gone
            As `Admission.locate` does.
        """
        files = self._admission.locate_all(who, pid)
        first, now = next(files), self._clock()
        with self._engine.connect() as connection:
            told = wished.told(connection, first.dataset_id, who.person)
            queue = wished.queue(connection, self._settings.restore_drives) if told else None
        every = (_standing(file, told, queue, now) for file in chain([first], files))
        return list(islice((item for item in every if item is not None), MOST_NAMES))

    def cancel(self, who: Who, pid: str, names: Sequence[str] | None = None) -> int:
        """Take back the caller's wishes for files of a dataset; return how many there were.

        A file that nobody wants any more is not brought, or goes back to tape. For this the
        data need not be theirs any more.

        Raises
        ------
        Unauthenticated, WrongScope
        """
        person = require(who, "data")
        names = None if names is None else [name for name in names if is_text(name)][:MOST_NAMES]
        if not is_text(pid):
            return 0
        now = self._clock()
        mine = sa.select(dataset.c.id).where(dataset.c.pid == pid).scalar_subquery()
        chosen = sa.and_(
            wish.c.account == person,
            wish.c.dataset_id == mine,
            wish.c.ended.is_(None),
            wish.c.recall_id == recall.c.id,
            recall.c.state.in_(LIVE),
        )
        if names is not None:
            chosen = sa.and_(chosen, wish.c.name == store.any_text(names))
        with store.writing(self._engine) as connection:
            begun = recall.c.state.in_(["staging", "online"])
            keys = list(
                connection.scalars(
                    sa.update(wish)
                    .where(chosen, begun)
                    .values(ended=now)
                    .returning(wish.c.recall_id)
                )
            )
            # what has cost nothing yet is not counted
            keys += connection.scalars(
                sa.delete(wish).where(chosen, ~begun).returning(wish.c.recall_id)
            )
            wished.let_go(connection, now)
            if keys:
                audit.record(
                    connection, who, "restore.taken_back", now=now, subject=pid, files=len(keys)
                )
        return len(keys)

    # ---- asking ----

    def _chosen(self, who: Who, pid: str, names: Sequence[str] | None) -> list[Located]:
        files = self._admission.locate_all(who, pid)
        if names is not None:
            wanted = dict.fromkeys(names)
            by_name = {file.name: file for file in files if file.name in wanted}
            for name in wanted:
                if name not in by_name:
                    raise NotFound(f"The dataset “{pid}” has no file “{name[:200]}” here.")
            return [by_name[name] for name in wanted]
        first = next(files)
        with self._engine.connect() as connection:
            told = wished.told(connection, first.dataset_id, None)
        every = (
            file for file in chain([first], files) if file.tier == NEARLINE or file.url in told
        )
        found = list(islice(every, MOST_NAMES + 1))
        if len(found) > MOST_NAMES:
            raise TooLarge(
                f"More than {MOST_NAMES:,} files of “{pid}” are on tape.",
                limit=MOST_NAMES,
                hint="Choose some of them.",
            )
        return found

    def _wanted(
        self, connection: sa.Connection, files: Iterable[Located], now: datetime
    ) -> list[tuple[int, Located]]:
        """Return the recalls of files, made where there were none; what needs none is left out."""
        by_url = {file.url: file for file in files}
        # as it is now: it may have come since they were located
        tiers = store.where_now(connection, list(by_url))
        query = sa.select(recall.c.id, recall.c.url, recall.c.state, recall.c.until).where(
            recall.c.url == store.any_text(list(by_url)), recall.c.state.in_(LIVE)
        )
        live = {row.url: row for row in connection.execute(query)}
        for url, row in list(live.items()):
            if row.state == "online" and tiers.get(url) != ONLINE:
                store.move(
                    connection,
                    {row.id: "It was taken from disk before its time."},
                    "released",
                    was=["online"],
                    now=now,
                )
                del live[url]
        stays = [row.id for row in live.values() if row.state == "online"]
        connection.execute(
            sa.update(recall)
            .where(recall.c.id == store.any_key(stays), recall.c.until.is_not(None))
            .values(until=now + timedelta(days=self._settings.restore_days))
        )
        keys = {url: row.id for url, row in live.items()}
        keys |= wished.made(
            connection,
            [by_url[url] for url, tier in tiers.items() if tier == NEARLINE and url not in live],
            now,
        )
        return [(keys[url], file) for url, file in by_url.items() if url in keys]

    def _refuse_too_much(
        self, connection: sa.Connection, who: Who, person: str, files: int, size: int
    ) -> None:
        if not files or who.is_steward:
            return
        now, columns = self._clock(), wish.c
        used, used_bytes, first = connection.execute(
            sa.select(
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(columns.size), 0),
                sa.func.min(columns.at),
            ).where(columns.account == person, columns.at > now - DAY)
        ).one()
        most, most_bytes = self._settings.restore_max_files, self._settings.restore_max_bytes
        if used + files <= most and used_bytes + size <= most_bytes:
            return
        wait = DAY if first is None else first + DAY - now
        raise OverBudget(
            f"You may ask for {most:,} files with {most_bytes:,} bytes from tape in a day. You "
            f"have asked for {used:,} with {int(used_bytes):,}; these are {files:,} with {size:,}.",
            retry_after=max(1, int(wait.total_seconds())),
            hint="Choose fewer files, or ask a steward of this node.",
        )


def _standing(
    file: Located, told: Mapping[str, Told], queue: Queue | None, now: datetime
) -> Standing | None:
    """Return how a file stands; None for one that is on disk and was not asked for."""
    found = told.get(file.url)
    # whoever looks after the disk may have brought it by themselves, or taken it before its time
    if found is None or (found.recall.state == "online") != (file.tier == ONLINE):
        is_there = file.tier != NEARLINE
        return None if is_there else Standing(name=file.name, size=file.size, state="on tape")
    row = found.recall
    waits = row.state in {"queued", "staging"}
    return Standing(
        name=file.name,
        size=file.size,
        state=row.state,
        message=row.message,
        asked=row.asked,
        changed=row.changed,
        until=row.until,
        expected=expected(queue, row.volume, now=now) if waits and queue else None,
        people=found.people,
        is_mine=found.is_mine,
    )
