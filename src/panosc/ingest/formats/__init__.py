"""What a data format has to tell of a file; one module a format, found by entry point.

A format is a class under the entry point group ``panosc.formats`` with the members of
`Format`. It runs in a confined worker process and reads metadata, never data. What becomes
of the facts is `ingest.composing`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from panosc.domain.errors import Unreadable
from panosc.files.careful import Careful, Refusal
from panosc.files.opening import has_swmr_writer, offset_of_signature, open_image, open_path

IMAGE_BYTES = 2**20
"""HDF5 files up to this size are parsed from memory; for others that costs more than it saves."""


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
    proposal: str | None = None
    sources: tuple[str, ...] = ()
    """Other files that this one needs for its data, as it names them: of a virtual dataset or of
    external links."""
    is_open: bool = False
    """Whether its writer has not finished it."""
    parts: tuple["Part", ...] = ()
    """Its NXentry groups one by one, when that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One NXentry of a file, as if it stood alone."""

    name: str
    facts: Facts


@dataclass(slots=True, kw_only=True)
class Source:
    """A file to be read: its first bytes, and all of them when it is small."""

    path: Path
    head: bytes
    content: bytes | None = None
    by_entry: bool = False
    """Whether the NXentry groups are asked for one by one, too."""
    image_bytes: int = IMAGE_BYTES
    """Most bytes of an HDF5 file that is parsed from memory: more where calls are slow."""
    _hdf5: Careful | None = field(default=None, repr=False)

    @property
    def is_hdf5(self) -> bool:
        """Whether it starts like HDF5, perhaps behind a user block."""
        return offset_of_signature(self.head) is not None

    @property
    def is_written(self) -> bool:
        """Whether it is HDF5 whose writer is still at it, and lets others read (SWMR)."""
        return has_swmr_writer(self.head)

    def hdf5(self) -> Careful:
        """Return the file opened as HDF5; all formats that look at it share it.

        Raises
        ------
        Unreadable
        """
        if self._hdf5 is None:
            is_small = self.content is not None and len(self.content) <= self.image_bytes
            content = self.content if is_small and not self.is_written else None
            self._hdf5 = Careful(
                open_path(self.path, is_written=self.is_written)
                if content is None
                else open_image(content)
            )
        return self._hdf5

    def close(self) -> None:
        """Close what was opened."""
        if self._hdf5 is not None:
            self._hdf5.file.close()
            self._hdf5 = None

    def opens_as_hdf5(self) -> bool:
        """Whether it is HDF5 that can be opened: then a format may look inside to claim it."""
        if not self.is_hdf5:
            return False
        try:
            self.hdf5()
        except Unreadable:
            return False
        return True


class Format(Protocol):
    """What an entry point of the group ``panosc.formats`` provides."""

    name: str
    order: int
    """The lower first: the first format that claims a file reads it. 10 for a dialect of HDF5,
    50 for a format with a signature, 70 for one known by its text, 1000 for whatever is left."""

    def claims(self, source: Source) -> bool:
        """Whether the file is, or by its name should be, of this format."""

    def read(self, source: Source) -> Facts:
        """Return what the file says; raise `Unreadable` when it is broken."""
