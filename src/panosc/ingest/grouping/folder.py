"""All files of a folder are one dataset: a run of many modules, a session's sample, a series."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from typing_extensions import override

from panosc.ingest.grouping import Grouping, Piece, Place, Share, leading, no_options


class FolderGrouping(Grouping):
    """All files below the folder that the rule's pattern names."""

    name = "folder"
    waits = True
    by_entry = False

    @override
    def check(self, options: Mapping[str, Any]) -> None:
        no_options(options, "folder")

    @override
    def place(
        self, path: PurePosixPath, folder: PurePosixPath, options: Mapping[str, Any]
    ) -> Place | None:
        return Place(key=f"{folder}/", base=str(folder))

    @override
    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        if pieces:
            yield Share(pieces=leading(pieces), missing=missing(pieces))


def missing(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return which files the pieces need that are not among them, as they name them."""
    found: dict[str, None] = {}
    there = {piece.path for piece in pieces}
    for piece in pieces:
        for source in () if piece.facts is None else piece.facts.sources:
            if resolved(piece, source) not in there:
                found.setdefault(source)
    return tuple(found)


def resolved(piece: Piece, source: str) -> str:
    """Return the absolute path that a piece means by the name of another file."""
    parts: list[str] = []
    for part in (PurePosixPath(piece.path).parent / source).parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    return "/" + "/".join(parts)
