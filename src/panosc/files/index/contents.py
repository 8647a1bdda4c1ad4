"""What the index of a file says: plain values, made by a worker and kept by the node.

All of it was read from a stranger's file, so offsets, sizes and names are checked again where
they are used.
"""

from dataclasses import dataclass
from typing import Literal

VERSION = 3
"""Of all that is kept; an index of another version is made anew."""
ROW_BYTES = 24
"""Of one row of a table of chunks: number and offset (``<u8``), size and mask (``<u4``)."""

ENDLESS = -1
"""Instead of a count or a block: as many as there will ever be."""

Kind = Literal["group", "dataset", "datatype"]
LinkKind = Literal["hard", "soft", "external", "other"]
Layout = Literal["contiguous", "compact", "chunked", "virtual", "values", "library", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One step of the pipeline that chunks went through when they were written."""

    id: int
    flags: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slab:
    """A regular hyperslab: `count` blocks of extent `block`, each `stride` after the other."""

    start: tuple[int, ...]
    stride: tuple[int, ...]
    count: tuple[int, ...]
    block: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a part of a virtual dataset lies: as many points `here` as `there`, in C order."""

    file: str
    """As the file spells it; ``.`` is the file itself."""
    path: str
    here: Slab
    there: Slab
    """Of no dimensions: all of the source, whatever its shape, which the file does not say."""
    missing: str = ""
    """Why there is nothing, where that is known; never part of an index."""

    @property
    def is_endless(self) -> bool:
        """Whether what is mapped goes on as far as the source does, or as there are sources.

        With an end `there`, each block `here` is of another source: ``%b`` in the names is its
        number, and ``%%`` a percent sign.
        """
        return ENDLESS in self.here.count or ENDLESS in self.here.block


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """The values of a dataset, and where in the file they lie."""

    shape: tuple[int, ...] | None
    """None for a dataset that holds nothing (H5S_NULL)."""
    dtype: str
    """As numpy's array interface spells it (``<u2``, ``|S24``, ``>f8``); empty where it cannot."""
    layout: Layout
    """`contiguous`, `compact` (in `values`), `chunked` and `virtual` as HDF5 calls them; `values`:
    all of them are kept as JSON in `values`, as h5grove tells them, for they are of variable
    length or texts that end at their first NUL; `library`: the HDF5 library has to read them,
    `why`; `refused`: nothing may read them, `why`."""
    offset: int = -1
    """Of contiguous values in the file, in bytes; -1 when nothing was written yet."""
    nbytes: int = 0
    chunks: tuple[int, ...] = ()
    filters: tuple[Filter, ...] = ()
    """In the order of writing."""
    fill: bytes = b""
    """One item."""
    table: bytes = b""
    """A row for each chunk that was written, by number: its place in the C order of all chunks."""
    sources: tuple[Source, ...] = ()
    values: bytes = b""
    why: str = ""

    @property
    def is_endless(self) -> bool:
        """Whether its extent depends on its sources (`files.chunks.endless`)."""
        return self.layout == "virtual" and any(part.is_endless for part in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A group, dataset or named type of the file, whatever paths lead to it."""

    number: int
    """0 is the root group."""
    kind: Kind
    head: bytes
    """JSON object: what h5grove's ``/meta`` tells of it, without `name`, `kind` and `children`."""
    attributes: bytes
    """JSON object: name = value, as h5grove's ``/attr`` tells them."""
    array: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A member of a group."""

    parent: int
    name: str
    kind: LinkKind
    thing: int | None = None
    """What a hard link leads to."""
    file: str = ""
    """Of an external link, as the file spells it."""
    path: str = ""
    """Where a soft or external link leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All of a file: `things` by number, `links` in the order in which groups list them."""

    things: tuple[Thing, ...]
    links: tuple[Link, ...]
    notes: tuple[tuple[str, str], ...] = ()
    """What was refused or left out: a stable word and a sentence."""
