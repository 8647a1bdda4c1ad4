"""The default plot of a dataset, for whoever may see its detail.

Reading happens in a confined worker; what it gives, or why it gives nothing, is kept in the
table `plot` and may be deleted at any time. A file that has gone or changed since it was
registered, here or in a storage, is told as such and never drawn; nor is a virtual dataset of
which a source is not online.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.tables import dataset
from panosc.catalogue.tables import plot as plots
from panosc.domain.access import Who
from panosc.domain.errors import NotFound, Unreadable
from panosc.domain.plots import Plot, from_json
from panosc.files.sandbox import Outcome
from panosc.files.storage.places import modules_for, stores_of
from panosc.files.tiers import NEARLINE, Neighbours, OnlineFile, neighbours_of, online_files
from panosc.files.workers import Pool
from panosc.policy.sql import visible
from panosc.settings import Settings

WORKERS = 2
TIME_LIMIT_S = 20.0
"""Longest that a page waits for its plot."""
RETRY = timedelta(hours=1)
"""When a plot that took too long is tried again: the machine may only have been busy."""
READ = "panosc.files.plots:read"
AWAY = {"gone", "changed", NEARLINE, "missing-source", "not-reachable"}
"""Reasons that pass when a file comes back, or a storage."""
_VIRTUAL = "virtual-dataset"
_AGAIN = {"time-limit", _VIRTUAL}
_FAILURE = "failure"


class PlotService:
    """Plots of datasets; to be closed, or used by ``with``."""

    def __init__(
        self, engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._stores = stores_of(settings)
        self._pool: Pool | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        with self._lock:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def plot(self, who: Who, pid: str) -> Plot | None:
        """Return the default plot; None when the file tells none.

        Needs the permission `detail`.

        Raises
        ------
        NotFound
            If there is no such dataset, or `who` may not see its detail.
        Unreadable
            If the plot cannot be read, with the reason: ``gone`` and ``changed`` speak of
            the file at its source, ``nearline`` says that it is on tape.
        """
        with self._engine.connect() as connection:
            query = (
                sa.select(
                    dataset.c.id, dataset.c.default_plot, dataset.c.default_file, plots.c.content
                )
                .outerjoin(plots, plots.c.dataset_id == dataset.c.id)
                .where(dataset.c.pid == pid)
                .where(visible(dataset, who, "detail", now=self._clock()))
            )
            row = connection.execute(query).first()
            if row is None:
                raise NotFound(f"There is no dataset {pid}.")
            if row.default_plot is None:
                return None
            if row.content is not None and not self._is_worth_a_retry(row.content):
                return _plot(row.content)
            places = online_files(connection, row.id, name=row.default_file, stores=self._stores)
        content = self._read(row, places)
        with self._engine.begin() as connection:
            statement = insert(plots).values(dataset_id=row.id, content=content)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[plots.c.dataset_id], set_={"content": content}
                )
            )
        return _plot(content)

    def _is_worth_a_retry(self, content: dict[str, Any]) -> bool:
        if content.get(_FAILURE) not in _AGAIN:
            return False
        return datetime.fromisoformat(content["at"]) + RETRY <= self._clock()

    def _read(self, row: Any, places: list[OnlineFile]) -> dict[str, Any]:
        """Return the plot as JSON, or why there is none; what may pass is raised instead."""
        trouble = Unreadable("The file is not where it was registered.", reason="gone")
        for place in places:
            try:
                state = place.state()
            except Unreadable as error:
                trouble = error
                continue
            if state is not None:
                trouble = _changed() if state == "changed" else trouble
                continue

            def near(name: str = place.name) -> Neighbours:
                with self._engine.connect() as connection:
                    return neighbours_of(connection, row.id, name, stores=self._stores)

            outcome = run(self._workers(), READ, place, (row.default_plot,), near)
            if outcome.reason is None:
                content: dict[str, Any] = outcome.value
                return content
            if outcome.reason in AWAY:
                trouble = _passing(outcome)
                continue
            at = self._clock().isoformat()
            return {_FAILURE: outcome.reason, "detail": outcome.detail, "at": at}
        raise trouble

    def _workers(self) -> Pool:
        with self._lock:
            if self._pool is None:
                self._pool = Pool(
                    workers=WORKERS,
                    memory_mb=self._settings.file_memory_mb,
                    time_limit_s=min(TIME_LIMIT_S, self._settings.file_time_limit_s),
                    preload=["panosc.files.plots", "hdf5plugin", *modules_for(self._stores)],
                )
            return self._pool


def run(
    pool: Pool,
    task: str,
    place: OnlineFile,
    arguments: tuple[Any, ...],
    near: Callable[[], Neighbours],
) -> Outcome:
    """Return what becomes of a task on a file, with its neighbours where it is made of others.

    Raises
    ------
    Unavailable
    """
    outcome = pool.run(task, place, *arguments)
    if outcome.reason != _VIRTUAL:
        return outcome
    try:
        found = near()
    except Unreadable as error:
        return Outcome(reason=error.reason, detail=error.detail)
    itself = replace(found, files={**found.files, found.name: place})
    return pool.run(task, place, *arguments, itself)


def _changed() -> Unreadable:
    return Unreadable(
        "The file has changed since it was registered.",
        reason="changed",
        hint="Ingest it again.",
    )


def _passing(outcome: Outcome) -> Unreadable:
    """Return the error for what may pass."""
    if outcome.reason == "changed":
        return _changed()
    detail, reason = outcome.detail.rstrip("."), outcome.reason or "gone"
    return Unreadable(f"The plot cannot be read now: {detail}.", reason=reason)


def _plot(content: dict[str, Any]) -> Plot:
    if _FAILURE in content:
        raise Unreadable(f"The plot cannot be read: {content['detail']}.", reason=content[_FAILURE])
    return from_json(content)
