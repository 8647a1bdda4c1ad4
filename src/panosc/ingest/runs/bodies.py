"""What the routes of runs and edits take and give, as JSON."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from panosc.ingest.runs.editing import operations as op
from panosc.ingest.runs.entries import Entry, Run

_MOST_PIDS = 10_000
_Text = Annotated[str, Field(max_length=2000)]
_Long = Annotated[str, Field(max_length=20_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SetFieldBody(_Body):
    """Give one field a value, or none."""

    op: Literal["SetField"]
    field: _Text
    value: _Long | None


class ReplaceTextBody(_Body):
    """Put a text in the place of another."""

    op: Literal["ReplaceText"]
    field: _Text
    old: _Long
    new: _Long


class TechniqueBody(_Body):
    """Add or remove a technique."""

    op: Literal["Technique"]
    act: Literal["add", "remove"]
    technique: _Text


class SetSampleBody(_Body):
    """Let the datasets be of one sample, or of none."""

    op: Literal["SetSample"]
    sample: _Text | None


class SetParameterBody(_Body):
    """Give a parameter a value and a unit; without a value only the unit is corrected."""

    op: Literal["SetParameter"]
    name: _Text
    value: float | _Text | None = None
    unit: Annotated[str, Field(max_length=40)] | None = None


class RenameParameterBody(_Body):
    """Give a parameter another name."""

    op: Literal["RenameParameter"]
    name: _Text
    to: _Text


class RemoveParameterBody(_Body):
    """Take a parameter away."""

    op: Literal["RemoveParameter"]
    name: _Text


class PeopleBody(_Body):
    """Add, remove or replace a person."""

    op: Literal["People"]
    act: Literal["add", "remove", "replace"]
    person: _Text
    to: _Text | None = None
    role: _Text | None = None


OperationBody = Annotated[
    SetFieldBody
    | ReplaceTextBody
    | TechniqueBody
    | SetSampleBody
    | SetParameterBody
    | RenameParameterBody
    | RemoveParameterBody
    | PeopleBody,
    Field(discriminator="op"),
]


class PreviewBody(_Body):
    """Which records, by PIDs or by a search, and what to do with them."""

    model: Literal["Dataset", "Document", "Instrument", "Sample"] = "Dataset"
    pids: list[_Text] = Field(default_factory=list, max_length=_MOST_PIDS)
    where: str = Field(
        default="",
        max_length=20_000,
        description="As in the address of the search page, or a filter of the search API as JSON",
    )
    operations: list[OperationBody] = Field(min_length=1, max_length=50)

    def selection(self) -> op.Selection:
        """Return which records."""
        return op.Selection(pids=tuple(self.pids), where=self.where, model=self.model)

    def edit(self) -> op.Edit:
        """Return what to do."""
        return op.Edit(
            operations=tuple(
                getattr(op, item.op)(**item.model_dump(exclude={"op"})) for item in self.operations
            )
        )


class EditBody(PreviewBody):
    """The same with the reason, and the token of the preview."""

    reason: str = Field(min_length=1, max_length=2000)
    token: str = Field(max_length=100)


class RetryBody(_Body):
    """Which files to read again; without any all."""

    urls: list[_Text] | None = Field(default=None, max_length=_MOST_PIDS)


class ChangedOut(BaseModel):
    """One field before and after."""

    field: str
    old: str | None
    new: str | None


class ExampleOut(BaseModel):
    """One record that would change."""

    pid: str
    title: str | None
    changes: list[ChangedOut]


class PreviewOut(BaseModel):
    """What an edit would do."""

    total: int
    changed: int
    unchanged: int
    examples: list[ExampleOut]
    problems: list[str]
    token: str


class RunOut(BaseModel):
    """One run."""

    id: int
    kind: Literal["ingest", "watch", "message", "edit", "undo"]
    who: str
    reason: str | None
    started: datetime
    ended: datetime | None
    state: Literal["running", "done", "failed", "stopped", "undone"]
    asked: dict[str, Any]
    report: dict[str, Any]
    undoes: int | None
    undone_by: int | None = Field(serialization_alias="undoneBy")
    records: dict[str, int]
    blocked_by: list[int] = Field(serialization_alias="blockedBy")


class RunsOut(BaseModel):
    """The newest runs first; ``next`` is where to go on, as ``before``."""

    runs: list[RunOut]
    next: int | None


class DoneOut(BaseModel):
    """The run that did it."""

    run: int


class EntryOut(BaseModel):
    """What one run did to one record."""

    run: int
    kind: Literal["ingest", "watch", "message", "edit", "undo"]
    act: Literal["created", "changed", "deleted", "restored"]
    who: str
    at: datetime
    reason: str | None
    is_undone: bool = Field(serialization_alias="isUndone")
    changes: list[ChangedOut]


class HistoryOut(BaseModel):
    """What was done to a dataset, the newest first."""

    history: list[EntryOut]


class SetAsideOut(BaseModel):
    """A file that cannot be read as what it claims to be."""

    url: str
    reason: str
    detail: str
    size: int
    seen: datetime


class QuarantineOut(BaseModel):
    """How many files are set aside; ``next`` is where to go on, as ``after``."""

    total: int
    files: list[SetAsideOut]
    next: str | None


class RetriedOut(BaseModel):
    """How many files the next run reads again."""

    files: int


def run_of(item: Run) -> RunOut:
    """Return a run as it is told."""
    return RunOut(**asdict(item))


def entry_of(item: Entry) -> EntryOut:
    """Return an entry of a history as it is told."""
    return EntryOut(**asdict(item))


def preview_of(item: op.Preview) -> PreviewOut:
    """Return a preview as it is told."""
    return PreviewOut(**asdict(item))
