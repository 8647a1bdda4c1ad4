"""Other files that an HDF5 file needs for its data, told by its links and layouts alone.

External links where data lie, and the sources of virtual datasets. None of those files is
opened or looked for; whether they are there is asked later, of the files that were found.
"""

from collections import deque
from pathlib import Path, PurePosixPath
from typing import Final

from h5py import h5d, h5g, h5l

from panosc.files.careful import Careful, Dataset, Group, is_virtual, name_of, path_of, text
from panosc.files.opening import FAILURES

SOURCES: Final = 2_000
"""Other files of one file that are named."""
MAPPINGS: Final = 20_000
"""Parts of one virtual dataset that are looked at."""
LOOKED_AT: Final = 4_000
"""Fields of one file whose layout is looked at."""
ROAMED: Final = 500
"""The same, of a file that does not say where its data are."""
DATA: Final = frozenset({"NXdata", "NXdetector"})
"""Classes of groups in which data lie."""
_NAMED: Final = frozenset({b"data", b"measurement"})
"""Names by which groups of data are known without their class."""


class Links:
    """What one file needs of others, gathered while it is read."""

    def __init__(self, file: Careful, path: Path) -> None:
        self.file = file
        # a file may name itself, by "." or as others would
        self._own = {PurePosixPath(), PurePosixPath(path.name), PurePosixPath(path)}
        self._left = LOOKED_AT
        self._lists: list[dict[str, None]] = [{}]

    @property
    def found(self) -> tuple[str, ...]:
        """The files, as they are named in this one."""
        return tuple(self._lists[-1])

    def begin(self) -> None:
        """Begin a list of its own, for another entry."""
        self._lists.append({})

    @staticmethod
    def is_place_of_data(kind: str, name: bytes) -> bool:
        """Whether a member of a group of this class is data, or where data lie."""
        return kind in DATA or (kind in {"NXentry", "NXsubentry"} and name in _NAMED)

    @staticmethod
    def kind_of(kind: str, name: bytes) -> str:
        """Return the class of a group; one that holds data by its name counts as NXdata."""
        return "NXdata" if kind in {"", "NXcollection"} and name in _NAMED else kind

    def external(self, group: Group, name: bytes) -> None:
        """Take the file to which an external link leads."""
        self.file.expected.add(path_of(group, name))
        try:
            target = group.links.get_val(name)
        except FAILURES as error:
            self.file.refuse("damaged", f"{path_of(group, name)}: {error}")
            return
        self._add(text(target[0]))

    def layout(self, group: Group, name: bytes) -> None:
        """Take the files of which a dataset is made, if it is a virtual one."""
        self._left -= 1
        if self._left < 0:
            return
        node = self.file.member(group, name, h5l.TYPE_HARD)
        if isinstance(node, h5d.DatasetID):
            self._sources(node)

    def roam(self) -> None:
        """Look at the first datasets that there are, where no class says which are data."""
        self._left = min(self._left, ROAMED)
        waiting = deque([self.file.root])
        steps = ROAMED
        while waiting and steps > 0:
            group = waiting.popleft()
            for name, link in self.file.members(group):
                steps -= 1
                if link != h5l.TYPE_HARD or steps < 0:
                    continue
                if not self.file.is_group(group, name, link):
                    self.layout(group, name)
                    continue
                node = self.file.member(group, name, link)
                if isinstance(node, h5g.GroupID):
                    waiting.append(node)

    def _sources(self, node: Dataset) -> None:
        try:
            if not is_virtual(node):
                return
            plan = node.get_create_plist()
            count = plan.get_virtual_count()
            names = [plan.get_virtual_filename(index) for index in range(min(count, MAPPINGS))]
        except FAILURES as error:
            self.file.refuse("damaged", f"{name_of(node)}: {error}")
            return
        if count > MAPPINGS:
            self.file.refuse(
                "too-many-sources", f"{name_of(node)}: only {MAPPINGS} of {count} were looked at"
            )
        for name in dict.fromkeys(names):
            self._add(text(name))

    def _add(self, name: str) -> None:
        if not name or PurePosixPath(name) in self._own:
            return
        found = self._lists[-1]
        if name not in found and len(found) >= SOURCES:
            self.file.refuse("too-many-sources", f"only the first {SOURCES} other files are named")
            return
        found.setdefault(name)
