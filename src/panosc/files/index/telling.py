"""What one index tells: metadata as h5grove 4 answers it, and where values lie.

Paths are walked link by link within the file. Answers that were given before are kept ready,
up to a number of bytes.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import orjson

from panosc.domain.errors import Invalid, NotFound, TooLarge, Unavailable
from panosc.files.index.contents import Array
from panosc.files.index.stored import array_from_json

Resolve: TypeAlias = Literal["none", "only_valid", "all"]
HOPS: Final = 16
"""Soft links on the way of one path, as HDF5 has it."""
PARTS: Final = 50_000
"""Names on the way of one path, with those of soft links."""
READY_BYTES: Final = 2 * 2**20
"""Answers of one index that are kept ready."""
ANSWER_BYTES: Final = 32 * 2**20
"""Longest answer."""
ROW: Final = np.dtype([("number", "<u8"), ("offset", "<u8"), ("size", "<u4"), ("mask", "<u4")])
"""One chunk: its place in the C order of all chunks, its offset and size in the file, and which
filters it was spared."""
Rows: TypeAlias = "np.ndarray[Any, np.dtype[np.void]]"


class Elsewhere(Exception):
    """A path leads through an external link: go on at `path` of `file`, as the link spells it."""

    def __init__(self, file: str, path: str) -> None:
        super().__init__(f"{path} of {file}")
        self.file = file
        self.path = path


@dataclass(frozen=True, slots=True)
class Face:
    """What a group's listing shows of one object."""

    kind: str
    before: bytes
    after: bytes


Beyond: TypeAlias = Callable[[str, str], Face | None]
"""Finds what an external link leads to, by file and path; None when it may not be followed."""


@dataclass(slots=True)
class _Way:
    """How far a walk may still go."""

    hops: int = HOPS
    parts: int = PARTS


@dataclass(frozen=True, slots=True)
class _Link:
    kind: str
    thing: int | None
    file: str
    path: str


@dataclass(slots=True)
class _Found:
    """Where a path ends: at a thing, or at a link that was not followed."""

    thing: int | None = None
    link: _Link | None = None


@dataclass(slots=True)
class _Ready:
    """Answers by question, the least used first."""

    answers: OrderedDict[tuple[Any, ...], Any] = field(default_factory=OrderedDict)
    nbytes: int = 0


