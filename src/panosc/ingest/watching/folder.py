"""One folder as it was last listed, packed: a million files have to fit beside everything else."""

import os
from array import array
from typing import NamedTuple, Self

from panosc.domain.times import bounded_ns

_NUMBERS = 4
_LOW = 2**63 - 1


class Mark(NamedTuple):
    """What tells that a file has changed, each of which may stay the same alone."""

    size: int
    """-1 for what is no regular file."""
    mtime_ns: int
    ctime_ns: int
    """Tells of times that were set back and of rights that were given."""
    inode: int

    @classmethod
    def of(cls, status: os.stat_result, inode: int) -> Self:
        """Return the mark of a file; `inode` is that of its name, which may be a link."""
        times = bounded_ns(status.st_mtime_ns), bounded_ns(status.st_ctime_ns)
        return cls(status.st_size, *times, cls.inode_of(inode))

    @staticmethod
    def inode_of(number: int) -> int:
        """Return the number of an inode as a mark holds it."""
        return number & _LOW


class Folder:
    """A folder below a root, with its files and what its next look needs.

    All times are those of a clock that is never set.
    """

    __slots__ = (
        "_marks",
        "_names",
        "changed",
        "children",
        "deep",
        "device",
        "due",
        "is_dead",
        "is_doubted",
        "missing",
        "mtime_ns",
        "name",
        "parent",
        "top",
        "unsure_until",
    )

    def __init__(self, name: str, parent: "Folder | None", *, deep: float) -> None:
        self.name = name
        self.parent = parent
        self.top: Folder = self if parent is None or parent.parent is None else parent.top
        self.children: dict[str, Folder] | None = None
        self._names = b""
        self._marks: array[int] | None = None
        self.mtime_ns: int | None = None
        """None until it was listed."""
        self.device = 0
        self.changed = 0.0
        """When something in it was last seen to change."""
        self.unsure_until = 0.0
        """Until when its time may stay the same though it changes."""
        self.deep = deep
        """When all its files are looked at again, whatever times say."""
        self.due: float | None = None
        self.is_doubted = False
        """Whether it is to be listed at its next look, whatever its time says."""
        self.is_dead = False
        self.missing: frozenset[bytes] = frozenset()
        """What its last listing did not have; gone if the next has it neither."""

    @property
    def path(self) -> str:
        """Where it is."""
        parts = []
        here: Folder | None = self
        while here is not None:
            parts.append(here.name)
            here = here.parent
        return "/".join(reversed(parts)) or "/"

    def path_of(self, name: bytes) -> str:
        """Return where a file of it is."""
        return os.path.join(self.path, os.fsdecode(name))  # noqa: PTH118 - a million times

    @property
    def is_empty(self) -> bool:
        """Whether nothing was in it."""
        return self._marks is None and not self.children

    def __len__(self) -> int:
        return 0 if self._marks is None else len(self._marks) // _NUMBERS

    def files(self) -> dict[bytes, Mark]:
        """Return its files by name, in order."""
        if self._marks is None:
            return {}
        flat = iter(self._marks)
        marks = map(Mark, flat, flat, flat, flat)
        return dict(zip(self._names.split(b"\0"), marks, strict=True))

    def keep(self, files: dict[bytes, Mark]) -> None:
        """Remember `files` and no others."""
        self._names = b"\0".join(files)
        self._marks = (
            array("q", (number for mark in files.values() for number in mark)) if files else None
        )

    def change(self, name: bytes, mark: Mark) -> None:
        """Remember another mark of a file that it has."""
        if self._marks is not None:
            place = self._names.split(b"\0").index(name) * _NUMBERS
            self._marks[place : place + _NUMBERS] = array("q", mark)
