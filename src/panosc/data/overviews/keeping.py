"""Where overviews lie: one ZIP file a dataset, beneath ``HOME/derived/overviews``.

::

    derived/overviews/3f/3fa9….zip   of a dataset, by its PID
        overview.json                what it is of, what it shows, or why there is none
        plot.json  plot.svg          the default plot
        small/4.webp  large/max.webp pictures of frames and of the maximum

A file is whole or not there, whenever the machine stops. All of it may be deleted at any time, but
of what is on tape nothing can be drawn again.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

VERSION: Final = 1
"""Of what is kept; overviews of another version are made anew."""
HEAD: Final = "overview.json"
REMEMBERED: Final = 2000
"""Heads that are held in memory."""
_PART: Final = ".part"

_DAMAGE: Final = (OSError, KeyError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)

Statistics = Mapping[str, int | float | None]
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame that was looked at, with its statistics."""

    number: int
    index: tuple[int, ...]
    statistics: Statistics
    live: Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is known of one dataset, or why nothing is."""

    pid: str
    content: str | None
    """What it was made of, as `subjects` says it."""
    beside: str = ""
    """The content of the other files of the dataset, where it was made of them, too."""
    made: str
    failure: tuple[str, str] | None = None
    """A stable word and a sentence."""
    file: str = ""
    path: str = ""
    kind: str = ""
    finding: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    statistics: Statistics = field(default_factory=dict)
    """Of all values, as h5grove names them."""
    live: Statistics = field(default_factory=dict)
    """Without the dead pixels of a detector."""
    dead: int = 0
    """How many values of them are marked so."""
    frame_count: int = 1
    read: int = 1
    """Frames that statistics and maximum are of."""
    frames: tuple[Frame, ...] = ()
    default: str = ""
    """Which picture stands for the dataset: a frame by its number, ``max`` or ``line``."""
    size: tuple[int, int] = (0, 0)
    """Width and height of its large pictures."""
    version: int = VERSION

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of the pictures."""
        names = [str(frame.number) for frame in self.frames]
        return tuple(dict.fromkeys([*names, *([self.default] if self.default else [])]))


class OverviewStore:
    """The overviews of one home; any number of processes read, one writes."""

    def __init__(self, home: Path) -> None:
        self.path = home / "derived" / "overviews"
        self._root = str(self.path)
        self._heads: dict[str, tuple[Stamp, Overview]] = {}
        self._lock = Lock()

    def stamp(self, pid: str) -> Stamp | None:
        """Return what changes whenever the overview does; None if there is none."""
        try:
            status = os.stat(self._at(pid))  # noqa: PTH116 - once a hit of each page of results
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def look(self, pid: str) -> Overview | None:
        """Return what is known of a dataset; None where nothing is, or nothing that makes sense."""
        stamp = self.stamp(pid)
        if stamp is None:
            return None
        with self._lock:
            known = self._heads.get(pid)
        if known is not None and known[0] == stamp:
            return known[1]
        content = self.member(pid, HEAD)
        found = None if content is None else _decoded(content)
        if found is None or found.pid != pid:
            return None
        with self._lock:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            self._heads[pid] = stamp, found
        return found

    def member(self, pid: str, name: str) -> bytes | None:
        """Return a part of an overview, such as ``small/max.webp``."""
        try:
            with zipfile.ZipFile(self._at(pid)) as archive:
                return archive.read(name)
        except _DAMAGE:
            return None

    def write(self, overview: Overview, members: Mapping[str, bytes]) -> None:
        """Put an overview in the place of the one before; a full disk leaves that one."""
        sink = BytesIO()
        with zipfile.ZipFile(sink, "w") as archive:
            for name, content in {HEAD: _encoded(overview), **members}.items():
                packing = zipfile.ZIP_STORED if name.endswith("p") else zipfile.ZIP_DEFLATED
                archive.writestr(zipfile.ZipInfo(name), content, packing)
        path = Path(self._at(overview.pid))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}{_PART}")
        try:
            with part.open("wb") as file:
                file.write(sink.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def remove(self, pid: str) -> None:
        """Forget a dataset."""
        Path(self._at(pid)).unlink(missing_ok=True)
        with self._lock:
            self._heads.pop(pid, None)

    def clear(self) -> None:
        """Delete what a killed process has left half written; nobody else may be writing."""
        for part in self.path.glob(f"*/*{_PART}"):
            part.unlink(missing_ok=True)

    def all(self) -> Iterator[Path]:
        """Yield the files."""
        yield from sorted(self.path.glob("*/*.zip"))

    def pid_of(self, path: Path) -> str | None:
        """Return whose overview a file is; None where it does not make sense."""
        with suppress(*_DAMAGE), zipfile.ZipFile(path) as archive:
            found = _decoded(archive.read(HEAD))
            return None if found is None else found.pid
        return None

    def _at(self, pid: str) -> str:
        key = blake2b(pid.encode(), digest_size=16).hexdigest()
        return f"{self._root}/{key[:2]}/{key}.zip"


def _encoded(overview: Overview) -> bytes:
    return orjson.dumps(asdict(overview))


def _decoded(content: bytes) -> Overview | None:
    try:
        values: dict[str, Any] = orjson.loads(content)
        if values.get("version") != VERSION:
            return None
        frames = tuple(
            replace(Frame(**frame), index=tuple(frame["index"])) for frame in values.pop("frames")
        )
        failure = values.pop("failure")
        shape, size = tuple(values.pop("shape")), tuple(values.pop("size"))
        return Overview(
            **values,
            frames=frames,
            shape=shape,
            size=(int(size[0]), int(size[1])),
            failure=None if failure is None else (str(failure[0]), str(failure[1])),
        )
    except (ValueError, TypeError, KeyError):
        return None
