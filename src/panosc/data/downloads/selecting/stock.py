"""How many files and bytes datasets have, and how their files stand: on disk, on tape, gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from panosc.catalogue.tables import dataset, location
from panosc.domain.access import Who
from panosc.domain.errors import Unreadable
from panosc.files.tiers import NEARLINE, ONLINE, OnlineFile, require_online
from panosc.policy.sql import state, visible

_RANK: Final = sa.case({ONLINE: 0, NEARLINE: 1}, value=location.c.tier, else_=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """A dataset that somebody may know of, and what of it may be fetched."""

    key: int
    pid: str
    title: str | None
    state: str
    may_fetch: bool
    files: int
    size: int
    """Bytes of all files."""
    size_here: int
    """Bytes of those on disk."""
    offline: int
    """Files that are not on disk."""
    urls: tuple[str, str] | None
    """The first and the last of the URLs, in order, of files on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How a file stands: ``online``, ``nearline``, ``removed``; ``gone`` or ``changed``."""

    word: str
    size: int


class Stocks:
    """Reads the figures from the database."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._clock = clock

    def by_pid(self, who: Who, pid: str) -> Stock | None:
        """Return the figures of one dataset; None where there is none that `who` may know of."""
        found = self._stocks(who, dataset.c.pid == pid)
        return found[0] if found else None

    def by_keys(self, who: Who, keys: Sequence[int]) -> list[Stock]:
        """Return those of several, in their order, that `who` may know of."""
        if not keys:
            return []
        found = {one.key: one for one in self._stocks(who, dataset.c.id.in_(keys))}
        return [found[key] for key in keys if key in found]

    def places(self, who: Who, pid: str, names: Sequence[str]) -> dict[str, Place]:
        """Return how files stand, by name; of those on disk it is looked at the disk.

        Needs the permission `detail`.
        """
        now = self._clock()
        query = (
            sa.select(location)
            .ext(distinct_on(location.c.name))
            .select_from(dataset.join(location, location.c.dataset_id == dataset.c.id))
            .where(dataset.c.pid == pid, visible(dataset, who, "detail", now=now))
            .where(location.c.name.in_(names))
            .order_by(location.c.name, _RANK, location.c.url)
        )
        with self._engine.connect() as connection:
            rows = list(connection.execute(query))
        return {row.name: Place(word=_word(row), size=row.size) for row in rows}

    def _stocks(self, who: Who, where: sa.ColumnElement[bool]) -> list[Stock]:
        now = self._clock()
        may_fetch = visible(dataset, who, "bytes", now=now)
        files = (
            sa.select(location.c.size, location.c.tier, location.c.url)
            .ext(distinct_on(location.c.name))
            .where(location.c.dataset_id == dataset.c.id, may_fetch)
            .order_by(location.c.name, _RANK, location.c.url)
            .correlate(dataset)
            .subquery()
        )
        figures = sa.select(
            sa.func.count().label("files"),
            sa.func.coalesce(sa.func.sum(files.c.size), 0).label("size"),
            sa.func.coalesce(sa.func.sum(files.c.size).filter(files.c.tier == ONLINE), 0).label(
                "here"
            ),
            sa.func.count().filter(files.c.tier != ONLINE).label("offline"),
            sa.func.min(files.c.url).filter(files.c.tier == ONLINE).label("first"),
            sa.func.max(files.c.url).filter(files.c.tier == ONLINE).label("last"),
        ).lateral()
        query = (
            sa.select(
                dataset.c.id,
                dataset.c.pid,
                dataset.c.title,
                state(dataset, now=now).label("state"),
                may_fetch.label("may_fetch"),
                figures,
            )
            .select_from(dataset.join(figures, sa.true()))
            .where(where, visible(dataset, who, "core", now=now))
        )
        with self._engine.connect() as connection:
            return [_stock(row) for row in connection.execute(query)]


def _stock(row: Any) -> Stock:
    return Stock(
        key=row.id,
        pid=row.pid,
        title=row.title,
        state=row.state,
        may_fetch=row.may_fetch,
        files=row.files,
        size=int(row.size),
        size_here=int(row.here),
        offline=row.offline,
        urls=None if row.first is None else (row.first, row.last),
    )


def _word(row: Any) -> str:
    try:
        path = require_online(row.url, row.tier)
    except Unreadable as error:
        # what lies on another machine is asked there when it is fetched
        return ONLINE if error.reason == "not-here" else str(row.tier)
    file = OnlineFile(path=path, size=row.size, mtime_ns=row.mtime_ns)
    return file.state() or ONLINE
