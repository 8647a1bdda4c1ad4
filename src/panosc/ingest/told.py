"""What others say of a dataset than its files: the path, a list, a side file, a message.

It goes before what the files say. The origin of each value is kept for `ingest --explain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from panosc.ingest.formats import Contributor, Quantity, Specimen


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known of a dataset before its files are read. Empty means: not told."""

    title: str | None = None
    description: str | None = None
    kind: str | None = None
    """raw, reduced or simulated."""
    proposal: str | None = None
    instrument: str | None = None
    facility: str | None = None
    probe: str | None = None
    start: str | None = None
    end: str | None = None
    definition: str | None = None
    """An application definition of NeXus, from which the technique follows."""
    techniques: tuple[str, ...] = ()
    """PaNET identifiers, as PaNET01188 or as addresses."""
    samples: tuple[Specimen, ...] = ()
    people: tuple[Contributor, ...] = ()
    parameters: tuple[Quantity, ...] = ()
    derived_from: tuple[str, ...] = ()
    """PIDs of what it was made from, or paths (starting with a slash) of their folders or files."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Field → who said so, such as ``path of rule raw``."""

    def over(self, other: "Told") -> "Told":
        """Return this, and for what it does not say what `other` says; lists are not mixed."""
        chosen: dict[str, Any] = {}
        origins = dict(other.origins)
        for item in fields(self):
            if item.name != "origins":
                mine = getattr(self, item.name)
                chosen[item.name] = mine or getattr(other, item.name)
                if mine and item.name in self.origins:
                    origins[item.name] = self.origins[item.name]
        return Told(**chosen, origins=origins)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What whoever ingests wants of the files, beside what the profile says."""

    told: Told | None = None
    complete: bool = False
    """Whether whatever is there is all there will be."""
    is_dry: bool = False
    rehash: bool = False
    by_guest: bool = False
    """Whether they come from somebody who does not look after the node."""
    is_live: bool = False
    """Whether files are seen as they come: then quiet is counted from when they were seen."""
