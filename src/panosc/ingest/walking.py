"""Finding the files of a folder: always in the same order, and only what lies inside it."""

import os
import stat
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from panosc.domain.errors import Invalid
from panosc.domain.times import bounded_ns


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


SLOW_S: Final = 0.0002
"""Calls that take longer, in seconds, wait for another machine: many may wait at once."""
LOOKERS: Final = 32
"""Threads that look ahead of the walk on such a file system."""
AHEAD: Final = 64
"""Stretches that are looked at ahead of the walk."""
GLANCE: Final = 16
"""Files of one stretch."""
LISTING_CALLS: Final = 5
"""Calls that listing a small folder takes: open, stat, read, read to its end, close."""


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
        """Yield what is in a folder; where each call takes long, many look ahead of the walk."""
        waiting = deque([_Stretch(paths=[root.rstrip(os.sep) + os.sep])])
        threads: ThreadPoolExecutor | None = None
        try:
            while waiting:
                if threads is not None:
                    for one in islice(waiting, AHEAD):
                        one.look_by(threads, root)
                stretch = waiting.popleft()
                seen = stretch.seen(root)
                if threads is None and seen.seconds_a_call > SLOW_S:
                    threads = ThreadPoolExecutor(LOOKERS, thread_name_prefix="panosc-walk")
                self.passed += seen.passed
                waiting.extendleft(reversed(seen.stretches))
                yield from seen.files
        finally:
            if threads is not None:
                threads.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _Seen:
    """What a look at a stretch has found."""

    files: list[Found] = field(default_factory=list)
    stretches: "list[_Stretch]" = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)
    seconds_a_call: float = 0.0


@dataclass(slots=True)
class _Stretch:
    """A folder, or some files of one that follow each other; looked at in one go."""

    paths: list[str]
    _future: "Future[_Seen] | None" = None

    def look_by(self, threads: ThreadPoolExecutor, root: str) -> None:
        if self._future is None:
            self._future = threads.submit(self._look, root)

    def seen(self, root: str) -> _Seen:
        return self._look(root) if self._future is None else self._future.result()

    def _look(self, root: str) -> _Seen:
        seen = _Seen()
        begun = time.perf_counter()
        if self.paths[0].endswith(os.sep):
            calls = LISTING_CALLS
            self._list(self.paths[0], root, seen)
        else:
            calls = len(self.paths)
            for path in self.paths:
                self._stat(path, seen)
        seen.seconds_a_call = (time.perf_counter() - begun) / calls
        return seen

    @staticmethod
    def _list(folder: str, root: str, seen: _Seen) -> None:
        """Take the paths in a folder in order of their bytes; folders end with a slash."""
        try:
            listed = entries(folder, root, seen.passed)
        except OSError as error:
            seen.passed.append((folder, f"cannot be listed: {error.strerror}"))
            return
        files: list[str] = []
        for entry in listed:
            if entry.is_dir(follow_symlinks=False):
                files = []
                seen.stretches.append(_Stretch([entry.path + os.sep]))
                continue
            if not files or len(files) >= GLANCE:
                files = []
                seen.stretches.append(_Stretch(files))
            files.append(entry.path)

    @staticmethod
    def _stat(path: str, seen: _Seen) -> None:
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
        except OSError as error:
            seen.passed.append((path, f"cannot be looked at: {error.strerror}"))
            return
        if stat.S_ISREG(status.st_mode):
            seen.files.append(_found(path, status))
        else:
            seen.passed.append((path, "neither a file nor a folder: not opened"))


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
    return Found(path=path, size=status.st_size, mtime_ns=bounded_ns(status.st_mtime_ns))
