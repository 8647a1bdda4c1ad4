"""Paths of a file, walked link by link as HDF5 does, and never out of it."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from panosc.domain.errors import NotFound
from panosc.files.index.reading import Rows

Resolve: TypeAlias = Literal["none", "only_valid", "all"]
HOPS: Final = 16
"""Soft links on the way of one path, as HDF5 has it."""
PARTS: Final = 50_000
"""Names that are looked up for one answer, with those of soft links."""

SEEN: Final = 1000
"""Links of one file that are not looked up again."""
SHORT: Final = 200


class Elsewhere(Exception):
    """A path leads through an external link: go on at `path` of `file`, as the link spells it."""

    def __init__(self, file: str, path: str) -> None:
        super().__init__(f"{path} of {file}")
        self.file = file
        self.path = path


@dataclass(slots=True)
class Way:
    """How far one answer may still go."""

    hops: int = HOPS
    parts: int = PARTS


@dataclass(frozen=True, slots=True)
class Step:
    """A link on the way."""

    kind: str
    thing: int | None
    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where a path ends: at a thing, or at a link that was not followed."""

    thing: int | None = None
    link: Step | None = None
    hops: int = HOPS
    """That are left for what is below."""


class Walker:
    """Walks the paths of one file."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._seen: dict[tuple[int, str], Step | None] = {}

    def at(self, path: str, resolve: Resolve) -> Found:
        """Return where a path ends; its last link is followed as `resolve` says.

        Raises
        ------
        NotFound, Elsewhere
        """
        if not path or not is_text(path):
            raise nothing_at(path)
        found = self.walk(0, path, way=Way(), is_followed=False)
        if found.link is None or resolve == "none" or found.link.kind == "other":
            return found
        try:
            return self.walk(0, path, way=Way(), is_followed=True)
        except NotFound:
            if resolve == "all":
                raise nothing_at(path) from None
            return found

    def walk(self, start: int, path: str, *, way: Way, is_followed: bool) -> Found:
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
                raise nothing_at(path)
            rest = "/".join(parts[position + 1 :])
            if link.kind != "hard" and not rest and not is_followed:
                return Found(link=link)
            thing = self.end_of(here, link, rest, way=way)
            if thing is None:
                raise nothing_at(path)
            here = thing
        return Found(thing=here, hops=way.hops)

    def below(self, thing: int, prefix: str) -> Iterator[tuple[str, Step]]:
        """Yield path and link of all that is below a group, in the order in which HDF5 visits."""
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

    def end_of(self, here: int, link: Step, rest: str = "", *, way: Way) -> int | None:
        """Return what a link of the group `here` leads to; `rest` is where the path goes on.

        Raises
        ------
        NotFound, Elsewhere
        """
        if link.kind == "external":
            raise Elsewhere(link.file, f"{link.path.rstrip('/')}/{rest}" if rest else link.path)
        if link.kind != "soft":
            return link.thing
        way.hops -= 1
        if way.hops < 0 or not link.path:
            return None
        try:
            return self.walk(here, link.path, way=way, is_followed=True).thing
        except Elsewhere as other:
            if not rest:
                raise
            raise Elsewhere(other.file, f"{other.path.rstrip('/')}/{rest}") from None

    def _link(self, parent: int, name: str) -> Step | None:
        key = (parent, name)
        if key in self._seen:
            return self._seen[key]
        rows = self._rows.all(
            "select kind, thing, file, path from link where parent = ? and name = ?", parent, name
        )
        link = Step(*rows[0]) if rows else None
        if len(self._seen) >= SEEN:
            self._seen.clear()
        if len(name) <= SHORT and (link is None or len(link.path) <= SHORT):
            self._seen[key] = link
        return link

    def _names(self, parent: int, prefix: str) -> Iterator[tuple[str, Step]]:
        rows = self._rows.all(
            "select name, kind, thing, file, path from link where parent = ? order by name", parent
        )
        return ((f"{prefix}/{row[0]}", Step(*row[1:])) for row in rows if row[1] != "other")


def beside(name: str, file: str) -> str | None:
    """Return the name in the dataset of a file that another one names; None if it is outside.

    Examples
    --------
    >>> beside("scan/master.h5", "data/a.h5"), beside("a.h5", "../b.h5"), beside("a.h5", "/b.h5")
    ('scan/data/a.h5', None, None)
    """
    if not file or file.startswith("/") or "\0" in file or "\\" in file:
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
    return None if found.startswith("..") or found in {".", "/"} else found


def is_text(path: str) -> bool:
    """Whether it can be written as UTF-8, as all names of an index are."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def nothing_at(path: str) -> NotFound:
    """Return the error of a path that leads nowhere."""
    shown = path[:500].encode("utf-8", "replace").decode("utf-8")
    return NotFound(f"There is nothing at {shown} in this file.")
