"""A file that refers to others is one dataset with them: a master and its data, a virtual dataset.

All files of the folder are read first; which belong together follows from what they refer to. A
reference that leads out of the folder names a file that is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from typing_extensions import override

from panosc.ingest.grouping import Grouping, Piece, Place, Share, leading, no_options
from panosc.ingest.grouping.folder import missing, resolved


class VirtualGrouping(Grouping):
    """Files that refer to each other, in one folder and below."""

    name = "virtual"
    waits = True
    by_entry = False

    @override
    def check(self, options: Mapping[str, Any]) -> None:
        no_options(options, self.name)

    @override
    def place(
        self, path: PurePosixPath, folder: PurePosixPath, options: Mapping[str, Any]
    ) -> Place | None:
        return Place(key=f"{folder}/", base=str(folder))

    @override
    def divide(self, pieces: Sequence[Piece], options: Mapping[str, Any]) -> Iterable[Share]:
        by_path = {piece.path: piece for piece in pieces}
        found = {piece.path: piece.path for piece in pieces}

        def root(path: str) -> str:
            while found[path] != path:
                found[path] = path = found[found[path]]
            return path

        for piece in pieces:
            for source in () if piece.facts is None else piece.facts.sources:
                other = resolved(piece, source)
                if other in by_path:
                    found[root(other)] = root(piece.path)
        together: dict[str, list[Piece]] = {}
        for piece in sorted(pieces, key=lambda piece: piece.name):
            together.setdefault(root(piece.path), []).append(piece)
        for share in together.values():
            yield Share(pieces=leading(share), missing=missing(share))


class MasterGrouping(VirtualGrouping):
    """The same for detectors that write a master and its data files, such as the Eiger."""

    name = "master"
