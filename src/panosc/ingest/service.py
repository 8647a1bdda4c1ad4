"""The use case of ingest: walk, read in workers, register in batches, report.

How files become records is `passing`; here is who may, what was asked for, and the run's beginning
and end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from panosc.domain.access import Who
from panosc.domain.errors import Forbidden, Invalid, Unavailable
from panosc.ingest import store
from panosc.ingest.passing import Advance, Passage
from panosc.ingest.profiles import Profile
from panosc.ingest.profiles.announced import AnnouncedProfile
from panosc.ingest.profiles.shipped import profile_of
from panosc.ingest.readers import Readers, readers
from panosc.ingest.records import Terms
from panosc.ingest.registering import Note, Registering
from panosc.ingest.report import Report, Trouble, printable
from panosc.ingest.runs import journal
from panosc.ingest.runs.entries import RunKind, RunState
from panosc.ingest.told import Told, Wishes
from panosc.ingest.walking import Found, Walk, path_of, url_of
from panosc.plugins import load
from panosc.policy import births
from panosc.policy.document import KINDS
from panosc.policy.shelf import Shelf, open_shelf
from panosc.settings import Settings

MOST_PROPOSALS = 10_000

Progress = Callable[[int, int, int, int], None]
"""Files done, files in all, bytes done, bytes in all."""


def _silent(_files: int, _of_files: int, _bytes: int, _of_bytes: int) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be ingested, and how."""

    roots: Sequence[Path]
    access: Literal["open", "embargoed", "closed"] | None = None
    """What the data are without a policy; None: as `without_proposal` says, or the policy of
    `proposal`."""
    without_proposal: Literal["open", "closed"] = "open"
    """What data are that are nobody's, where neither `access` nor a policy says so."""
    embargo_until: datetime | None = None
    is_dry: bool = False
    rehash: bool = False
    """Read also files whose size and time of change are as before."""
    proposal: str | None = None
    """The group whose data these are; the policy then decides on access."""
    profile: str | None = None
    """Name or file of the site profile; None: the one of the settings."""
    told: Told | None = None
    """What is known of the datasets beside their files and paths."""
    complete: bool = False
    """Whether whatever is there is all there will be."""
    kind: RunKind = "ingest"
    reason: str | None = None


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
    intake = Intake(engine, settings, request, who=who, clock=lambda: now)
    walk = Walk(request.roots)
    files = list(walk.files())
    report = intake.report
    report.passed += [
        Trouble(path=path, reason="passed-over", detail=detail) for path, detail in walk.passed
    ]
    total, size = len(files), sum(item.size for item in files)
    done = [0, 0]

    def advance(items: Sequence[Found]) -> None:
        done[0] += len(items)
        done[1] += sum(item.size for item in items)
        progress(done[0], total, done[1], size)

    try:
        with intake.running(advance) as passage:
            passage.take(files)
            passage.vanish(intake.gone(walk, {item.url for item in files}))
            passage.settle()
    except DBAPIError as error:
        raise Unavailable(
            f"The database was lost after {done[0]} of {total} files: {error.orig}",
            hint="Nothing is half done. Run the same command again; it goes on from there.",
        ) from error
    return report