class FileIndex:
    """One index, open; safe for threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.is_broken = False
        """It has turned out to be damaged, and will be made anew."""
        self._connection = connection
        self._lock = threading.RLock()
        self._ready = _Ready()

    def __del__(self) -> None:
        self._connection.close()

    # ---- metadata, as h5grove tells it ----

    def meta(
        self, path: str, resolve: Resolve = "only_valid", beyond: Beyond | None = None
    ) -> bytes:
        """Return what is at a path: its kind, type, shape and attributes, or its members.

        Raises
        ------
        NotFound, Elsewhere
        """
        key = ("meta", path, resolve, beyond is None)
        with self._lock:
            ready = self._known(key)
            if ready is not None:
                return bytes(ready)
            found = self._at(path, resolve)
            name = orjson.dumps(path.rsplit("/", 1)[-1])
            if found.thing is None:
                answer = _link_as_json(name, found.link)
                self._keep(key, answer)
                return answer
            face = self._face(found.thing)
            before, is_lasting = face.before, True
            if face.kind == "group":
                children, is_lasting = self._children(found.thing, beyond)
                before += b',"children":' + children
            answer = _as_json(name, face.kind, before, face.after)
            if is_lasting:
                self._keep(key, answer)
            return answer

    def attributes(self, path: str, names: list[str] | None = None) -> bytes:
        """Return the attributes of what is at a path, or those with the names given.

        Raises
        ------
        NotFound, Elsewhere
        """
        key = ("attributes", path, None if names is None else tuple(names))
        with self._lock:
            ready = self._known(key)
            if ready is not None:
                return bytes(ready)
            number = self.number(path)
            row = self._one("select attributes from thing where number = ?", number)
            answer: bytes = row[0]
            if names is not None:
                answer = _chosen(answer, names, path)
            self._keep(key, answer)
            return answer

    def paths(
        self, path: str, resolve: Resolve = "only_valid", beyond: Beyond | None = None
    ) -> bytes:
        """Return the paths of all that is below a group, as a list.

        Raises
        ------
        NotFound, Elsewhere, Invalid
        """
        key = ("paths", path, resolve)
        with self._lock:
            ready = self._known(key)
            if ready is not None:
                return bytes(ready)
            found = self._at(path, resolve)
            if found.thing is None or self._face(found.thing).kind != "group":
                raise Invalid(f"{path} is not a group.", field="path")
            parts, size = [orjson.dumps(path)], 0
            for below, link in self._below(found.thing, "" if path == "/" else path.rstrip("/")):
                if resolve == "all" and link.kind != "hard":
                    self._must_resolve(below, beyond)
                parts.append(orjson.dumps(below))
                size += len(parts[-1]) + 1
                if size > ANSWER_BYTES:
                    raise _too_large(path)
            answer = b"[" + b",".join(parts) + b"]"
            if resolve != "all":
                self._keep(key, answer)
            return answer

    def face(self, path: str) -> Face:
        """Return what a listing of another file, with a link to here, shows of a path."""
        with self._lock:
            return self._face(self.number(path))

    # ---- where values lie ----

    def number(self, path: str) -> int:
        """Return the number of what is at a path."""
        with self._lock:
            found = self._at(path, "all")
            if found.thing is None:
                raise _nothing_at(path)
            return found.thing

    def array(self, path: str) -> Array:
        """Return where the values of a dataset lie, without its table of chunks.

        Raises
        ------
        NotFound, Elsewhere, Invalid
        """
        return self.array_of(self.number(path), path)

    def array_of(self, number: int, path: str = "it") -> Array:
        """Return where the values of the dataset of a number lie, without its table."""
        key = ("array", number)
        with self._lock:
            ready: Array | None = self._known(key)
            if ready is not None:
                return ready
            rows = self._all("select about, stored from array where thing = ?", number)
            if not rows:
                raise Invalid(f"{path} is not a dataset.", field="path")
            array = array_from_json(*rows[0])
            self._keep(key, array, len(rows[0][0]) * 4 + len(array.values) + 1000)
            return array

    def table(self, number: int) -> Rows:
        """Return all rows of a dataset's table of chunks, by number of the chunk."""
        return self.rows(number, 0, 2**63 - 1)

    def rows(self, number: int, first: int, last: int) -> Rows:
        """Return the rows of the chunks from `first` to `last`, perhaps some more around them."""
        key = ("rows", number, first, last)
        with self._lock:
            ready: Rows | None = self._known(key)
            if ready is not None:
                return ready
            pages = self._all(
                "select rows from page where thing = ? and last >= ? and first <= ? order by first",
                number,
                first,
                last,
            )
            table: Rows = np.frombuffer(b"".join(page for (page,) in pages), ROW)
            self._keep(key, table, table.nbytes + 200)
            return table

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What was refused or left out: a stable word and a sentence."""
        with self._lock:
            told = orjson.loads(self._one("select notes from about")[0])
        return tuple((word, sentence) for word, sentence in told)

    def datasets(self) -> Iterator[tuple[int, str]]:
        """Yield number and one path of each dataset, in the order of their paths."""
        seen: set[int] = set()
        with self._lock:
            below = list(self._below(0, ""))
            numbers = {row[0] for row in self._all("select thing from array")}
        for path, link in below:
            if link.thing is not None and link.thing in numbers and link.thing not in seen:
                seen.add(link.thing)
                yield link.thing, path

    # ---- walking ----

    def _at(self, path: str, resolve: Resolve) -> _Found:
        """Return where a path ends; its last link is followed as `resolve` says."""
        if not path:
            raise _nothing_at(path)
        found = self._walk(0, path, way=_Way(), is_followed=False)
        link = found.link
        if link is None or resolve == "none":
            if found.thing is None and link is None:
                raise _nothing_at(path)
            return found
        if link.kind == "other":
            return found
        try:
            end = self._walk(0, path, way=_Way(), is_followed=True)
        except NotFound:
            end = _Found()
        if end.thing is None:
            if resolve == "all":
                raise _nothing_at(path)
            return found
        return end

    def _walk(self, start: int, path: str, *, way: _Way, is_followed: bool) -> _Found:
        """Return where a path from a group ends.

        Raises
        ------
        NotFound, Elsewhere
        """
        here = 0 if path.startswith("/") else start
        parts = [part for part in path.split("/") if part not in {"", "."}]
        for position, part in enumerate(parts):
            way.parts -= 1
            link = self._link(here, part) if way.parts >= 0 else None
            if link is None:
                raise _nothing_at(path)
            is_last = position == len(parts) - 1
            if link.kind != "hard" and is_last and not is_followed:
                return _Found(link=link)
            if link.kind == "external":
                rest = "/".join(parts[position + 1 :])
                raise Elsewhere(link.file, f"{link.path.rstrip('/')}/{rest}" if rest else link.path)
            thing = link.thing
            if link.kind == "soft":
                thing = self._soft(here, link, parts[position + 1 :], way=way)
            if thing is None:
                raise _nothing_at(path)
            here = thing
        return _Found(thing=here)

    def _soft(self, here: int, link: _Link, rest: list[str], *, way: _Way) -> int | None:
        way.hops -= 1
        if way.hops < 0 or not link.path:
            return None
        try:
            return self._walk(here, link.path, way=way, is_followed=True).thing
        except Elsewhere as other:
            if not rest:
                raise
            raise Elsewhere(other.file, f"{other.path.rstrip('/')}/{'/'.join(rest)}") from None

    def _link(self, parent: int, name: str) -> _Link | None:
        rows = self._all(
            "select kind, thing, file, path from link where parent = ? and name = ?", parent, name
        )
        return _Link(*rows[0]) if rows else None

    def _below(self, thing: int, prefix: str) -> Iterator[tuple[str, _Link]]:
        """Yield path and link of all that is below a group, as HDF5 visits it."""
        visited = {thing}
        stack = [self._names(thing, prefix)]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                continue
            path, link = item
            yield item
            if link.kind == "hard" and link.thing is not None and link.thing not in visited:
                visited.add(link.thing)
                stack.append(self._names(link.thing, path))

    def _names(self, parent: int, prefix: str) -> Iterator[tuple[str, _Link]]:
        rows = self._all(
            "select name, kind, thing, file, path from link where parent = ? order by name", parent
        )
        return ((f"{prefix}/{row[0]}", _Link(*row[1:])) for row in rows if row[1] != "other")

    def _must_resolve(self, path: str, beyond: Beyond | None) -> None:
        try:
            self.number(path)
        except Elsewhere as other:
            if beyond is None or beyond(other.file, other.path) is None:
                raise _nothing_at(path) from None

    # ---- writing ----

    def _children(self, parent: int, beyond: Beyond | None) -> tuple[bytes, bool]:
        """Return the members of a group as JSON, and whether that depends on this file alone."""
        rows = self._all(
            "select l.name, l.kind, l.thing, l.file, l.path, t.kind, t.before, t.after"
            " from link l left join thing t on t.number = l.thing"
            " where l.parent = ? order by l.position",
            parent,
        )
        parts: list[bytes] = []
        size, is_lasting = 0, True
        for title, kind, thing, file, path, what, before, after in rows:
            name = orjson.dumps(title)
            if thing is not None:
                part = _as_json(name, what, before, after)
            else:
                link = _Link(kind, thing, file, path)
                face, is_here = self._behind(parent, title, link, beyond)
                is_lasting = is_lasting and is_here
                part = (
                    _link_as_json(name, link)
                    if face is None
                    else _as_json(name, face.kind, face.before, face.after)
                )
            parts.append(part)
            size += len(part)
            if size > ANSWER_BYTES:
                raise _too_large("The group")
        return b"[" + b",".join(parts) + b"]", is_lasting

    def _behind(
        self, parent: int, name: str, link: _Link, beyond: Beyond | None
    ) -> tuple[Face | None, bool]:
        """Return what a soft or external link leads to, and whether other files had no say."""
        if link.kind in {"other", "hard"}:
            return None, True
        try:
            number = self._walk(parent, name, way=_Way(), is_followed=True).thing
        except NotFound:
            return None, True
        except Elsewhere as other:
            # without anyone to ask it is the same each time
            return (None if beyond is None else beyond(other.file, other.path)), beyond is None
        return (None if number is None else self._face(number)), True

    def _face(self, number: int) -> Face:
        return Face(*self._one("select kind, before, after from thing where number = ?", number))

    # ---- reading ----

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            self.is_broken = True
            raise Unavailable(
                f"The index of this file is damaged ({error}); it is made anew.",
                hint="Try again in a moment.",
            ) from error

    def _one(self, statement: str, *values: object) -> tuple[Any, ...]:
        rows = self._all(statement, *values)
        if not rows:
            raise NotFound("There is no such object in this file.")
        return rows[0]

    def _known(self, key: tuple[Any, ...]) -> Any:
        ready = self._ready.answers.get(key)
        if ready is None:
            return None
        self._ready.answers.move_to_end(key)
        return ready[0]

    def _keep(self, key: tuple[Any, ...], answer: Any, size: int | None = None) -> None:
        nbytes = len(answer) if size is None else size
        nbytes += 200 + sum(len(str(part)) for part in key)
        if nbytes <= READY_BYTES:
            self._ready.answers[key] = (answer, nbytes)
            self._ready.nbytes += nbytes
        while self._ready.nbytes > READY_BYTES:
            _, (_, freed) = self._ready.answers.popitem(last=False)
            self._ready.nbytes -= freed


def _as_json(name: bytes, kind: str, before: bytes, after: bytes) -> bytes:
    """Return an object's metadata; h5grove sorts the members of all but the plainest."""
    rest = b"," + after if after else b""
    return b"".join((b"{", before, b',"kind":"', kind.encode(), b'","name":', name, rest, b"}"))


