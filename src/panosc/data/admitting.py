"""Who may have the bytes of a file, and where it lies: the one gate of all data routes.

One statement decides and finds. What is open to anyone is remembered for a moment, so that a
viewer that asks for a hundred things of one file is not decided on a hundred times; everything
else is decided anew with each request.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from panosc.catalogue.tables import dataset, file, location
from panosc.domain.access import ANYONE, NEVER, Who
from panosc.domain.errors import (
    Embargoed,
    Forbidden,
    Gone,
    NotFound,
    PanoscError,
    Unreadable,
    WrongScope,
)
from panosc.files.tiers import NEARLINE, ONLINE, REMOVED
from panosc.policy.decisions.records import is_text
from panosc.policy.sql import state, visible

REMEMBERED_S: Final = 0.1
"""How long a decision on what is open to anyone holds: less than an answer takes to arrive."""
MOST_REMEMBERED: Final = 10_000
LONGEST_NAME: Final = 4096
_PAGE: Final = 1000
_TIERS: Final = {ONLINE: 0, NEARLINE: 1, REMOVED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A file that the caller may have, as it was when it was registered."""

    dataset_id: int
    pid: str
    title: str | None
    name: str
    url: str
    tier: str
    size: int
    mtime_ns: int
    sha256: str | None
    format: str | None
    part: str
    """The NXentry that the dataset is, if it is not the whole file."""
    is_public: bool
    """Whether anyone may have it."""

    def require_online(self) -> None:
        """Refuse what is on tape or was removed.

        Raises
        ------
        Unreadable
        """
        if self.tier == NEARLINE:
            raise Unreadable(
                f"{self.name} is on tape.",
                reason="nearline",
                hint=f"Ask for it on /datasets/{self.pid}/-/restore.",
            )
        if self.tier == REMOVED:
            raise Unreadable(f"{self.name} has been removed from where it was.", reason="gone")


class Admission:
    """Decides on files of datasets.

    Parameters
    ----------
    engine : Engine
    clock : callable
    remembered_s : float
        How long a decision on what is open to anyone holds.
    """

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        *,
        remembered_s: float = REMEMBERED_S,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._remembered_s = remembered_s
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str | None], tuple[float, Located]] = {}

    def remembered(self, who: Who, pid: str, name: str | None) -> Located | None:
        """Return what `locate` found a moment ago, if anyone may have it."""
        if who != ANYONE:
            return None
        found = self._open.get((pid, name))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def locate(self, who: Who, pid: str, name: str | None) -> Located:
        """Return a file of a dataset; without `name` the only one.

        Of several places of one content the one that can be read soonest.

        Raises
        ------
        NotFound
            If there is no such dataset or file, or `who` may not know of the dataset.
        Embargoed, Forbidden, WrongScope
            If the data are for others, or not yet for this one.
        Gone
            If the dataset was withdrawn or erased.
        """
        rows = self._rows(who, pid, name=name, limit=_PAGE) if _is_name(pid, name) else []
        if not rows:
            raise self._refusal(who, pid, name)
        names = {row.name for row in rows}
        if name is None and len(names) > 1:
            raise NotFound(f"{pid} has more than one file.", hint="Say which one: file=NAME.")
        found = _located(min(rows, key=lambda row: (_TIERS[row.tier], row.url)))
        if who == ANYONE:
            self._remember((pid, name), found)
        return found

    def locate_all(self, who: Who, pid: str) -> Iterator[Located]:
        """Yield all files of a dataset by name, each once, reading a page at a time.

        Raises
        ------
        NotFound, Embargoed, Forbidden, WrongScope, Gone
            As `locate` does, before the first one.
        """
        after: str | None = None
        best: Any = None
        while True:
            rows = self._rows(who, pid, after=after, limit=_PAGE) if _is_name(pid, None) else []
            if not rows and after is None:
                raise self._refusal(who, pid, None)
            # the places of one name are not torn apart by the end of a page: the last name of a
            # full page is read again with the next one
            last = rows[-1].name if len(rows) == _PAGE and rows[0].name != rows[-1].name else None
            for row in rows:
                if row.name == last:
                    break
                if best is not None and best.name != row.name:
                    yield _located(best)
                    best = None
                if best is None or (_TIERS[row.tier], row.url) < (_TIERS[best.tier], best.url):
                    best = row
                after = row.name
            if len(rows) < _PAGE:
                break
        if best is not None:
            yield _located(best)

    def names(self, who: Who, pid: str) -> frozenset[str]:
        """Return the names of all files of a dataset; see `locate_all`."""
        return frozenset(found.name for found in self.locate_all(who, pid))

    def _remember(self, key: tuple[str, str | None], found: Located) -> None:
        with self._lock:
            if len(self._open) >= MOST_REMEMBERED:
                self._open.clear()
            self._open[key] = (time.monotonic() + self._remembered_s, found)

    def _rows(
        self,
        who: Who,
        pid: str,
        *,
        name: str | None = None,
        after: str | None = None,
        limit: int,
    ) -> list[Any]:
        # what anyone may have is asked for so often that it is not put together each time
        build = _open_to_anyone if who == ANYONE else _statement
        query = build(who, by_name=name is not None, is_further=after is not None)
        given = {"now": self._clock(), "pid": pid, "wanted": name, "previous": after, "most": limit}
        with self._engine.connect() as connection:
            return list(connection.execute(query, given))

    def _refusal(self, who: Who, pid: str, name: str | None) -> PanoscError:
        """Say why there is nothing: as little as this caller may know."""
        now = self._clock()
        absent = NotFound(
            f"There is no dataset “{pid}” at this node.",
            hint="Search for it, or ask whoever gave you the identifier.",
        )
        if not _is_name(pid, name):
            return absent
        query = sa.select(
            dataset.c.open_at,
            state(dataset, now=now).label("state"),
            visible(dataset, who, "core", now=now).label("is_known"),
            visible(dataset, who, "bytes", now=now).label("is_theirs"),
        ).where(dataset.c.pid == pid)
        with self._engine.connect() as connection:
            row = connection.execute(query).first()
        if row is not None and row.state == "erased":
            return Gone(f"The dataset “{pid}” was here and has been erased.")
        if row is None or not row.is_known:
            return absent
        if row.is_theirs:
            what = "no files" if name is None else f"no file “{name[:200]}”"
            return NotFound(f"The dataset “{pid}” has {what} here.")
        return _withheld(who, pid, row)


