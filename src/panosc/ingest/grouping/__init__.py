"""How files become datasets; one module a way, found by entry point.

A way is a class under the entry point group ``panosc.grouping`` with the members of `Grouping`.
It says at which place a file is gathered, by its path alone, and, once all files of a place have
been read, which datasets they make. It opens no file itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol

from panosc.domain.errors import Invalid
from panosc.ingest.formats import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the files of one or more datasets are gathered."""

    key: str
    """The same for all its files and no others; a path, perhaps with something behind it."""
    base: str
    """The folder from which the names of its files are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of a place, as it was read."""

    path: str
    url: str
    name: str
    """Its path from the base of its place: the name of the file in its dataset."""
    size: int
    mtime_ns: int
    tier: str = "online"
    sha256: str | None = None
    """None for a file that was not read because it is not online."""
    facts: Facts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The pieces that make one dataset, the one that leads first."""

    pieces: tuple[Piece, ...]
    part: str = ""
    """The NXentry of the only piece that it is, if it is not the whole file."""
    missing: tuple[str, ...] = ()
    """Files that a piece needs and that are not there, as it names them."""


class Grouping(Protocol):
    """What an entry point of the group ``panosc.grouping`` provides."""

    name: str
    waits: bool
    """Whether a dataset may have more files than one, so that it has to be waited for."""
    by_entry: bool
    """Whether files are read NXentry by NXentry."""

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `Invalid`, with the option as its field, for options that are wrong."""

    def place(
        self, path: PurePosixPath, folder: PurePosixPath, options: Mapping[str, Any]
    ) -> Place | None:
        """Return where a file is gathered; None: it belongs to no dataset of this kind.

        `path` is absolute; `folder` is what the rule's pattern fixes before ``**``, else the
        folder of the file.
        """

    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        """Return the datasets that all pieces of a place make."""


def no_options(options: Mapping[str, Any], name: str) -> None:
    """Raise `Invalid` if there are options."""
    if options:
        raise Invalid(f"Grouping by {name} has no options.", field="options")


def leading(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the pieces by name, the one that says most of the whole first.

    That is one that refers to others, else one with NXentries, else the first that was read.
    """

    def rank(piece: Piece) -> tuple[int, str]:
        facts = piece.facts
        if facts is None:
            return 4, piece.name
        if facts.sources:
            return 0, piece.name
        return (1 if facts.entries else 2 if facts.title or facts.parameters else 3), piece.name

    by_name = sorted(pieces, key=lambda piece: piece.name)
    lead = min(by_name, key=rank)
    return (lead, *(piece for piece in by_name if piece is not lead))