class Intake:
    """One run of ingest: checked before it begins, written down while it lasts.

    Raises
    ------
    Forbidden
        If `who` does not look after this node.
    Invalid
        If an embargo has no date to come, or there is no such proposal or profile.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        request: Request,
        *,
        who: Who,
        clock: Callable[[], datetime],
    ) -> None:
        if not who.is_steward:
            raise Forbidden("Only those who look after this node may ingest.")
        self._engine, self._settings, self._request = engine, settings, request
        self._who, self._clock = who, clock
        now = clock()
        self.profile: Profile = profile_of(settings, request.profile)
        if request.told is not None and request.profile is None:
            self.profile = AnnouncedProfile(self.profile, request.roots)
        self._plain = _terms(settings, request, self.profile, now=now)
        self._shelf = open_shelf(settings, engine)
        self._licensed: dict[str, Terms] = {}
        if request.proposal is not None:
            self._plain = self._with_licences(request.proposal)
        self.report = Report(is_dry=request.is_dry)
        for name, detail in load("panosc.formats").broken.items():
            trouble = Trouble(path=name, reason="broken-plug-in", detail=detail)
            self.report.passed.append(trouble)

    @contextmanager
    def running(
        self, advance: Advance = lambda _: None, *, is_live: bool = False
    ) -> Iterator[Passage]:
        """Begin the run, give its passage, and write down how it ended."""
        run = None if self._request.is_dry else self.begin()
        state: RunState = "failed"
        try:
            with readers(self._settings) as those_who_read:
                note = None if run is None else partial(_note, run)
                yield self.passage(those_who_read, note=note, advance=advance, is_live=is_live)
            state = "done"
        except (KeyboardInterrupt, GeneratorExit):
            state = "stopped"
            raise
        finally:
            if run is not None:
                # where the database is lost, its silence tells that the run has ended
                with suppress(DBAPIError, Unavailable):
                    self.end(state)

    def passage(
        self,
        those_who_read: Readers,
        *,
        note: Note | None,
        advance: Advance = lambda _: None,
        is_live: bool = False,
    ) -> Passage:
        """Return the way from files to records on the terms of this run."""
        request = self._request
        return Passage(
            engine=self._engine,
            profile=self.profile,
            readers=those_who_read,
            registering=self.registering(self.report, note=note),
            terms_of=self.terms_of,
            clock=self._clock,
            wishes=Wishes(
                told=request.told,
                by_guest=request.without_proposal == "closed",
                complete=request.complete,
                is_dry=request.is_dry,
                rehash=request.rehash,
                is_live=is_live,
            ),
            advance=advance,
            roots=[url_of(str(root.resolve())) for root in request.roots],
        )

    def registering(self, report: Report, *, note: Note | None) -> Registering:
        """Return what writes records at this moment, under the policy that is in force."""
        now = self._clock()
        return Registering(
            report=report, now=now, born=births.for_writers(self._shelf, now), note=note
        )

    def end(self, state: RunState) -> None:
        """Write down how the run ended."""
        if self.report.run is not None:
            journal.end(
                self._engine,
                self.report.run,
                state=state,
                report=self.report.as_json(),
                now=self._clock(),
            )

    def beat(self) -> None:
        """Write down how far the run has come."""
        if self.report.run is not None:
            journal.beat(
                self._engine, self.report.run, report=self.report.as_json(), now=self._clock()
            )

    def gone(self, walk: Walk, there: set[str]) -> list[str]:
        """Return the places below the roots of a walk where a file was and is no more.

        A folder that could not be listed makes nothing vanish, nor does a root that is empty.
        """
        with self._engine.connect() as connection:
            return [
                row.url
                for root in walk.listed_roots()
                for row in store.below(connection, url_of(root))
                if row.url not in there and walk.is_gone(path_of(row.url))
            ]

    def begin(self) -> int:
        """Write down that the run begins; return its number."""
        request = self._request
        asked = {
            "roots": [printable(str(root)) for root in request.roots],
            "profile": self.profile.name,
            "access": request.access,
            "proposal": request.proposal,
            "rehash": request.rehash,
            "complete": request.complete,
        }
        run = journal.begin(
            self._engine,
            kind=request.kind,
            who=self._who,
            asked={name: value for name, value in asked.items() if value},
            reason=request.reason,
            now=self._clock(),
        )
        self.report.run = run
        return run

    def terms_of(self, proposal: str | None) -> Terms:
        """Return what the site adds for data of a proposal that the path or a message names."""
        if proposal is None or self._plain.proposal is not None:
            return self._plain
        if proposal not in self._licensed:
            if len(self._licensed) > MOST_PROPOSALS:
                self._licensed.clear()
            try:
                self._licensed[proposal] = self._with_licences(proposal)
            except Invalid:
                # nobody knows it, or no policy speaks of it: the data are closed until then
                self._licensed[proposal] = replace(self._plain, proposal=proposal)
        return self._licensed[proposal]

    def _with_licences(self, proposal: str) -> Terms:
        with self._engine.connect() as connection:
            licences = _licences(connection, self._shelf, proposal, self._clock())
        return replace(self._plain, proposal=proposal, licences=licences)


def _note(run: int, connection: sa.Connection, records: Sequence[tuple[str, str]]) -> None:
    journal.note(connection, run, records)


def _terms(settings: Settings, request: Request, profile: Profile, *, now: datetime) -> Terms:
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
        time_zone=profile.time_zone or settings.time_zone,
        probe=profile.probe or settings.probe,
        # a node that was never named must not lend its name to others' instruments
        facility=profile.facility
        or (settings.facility if "facility" in settings.model_fields_set else None),
        access=request.access or request.without_proposal,
        is_asked=request.access is not None,
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
