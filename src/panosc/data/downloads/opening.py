"""Opens the very file that was registered, and notices when it becomes another one.

Whoever owns a folder may swap a file, or a folder above it, for a symbolic link to something
that only the node may read. So each step of the path is opened without following links, and
what was opened is compared by its size and time of change. A file that is itself a link is
followed inside its own folder, and elsewhere only to what belongs to whoever owns the link.
Nothing here opens a file that is not online.
"""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from panosc.data.admitting import Located
from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns
from panosc.files.storage.opening import Source
from panosc.files.storage.places import Store
from panosc.files.tiers import OnlineFile, online_file

_STEP: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONG: Final = 2**19
"""From here on a part of a file in a storage is taken for the begin of a longer one."""
_LINKS: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EMLINK})


class Broken(Exception):
    """What is being sent cannot be ended truthfully: the connection has to be broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file that was opened and is as it was registered; to be closed."""

    descriptor: int
    size: int
    mtime_ns: int
    name: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        os.close(self.descriptor)

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes.

        Raises
        ------
        Broken
            If they are not there any more, or the file has changed.
        """
        try:
            found = os.pread(self.descriptor, count, offset)
            while found and len(found) < count:
                more = os.pread(self.descriptor, count - len(found), offset + len(found))
                found = found + more if more else b""
            now = os.fstat(self.descriptor)
        except OSError as error:
            raise Broken(f"{self.name}: {error.strerror}") from error
        if len(found) < count or not _is_same(now, self.size, self.mtime_ns):
            raise Broken(f"{self.name} changed while it was sent")
        return found


@dataclass(slots=True, kw_only=True)
class Distant:
    """A file in a storage that is as it was registered; to be closed."""

    source: Source
    size: int
    name: str
    _stream: Iterator[bytes] | None = None
    _held: bytes = b""
    _at: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading."""
        if isinstance(self._stream, Generator):
            self._stream.close()
        self._stream = None

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly `count` bytes; many one after the other are one request.

        Raises
        ------
        Broken
            If they are not there any more, or the storage fails.
        """
        try:
            if count < _LONG:
                return self.source.pread(offset, count)
            if self._stream is None or offset != self._at:
                self.close()
                self._stream, self._held, self._at = self.source.stream(offset), b"", offset
            pieces = [self._held]
            have = len(self._held)
            while have < count:
                pieces.append(next(self._stream))
                have += len(pieces[-1])
        except (Unreadable, StopIteration) as error:
            raise Broken(f"{self.name}: {error}") from error
        found = b"".join(pieces)
        self._held, self._at = found[count:], offset + count
        return found[:count]


@dataclass(slots=True)
class Opener:
    """Opens files one after the other; the folder of the last one is kept open. To be closed.

    `stores` are where files may lie beside this machine.
    """

    stores: tuple[Store, ...] = ()
    _folder: str | None = None
    _handle: int = field(default=-1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder."""
        if self._folder is not None:
            os.close(self._handle)
            self._folder = None

    def open(self, located: Located) -> Opened | Distant:
        """Return the file, opened.

        Raises
        ------
        Unreadable
            With the reason ``nearline``, ``gone``, ``changed``, ``not-here`` or ``not-reachable``.
        """
        located.require_online()
        size, mtime_ns = located.size, located.mtime_ns
        there = online_file(
            located.url, located.tier, size=size, mtime_ns=mtime_ns, stores=self.stores
        )
        if there.place is not None:
            return _distant(there, located.name)
        try:
            descriptor = self._open(there.path)
        except OSError as error:
            raise _refusal(located.name, error) from error
        now = os.fstat(descriptor)
        is_file = stat.S_ISREG(now.st_mode)
        if not is_file or not _is_same(now, located.size, located.mtime_ns):
            os.close(descriptor)
            raise _changed(located.name) if is_file else _gone(located.name)
        return Opened(
            descriptor=descriptor,
            size=located.size,
            mtime_ns=located.mtime_ns,
            name=located.name,
        )

    def _open(self, path: str) -> int:
        folder, _, last = path.rpartition("/")
        if folder != self._folder:
            self.close()
            self._handle = _open_folder(folder)
            self._folder = folder
        _refuse_dots(last)
        try:
            return os.open(last, _FILE, dir_fd=self._handle)
        except OSError as error:
            if error.errno not in _LINKS:
                raise
        return self._follow(path, folder, last)

    def _follow(self, path: str, folder: str, last: str) -> int:
        """Open what a link in place of the file leads to, as a link of its owner may."""
        link = os.stat(last, dir_fd=self._handle, follow_symlinks=False)
        real = os.path.realpath(path)
        descriptor = _open_below("/", real.strip("/"))
        is_near = real.startswith(folder + "/")
        if not is_near and os.fstat(descriptor).st_uid != link.st_uid:
            os.close(descriptor)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return descriptor


def _distant(there: OnlineFile, name: str) -> Distant:
    """Open a file of a storage; its state is asked for, so that the first answer tells it."""
    state = there.state()
    if state is not None:
        raise _gone(name) if state == "gone" else _changed(name)
    return Distant(source=there.source(), size=there.size, name=name)


def _open_folder(folder: str) -> int:
    handle = os.open("/", _STEP)
    return handle if not folder.strip("/") else _walk(handle, folder.strip("/").split("/"))


def _walk(handle: int, steps: list[str]) -> int:
    """Go down from a folder, which is closed, step by step; no step may be a link."""
    for step in steps:
        try:
            _refuse_dots(step)
            below = os.open(step, _STEP, dir_fd=handle)
        finally:
            os.close(handle)
        handle = below
    return handle


def _open_below(root: str, name: str) -> int:
    *steps, last = name.split("/")
    handle = _walk(os.open(root, _STEP), steps)
    try:
        _refuse_dots(last)
        return os.open(last, _FILE, dir_fd=handle)
    finally:
        os.close(handle)


def _refuse_dots(step: str) -> None:
    if step in {"", ".", ".."} or "\0" in step:
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))


def _is_same(now: os.stat_result, size: int, mtime_ns: int) -> bool:
    return (now.st_size, bounded_ns(now.st_mtime_ns)) == (size, mtime_ns)


def _refusal(name: str, error: OSError) -> Unreadable:
    if error.errno in _LINKS:
        return _changed(name)
    return _gone(name)


def _gone(name: str) -> Unreadable:
    return Unreadable(
        f"{name} is not where it was registered.",
        reason="gone",
        hint="Tell the facility; it may have been moved and can be ingested again.",
    )


def _changed(name: str) -> Unreadable:
    return Unreadable(
        f"{name} has changed since it was registered, so it is not handed out under this name.",
        reason="changed",
        hint="Tell the facility: it has to be ingested again.",
    )
