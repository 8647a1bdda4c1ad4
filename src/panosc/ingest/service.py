"""The use case of ingest: walk, read in workers, register in batches, report.

Batches are committed in the order of the walk, each with all that belongs to it. A run can
be killed at any moment; the next one goes on and ends where an undisturbed one would have.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from panosc.catalogue.writer import Born
from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid, Unavailable
from panosc.files.sandbox import Outcome
from panosc.files.workers import Pool
from panosc.ingest import store
from panosc.ingest.batch import Batch
from panosc.ingest.records import Terms
from panosc.ingest.report import Report, Trouble
from panosc.ingest.walking import Found, Walk
from panosc.plugins import load
from panosc.policy import births
from panosc.policy.document import KINDS
from panosc.policy.shelf import Shelf, open_shelf
from panosc.settings import Settings

BATCH_FILES = 200
BATCH_S = 2.0
LOOKUP = 500

Progress = Callable[[int, int, int, int], None]
"""Files done, files in all, bytes done, bytes in all."""


def _silent(_files: int, _of_files: int, _bytes: int, _of_bytes: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be ingested, and how."""

    roots: Sequence[Path]
    access: Literal["open", "embargoed", "closed"] | None = None
    """What the data are without a policy; None: open, or what the policy of `proposal` says."""
    embargo_until: datetime | None = None
    is_dry: bool = False
    rehash: bool = False
    """Read also files whose size and time of change are as before."""
    proposal: str | None = None
    """The group whose data these are; the policy then decides on access."""


def ingest(
    engine: sa.Engine,
    settings: Settings,
    request: Request,
    *,
    who: Who,
    now: datetime,
    progress: Progress = _silent,
) -> Report:
    """Register every file below the roots; needs the role of a steward.

    Raises
    ------
    Forbidden
        If `who` does not look after this node.
    Invalid
        If a root is not there, an embargo has no date to come, or there is no such proposal.
    Unavailable
        If the database is lost; all earlier batches are registered.
    """
    if not who.is_steward:
        raise Forbidden("Only those who look after this node may ingest.")
    terms = _terms(settings, request, now=now)
    shelf = open_shelf(settings, engine)
    if request.proposal is not None:
        with engine.connect() as connection:
            terms = replace(terms, licences=_licences(connection, shelf, request.proposal, now))
    walk = Walk(request.roots)
    files = list(walk.files())
    run = _Run(
        engine=engine,
        settings=settings,
        request=request,
        terms=terms,
        born=births.for_writers(shelf, now),
        now=now,
        progress=progress,
        totals=(len(files), sum(item.size for item in files)),
    )
    run.report.passed += [
        Trouble(path=path, reason="passed-over", detail=detail) for path, detail in walk.passed
    ]
    for name, detail in load("panosc.formats").broken.items():
        run.report.passed.append(Trouble(path=name, reason="broken-plug-in", detail=detail))
    try:
        run.all(files)
    except DBAPIError as error:
        raise Unavailable(
            f"The database was lost after {run.done[0]} of {len(files)} files: {error.orig}",
            hint="Nothing is half done. Run the same command again; it goes on from there.",
        ) from error
    return run.report


def _terms(settings: Settings, request: Request, *, now: datetime) -> Terms:
    until = request.embargo_until
    if request.access == "embargoed" and (until is None or until <= now):
        raise Invalid(
            "An embargo needs the day on which it ends, and that has to come.",
            field="embargo-until",
            hint="For example: --access embargoed --embargo-until 2030-01-01",
        )
    if request.proposal is not None and request.access is not None:
        raise Invalid(
            "The policy decides on the data of a proposal.",
            field="access",
            hint="Leave --access out, or --proposal.",
        )
    if request.access != "embargoed" and until is not None:
        raise Invalid("Only embargoed data have an end of their embargo.", field="embargo-until")
    return Terms(
        prefix=settings.pid_prefix,
        time_zone=settings.time_zone,
        probe=settings.probe,
        # a node that was never named must not lend its name to others' instruments
        facility=settings.facility if "facility" in settings.model_fields_set else None,
        access=request.access or "open",
        embargo_until=None if until is None else until.astimezone(UTC).isoformat(),
        proposal=request.proposal,
    )


