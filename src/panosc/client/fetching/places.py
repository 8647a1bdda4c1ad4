"""Where a file goes: always beneath the folder that was given, whatever a node calls it.

Each step into a folder is taken by descriptor and follows no link, so that nothing that changes
there meanwhile leads out of it.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from panosc.domain.errors import Conflict, Forbidden, Invalid, Unavailable

_LONGEST = 240
"""Of a name in a folder, in bytes, so that the ending of a part fits behind it."""
_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place in a folder that is open."""

    folder: int
    name: str
    path: Path
    """To tell people."""

    @property
    def part(self) -> str:
        """The name of the file while it is incomplete."""
        return f"{_short(self.name)}.part"

    @property
    def tag(self) -> str:
        """The name of what says of which version the part is."""
        return f".{_short(self.name)}.part.tag"

    def status(self) -> os.stat_result | None:
        """Return what is there, or None.

        Raises
        ------
        Conflict
            If it is no file.
        """
        try:
            found = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise Conflict(
                f"{self.path} is there, and no file.", hint="Move it away, or take another folder."
            )
        return found

    def open(self, name: str, flags: int) -> int:
        """Open a file of the folder; a link is refused.

        Raises
        ------
        Conflict
        """
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(name, flags, 0o666, dir_fd=self.folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Conflict(
                f"{self.path.with_name(name)} cannot be used: {error.strerror}.",
                hint="Move it away, or take another folder.",
            ) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise Conflict(f"{self.path.with_name(name)} is no file.", hint="Move it away.")
        return descriptor

    def rename(self) -> None:
        """Make the part the file: it is there as a whole, or not."""
        os.replace(self.part, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        os.fsync(self.folder)
        self.remove(self.tag)

    def remove(self, name: str) -> None:
        """Remove a file of the folder, if it is there."""
        try:
            os.unlink(name, dir_fd=self.folder)
        except FileNotFoundError:
            return


def steps(name: str) -> list[str]:
    """Return the folders and the file that a name leads through.

    Raises
    ------
    Invalid
        If it leads elsewhere, or could.

    Examples
    --------
    >>> steps("scan_1/a.nxs")
    ['scan_1', 'a.nxs']
    """
    found = name.split("/")
    hidden = any(ord(sign) < 32 or sign in "\\\x7f" for sign in name)  # noqa: PLR2004
    odd = {"", ".", ".."}.intersection(found)
    too_long = any(len(step.encode("utf-8", "replace")) > 255 for step in found)  # noqa: PLR2004
    if odd or hidden or too_long or len(found) > _DEEPEST:
        raise Invalid(
            f"The node names a file {name[:100]!r}, which is not a name to be written here.",
            field="name",
            hint="Nothing was written. Download it to a path of your own: file.download(PATH).",
        )
    return found


@contextmanager
def place(folder: Path, name: str) -> Iterator[Place]:
    """Give the place of a file of this name beneath `folder`, for a block of code.

    Raises
    ------
    Invalid
        If the name leads out of it.
    Forbidden
        If a link stands in the way.
    """
    *folders, last = steps(name)
    descriptor = _opened(folder)
    try:
        for number, step in enumerate(folders):
            inner = _into(descriptor, step, folder.joinpath(*folders[: number + 1]))
            os.close(descriptor)
            descriptor = inner
        yield Place(folder=descriptor, name=last, path=folder.joinpath(*folders, last))
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be used: {error.strerror}.", hint="Give another folder."
        ) from None


def _into(descriptor: int, step: str, path: Path) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with suppress(FileExistsError):
            os.mkdir(step, dir_fd=descriptor)
        return os.open(step, flags, dir_fd=descriptor)
    except OSError as error:
        raise Forbidden(
            f"{path} is no folder of its own: {error.strerror}.",
            hint="Links are not followed there. Move it away, or take another folder.",
        ) from None


def _short(name: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    return sha256(name.encode()).hexdigest()
