"""From an announcement to an ingest of its files, and from its report to what became of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from panosc.catalogue.tables import group, instrument
from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid
from panosc.ingest.messages import places
from panosc.ingest.messages.bodies import Announced
from panosc.ingest.messages.register import BY, HTTP, Announcement
from panosc.ingest.report import Report, Trouble
from panosc.ingest.service import Request, ingest
from panosc.ingest.told import Told
from panosc.settings import Settings

SHOWN = 5
INVESTIGATION = "icat-investigation"
_NOT_YET = frozenset(
    {"open-for-writing", "changing", "truncated", "empty", "not-openable", "bad-signature"}
)
"""What may be wrong with a file that is still on its way."""


class Stopped(Exception):
    """The node is being stopped; the files that are registered stay so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one try; it is done unless it waits or has failed."""

    pids: tuple[str, ...] = ()
    run: int | None = None
    detail: str | None = None
    waits_for: str | None = None
    failed: str | None = None


def by_ingest(
    engine: sa.Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    ends: threading.Event,
) -> Callable[[Announcement], Outcome]:
    """Return what lets `ingest` take the files of an announcement, until `ends` is set."""

    def progress(*_: int) -> None:
        if ends.is_set():
            raise Stopped

    def take(announced: Announcement) -> Outcome:
        if announced.kind == INVESTIGATION:
            return _investigation(engine, announced)
        said = Announced.model_validate(announced.body["said"])
        # one that does not tell by what right it was announced by HTTP was so by none
        by = announced.body.get(BY, [] if announced.kind == HTTP else None)
        try:
            # links may have been laid since it was announced
            paths = places.inside(said.paths, settings.ingest_roots)
            if by is not None:
                places.refuse_others(said.places(), by, settings.instrument_roots)
        except (Forbidden, Invalid) as error:
            return Outcome(failed=error.detail)
        absent = [path for path in paths if not path.exists()]
        if absent:
            return Outcome(waits_for=f"Not there yet: {_listed(absent)}")
        told = _known_here(engine, said.told(announced.kind))
        told = replace(told, derived_from=tuple(map(_origin, told.derived_from)))
        request = Request(
            roots=paths,
            told=told,
            complete=said.complete,
            profile=said.profile,
            without_proposal="open" if by is None else "closed",
            kind="message",
            reason=f"Announced as {announced.id}",
        )
        who = Who(person=announced.who, roles=frozenset({"steward"}), via="shell")
        report = ingest(engine, settings, request, who=who, now=clock(), progress=progress)
        return judged(report, paths)

    return take


def judged(report: Report, paths: Sequence[Path]) -> Outcome:
    """Return what a report means for the announcement of `paths`."""
    found = Outcome(pids=tuple(dict.fromkeys(report.pids)), run=report.run)
    coming = [item for item in report.quarantined if item.reason in _NOT_YET]
    if coming:
        return replace(found, waits_for=f"Not whole yet: {_told(coming)}")
    if report.quarantined and not found.pids:
        return replace(found, failed=f"Nothing could be read: {_told(report.quarantined)}")
    if report.quarantined:
        return replace(found, detail=f"Set aside: {_told(report.quarantined)}")
    if not found.pids:
        return replace(found, waits_for=f"No dataset yet at {_listed(paths)}")
    return found


def _investigation(engine: sa.Engine, announced: Announcement) -> Outcome:
    name = str(announced.body["proposal"])
    with engine.connect() as connection:
        known = _proposal(connection, name)
    if known is None:
        return Outcome(
            detail=f"The proposal {name} is not known here yet: bring it in by "
            "`panosc group import`. Until then its data are closed."
        )
    return Outcome(detail=f"The proposal {known} is known here.")


def _known_here(engine: sa.Engine, told: Told) -> Told:
    """Return it with proposal and instrument as this node calls them."""
    with engine.connect() as connection:
        if told.proposal is not None:
            told = replace(told, proposal=_proposal(connection, told.proposal) or told.proposal)
        if told.instrument is not None:
            query = sa.select(instrument.c.name, instrument.c.facility).where(
                instrument.c.pid == told.instrument
            )
            row = connection.execute(query).first()
            if row is not None and row.name:
                told = replace(told, instrument=row.name, facility=row.facility)
    return told


def _origin(name: str) -> str:
    """Return the PID, or the path as places are known by: a folder's with a slash at its end."""
    if not name.startswith("/"):
        return name
    try:
        path = Path(name).resolve()
        # one that is gone, or to come, is a file if it looks like one
        is_folder = path.is_dir() or not (path.exists() or path.suffix)
    except (OSError, RuntimeError, ValueError):
        return name
    return f"{path}/" if is_folder else str(path)


def _proposal(connection: sa.Connection, name: str) -> str | None:
    """Return how a proposal is spelt here; ICAT writes all of them small."""
    query = (
        sa.select(group.c.name)
        .where(sa.func.lower(group.c.name) == name.lower())
        .order_by(group.c.name != name, group.c.name)
        .limit(1)
    )
    found: str | None = connection.scalar(query)
    return found


def _told(troubles: Sequence[Trouble]) -> str:
    more = f" and {len(troubles) - SHOWN} more" if len(troubles) > SHOWN else ""
    return "; ".join(f"{item.path}: {item.detail}" for item in troubles[:SHOWN]) + more


def _listed(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(map(str, paths[:SHOWN])) + more
