"""Reading all of a file's tree once, in a worker process.

Objects are numbered by where they lie, so that one of many names is read once and links may
lead in circles. No link to another file is followed and no source of a virtual dataset opened.
A worker should have loaded hdf5plugin, for texts that lie in packed chunks.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import h5py
from h5py import h5, h5d, h5f, h5g, h5l, h5o, h5p, h5t

from panosc.domain.errors import Unreadable
from panosc.files.index.contents import Array, Contents, Kind, Link, Thing
from panosc.files.index.objects.arrays import array_of
from panosc.files.index.objects.heads import Describer, extent_of
from panosc.files.index.objects.ledger import DEPTH, LINKS, OBJECTS, WHERE, Ledger
from panosc.files.index.objects.values import word
from panosc.files.opening import FAILURES
from panosc.files.storage.fileobj import opened, opened_here

if TYPE_CHECKING:
    from panosc.files.storage.places import Place

_ODD: Final = (*FAILURES, MemoryError, AttributeError, RecursionError)
ENOUGH_S: Final = 30.0
"""Time after which no more objects are read: an index of a part is better than none."""


def build(path: "str | Place") -> Contents:
    """Return the index of an HDF5 file of this machine, or of a place in a storage.

    Raises
    ------
    Unreadable
        When it cannot be opened, or its root cannot be read; with the reason.
    """
    if not isinstance(path, str):
        with opened(path) as handle:
            return _Walk(handle).contents()
    with opened_here(path) as handle:
        return _Walk(handle).contents()


@dataclass(frozen=True, slots=True)
class _Member:
    """A link of a group as the library lists it."""

    name: bytes
    kind: int
    address: int


class _Walk:
    """One way through all objects of one file."""

    def __init__(self, file: h5f.FileID) -> None:
        self._file = file
        self._ledger = Ledger()
        self._describer = Describer(self._ledger)
        self._things: list[Thing] = []
        self._links: list[Link] = []
        self._numbers: dict[int, int] = {}
        self._until = time.monotonic() + ENOUGH_S

    def contents(self) -> Contents:
        """Walk, and return what was found."""
        try:
            root = h5g.open(self._file, b"/")
            members = self._members(root)
            number = self._add(root, h5o.get_info(root).addr)
        except _ODD as error:
            raise Unreadable(f"its root group cannot be read: {error}", reason="damaged") from error
        if number is None:
            raise Unreadable("its root group has more attributes than fit", reason="too-large")
        stack = [(number, root, iter(members), "")]
        while stack:
            number, group, rest, path = stack[-1]
            member = next(rest, None)
            if member is None:
                stack.pop()
                continue
            self._ledger.where = f"{path[:WHERE]}/{word(member.name)}"
            below = self._follow(number, group, member)
            if below is None:
                continue
            if len(stack) >= DEPTH:
                self._ledger.note("too-deep", f"groups deeper than {DEPTH} are left out")
                continue
            members = self._members(below)
            stack.append((self._things[-1].number, below, iter(members), self._ledger.where))
        return Contents(
            things=tuple(self._things), links=tuple(self._links), notes=self._ledger.notes()
        )

    def _members(self, group: h5g.GroupID) -> list[_Member]:
        """Return the links of a group in h5py's order."""
        found: list[_Member] = []
        names: set[str] = set()
        room = self._ledger.links

        def take(name: bytes, info: Any) -> bool | None:
            title = word(name)
            if not name or b"/" in name or name == b"." or title in names:
                self._ledger.note("odd-name", f"a link named {title!r} cannot be followed")
                return None
            if len(found) >= room:
                self._ledger.note("many-links", f"only the first {LINKS} links were read")
                return True
            names.add(title)
            address = info.u if info.type == h5l.TYPE_HARD else 0
            found.append(_Member(name, info.type, address))
            return None

        try:
            order = group.get_create_plist().get_link_creation_order()
            by = h5.INDEX_CRT_ORDER if order & h5p.CRT_ORDER_TRACKED else h5.INDEX_NAME
            group.links.iterate(take, info=True, idx_type=by)
        except _ODD as error:
            self._ledger.note("damaged", f"its members cannot be listed: {error}")
        self._ledger.links -= len(found)
        return found

    def _follow(self, parent: int, group: h5g.GroupID, member: _Member) -> h5g.GroupID | None:
        """Keep a link, and what it leads to; return a group that was not met before."""
        name = word(member.name)
        try:
            if member.kind == h5l.TYPE_SOFT:
                target = word(group.links.get_val(member.name))
                self._keep(Link(parent=parent, name=name, kind="soft", path=target))
                return None
            if member.kind == h5l.TYPE_EXTERNAL:
                file, path = map(word, group.links.get_val(member.name))
                self._keep(Link(parent=parent, name=name, kind="external", file=file, path=path))
                return None
            if member.kind != h5l.TYPE_HARD:
                self._ledger.note("unknown-link", "a link of an unknown kind")
                self._keep(Link(parent=parent, name=name, kind="other"))
                return None
        except _ODD as error:
            self._ledger.note("damaged", f"where it leads cannot be read: {error}")
            self._keep(Link(parent=parent, name=name, kind="other"))
            return None
        node, number = self._object(group, member)
        self._keep(Link(parent=parent, name=name, kind="hard", thing=number))
        return node if isinstance(node, h5g.GroupID) else None

    def _keep(self, link: Link) -> None:
        if self._ledger.grow(60 + len(link.name) + len(link.file) + len(link.path)):
            self._links.append(link)
        else:
            self._ledger.note("too-large", "not all links fit into the index")

    def _object(self, group: h5g.GroupID, member: _Member) -> tuple[Any, int | None]:
        """Return the number of an object, and the object itself when it is new."""
        number = self._numbers.get(member.address)
        if number is not None:
            return None, number
        if len(self._things) >= OBJECTS:
            self._ledger.note("many-objects", f"only the first {OBJECTS} objects were read")
            return None, None
        if time.monotonic() > self._until:
            self._ledger.note("too-long", f"only what was read in {ENOUGH_S:g} s is here")
            return None, None
        try:
            node = h5o.open(group, member.name)
            number = self._add(node, member.address)
        except _ODD as error:
            self._ledger.note("damaged", str(error))
            return None, None
        return (node, number) if number is not None else (None, None)

    def _add(self, node: Any, address: int) -> int | None:
        """Describe an object; return its number, or None when there is no room for it."""
        described = self._describer.attributes(h5py.HLObject(node))
        array: Array | None = None
        kind: Kind = "group"
        if isinstance(node, h5d.DatasetID):
            extent = extent_of(node)
            kind, head = "dataset", self._describer.dataset(node, extent[0], described.heads)
            array = array_of(node, extent, self._ledger)
        elif isinstance(node, h5t.TypeID):
            kind, head = "datatype", self._describer.named_type(node, described.heads)
        else:
            head = self._describer.group(described.heads)
        if not self._ledger.grow(100 + len(head) + len(described.contents)):
            self._ledger.note("too-large", "not all objects fit into the index")
            return None
        number = len(self._things)
        self._things.append(
            Thing(
                number=number,
                kind=kind,
                head=head,
                attributes=described.contents,
                array=array,
            )
        )
        self._numbers[address] = number
        return number
