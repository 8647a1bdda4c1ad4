"""What one index tells: metadata as h5grove 4 answers it, and where values lie."""

import sqlite3
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import orjson

from panosc.domain.errors import Invalid, NotFound, TooLarge
from panosc.files.index import wording
from panosc.files.index.contents import Array
from panosc.files.index.reading import Ready, Rows
from panosc.files.index.stored import array_from_json
from panosc.files.index.walking import Elsewhere, Found, Resolve, Step, Walker, Way, nothing_at
from panosc.files.index.wording import Face

__all__ = ["ROW", "Beyond", "Elsewhere", "Face", "FileIndex", "Resolve", "Table"]

ANSWER_BYTES: Final = 32 * 2**20
"""Longest answer."""
ROW: Final = np.dtype([("number", "<u8"), ("offset", "<u8"), ("size", "<u4"), ("mask", "<u4")])
"""One chunk: its place in the C order of all chunks, its offset and size in the file, and which
filters it was spared."""
Table: TypeAlias = "np.ndarray[Any, np.dtype[np.void]]"
_LAST: Final = 2**63 - 1
_MEMBERS: Final = """
select l.name, l.kind, l.thing, l.file, l.path, t.kind, t.before, t.after
from link l left join thing t on t.number = l.thing
where l.parent = ? order by l.position
"""
_FACES: Final = "select number, kind, before, after from thing where number in ({marks})"
_AT_ONCE: Final = 500
_CUT: Final = {"too-long", "many-objects", "many-links", "too-large", "too-deep"}


class Beyond(Protocol):
    """What only other files of the dataset can tell."""

    def __call__(self, file: str, path: str) -> Face | None:
        """Return what an external link leads to; None when it may not be followed."""
        ...

    def extent(self, index: "FileIndex", number: int) -> tuple[int, ...] | None:
        """Return how long a virtual dataset without an end is; None when that is not known."""
        ...


