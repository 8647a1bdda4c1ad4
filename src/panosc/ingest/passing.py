"""Files on their way into the catalogue: matched, read, kept until their dataset is complete.

Everything is committed in batches, in the order of the walk, each with all that belongs to it. It
may be killed at any moment; what comes after goes on and ends where an undisturbed one would have.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.writer import record_changes
from panosc.files.sandbox import Outcome
from panosc.ingest import store
from panosc.ingest.composing import Draft, compose
from panosc.ingest.grouping import Piece
from panosc.ingest.pieces import kept, look, moment, piece_of, row_of
from panosc.ingest.profiles import Match, Profile
from panosc.ingest.readers import Readers
from panosc.ingest.records import Terms
from panosc.ingest.registering import PART, Registering
from panosc.ingest.report import Report, Trouble
from panosc.ingest.told import Told
from panosc.ingest.walking import Found, path_of, url_of

BATCH_FILES = 200
BATCH_S = 2.0
LOOKUP = 500
PASSING = frozenset({"not-openable", "changing"})
"""Reasons that the next run may find gone although the file is the same."""
UNFINISHED = frozenset({"changing", "open-for-writing", "truncated", "empty"})
"""Reasons for which the rest of its dataset waits, for a while."""
OPEN_S = 60.0
"""How long a file that says that it is not finished is believed, where no quiet time is given."""

Advance = Callable[[Sequence[Found]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What whoever ingests wants of the files, beside what the profile says."""

    told: Told | None = None
    complete: bool = False
    """Whether whatever is there is all there will be."""
    is_dry: bool = False
    rehash: bool = False
    is_live: bool = False
    """Whether files are seen as they come: then quiet is counted from when they were seen."""


