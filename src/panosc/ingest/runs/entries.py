"""What is told of runs, of the history of a record and of files set aside: plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

RunKind = Literal["ingest", "watch", "message", "edit", "undo"]
RunState = Literal["running", "done", "failed", "stopped", "undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One act that changed records; `state` is ``stopped`` for one that was killed."""

    id: int
    kind: RunKind
    who: str
    reason: str | None
    started: datetime
    ended: datetime | None
    state: RunState
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What was to be done, such as the roots of an ingest or the operations of an edit."""
    report: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None
    undone_by: int | None = None
    """The run that undid this one, while it is undone."""
    records: Mapping[str, int] = field(default_factory=dict)
    """How many records of each class it touched."""
    blocked_by: tuple[int, ...] = ()
    """Later runs that have to be undone before this one; only told of a single run."""

    @property
    def may_be_undone(self) -> bool:
        """Whether it has ended and is not undone already."""
        return self.state in {"done", "failed", "stopped"} and not self.blocked_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One field of a record, before and after, as a person reads it; None: it was not there."""

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one run did to one record."""

    run: int
    kind: RunKind
    act: Literal["created", "changed", "deleted", "restored"]
    """``restored``: it came back after it had been deleted."""
    who: str
    at: datetime
    reason: str | None
    is_undone: bool
    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A file that cannot be read as what it claims to be."""

    url: str
    reason: str
    detail: str
    size: int
    seen: datetime
