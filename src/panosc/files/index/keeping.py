"""Indexes on disk: one SQLite file for each measured file, written at once and never changed.

All of it is derived: a file that is damaged, of another version or gone is simply made anew.
"""

import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Final
from urllib.parse import quote

import orjson

from panosc.domain.errors import Unavailable
from panosc.files.index.contents import ROW_BYTES, VERSION, Array, Contents, Thing
from panosc.files.index.stored import array_as_json
from panosc.files.index.telling import FileIndex

_LOG: Final = logging.getLogger(__name__)
_MARK: Final = 0x70_61_6E_69
"""SQLite's ``application_id`` of our files."""
OPEN_FILES: Final = 64
"""Indexes of one process that are kept open."""
PAGE_ROWS: Final = 1024
"""Rows of a table of chunks that are kept together."""
_STALE_S: Final = 3600
_REFUSED: Final = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What SQLite says of values that are none of ours."""
_SCHEMA: Final = """
create table about (notes blob not null, endless blob not null);
create table thing (number integer primary key, kind text not null, before blob not null,
    after blob not null, attributes blob not null);
create table array (thing integer primary key, about blob not null, stored blob not null);
create table page (thing integer, first integer, last integer not null, rows blob not null,
    primary key (thing, first)) without rowid;
create table link (parent integer, name text, position integer not null, kind text not null,
    thing integer, file text not null, path text not null,
    primary key (parent, name)) without rowid;
"""


def key_of(url: str, size: int, mtime_ns: int) -> str:
    """Return the key of the index of a file; a file that has changed has another one."""
    words = f"{url}\0{size}\0{mtime_ns}".encode("utf-8", "surrogatepass")
    return blake2b(words, digest_size=16).hexdigest()


class IndexStore:
    """All indexes of a node, in a folder; safe for threads and for several processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[str, FileIndex] = OrderedDict()

    def open(self, key: str) -> FileIndex | None:
        """Return an index; None when there is none that can be used."""
        with self._lock:
            found = self._open.get(key)
            if found is not None and not found.is_broken:
                self._open.move_to_end(key)
                return found
        if found is not None:
            _LOG.warning("The index %s is damaged and made anew.", key)
            self.drop(key)
        path = self._path(key)
        connection = _connect(path)
        if connection is None:
            return None
        fresh = FileIndex(connection)
        with self._lock:
            self._open[key] = fresh
            self._open.move_to_end(key)
            while len(self._open) > OPEN_FILES:
                # whoever still reads it keeps it; the last one closes it
                self._open.popitem(last=False)
        return fresh

    def write(self, key: str, contents: Contents) -> None:
        """Keep an index, whole or not at all.

        Raises
        ------
        Unavailable
            When it cannot be written, such as for want of space.
        ValueError
            When the contents are none.
        """
        path = self._path(key)
        partial = path.with_name(f"{path.stem}.{os.getpid()}-{token_hex(4)}.new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fill(partial, contents)
            partial.replace(path)
        except (AttributeError, TypeError, OverflowError, *_REFUSED) as error:
            raise ValueError(f"no contents of an index: {error}") from error
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(
                f"The index of a file cannot be kept in {path.parent}: {error}.",
                hint="Make room on the disk of the node's home, or make the folder writable.",
            ) from error
        finally:
            for leftover in (partial, partial.with_name(partial.name + "-journal")):
                with suppress(FileNotFoundError, NotADirectoryError):
                    leftover.unlink()
        with self._lock:
            self._open.pop(key, None)

    def drop(self, key: str) -> None:
        """Forget an index, on disk too."""
        with self._lock:
            self._open.pop(key, None)
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """Yield the keys of all indexes on disk."""
        for path in self._folder.glob("??/*.sqlite"):
            yield path.stem

    def prune(self, keep: Collection[str]) -> int:
        """Delete the indexes that are not among those to `keep`; return how many."""
        count = 0
        for key in list(self.keys()):
            if key not in keep:
                self.drop(key)
                count += 1
        long_ago = time.time() - _STALE_S
        for partial in self._folder.glob("??/*.new"):
            with suppress(FileNotFoundError):
                if partial.stat().st_mtime < long_ago:
                    partial.unlink()
        return count

    def close(self) -> None:
        """Forget what is open; who still holds an index may go on."""
        with self._lock:
            self._open.clear()

    def _path(self, key: str) -> Path:
        if not key.isalnum():
            raise ValueError(f"no key of an index: {key!r}")
        return self._folder / key[:2] / f"{key}.sqlite"


def _connect(path: Path) -> sqlite3.Connection | None:
    """Open an index that is whole and of this version; another one is deleted."""
    if not path.exists():
        return None
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    connection = None
    try:
        connection = sqlite3.connect(address, uri=True, check_same_thread=False)
        told = [
            connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("application_id", "user_version", "page_size", "page_count")
        ]
        is_whole = told[2] * told[3] == path.stat().st_size
        if told[:2] == [_MARK, VERSION] and is_whole:
            return connection
        reason = "it is of another version" if is_whole else "it is cut off"
    except (OSError, sqlite3.Error) as error:
        reason = str(error)
    if connection is not None:
        connection.close()
    _LOG.warning("The index %s is made anew: %s.", path.name, reason)
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return None


def _fill(path: Path, contents: Contents) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # nobody sees the file before it is whole, and a broken one is thrown away
        connection.execute("pragma journal_mode = off")
        connection.execute("pragma synchronous = off")
        connection.execute(f"pragma application_id = {_MARK}")
        connection.execute(f"pragma user_version = {VERSION}")
        connection.executescript(_SCHEMA)
        connection.execute("begin")
        endless = [item.number for item in contents.things if item.array and item.array.is_endless]
        told = [orjson.dumps(contents.notes), orjson.dumps(endless)]
        connection.execute("insert into about values (?, ?)", told)
        connection.executemany(
            "insert into thing values (?, ?, ?, ?, ?)", map(_thing, contents.things)
        )
        arrays = [(item.number, item.array) for item in contents.things if item.array is not None]
        connection.executemany(
            "insert into array values (?, ?, ?)",
            ((number, array_as_json(array), array.values) for number, array in arrays),
        )
        connection.executemany("insert into page values (?, ?, ?, ?)", _pages(arrays))
        connection.executemany(
            "insert or ignore into link values (?, ?, ?, ?, ?, ?, ?)",
            (
                (link.parent, link.name, position, link.kind, link.thing, link.file, link.path)
                for position, link in enumerate(contents.links)
            ),
        )
        connection.execute("commit")
    with path.open("rb") as stream:
        # a power cut must not leave a file that looks whole
        os.fsync(stream.fileno())


def _thing(thing: Thing) -> tuple[int, str, bytes, bytes, bytes]:
    """Return a row: what comes before `kind` and `name` in h5grove's order, and what after."""
    head = orjson.loads(thing.head)
    before = {name: value for name, value in head.items() if name < "kind"}
    after = {name: value for name, value in head.items() if name > "name"}
    return (
        thing.number,
        thing.kind,
        orjson.dumps(before)[1:-1],
        orjson.dumps(after)[1:-1],
        thing.attributes,
    )


def _pages(arrays: list[tuple[int, Array]]) -> Iterator[tuple[int, int, int, bytes]]:
    step = PAGE_ROWS * ROW_BYTES
    for number, array in arrays:
        for begin in range(0, len(array.table), step):
            page = array.table[begin : begin + step]
            first = int.from_bytes(page[:8], "little")
            last = int.from_bytes(page[-ROW_BYTES : 8 - ROW_BYTES], "little")
            yield number, first, last, page