def _link_as_json(name: bytes, link: _Link | None) -> bytes:
    if link is not None and link.kind == "soft":
        path = orjson.dumps(link.path)
        return b'{"kind":"soft_link","name":' + name + b',"target_path":' + path + b"}"
    if link is not None and link.kind == "external":
        target = orjson.dumps({"target_file": link.file, "target_path": link.path})
        return b'{"kind":"external_link","name":' + name + b"," + target[1:]
    return b'{"name":' + name + b',"kind":"other"}'


def _chosen(answer: bytes, names: list[str], path: str) -> bytes:
    """Return some members of a JSON object, each as it was written."""
    text = answer.decode("utf-8")
    decoder = json.JSONDecoder()
    found: dict[str, str] = {}
    position = 1
    while text[position] != "}":
        name, position = decoder.raw_decode(text, position)
        begin = position + 1
        _, position = decoder.raw_decode(text, begin)
        found[name] = text[begin:position]
        position += text[position] == ","
    parts: dict[str, bytes] = {}
    for name in names:
        if name not in found:
            raise NotFound(f"{path} has no attribute {name}.")
        parts[name] = orjson.dumps(name) + b":" + found[name].encode()
    return b"{" + b",".join(parts.values()) + b"}"


def _nothing_at(path: str) -> NotFound:
    return NotFound(f"There is nothing at {path[:500]} in this file.")


def _too_large(path: str) -> TooLarge:
    return TooLarge(
        f"{path[:500]} has more below it than one answer may hold.",
        limit=ANSWER_BYTES,
        hint="Ask for one of its groups.",
    )
