"""Files on their way into the catalogue: matched, read, kept until their dataset is complete.

Everything is committed in batches, in the order of the walk, each with all that belongs to it. It
may be killed at any moment; what comes after goes on and ends where an undisturbed one would have.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.writer import record_changes
from panosc.domain.errors import PanoscError
from panosc.domain.times import moment
from panosc.files.sandbox import Outcome
from panosc.ingest import store
from panosc.ingest.composing import Draft, compose
from panosc.ingest.grouping import Piece
from panosc.ingest.pieces import kept, look, piece_of, row_of
from panosc.ingest.profiles import Match, Profile
from panosc.ingest.profiles.completing import Completing, is_of, is_young
from panosc.ingest.readers import Readers
from panosc.ingest.records import Terms
from panosc.ingest.registering import PART, Registering
from panosc.ingest.report import Report, Trouble
from panosc.ingest.told import Wishes
from panosc.ingest.walking import Found, path_of, url_of

BATCH_FILES = 200
BATCH_S = 2.0
LOOKUP = 500
PASSING = frozenset({"not-openable", "changing"})
"""Reasons that the next run may find gone although the file is the same."""
UNFINISHED = frozenset({"changing", "open-for-writing", "truncated", "empty"})
"""Reasons for which the rest of its dataset waits, for a while."""

Advance = Callable[[Sequence[Found]], None]


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
    roots: Sequence[str] = ()
    """URLs below which places are completed on these terms; without any, all are."""
    _completing: Completing = field(default_factory=Completing)
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
                self._completing.finished(found.url)
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
            self._completing.finished(url)
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
        left = 0
        drafts: list[Draft] = []
        with self.engine.connect() as connection:
            places = store.waiting(connection, self.profile.name, self.roots)
        for place, match in self._completing.matched(self.profile, places):
            try:
                found = self._due(place, match)
            except (PanoscError, ValueError, LookupError, TypeError) as error:
                # a rule or a plug-in that fails at one place must not keep the others waiting
                where = path_of(place.key)
                self.report.warnings.append(Trouble(path=where, reason="failed", detail=str(error)))
                found = []
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
                known = store.known(
                    connection, [item.url for item, _ in matched], profile=self.profile.name
                )
            moved: list[tuple[str, str]] = []
            placed: list[dict[str, Any]] = []
            tiers = self.profile.tiers([item.path for item, _ in matched])
            for (item, match), tier in zip(matched, tiers, strict=True):
                before = known.get(item.url)
                if before is None or self._is_new(item, before, tier):
                    yield item, match, tier
                    continue
                if tier != before.tier:
                    moved.append((item.url, tier))
                if before.pids and match.rule.grouping.waits:
                    if before.place != url_of(match.place.key):
                        placed.append(self._place(item, match, tier))
                elif before.reason in UNFINISHED:
                    self._completing.begun(url_of(match.place.key), item.url, item.mtime_ns)
                self._skip(item, before)
            self._move(moved, placed)

    def _is_new(self, item: Found, before: store.Known, tier: str) -> bool:
        if self.wishes.rehash or before.tier == "removed":
            return True
        if before.waits and tier == "online" != before.tier:
            # it came back from tape before its dataset was complete: now it can be read
            return True
        return (before.size, before.mtime_ns) != (item.size, item.mtime_ns)

    def _leave(self, item: Found, match: Match | None) -> None:
        if match is not None:
            self._completing.marked.add(url_of(match.place.key))
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
            self.report.meet(sorted(before.pids))
        self.advance([item])

    def _place(self, item: Found, match: Match, tier: str) -> dict[str, Any]:
        """Return the row of a registered file whose place did not know of it."""
        piece = piece_of(item, match, tier)
        row = row_of(piece, match, profile=self.profile.name, seen=self.clock())
        return {**row, "registered": True}

    def _move(
        self, moved: Sequence[tuple[str, str]], placed: Sequence[dict[str, Any]] = ()
    ) -> None:
        if (moved or placed) and not self.wishes.is_dry:
            with self.engine.begin() as connection:
                self._note_places(connection, [url for url, _ in moved])
                touched = store.retier(connection, moved)
                store.place(connection, placed)
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
            self._completing.begun(url_of(match.place.key), found.url, found.mtime_ns)

    def _waits(self, match: Match, piece: Piece) -> bool:
        if self.wishes.complete and not match.rule.grouping.waits:
            return False
        if piece.facts is not None and piece.facts.is_open:
            return True
        return match.rule.grouping.waits or not match.rule.completion.at_once

    # ---- complete ----

    def _due(self, place: store.Waiting, match: Match | None) -> list[Draft]:
        """Return the datasets of a place if it is complete; nothing if it is not."""
        if match is None:
            self._take_anew(place)
            return []
        now, completion = self.clock(), match.rule.completion
        if not (self.wishes.complete or self._completing.may_be(completion, place, now)):
            return []
        with self.engine.connect() as connection:
            rows = store.arrivals(connection, self.profile.name, place)
        found = (self.profile.match(PurePosixPath(path_of(row.url))) for row in rows)
        # what the path of the first file says counts, in whatever order they came
        match = next((one for one in found if is_of(one, place)), None) or match
        fresh = [kept(row) for row in rows if not row.registered]
        facts = [piece.facts for piece in fresh if piece.facts is not None]
        if not (self.wishes.complete or self._completing.is_so(completion, place, now, facts)):
            return []
        again = self._again(match, [row for row in rows if row.registered])
        if again is None:
            return []
        return self._compose(match, sorted([*fresh, *again], key=lambda piece: piece.name))

    def _take_anew(self, place: store.Waiting) -> None:
        """Look anew at the files of a place that the profile, since it was changed, has not."""
        with self.engine.begin() as connection:
            urls = store.let_go(connection, self.profile.name, place)
        there = (look(path_of(url), self.roots) for url in urls)
        self.take([found for found in there if found is not None])

    def _again(self, match: Match, rows: Sequence[Any]) -> list[Piece] | None:
        """Read once more the files of a place that were registered with it before.

        None: one of them is changing, or cannot be opened just now.
        """
        looked = ((row, look(path_of(row.url), self.roots)) for row in rows)
        there = [(row, found) for row, found in looked if found is not None]
        tiers = self.profile.tiers([found.path for _, found in there])
        files = [
            (found, replace(match, name=path_of(row.name)), tier)
            for (row, found), tier in zip(there, tiers, strict=True)
        ]
        before = {row.url: row for row in rows}
        pieces: list[Piece] = []
        for found, own, outcome in self._read(files):
            row = before[found.url]
            # as long as it has not changed its content is known, whether or not it can be read
            is_same = (row.size, row.mtime_ns) == (found.size, found.mtime_ns)
            known = row.sha256 if is_same else None
            if not outcome.reason:
                piece = piece_of(found, own, outcome.value)
                pieces.append(replace(piece, sha256=piece.sha256 or known))
            elif known is not None:
                pieces.append(replace(piece_of(found, own, "online"), sha256=known))
            elif outcome.reason in UNFINISHED | PASSING and is_young(
                found.mtime_ns, match.rule.completion, self.clock()
            ):
                return None
        return pieces

    def _compose(self, match: Match, pieces: Sequence[Piece]) -> list[Draft]:
        told = own = self.profile.told(match)
        if self.wishes.told is not None:
            told = self.wishes.told.over(own)
        if self.wishes.by_guest and own.proposal:
            # whose data these are is not for somebody to say who does not look after the node
            told = replace(told, proposal=own.proposal)
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
                # first what waits for an undoing to end, then the rows that the undoing may want
                self.registering.write(connection, drafts)
                store.keep(connection, [self._row(match, one, now) for match, one in pieces])
                store.withdraw(connection, [found.url for found, _ in bad])
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