def _licences(
    connection: sa.Connection, shelf: Shelf, proposal: str, now: datetime
) -> tuple[tuple[str, str], ...]:
    """Return the licence of each kind of data of a proposal, as the policy gives it."""
    found = store.proposal(connection, proposal)
    if found is None:
        raise Invalid(
            f"There is no proposal {proposal!r} at this node.",
            field="proposal",
            hint="Bring it in with `panosc group import` first; a proposal says its accessType.",
        )
    document = shelf.ruling_at(found.access_type, found.ends or now)
    if document is None:
        raise Invalid(
            f"No policy in force decides on access {found.access_type!r}, that of {proposal!r}.",
            field="proposal",
            hint="`panosc policy list` names the policies; add the kind of access to one of them.",
        )
    return tuple((kind, document.class_of(kind)[1].licence) for kind in KINDS)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One run, from the first file to the report."""

    engine: sa.Engine
    settings: Settings
    request: Request
    terms: Terms
    born: Born
    now: datetime
    progress: Progress
    totals: tuple[int, int]
    report: Report = field(default_factory=Report)
    done: tuple[int, int] = (0, 0)
    rehearsed: set[str] = field(default_factory=set)

    def all(self, files: Iterable[Found]) -> None:
        """Read and register `files`."""
        self.report.is_dry = self.request.is_dry
        batch, since = Batch(), time.monotonic()
        for found, outcome in self._read(self._changed(files)):
            batch.items.append((found, outcome))
            if len(batch.items) >= BATCH_FILES or time.monotonic() - since > BATCH_S:
                self._settle(batch)
                batch, since = Batch(), time.monotonic()
        self._settle(batch)

    def _changed(self, files: Iterable[Found]) -> Iterator[Found]:
        """Yield the files that no earlier run has seen as they are now."""
        left = iter(files)
        while chunk := list(islice(left, LOOKUP)):
            with self.engine.connect() as connection:
                known = store.known(connection, [item.url for item in chunk])
            for item in chunk:
                before = known.get(item.url)
                same = before is not None and (before.size, before.mtime_ns) == (
                    item.size,
                    item.mtime_ns,
                )
                if before is None or not same or self.request.rehash:
                    yield item
                else:
                    self._skip(item, before)

    def _skip(self, item: Found, before: store.Known) -> None:
        self.report.files += 1
        if before.pid is None:
            self.report.quarantined.append(
                Trouble(path=item.path, reason=before.reason, detail=before.detail)
            )
        else:
            self.report.unchanged += 1
        self._advance([item])

    def _read(self, files: Iterable[Found]) -> Iterator[tuple[Found, Outcome]]:
        ahead: deque[Found] = deque()

        def tasks() -> Iterator[tuple[str, int, int, Terms]]:
            for item in files:
                ahead.append(item)
                yield item.path, item.size, item.mtime_ns, self.terms

        with Pool(
            workers=self.settings.ingest_workers,
            memory_mb=self.settings.file_memory_mb,
            time_limit_s=self.settings.file_time_limit_s,
            preload=["panosc.ingest.reading", "hdf5plugin"],
        ) as pool:
            for outcome in pool.map_in_order("panosc.ingest.reading:read", tasks()):
                yield ahead.popleft(), outcome

    def _settle(self, batch: Batch) -> None:
        if not batch.items:
            return
        if self.request.is_dry:
            with self.engine.connect() as connection:
                batch.rehearse(connection, self.report, seen=self.rehearsed)
        else:
            with self.engine.begin() as connection:
                batch.register(connection, self.report, now=self.now, born=self.born)
        self._advance([found for found, _ in batch.items])

    def _advance(self, items: Sequence[Found]) -> None:
        files, size = self.done
        self.done = (files + len(items), size + sum(item.size for item in items))
        self.progress(self.done[0], self.totals[0], self.done[1], self.totals[1])
