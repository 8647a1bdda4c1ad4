"""Finding the files of a folder: always in the same order, and only what lies inside it."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from panosc.domain.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A regular file as it was when its folder was listed."""

    path: str
    size: int
    mtime_ns: int

    @property
    def url(self) -> str:
        """Where it lies, as a URL."""
        return url_of(self.path)


def url_of(path: str) -> str:
    """Return the URL of a path."""
    return "file://" + quote_from_bytes(os.fsencode(path))


def path_of(url: str) -> str:
    """Return the path behind such a URL."""
    return os.fsdecode(unquote_to_bytes(url.removeprefix("file://")))


@dataclass(slots=True)
class Walk:
    """The files below some roots. `passed` tells what was not looked into, and why."""

    roots: Sequence[Path]
    passed: list[tuple[str, str]] = field(default_factory=list)

    def files(self) -> Iterator[Found]:
        """Yield every regular file once: folders by name, depth first.

        Raises
        ------
        Invalid
            If a root is not there.
        """
        resolved = [self._resolve(root) for root in self.roots]
        seen: set[str] = set()
        for root in resolved:
            for found in self._below(root):
                if found.path not in seen:
                    seen.add(found.path)
                    yield found

    def listed_roots(self) -> Iterator[str]:
        """Yield the roots that are folders and hold anything.

        One that is empty may be a file system that is not mounted: nothing is concluded from it.
        """
        for root in map(self._resolve, self.roots):
            if root.is_dir():
                with suppress(OSError), os.scandir(root) as found:
                    if next(found, None) is not None:
                        yield str(root)

    @staticmethod
    def is_gone(path: str) -> bool:
        """Whether there is certainly nothing at a path: not when nobody can tell."""
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    @staticmethod
    def _resolve(root: Path) -> Path:
        try:
            return root.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise Invalid(
                f"There is no file or folder {root}.",
                field="PATH",
                hint="Give files or folders that this machine can read.",
            ) from error

    def _below(self, root: Path) -> Iterator[Found]:
        status = root.stat()
        if stat.S_ISREG(status.st_mode):
            yield _found(str(root), status)
        elif stat.S_ISDIR(status.st_mode):
            yield from self._inside(str(root))
        else:
            self.passed.append((str(root), "neither a file nor a folder: not opened"))

    def _inside(self, root: str) -> Iterator[Found]:
        waiting = [root.rstrip(os.sep) + os.sep]
        while waiting:
            item = waiting.pop()
            if item.endswith(os.sep):
                waiting += reversed(self._listed(item, root))
                continue
            try:
                status = os.stat(item)  # noqa: PTH116 - a million times
            except OSError as error:
                self.passed.append((item, f"cannot be looked at: {error.strerror}"))
                continue
            if stat.S_ISREG(status.st_mode):
                yield _found(item, status)
            else:
                self.passed.append((item, "neither a file nor a folder: not opened"))

    def _listed(self, folder: str, root: str) -> list[str]:
        """Return the paths in a folder in order of their bytes; folders end with a slash."""
        try:
            listed = entries(folder, root, self.passed)
        except OSError as error:
            self.passed.append((folder, f"cannot be listed: {error.strerror}"))
            return []
        return [
            entry.path + os.sep if entry.is_dir(follow_symlinks=False) else entry.path
            for entry in listed
        ]


def entries(folder: str, root: str, passed: list[tuple[str, str]]) -> "list[os.DirEntry[str]]":
    """Return what is in a folder in order of bytes, without links that may not be followed.

    What is left out is added to `passed`, with the reason.

    Raises
    ------
    OSError
        If the folder cannot be listed to its end.
    """
    with os.scandir(folder) as found:
        listed = sorted(found, key=lambda entry: os.fsencode(entry.name))
    return [entry for entry in listed if not entry.is_symlink() or _may_follow(entry, root, passed)]


def _may_follow(entry: "os.DirEntry[str]", root: str, passed: list[tuple[str, str]]) -> bool:
    """Whether a symbolic link is to a file inside the root."""
    target = os.path.realpath(entry.path)
    if target != root and not target.startswith(root.rstrip(os.sep) + os.sep):
        passed.append((entry.path, f"leads out of {root}: not followed"))
        return False
    # a folder inside is met under its own name
    return not os.path.isdir(target)  # noqa: PTH112


def _found(path: str, status: os.stat_result) -> Found:
    return Found(path=path, size=status.st_size, mtime_ns=status.st_mtime_ns)
