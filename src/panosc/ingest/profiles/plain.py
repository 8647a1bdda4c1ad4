"""The profile of a site that says nothing: each file is a dataset as soon as it can be read."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from typing_extensions import override

from panosc.ingest.grouping.file import FileGrouping
from panosc.ingest.profiles import Match, Profile, Rule
from panosc.ingest.told import Told

_UNFINISHED = (".tmp", ".part", "~", ".swp")
_RULE = Rule(name="file", grouping=FileGrouping())


@dataclass(frozen=True, slots=True)
class PlainProfile(Profile):
    """One file, one dataset; files that are hidden or unfinished are left alone."""

    name: str = "plain"
    time_zone: str | None = None
    facility: str | None = None
    probe: str | None = None

    @override
    def match(self, path: PurePosixPath) -> Match | None:
        if path.name.startswith(".") or path.name.endswith(_UNFINISHED):
            return None
        place = _RULE.grouping.place(path, path.parent, {})
        return None if place is None else Match(rule=_RULE, place=place, name=path.name)

    @override
    def told(self, match: Match) -> Told:
        return Told()

    @override
    def tier(self, path: str) -> str:
        return "online"

    @override
    def explain(self, path: PurePosixPath) -> list[tuple[str, str]]:
        if self.match(path) is None:
            return [("hidden or unfinished", "left alone")]
        return [("rule file", f"one dataset, at once: {path.name}")]
