"""What a site says of its files: which of them make a dataset, and what their paths mean.

A profile is a document in YAML (`profiles.writing` reads and checks it, `profiles.shipped` knows
those of the founding facilities). Here is what comes of one, for the rest of ingest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from panosc.ingest.grouping import Grouping, Place
from panosc.ingest.told import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """When a dataset is taken to be whole; whichever comes first."""

    at_once: bool = False
    """As soon as its files can be read."""
    quiet_s: float | None = None
    """When no file of its place has changed for so long, in seconds."""
    marker: str | None = None
    """When a file whose name fits this pattern is there; it is no data itself."""
    end_time: bool = False
    """When its leading file says when it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a profile."""

    name: str
    grouping: Grouping
    options: Mapping[str, Any] = field(default_factory=dict)
    completion: Completion = Completion(at_once=True)
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a profile makes of one path."""

    rule: Rule
    place: Place
    name: str
    """The name of the file in its dataset."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What the placeholders of the pattern stand for."""
    is_marker: bool = False
    """A file that says that its dataset is whole, and is not part of it."""


class Profile(Protocol):
    """A site profile, ready for use."""

    name: str
    time_zone: str | None
    facility: str | None
    probe: str | None

    def match(self, path: PurePosixPath) -> Match | None:
        """Return what becomes of the file at an absolute path; None: nothing, it is left alone."""

    def told(self, match: Match) -> Told:
        """Return what the path, lists and side files say of the dataset at the place of `match`."""

    def tiers(self, paths: Sequence[str]) -> list[str]:
        """Return the tier of each file, ``online`` or ``nearline``, without reading any."""

    def take_troubles(self) -> list[tuple[str, str]]:
        """Return what was wrong since the last time with lists, side files and the site's command.

        Each as (where, what).
        """

    def explain(self, path: PurePosixPath) -> list[tuple[str, str]]:
        """Return, step by step, (what was asked, what came of it) for `ingest --explain`."""
