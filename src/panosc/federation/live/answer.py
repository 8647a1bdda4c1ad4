"""What a question to all catalogues brought: records, and the fate of each catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Fared = Literal["pending", "answered", "late", "failed", "down"]
"""``pending``: it may still answer; ``late``: it did not by the deadline; ``failed``: it answered
with an error or with what cannot be used; ``down``: it failed so often that it was not asked."""

HERE = "here"
"""The name of this node among the catalogues: its own records, and copies of others'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How one catalogue fared with one question."""

    name: str
    title: str
    fared: Fared
    seconds: float = 0.0
    count: int = 0
    """Records that it brought to the answer."""
    total: int | None = None
    """How many fit there, as far as that is known."""
    is_cut: bool = False
    """Whether more may fit than it gave."""
    unasked: tuple[str, ...] = ()
    """What it cannot filter by and could not be applied here either: its records are unfiltered."""
    applied: tuple[str, ...] = ()
    """What it cannot filter by, and was applied here to what it gave."""
    message: str | None = None
    """What went wrong, in a sentence."""
    copied: datetime | None = None
    """Copies of its records from then stand in for it."""
    has_copies: bool = False
    """Whether copies of its records are among those of this node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Records of all catalogues, best first, each once, and the fate of each catalogue.

    An item is a record of the PaNOSC search API with ``score`` and, of ours, ``sources``: names of
    the catalogues that told of it, and ``home``: its page there, unless it is one of this node.
    """

    items: Sequence[dict[str, Any]]
    fates: Sequence[Fate]
    total: int
    is_least: bool
    """Whether there may be more than `total`: a catalogue did not say, or did not answer."""