class FileIndex:
    """One index, open; safe for threads. Answers that were given before are kept ready."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._rows = Rows(connection)
        self._walker = Walker(self._rows)
        self._ready = Ready()

    @property
    def is_broken(self) -> bool:
        """Whether it has turned out to be damaged, and is to be made anew."""
        return self._rows.is_broken

    # ---- metadata, as h5grove tells it ----

    def meta(
        self, path: str, resolve: Resolve = "only_valid", beyond: Beyond | None = None
    ) -> bytes:
        """Return what is at a path: its kind, type, shape and attributes, or its members.

        With `beyond`, members that are external links are shown as what they lead to.

        Raises
        ------
        NotFound, Elsewhere
        """
        key = ("meta", path, resolve, beyond is None)
        with self._rows.lock:
            ready: bytes | None = self._ready.known(key)
            if ready is not None:
                return ready
            found = self._walker.at(path, resolve)
            name = orjson.dumps(path.rsplit("/", 1)[-1])
            children, is_lasting = None, True
            if found.thing is None:
                answer = wording.of_link(name, found.link)
            else:
                face = self._settled(found.thing, self._face(found.thing), beyond)
                is_lasting = found.thing not in self._endless
                if face.kind == "group":
                    children, is_lasting = self._children(found, beyond)
                answer = wording.of_thing(name, face, children)
            if is_lasting:
                self._ready.keep(key, answer)
            return answer

    def attributes(self, path: str, names: list[str] | None = None) -> bytes:
        """Return the attributes of what is at a path, or those with the names given.

        Raises
        ------
        NotFound, Elsewhere
        """
        key = ("attributes", path, None if names is None else tuple(names))
        with self._rows.lock:
            ready: bytes | None = self._ready.known(key)
            if ready is not None:
                return ready
            number = self.number(path)
            answer: bytes = self._rows.one("select attributes from thing where number = ?", number)[
                0
            ]
            if names is not None:
                answer = wording.chosen(answer, names, path)
            self._ready.keep(key, answer)
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
        with self._rows.lock:
            ready: bytes | None = self._ready.known(key)
            if ready is not None:
                return ready
            found = self._walker.at(path, resolve)
            if found.thing is None or self._face(found.thing).kind != "group":
                raise Invalid(f"{path} is not a group.", field="path")
            parts, size, way = [orjson.dumps(path)], 0, Way()
            prefix = "" if path == "/" else path.rstrip("/")
            for below, link in self._walker.below(found.thing, prefix):
                if resolve == "all" and link.kind != "hard":
                    self._must_resolve(below, beyond, way)
                parts.append(orjson.dumps(below))
                size += len(parts[-1]) + 1
                if size > ANSWER_BYTES:
                    raise _too_large(path)
            answer = b"[" + b",".join(parts) + b"]"
            if resolve != "all":
                self._ready.keep(key, answer)
            return answer

    def face(self, path: str, beyond: Beyond | None = None) -> Face:
        """Return what a listing of another file, with a link to here, shows of a path."""
        with self._rows.lock:
            number = self.number(path)
            return self._settled(number, self._face(number), beyond)

    # ---- where values lie ----

    def number(self, path: str) -> int:
        """Return the number of what is at a path.

        Raises
        ------
        NotFound, Elsewhere
        """
        found = self._walker.at(path, "all")
        if found.thing is None:
            raise nothing_at(path)
        return found.thing

    def array(self, path: str) -> Array:
        """Return where the values of a dataset lie, without its table of chunks.

        Raises
        ------
        NotFound, Elsewhere, Invalid
        """
        return self.array_of(self.number(path), path)

    def array_of(self, number: int, path: str = "It") -> Array:
        """Return where the values of the dataset of a number lie, without its table.

        Raises
        ------
        Invalid
            When it is no dataset.
        """
        key = ("array", number)
        with self._rows.lock:
            ready: Array | None = self._ready.known(key)
            if ready is not None:
                return ready
            rows = self._rows.all("select about, stored from array where thing = ?", number)
            if not rows:
                raise Invalid(f"{path} is not a dataset.", field="path")
            array = array_from_json(*rows[0])
            self._ready.keep(key, array, len(rows[0][0]) * 4 + len(array.values) + 1000)
            return array

    def table(self, number: int) -> Table:
        """Return all rows of a dataset's table of chunks, by number of the chunk."""
        return self.rows(number, 0, _LAST)

    def rows(self, number: int, first: int, last: int) -> Table:
        """Return the rows of the chunks from `first` to `last`, both included.

        There are none when `last` is negative.
        """
        if last < first or first > _LAST:
            return np.empty(0, ROW)
        key = ("rows", number, first, last)
        with self._rows.lock:
            ready: Table | None = self._ready.known(key)
            if ready is not None:
                return ready
            pages = self._rows.all(
                "select rows from page where thing = ? and last >= ? and first <= ? order by first",
                number,
                first,
                min(last, _LAST),
            )
            table: Table = np.frombuffer(b"".join(page for (page,) in pages), ROW)
            begin = np.searchsorted(table["number"], np.uint64(first), side="left")
            end = np.searchsorted(table["number"], np.uint64(last), side="right")
            table = table[begin:end]
            self._ready.keep(key, table, table.nbytes + 200)
            return table

    @property
    def notes(self) -> tuple[tuple[str, str], ...]:
        """What was refused or left out: a stable word and a sentence."""
        told = orjson.loads(self._rows.one("select notes from about")[0])
        return tuple((word, sentence) for word, sentence in told)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the file is not in the index, in sentences."""
        return tuple(sentence for word, sentence in self.notes if word in _CUT)

    def datasets(self) -> Iterator[tuple[int, str]]:
        """Yield number and one path of each dataset, in the order of their paths."""
        seen: set[int] = set()
        numbers = {row[0] for row in self._rows.all("select thing from array")}
        for path, link in self._walker.below(0, ""):
            if link.thing is not None and link.thing in numbers and link.thing not in seen:
                seen.add(link.thing)
                yield link.thing, path

    # ---- parts of answers ----

    def _must_resolve(self, path: str, beyond: Beyond | None, way: Way) -> None:
        """Raise NotFound unless a link leads to something."""
        one = Way(parts=way.parts)
        try:
            self._walker.walk(0, path, way=one, is_followed=True)
        except Elsewhere as other:
            if beyond is None or beyond(other.file, other.path) is None:
                raise nothing_at(path) from None
        finally:
            way.parts = one.parts

    def _children(self, group: Found, beyond: Beyond | None) -> tuple[bytes, bool]:
        """Return the members of a group as JSON, and whether they will always be these."""
        rows = self._rows.all(_MEMBERS, group.thing)
        links = {row[0]: Step(*row[1:5]) for row in rows if row[2] is None}
        ends, is_lasting = self._ends(group, links, beyond)
        numbers = {end for end in ends.values() if isinstance(end, int)}
        faces = {
            number: self._settled(number, face, beyond)
            for number, face in self._faces(sorted(numbers)).items()
        }
        is_lasting = is_lasting and self._endless.isdisjoint(numbers.union(row[2] for row in rows))
        parts: list[bytes] = []
        size = 0
        for title, _, thing, _, _, *head in rows:
            name, end = orjson.dumps(title), ends.get(title)
            if thing is not None:
                part = wording.of_thing(name, self._settled(thing, Face(*head), beyond))
            elif end is None:
                part = wording.of_link(name, links[title])
            else:
                part = wording.of_thing(name, faces[end] if isinstance(end, int) else end)
            parts.append(part)
            size += len(part)
            if size > ANSWER_BYTES:
                raise _too_large("The group")
        return b"[" + b",".join(parts) + b"]", is_lasting

    def _ends(
        self, group: Found, links: dict[str, Step], beyond: Beyond | None
    ) -> tuple[dict[str, int | Face | None], bool]:
        """Return what soft and external links lead to, and whether other files had no say."""
        ends: dict[str, int | Face | None] = {}
        is_lasting, way = True, Way(hops=group.hops)
        for title, link in links.items():
            one = Way(hops=way.hops, parts=way.parts)
            try:
                ends[title] = self._walker.end_of(group.thing or 0, link, way=one)
            except NotFound:
                ends[title] = None
            except Elsewhere as other:
                if beyond is not None:
                    ends[title], is_lasting = beyond(other.file, other.path), False
            way.parts = one.parts
        return ends, is_lasting

    def _faces(self, numbers: list[int]) -> dict[int, Face]:
        found: dict[int, Face] = {}
        for begin in range(0, len(numbers), _AT_ONCE):
            some = numbers[begin : begin + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._rows.all(_FACES.format(marks=marks), *some)
            found.update((row[0], Face(*row[1:])) for row in rows)
        return found

    @cached_property
    def _endless(self) -> frozenset[int]:
        """Numbers of arrays whose extent depends on other files."""
        return frozenset(orjson.loads(self._rows.one("select endless from about")[0]))

    def _settled(self, number: int, face: Face, beyond: Beyond | None) -> Face:
        """Return what is shown of an object with its extent, where other files tell that."""
        if number not in self._endless or beyond is None:
            return face
        shape = beyond.extent(self, number)
        return face if shape is None else wording.with_shape(face, shape)

    def _face(self, number: int) -> Face:
        rows = self._rows.one("select kind, before, after from thing where number = ?", number)
        return Face(*rows)


def _too_large(path: str) -> TooLarge:
    return TooLarge(
        f"{path[:500]} has more below it than one answer may hold.",
        limit=ANSWER_BYTES,
        hint="Ask for one of its groups.",
    )
