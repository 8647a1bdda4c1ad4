"""The folder of the index, ``HOME/index``: generations, the one in use, its position in the feed.

::

    HOME/index/current              the name of the generation in use
    HOME/index/lock                 held by the one process that writes
    HOME/index/GENERATION/          an index of Tantivy, and beside its files
    HOME/index/GENERATION/panosc.json   what it is of, and up to which change

Any number of processes read, one writes. What stands in the index is not known here, nor who
writes it (`following`).
"""

import fcntl
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import tantivy

from panosc.search.index import schema

MARK = "panosc.json"
RETRY_S = 1.0
"""After which an index that could not be opened is tried again."""
_ATTEMPTS = 3
_PREFIX = "g-"
_log = logging.getLogger(__name__)

# the types of the library leave it out
FORMAT: str = tantivy.__version__  # type: ignore[attr-defined]
"""Which software writes the files here, and their format."""

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a generation says of itself."""

    position: int
    """Everything up to this change is in the index."""
    seal: str | None
    """What the feed said at that position, by which the database is known again."""
    moment: str
    """When the records were read, by the clock of the database: later ones are not in it."""
    schema: int = schema.VERSION
    format: str = FORMAT

    @property
    def fault(self) -> str | None:
        """Why it cannot be used; None if it can."""
        if self.schema != schema.VERSION:
            return f"it is of version {self.schema}, this panosc needs {schema.VERSION}"
        if _format(self.format) != _format(FORMAT):
            return f"it was written by {self.format}, this is {FORMAT}"
        return None


def _format(told: str) -> str:
    """Return the part about the files of ``v0.27.0, index_format v7``."""
    return told.partition(",")[2].strip() or told


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One moment of the index: what `searcher` finds is not older than `position`."""

    generation: str
    index: tantivy.Index
    schema: tantivy.Schema
    searcher: tantivy.Searcher
    position: int
    moment: datetime
    """When its newest records were read, by the clock of the database."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found when somebody last looked."""

    generation: str | None
    stamps: tuple[Stamp, Stamp]
    snapshot: Snapshot | None
    again_at: float | None = None
    """When to look again though nothing has changed, because something failed."""


class Folder:
    """The generations of one home; may be used by any number of threads."""

    def __init__(self, home: Path) -> None:
        self.path = home / "index"
        self._root = str(self.path)
        self._looking = threading.Lock()
        self._seen: _Seen | None = None

    # reading

    def reader(self) -> Snapshot | None:
        """Return the newest moment of the index, None while there is none that can be used.

        Costs two looks at the file system when nothing has changed.
        """
        seen = self._seen
        if seen is not None and self._is_still(seen):
            return seen.snapshot
        with self._looking:
            seen = self._seen
            if seen is None or not self._is_still(seen):
                seen = self._seen = self._look(seen)
            return seen.snapshot

    def _is_still(self, seen: _Seen) -> bool:
        if seen.again_at is not None and time.monotonic() >= seen.again_at:
            return False
        return self._stamps(seen.generation) == seen.stamps

    def _stamps(self, generation: str | None) -> tuple[Stamp, Stamp]:
        mark = None if generation is None else stamp(f"{self._root}/{generation}/{MARK}")
        return stamp(f"{self._root}/current"), mark

    def _look(self, before: _Seen | None) -> _Seen:
        left = _ATTEMPTS
        while True:
            left -= 1
            generation = self.current()
            # looked at before anything is read: what changes meanwhile is seen the next time
            stamps = self._stamps(generation)
            if generation is None:
                return _Seen(None, stamps, None)
            try:
                return _Seen(generation, stamps, self._open(generation, before))
            except (OSError, ValueError) as error:
                if not left or self._stamps(generation)[0] == stamps[0]:
                    _log.warning("The index in %s cannot be opened: %s", self.path, error)
                    break
        is_same = before is not None and before.generation == generation
        kept = before.snapshot if before is not None and is_same else None
        return _Seen(generation, stamps, kept, time.monotonic() + RETRY_S)

    def _open(self, generation: str, before: _Seen | None) -> Snapshot | None:
        # the position is read before the index: at most it is older than what is found there
        mark = self.mark(generation)
        if mark is None or mark.fault is not None:
            return None
        if before is not None and before.snapshot is not None and before.generation == generation:
            index = before.snapshot.index
            index.reload()
        else:
            index = tantivy.Index.open(str(self.path / generation))
            # otherwise a thread an index looks for changes; here it is known when there are some
            index.config_reader("manual", 0)
        return Snapshot(
            generation=generation,
            index=index,
            schema=index.schema,
            searcher=index.searcher(),
            position=mark.position,
            moment=datetime.fromisoformat(mark.moment),
        )

    # the generations

    def current(self) -> str | None:
        """Return the name of the generation in use."""
        try:
            name = (self.path / "current").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return name if name.startswith(_PREFIX) and "/" not in name else None

    def mark(self, generation: str) -> Mark | None:
        """Return what a generation says of itself, None if it says nothing that makes sense."""
        try:
            return Mark(**orjson.loads((self.path / generation / MARK).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write_mark(self, generation: str, mark: Mark) -> None:
        """Write what a generation says of itself; it is whole at any moment, also of a kill."""
        values: dict[str, Any] = {name: getattr(mark, name) for name in Mark.__slots__}
        _write(self.path / generation / MARK, orjson.dumps(values))

    def make(self) -> Path:
        """Make the folder of a new generation; it is not in use yet."""
        while True:
            path = self.path / f"{_PREFIX}{secrets.token_hex(6)}"
            with suppress(FileExistsError):
                path.mkdir(parents=True)
                return path

    def switch(self, generation: str) -> None:
        """Let everybody use this generation from now on."""
        _write(self.path / "current", generation.encode("ascii"))

    def remove(self, generation: str) -> None:
        """Delete a generation; who has it open reads on."""
        shutil.rmtree(self.path / generation, ignore_errors=True)

    def others(self) -> list[str]:
        """Return the generations that are not in use: old ones, and halves of a kill."""
        current = self.current()
        with suppress(FileNotFoundError):
            found = (path.name for path in self.path.iterdir() if path.name.startswith(_PREFIX))
            return sorted(name for name in found if name != current)
        return []

    def size(self, generation: str) -> int:
        """Return the bytes that a generation takes on disk."""
        total = 0
        for path in (self.path / generation).glob("*"):
            # files go while one looks
            with suppress(OSError):
                total += path.stat().st_size
        return total

    # the one who writes

    @contextmanager
    def writing(self) -> Iterator["Lock | None"]:
        """Be the one who writes, for a block of code; None if another process is."""
        self.path.mkdir(parents=True, exist_ok=True)
        path = self.path / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                # the kernel lets go of it when the process ends, however it ends
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            lock = Lock(path, descriptor)
            yield lock if lock.holds() else None
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to write."""

    path: Path
    descriptor: int

    def holds(self) -> bool:
        """Whether it still keeps others away: not after somebody deleted the folder."""
        own = os.fstat(self.descriptor)
        return stamp(self.path) == (own.st_ino, own.st_mtime_ns, own.st_size)


def stamp(path: Path | str) -> Stamp:
    """Return what changes whenever a file is replaced; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - twice a request: four times as fast
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _write(path: Path, content: bytes) -> None:
    """Replace a file, safe from a kill and a power cut."""
    part = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
