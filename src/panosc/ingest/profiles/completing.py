"""Whether a place is complete: what its rule says, and what a run has seen of its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from panosc.domain.times import moment
from panosc.ingest.formats import Facts
from panosc.ingest.profiles import Completion, Match, Profile
from panosc.ingest.walking import path_of, url_of

OPEN_S = 60.0
"""How long a file that says that it is not finished is believed, where no quiet time is given."""


class Waits(Protocol):
    """A place that waits, as `store.Waiting`."""

    key: str
    rule: str
    base: str
    files: int
    newest: datetime
    first: str


_Place = TypeVar("_Place", bound=Waits)


@dataclass(slots=True)
class Completing:
    """What one run, or a watcher, knows of places that are not complete."""

    marked: set[str] = field(default_factory=set)
    """Places with a file that says that they are whole."""
    _busy: dict[str, dict[str, int]] = field(default_factory=dict)
    """Place → URL of an unfinished file → its time of change."""
    _place_of: dict[str, str] = field(default_factory=dict)
    _matches: dict[tuple[str, str, str], Match | None] = field(default_factory=dict)
    _profile: Profile | None = None
    _looked: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """Places whose facts were looked at in vain: how many files there were, and the newest."""

    def begun(self, key: str, url: str, mtime_ns: int) -> None:
        """Note that a file of a place is not finished."""
        self.finished(url)
        self._place_of[url] = key
        self._busy.setdefault(key, {})[url] = mtime_ns

    def finished(self, url: str) -> None:
        """Note that a file can be read now, or is gone."""
        key = self._place_of.pop(url, None)
        if key is not None:
            del self._busy[key][url]
            if not self._busy[key]:
                del self._busy[key]

    def matched(
        self, profile: Profile, places: Sequence[_Place]
    ) -> Iterator[tuple[_Place, Match | None]]:
        """Yield all places that wait, each with what the profile makes of it: matched once."""
        before = self._matches if self._profile is profile else {}
        self._profile, self._matches = profile, {}
        for place in places:
            key = (place.key, place.rule, place.base)
            if key not in before:
                match = profile.match(PurePosixPath(path_of(place.first)))
                before[key] = match if is_of(match, place) else None
            self._matches[key] = before[key]
        keys = {place.key for place in places}
        self._looked = {key: self._looked[key] for key in keys & self._looked.keys()}
        for place in places:
            yield place, self._matches[place.key, place.rule, place.base]

    def may_be(self, completion: Completion, place: Waits, now: datetime) -> bool:
        """Whether a place may be complete: cheap, for it is asked of thousands again and again."""
        if place.key in self.marked:
            return True
        if self._is_busy(completion, place.key, now):
            return False
        if self._is_quiet(completion, place, now):
            return True
        if not (completion.at_once or completion.end_time):
            return False
        return self._looked.get(place.key) != (place.files, place.newest)

    def is_so(
        self, completion: Completion, place: Waits, now: datetime, facts: Sequence[Facts]
    ) -> bool:
        """Whether a place that may be complete is so, by the facts of its files that wait."""
        if place.key in self.marked or self._is_quiet(completion, place, now):
            return True
        is_open = any(item.is_open for item in facts)
        is_whole = completion.at_once or (completion.end_time and any(item.end for item in facts))
        if is_whole and not is_open:
            return True
        self._looked[place.key] = (place.files, place.newest)
        return False

    def _is_busy(self, completion: Completion, key: str, now: datetime) -> bool:
        times = self._busy.get(key, {}).values()
        return any(is_young(mtime_ns, completion, now) for mtime_ns in times)

    @staticmethod
    def _is_quiet(completion: Completion, place: Waits, now: datetime) -> bool:
        # a writer that was killed leaves its mark for ever: what needs no quiet gets some
        seconds = completion.quiet_s or (OPEN_S if completion.at_once else None)
        return seconds is not None and now - place.newest >= timedelta(seconds=seconds)


def is_of(match: Match | None, place: Waits) -> bool:
    """Whether a file belongs to a place."""
    if match is None:
        return False
    found = (match.rule.name, url_of(match.place.key), url_of(match.place.base))
    return found == (place.rule, place.key, place.base)


def is_young(mtime_ns: int, completion: Completion, now: datetime) -> bool:
    """Whether a file has changed so lately that its writer may still be at it."""
    return now - moment(mtime_ns) < timedelta(seconds=completion.quiet_s or OPEN_S)
