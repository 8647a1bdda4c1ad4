"""One file, one dataset; or one NXentry, one dataset."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from typing_extensions import override

from panosc.ingest.grouping import Grouping, Piece, Place, Share, no_options


class FileGrouping(Grouping):
    """Each file is a dataset."""

    name = "file"
    waits = False
    by_entry = False

    @override
    def check(self, options: Mapping[str, Any]) -> None:
        no_options(options, "file")

    @override
    def place(
        self, path: PurePosixPath, folder: PurePosixPath, options: Mapping[str, Any]
    ) -> Place | None:
        return Place(key=str(path), base=str(path.parent))

    @override
    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        for piece in pieces:
            yield Share(pieces=(piece,))


class EntryGrouping(FileGrouping):
    """Each NXentry of a file is a dataset; a file without any is one itself."""

    name = "entry"
    by_entry = True

    @override
    def check(self, options: Mapping[str, Any]) -> None:
        no_options(options, "entry")

    @override
    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        for piece in pieces:
            parts = () if piece.facts is None else piece.facts.parts
            if not parts:
                yield Share(pieces=(piece,))
            for part in parts:
                yield Share(pieces=(piece,), part=part.name)
