"""What is told of places that wait, announcements and files set aside, and which are asked for."""

from dataclasses import dataclass
from datetime import datetime

from panosc.ingest.messages.register import Announcement


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which runs; `until` is the first moment after them."""

    kind: str = ""
    state: str = ""
    who: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A dataset of which more files are expected."""

    base: str
    key: str
    rule: str
    profile: str
    files: int
    size: int
    since: datetime
    newest: datetime
    waits_for: tuple[str, ...]
    """Sentences on what would complete it; any of them is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """How many announcements there are, and the newest of those that are not done."""

    waiting: int
    failed: int
    done: int
    newest: tuple[Announcement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which files set aside: by the word for why, and by a piece of their path."""

    reason: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What undoing a run would do to the records of one class."""

    model: str
    go: int
    """The run made them."""
    come_back: int
    """The run changed or removed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A dataset that a run made, changed or removed."""

    pid: str
    title: str | None
    """None: it has none, or is no more."""
    is_there: bool
    was_there: bool
