"""What an ingest did, in numbers and reasons: for people and, as JSON, for programs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from panosc.ingest.records import ASKED

UNITS = "units"
MOST_PIDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A file, the stable word for what is wrong with it, and the sentence."""

    path: str
    reason: str
    detail: str

    def __post_init__(self) -> None:
        # names of files may be anything: a terminal and JSON get what they can print
        object.__setattr__(self, "path", printable(self.path))
        object.__setattr__(self, "detail", printable(self.detail))


def printable(text: str) -> str:
    """Return `text` with a mark in the place of each character that cannot be printed."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts of files by what became of them, and what is worth a person's look."""

    files: int = 0
    new: int = 0
    versions: int = 0
    locations: int = 0
    unchanged: int = 0
    left_alone: int = 0
    read: int = 0
    """Files that could be read in this run: what `has` counts among."""
    has: Counter[str] = field(default_factory=Counter)
    quarantined: list[Trouble] = field(default_factory=list)
    warnings: list[Trouble] = field(default_factory=list)
    unknown_units: Counter[str] = field(default_factory=Counter)
    new_instruments: Counter[str] = field(default_factory=Counter)
    """Names that the catalogue has not met before; a new spelling of an old one is among them."""
    unknown_proposals: Counter[str] = field(default_factory=Counter)
    """Proposals that no list of groups has: their data are closed until one has."""
    waiting: int = 0
    """Datasets of which more is expected."""
    removed: int = 0
    """Files that are there no more."""
    pids: dict[str, None] = field(default_factory=dict)
    """The datasets that files of this run belong to, in the order in which they came.

    Not all of millions: it is for those who announced a few.
    """
    run: int | None = None
    passed: list[Trouble] = field(default_factory=list)
    is_dry: bool = False

    def meet(self, pids: Iterable[str]) -> None:
        """Note that files of this run belong to datasets."""
        for pid in pids:
            if len(self.pids) < MOST_PIDS:
                self.pids[pid] = None

    @property
    def exit_code(self) -> int:
        """0 when all is well, 3 when some files are in quarantine."""
        return 3 if self.quarantined else 0

    def completeness(self) -> Iterator[tuple[str, int, int]]:
        """Yield (what, files that have it, files read)."""
        for what in (*ASKED, UNITS):
            yield what, self.has[what], self.read

    def as_json(self) -> dict[str, Any]:
        """Return the whole report as what JSON can hold."""
        return {
            "files": self.files,
            "new": self.new,
            "newVersions": self.versions,
            "moreLocations": self.locations,
            "unchanged": self.unchanged,
            "leftAlone": self.left_alone,
            "waiting": self.waiting,
            "removed": self.removed,
            "quarantined": [_plain(item) for item in self.quarantined],
            "warnings": [_plain(item) for item in self.warnings],
            "passedOver": [_plain(item) for item in self.passed],
            "completeness": {
                what: {"has": has, "of": total} for what, has, total in self.completeness()
            },
            "unknownUnits": dict(sorted(self.unknown_units.items())),
            "newInstruments": dict(sorted(self.new_instruments.items())),
            "unknownProposals": dict(sorted(self.unknown_proposals.items())),
            "run": self.run,
            "dryRun": self.is_dry,
        }


def _plain(item: Trouble) -> dict[str, str]:
    return {"path": item.path, "reason": item.reason, "detail": item.detail}
