"""Which files are on tape: told by their path, an attribute, their blocks, or a site's command.

Nothing here opens a file. Whatever cannot be found out counts as nearline, so that it is not read.
"""

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from time import monotonic
from typing import Any, Protocol

from typing_extensions import override

from panosc.ingest.profiles.outside.troubles import Troubles
from panosc.ingest.profiles.paths.patterns import PathPattern, readable

ONLINE, NEARLINE = "online", "nearline"
TIERS = (ONLINE, NEARLINE)
AT_ONCE = 1000
"""Paths that a command is asked about at a time."""
STUB_SHARE = 10
"""A file is a stub if it has less than this part of its size on disk, …"""
STUB_BYTES = 64 * 1024
"""… and is larger than this: small files may lie in their inode."""
FAILURES = 3
"""Failures one after the other, after which a command is left in peace, …"""
PAUSE_S = 60.0
"""… for so long."""
_NO_ATTRIBUTE = {errno.ENODATA, errno.EOPNOTSUPP, errno.ENOSYS}


class Teller(Protocol):
    """One way to tell."""

    words: str

    def tell(self, paths: Sequence[str]) -> list[str | None]:
        """Return a tier for each path; None where this way says nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPath(Teller):
    """A file whose path fits a pattern is in a tier; no call to the file system."""

    words: str
    pattern: PathPattern
    tier: str

    @override
    def tell(self, paths: Sequence[str]) -> list[str | None]:
        return [
            self.tier if self.pattern.fit(readable(PurePosixPath(path))) else None for path in paths
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ByAttribute(Teller):
    """A file with an extended attribute of some value is in a tier; one call a file."""

    words: str
    attribute: str
    value: Any
    tier: str
    troubles: Troubles

    @override
    def tell(self, paths: Sequence[str]) -> list[str | None]:
        return [self._one(path) for path in paths]

    def _one(self, path: str) -> str | None:
        try:
            found = os.getxattr(path, self.attribute, follow_symlinks=True)
        except OSError as error:
            if error.errno in _NO_ATTRIBUTE:
                return None
            return _gone_or_nearline(error, path, self.troubles, what=self.words)
        text = found[:4096].rstrip(b"\0").decode("utf-8", "replace")
        return self.tier if self.value.fullmatch(text) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByBlocks(Teller):
    """A file with far fewer blocks than its size needs is a stub of a tape store; one call."""

    words: str
    tier: str
    troubles: Troubles

    @override
    def tell(self, paths: Sequence[str]) -> list[str | None]:
        return [self._one(path) for path in paths]

    def _one(self, path: str) -> str | None:
        try:
            status = os.stat(path)  # noqa: PTH116 - a million times
        except OSError as error:
            return _gone_or_nearline(error, path, self.troubles, what=self.words)
        is_stub = status.st_blocks * 512 * STUB_SHARE < status.st_size
        return self.tier if status.st_size > STUB_BYTES and is_stub else None


@dataclass(slots=True, kw_only=True)
class ByCommand(Teller):
    """A command of the site tells; asked with a path, or with many on its standard input."""

    words: str
    arguments: tuple[str, ...]
    limit_s: float
    troubles: Troubles
    clock: Callable[[], float] = monotonic
    _failures: int = 0
    _quiet_until: float = field(default=0.0)

    @override
    def tell(self, paths: Sequence[str]) -> list[str | None]:
        if any("{path}" in part for part in self.arguments):
            return [self._asked([path])[0] for path in paths]
        sendable = [path for path in paths if "\n" not in path and "\r" not in path]
        found: dict[str, str] = {}
        for group in _groups(sendable):
            found.update(zip(group, self._asked(group), strict=True))
        for path in paths:
            if path not in found:
                self.troubles.add(path, "has a line break in its name; taken for nearline")
        return [found.get(path, NEARLINE) for path in paths]

    def _asked(self, paths: Sequence[str]) -> Sequence[str]:
        if self.clock() < self._quiet_until:
            return [NEARLINE] * len(paths)
        try:
            words = self._run(paths)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            self._failures += 1
            if self._failures >= FAILURES:
                self._failures, self._quiet_until = 0, self.clock() + PAUSE_S
            reason = f"{_told(error)}; what it was asked about is taken for nearline"
            self.troubles.add(self.words, reason)
            return [NEARLINE] * len(paths)
        self._failures = 0
        return words

    def _run(self, paths: Sequence[str]) -> Sequence[str]:
        is_one = any("{path}" in part for part in self.arguments)
        arguments = [part.replace("{path}", paths[0]) for part in self.arguments]
        asked = b"" if is_one else b"".join(os.fsencode(path) + b"\n" for path in paths)
        process = subprocess.Popen(  # noqa: S603 - the site's own command, without a shell
            [os.fsencode(part) for part in arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            answer, _ = process.communicate(asked, timeout=self.limit_s)
        finally:
            _end(process)
        if process.returncode:
            message = f"ended with code {process.returncode}"
            raise ValueError(message)
        words = answer.decode("utf-8", "replace").split()
        if len(words) != len(paths):
            message = f"gave {len(words)} words for {len(paths)} paths"
            raise ValueError(message)
        wrong = next((word for word in words if word not in TIERS), None)
        if wrong is not None:
            message = f"said “{wrong[:40]}”, which is neither online nor nearline"
            raise ValueError(message)
        return words


def tiers_of(tellers: Sequence[Teller], paths: Iterable[str]) -> list[str]:
    """Return the tier of each path: what the first way that knows says, else ``online``."""
    asked = list(paths)
    found: dict[str, str] = {}
    for teller in tellers:
        open_ones = [path for path in asked if path not in found]
        if open_ones:
            told = teller.tell(open_ones)
            found.update(
                {path: tier for path, tier in zip(open_ones, told, strict=True) if tier is not None}
            )
    return [found.get(path, ONLINE) for path in asked]


def _gone_or_nearline(error: OSError, path: str, troubles: Troubles, *, what: str) -> str | None:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return None
    troubles.add(path, f"{what}: {error.strerror}; taken for nearline")
    return NEARLINE


def _groups(paths: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return (tuple(paths[start : start + AT_ONCE]) for start in range(0, len(paths), AT_ONCE))


def _told(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"did not answer within {error.timeout:g} s"
    if isinstance(error, OSError):
        return f"cannot be run: {error.strerror}"
    return str(error)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the command with all that it started."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    # what it started may hold its pipes; nobody waits for that
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()
