"""What a data format has to tell of a file; one module a format, found by entry point.

A format is a class under the entry point group ``panosc.formats`` with the members of
`Format`. It runs in a confined worker process and reads metadata, never data. What becomes
of the facts is `ingest.records`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from panosc.files.careful import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One parameter as the file gives it, and where in the file."""

    name: str
    value: str | int | float
    path: str
    unit: str | None = None
    category: str | None = None
    """Unit category of NXDL, for units with two meanings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributor:
    """A person whom the file names. Addresses are left in the file."""

    name: str
    role: str | None = None
    affiliation: str | None = None
    orcid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """A sample whom the file names or describes."""

    name: str | None = None
    description: str | None = None
    formula: str | None = None
    identifier: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one file says of itself. Whatever it leaves out is None or empty."""

    format: str
    title: str | None = None
    description: str | None = None
    start: str | None = None
    """As the file spells it, like `end`."""
    end: str | None = None
    definitions: tuple[str, ...] = ()
    probe: str | None = None
    is_reduced: bool = False
    instrument: str | None = None
    facility: str | None = None
    samples: tuple[Specimen, ...] = ()
    people: tuple[Contributor, ...] = ()
    parameters: tuple[Quantity, ...] = ()
    default_plot: str | None = None
    entries: int = 0
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to be read: its first bytes, and all of them when it is small."""

    path: Path
    head: bytes
    content: bytes | None = None


class Format(Protocol):
    """What an entry point of the group ``panosc.formats`` provides."""

    name: str

    def claims(self, source: Source) -> bool:
        """Whether the file is, or by its name should be, of this format."""

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is broken."""