def _statement(who: Who, *, by_name: bool, is_further: bool) -> sa.Select[Any]:
    """Return the query for files of a dataset that `who` may have, all or those of one name."""
    now: Any = sa.bindparam("now", type_=sa.DateTime(timezone=True))
    others, theirs = location.alias("others"), dataset.alias("theirs")
    # of a file that is several datasets, each has its own state: all of them are handed out
    # together, so all must be the caller's
    hidden = (
        sa.select(sa.literal(1))
        .select_from(others.join(theirs, theirs.c.id == others.c.dataset_id))
        .where(others.c.url == location.c.url, others.c.dataset_id != dataset.c.id)
        .where(sa.not_(visible(theirs, who, "bytes", now=now)))
    )
    kept = (
        sa.select(file.c.sha256, file.c.format)
        .where(file.c.dataset_id == dataset.c.id, file.c.name == location.c.name)
        .limit(1)
        .lateral()
    )
    query = (
        sa.select(
            dataset.c.id,
            dataset.c.pid,
            dataset.c.title,
            location.c.name,
            location.c.url,
            location.c.tier,
            location.c.size,
            location.c.mtime_ns,
            location.c.part,
            kept.c.sha256,
            kept.c.format,
            (dataset.c.opened_at <= now).label("is_public"),
        )
        .select_from(
            dataset.join(location, location.c.dataset_id == dataset.c.id).outerjoin(kept, sa.true())
        )
        .where(dataset.c.pid == sa.bindparam("pid"), visible(dataset, who, "bytes", now=now))
        .where(sa.or_(location.c.part == "", sa.not_(hidden.exists())))
        .order_by(location.c.name, location.c.url)
        .limit(sa.bindparam("most"))
    )
    if by_name:
        query = query.where(location.c.name == sa.bindparam("wanted"))
    if is_further:
        query = query.where(location.c.name > sa.bindparam("previous"))
    return query


_open_to_anyone: Final = lru_cache(maxsize=4)(_statement)


def _withheld(who: Who, pid: str, row: Any) -> PanoscError:
    """Say why data are not given out, to somebody who may know of the dataset."""
    if row.state == "withdrawn":
        return Gone(
            f"The dataset “{pid}” has been withdrawn; its data are no longer given out.",
            hint="Its page says why.",
        )
    if not who.may_use("bytes"):
        return WrongScope("This token may not fetch data.", scope="data")
    if row.state == "embargoed":
        return Embargoed(
            f"The data of “{pid}” are under embargo.",
            until=None if row.open_at == NEVER else row.open_at,
            hint="Its page says from when they are open, and how to ask for access.",
        )
    return Forbidden(f"The data of “{pid}” are not for you.")


def _is_name(pid: str, name: str | None) -> bool:
    """Whether the texts can be names at all."""
    return all(len(text) <= LONGEST_NAME and is_text(text) for text in (pid, name or ""))


def _located(row: Any) -> Located:
    return Located(
        dataset_id=row.id,
        pid=row.pid,
        title=row.title,
        name=row.name,
        url=row.url,
        tier=row.tier,
        size=row.size,
        mtime_ns=row.mtime_ns,
        sha256=row.sha256,
        format=row.format,
        part=row.part,
        is_public=row.is_public,
    )