@dataclass(slots=True, kw_only=True)
class Passage:
    """One run's way from files to records."""

    engine: sa.Engine
    profile: Profile
    readers: Readers
    registering: Registering
    terms_of: Callable[[str | None], Terms]
    clock: Callable[[], datetime]
    wishes: Wishes = field(default_factory=Wishes)
    advance: Advance = lambda _: None
    _marked: set[str] = field(default_factory=set)
    _busy: dict[str, tuple[str, int]] = field(default_factory=dict)
    """URL of an unfinished file → its place and its time of change."""
    _rehearsed: set[str] = field(default_factory=set)
    _held: dict[str, dict[str, Piece]] = field(default_factory=dict)
    """Place → URL → piece, of a run that writes nothing."""

    @property
    def report(self) -> Report:
        """What was done so far."""
        return self.registering.report

    # ---- files ----

    def take(self, files: Iterable[Found]) -> None:
        """Read those of `files` that are new or have changed, and register what is complete."""
        drafts: list[Draft] = []
        pieces: list[tuple[Match, Piece]] = []
        bad: list[tuple[Found, Outcome]] = []
        done: list[Found] = []
        since = time.monotonic()
        for found, match, outcome in self._read(self._changed(files)):
            done.append(found)
            if outcome.reason:
                bad.append((found, outcome))
                self._set_aside(found, match, outcome)
            else:
                self._busy.pop(found.url, None)
                piece = piece_of(found, match, outcome.value)
                if self._waits(match, piece):
                    pieces.append((match, piece))
                else:
                    drafts += self._compose(match, [piece])
            if len(done) >= BATCH_FILES or time.monotonic() - since > BATCH_S:
                self._commit(drafts, pieces, bad, done)
                drafts, pieces, bad, done = [], [], [], []
                since = time.monotonic()
        self._commit(drafts, pieces, bad, done)

    def vanish(self, urls: Sequence[str]) -> None:
        """Note that files are no longer where they were; their records stay."""
        for url in urls:
            self._busy.pop(url, None)
        if not urls or self.wishes.is_dry:
            self.report.removed += len(urls)
            return
        with self.engine.begin() as connection:
            self._note_places(connection, urls)
            touched = store.retier(connection, [(url, "removed") for url in urls])
            store.drop(connection, urls)
            store.release(connection, urls)
            record_changes(connection, {("Dataset", key) for key in touched})
        self.report.removed += len(urls)

    def settle(self) -> int:
        """Register the datasets that are complete by now; return how many places wait."""
        if self.wishes.is_dry:
            self._rehearse_held()
            return 0
        with self.engine.connect() as connection:
            places = store.waiting(connection, self.profile.name)
        left = 0
        drafts: list[Draft] = []
        for place in places:
            found = self._due(place)
            left += not found
            drafts += found
            if sum(len(draft.pieces) for draft in drafts) >= BATCH_FILES:
                self._commit(drafts, [], [], [])
                drafts = []
        self._commit(drafts, [], [], [])
        self.report.waiting = left
        self.report.warnings += [
            Trouble(path=where, reason="profile", detail=what)
            for where, what in self.profile.take_troubles()
        ]
        return left

    # ---- what is new ----

    def _changed(self, files: Iterable[Found]) -> Iterator[tuple[Found, Match, str]]:
        """Yield the files that no earlier run has seen as they are now."""
        left = iter(files)
        while chunk := list(islice(left, LOOKUP)):
            matched: list[tuple[Found, Match]] = []
            for item in chunk:
                match = self.profile.match(PurePosixPath(item.path))
                if match is None or match.is_marker:
                    self._leave(item, match)
                else:
                    matched.append((item, match))
            with self.engine.connect() as connection:
                known = store.known(connection, [item.url for item, _ in matched])
            moved: list[tuple[str, str]] = []
            tiers = self.profile.tiers([item.path for item, _ in matched])
            for (item, match), tier in zip(matched, tiers, strict=True):
                before = known.get(item.url)
                if before is None or self._is_new(item, before):
                    yield item, match, tier
                    continue
                if before.pids and tier != before.tier:
                    moved.append((item.url, tier))
                self._skip(item, before)
            self._move(moved)

    def _is_new(self, item: Found, before: store.Known) -> bool:
        if self.wishes.rehash or before.tier == "removed":
            return True
        if self.wishes.told is not None and before.waits:
            return False
        return (before.size, before.mtime_ns) != (item.size, item.mtime_ns)

    def _leave(self, item: Found, match: Match | None) -> None:
        if match is not None:
            self._marked.add(url_of(match.place.key))
        self.report.files += 1
        self.report.left_alone += 1
        self.advance([item])

    def _skip(self, item: Found, before: store.Known) -> None:
        self.report.files += 1
        if before.reason:
            self.report.quarantined.append(
                Trouble(path=item.path, reason=before.reason, detail=before.detail)
            )
        elif not before.waits:
            self.report.unchanged += 1
            self.report.pids += sorted(before.pids - set(self.report.pids))
        self.advance([item])

    def _move(self, moved: Sequence[tuple[str, str]]) -> None:
        if moved and not self.wishes.is_dry:
            with self.engine.begin() as connection:
                self._note_places(connection, [url for url, _ in moved])
                touched = store.retier(connection, moved)
                record_changes(connection, {("Dataset", key) for key in touched})

    def _note_places(self, connection: sa.Connection, urls: Sequence[str]) -> None:
        if self.registering.note is not None:
            places = store.pids_at(connection, urls)
            named = [("Location", url + (PART + part if part else "")) for url, part in places]
            self.registering.note(connection, named)

    # ---- reading ----

    def _read(
        self, files: Iterable[tuple[Found, Match, str]]
    ) -> Iterator[tuple[Found, Match, Outcome]]:
        """Yield what reading gives, in order; what is not online is not opened."""
        ahead: deque[tuple[Found, Match, str]] = deque()

        def tasks() -> Iterator[tuple[Any, ...]]:
            for item, match, tier in files:
                ahead.append((item, match, tier))
                if tier == "online":
                    by_entry = match.rule.grouping.by_entry
                    yield item.path, item.size, item.mtime_ns, by_entry

        def unread() -> Iterator[tuple[Found, Match, Outcome]]:
            while ahead and ahead[0][2] != "online":
                item, match, tier = ahead.popleft()
                yield item, match, Outcome(value=tier)

        for outcome in self.readers.map_in_order(tasks()):
            yield from unread()
            item, match, _ = ahead.popleft()
            yield item, match, outcome
        yield from unread()

    def _set_aside(self, found: Found, match: Match, outcome: Outcome) -> None:
        self.report.quarantined.append(
            Trouble(path=found.path, reason=str(outcome.reason), detail=outcome.detail)
        )
        if outcome.reason in UNFINISHED:
            self._busy[found.url] = (url_of(match.place.key), found.mtime_ns)

    def _waits(self, match: Match, piece: Piece) -> bool:
        if self.wishes.complete and not match.rule.grouping.waits:
            return False
        if piece.facts is not None and piece.facts.is_open:
            return True
        return match.rule.grouping.waits or not match.rule.completion.at_once

    # ---- complete ----

    def _due(self, place: store.Waiting) -> list[Draft]:
        """Return the datasets of a place if it is complete; nothing if it is not."""
        with self.engine.connect() as connection:
            rows = store.arrivals(connection, self.profile.name, place.key)
        match = next(
            (
                found
                for row in rows
                if (found := self.profile.match(PurePosixPath(path_of(row.url))))
            ),
            None,
        )
        if match is None or url_of(match.place.key) != place.key:
            # the profile was changed since: its files are looked at anew
            with self.engine.begin() as connection:
                store.drop(connection, [row.url for row in rows])
            return []
        fresh = {row.url: kept(row) for row in rows if not row.registered}
        if not self._is_complete(match, list(fresh.values()), place):
            return []
        old = [row for row in rows if row.registered]
        pieces = [*fresh.values(), *self._again(match, old)]
        return self._compose(match, sorted(pieces, key=lambda piece: piece.name))

    def _is_complete(self, match: Match, pieces: Sequence[Piece], place: store.Waiting) -> bool:
        completion = match.rule.completion
        if self.wishes.complete or place.key in self._marked:
            return True
        quiet = completion.quiet_s or OPEN_S
        now = self.clock()
        young = [
            url
            for url, (key, mtime_ns) in self._busy.items()
            if key == place.key and now - moment(mtime_ns) < timedelta(seconds=quiet)
        ]
        if young:
            return False
        if completion.quiet_s is not None and now - place.newest >= timedelta(seconds=quiet):
            return True
        facts = [piece.facts for piece in pieces if piece.facts is not None]
        if any(item.is_open for item in facts):
            # a writer that was killed leaves its mark for ever
            return completion.at_once and now - place.newest >= timedelta(seconds=quiet)
        if completion.end_time and any(item.end for item in facts):
            return True
        return completion.at_once

    def _again(self, match: Match, rows: Sequence[Any]) -> list[Piece]:
        """Read once more the files of a place that were registered with it before."""
        there = [(row, found) for row in rows if (found := look(path_of(row.url))) is not None]
        tiers = self.profile.tiers([found.path for _, found in there])
        files = [
            (found, replace(match, name=path_of(row.name)), tier)
            for (row, found), tier in zip(there, tiers, strict=True)
        ]
        sums = {row.url: row.sha256 for row in rows}
        return [
            replace(piece, sha256=piece.sha256 or sums[piece.url])
            for found, own, outcome in self._read(files)
            if not outcome.reason
            for piece in [piece_of(found, own, outcome.value)]
        ]

    def _compose(self, match: Match, pieces: Sequence[Piece]) -> list[Draft]:
        told = self.profile.told(match)
        if self.wishes.told is not None:
            told = self.wishes.told.over(told)
        terms = self.terms_of(told.proposal)
        shares = match.rule.grouping.divide(pieces, match.rule.options)
        return [compose(share, told, kind=match.rule.kind, terms=terms) for share in shares]

    # ---- writing ----

    def _commit(
        self,
        drafts: Sequence[Draft],
        pieces: Sequence[tuple[Match, Piece]],
        bad: Sequence[tuple[Found, Outcome]],
        done: Sequence[Found],
    ) -> None:
        self.report.files += len(done)
        if self.wishes.is_dry:
            self._rehearse(drafts, pieces)
        elif drafts or pieces or bad:
            now = self.clock()
            with self.engine.begin() as connection:
                store.keep(connection, [self._row(match, one, now) for match, one in pieces])
                self.registering.write(connection, drafts)
                aside = [_bad(*item) for item in bad if item[1].reason not in PASSING]
                store.set_aside(connection, aside, now=now)
                wrong = {found.url for found, _ in bad}
                store.release(connection, [item.url for item in done if item.url not in wrong])
        if done:
            self.advance(done)

    def _row(self, match: Match, piece: Piece, now: datetime) -> dict[str, Any]:
        seen = now if self.wishes.is_live else min(now, moment(piece.mtime_ns))
        return row_of(piece, match, profile=self.profile.name, seen=seen)

    def _rehearse(self, drafts: Sequence[Draft], pieces: Sequence[tuple[Match, Piece]]) -> None:
        for match, piece in pieces:
            self._held.setdefault(match.place.key, {})[piece.url] = piece
        if drafts:
            with self.engine.connect() as connection:
                self.registering.rehearse(connection, drafts, seen=self._rehearsed)

    def _rehearse_held(self) -> None:
        for held in self._held.values():
            pieces = sorted(held.values(), key=lambda piece: piece.name)
            match = self.profile.match(PurePosixPath(pieces[0].path))
            if match is not None:
                self._rehearse(self._compose(match, pieces), [])
        self._held.clear()


def _bad(found: Found, outcome: Outcome) -> dict[str, Any]:
    return {
        "url": found.url,
        "reason": outcome.reason,
        "detail": outcome.detail.replace("\0", ""),
        "size": found.size,
        "mtime_ns": found.mtime_ns,
    }
