"""What a correction consists of, which records it is for, and what a preview shows. Plain data."""

from dataclasses import dataclass
from typing import Literal

from panosc.ingest.runs.entries import Changed

Editable = Literal["Dataset", "Document", "Instrument", "Sample"]
FIELDS: dict[str, tuple[str, ...]] = {
    "Dataset": ("title", "description", "license", "kind", "definition", "instrument"),
    "Document": ("title", "summary", "type", "doi", "license"),
    "Instrument": ("name", "facility"),
    "Sample": ("name", "description"),
}
"""What `SetField` may set, by class."""
TEXTS: dict[str, tuple[str, ...]] = {
    "Dataset": ("title", "description"),
    "Document": ("title", "summary"),
    "Instrument": ("name",),
    "Sample": ("name", "description"),
}
"""Where `ReplaceText` may replace, by class."""
KINDS = ("raw", "reduced", "simulated")
"""What the field `kind` of a dataset may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records: by their PIDs, or datasets by a search. One of the two."""

    pids: tuple[str, ...] = ()
    where: str = ""
    """The query part of a search page's URL (``facility=ESS&kind=raw``), or a filter of the
    search API as JSON (``{"where": {"title": {"like": "scan%"}}}``)."""
    model: Editable = "Dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetField:
    """Give one field a value, or none. An instrument is named by its PID."""

    field: str
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceText:
    """Put a text in the place of another, letter by letter, wherever it stands in a field."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """Add or remove a technique: ``PaNET01188``, its address, or its PID in the catalogue."""

    act: Literal["add", "remove"]
    technique: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSample:
    """Let the datasets be of one sample by its PID, or of none."""

    sample: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetParameter:
    """Give a parameter a value and a unit; without a value only the unit is corrected."""

    name: str
    value: float | str | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameParameter:
    """Give a parameter another name; where that is there already, it stays as it is."""

    name: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveParameter:
    """Take a parameter away."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Add, remove or replace a person; people are named by ORCID, key or full name.

    ``add`` and the `to` of ``replace`` may name somebody new by their full name.
    """

    act: Literal["add", "remove", "replace"]
    person: str
    to: str | None = None
    role: str | None = None


Operation = (
    SetField
    | ReplaceText
    | Technique
    | SetSample
    | SetParameter
    | RenameParameter
    | RemoveParameter
    | People
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Operations, done one after the other. Classes other than Dataset know the first two."""

    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One record that would change, and how."""

    pid: str
    title: str | None
    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an edit would do; `token` lets exactly this be applied."""

    total: int
    changed: int
    unchanged: int
    examples: tuple[Example, ...]
    problems: tuple[str, ...]
    """Sentences on what will not be done, such as records that are not there."""
    token: str
