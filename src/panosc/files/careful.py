"""Careful reading of HDF5: nothing outside the file, nothing large, a bounded number of steps.

`Careful` wraps one open file. Names are resolved link by link here, never by the library, so
that no external link is followed on the way; storage is looked at before it is read, so that
no small file makes a large array. What is refused is kept with its reason.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5i, h5l, h5o, h5s, h5t

from panosc.domain.errors import Unreadable
from panosc.files.opening import FAILURES

Value: TypeAlias = str | int | float | list[str] | list[int] | list[float]
Group: TypeAlias = h5g.GroupID
Dataset: TypeAlias = h5d.DatasetID
Node: TypeAlias = h5g.GroupID | h5d.DatasetID

SMALL: Final = 64
"""Most elements that are metadata; more is data, and left alone."""
TEXT_BYTES: Final = 65_536
CHUNK_BYTES: Final = 2**20
"""Largest chunk that is unpacked for metadata, in bytes."""
MEMBERS: Final = 5_000
"""Links of one group that are looked at."""
STEPS: Final = 50_000
"""Objects of one file that are opened."""
DETOURS: Final = 2_000
"""Names of one file that are looked up for the sake of soft links."""
LINK_HOPS: Final = 16
REFUSALS: Final = 25
LISTED: Final = 65_536
"""Most elements of a list that says what is in a file, such as the names of its sources."""
NAME: Final = 500
"""Most characters of one text of such a list."""

_NAMED = {h5l.TYPE_SOFT, h5l.TYPE_EXTERNAL}
_VARIABLE_TEXT = h5t.py_create(h5py.string_dtype())


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something in a usable file that was not read: a stable word for why, and where."""

    reason: str
    detail: str


class Careful:
    """One open HDF5 file, read with suspicion."""

    def __init__(self, file: h5f.FileID, *, steps: int = STEPS) -> None:
        self.file = file
        self.refusals: list[Refusal] = []
        self.expected: set[str] = set()
        """Paths of external links that are known already, and no surprise."""
        self._told = 0
        self._steps = steps
        self._detours = DETOURS
        self._seen: set[tuple[str, str]] = set()
        try:
            self.root: Group = h5g.open(file, b"/")
            self.root.get_num_objs()
        except FAILURES as error:
            raise Unreadable(f"its root group cannot be read: {error}", reason="damaged") from error

    def refuse(self, reason: str, detail: str) -> None:
        """Remember that something was not read; the first few of a file are told."""
        self._told += 1
        key = (reason, detail)
        if key in self._seen or len(self.refusals) >= REFUSALS:
            return
        self._seen.add(key)
        self.refusals.append(Refusal(reason=reason, detail=detail[:300]))

    # ---- links ----

    def members(self, group: Group) -> list[tuple[bytes, int]]:
        """Return names and link types in `group`, in the library's order; bounded."""
        found: list[tuple[bytes, int]] = []

        def take(name: bytes, info: Any) -> bool | None:
            found.append((name, info.type))
            return True if len(found) > MEMBERS else None

        try:
            group.links.iterate(take, info=True)
        except FAILURES as error:
            self.refuse("damaged", f"{name_of(group)}: its members cannot be listed: {error}")
        if len(found) > MEMBERS:
            self.refuse(
                "too-many-objects", f"{name_of(group)}: only its first {MEMBERS} were looked at"
            )
        return found[:MEMBERS]

    def is_group(self, group: Group, name: bytes, link: int) -> bool:
        """Whether the member is a group in this very file; soft links are resolved."""
        if link == h5l.TYPE_HARD:
            try:
                return bool(h5g.get_objinfo(group, name).type == h5g.GROUP)
            except FAILURES as error:
                self.refuse("damaged", f"{path_of(group, name)}: {error}")
                return False
        return isinstance(self.member(group, name, link), h5g.GroupID)

    def member(
        self, group: Group, name: bytes, link: int | None = None, *, hops: int = LINK_HOPS
    ) -> Node | None:
        """Return the group or dataset that `name` means, or None when it is nowhere in here.

        `link` is the type of the link, where `members` has told it already.
        """
        self._steps -= 1
        if self._steps < 0:
            self.refuse("too-many-objects", f"only the first {STEPS} objects were opened")
            return None
        kind = link
        try:
            if kind is None:
                if not group.links.exists(name):
                    return None
                kind = group.links.get_info(name).type
            if kind == h5l.TYPE_HARD:
                node = h5o.open(group, name)
                return node if isinstance(node, (h5g.GroupID, h5d.DatasetID)) else None
            target: Any = group.links.get_val(name) if kind in _NAMED else None
        except FAILURES as error:
            self.refuse("damaged", f"{path_of(group, name)}: {error}")
            return None
        if kind == h5l.TYPE_SOFT and hops > 0 and self._detours > 0:
            return self._follow(group, name, target, hops=hops)
        self._stop_at(group, name, kind=kind, target=target)
        return None

    def _stop_at(self, group: Group, name: bytes, *, kind: int, target: Any) -> None:
        """Say why a link is not followed, unless that is known already."""
        path = path_of(group, name)
        if kind == h5l.TYPE_EXTERNAL and path in self.expected:
            self._told += 1
        elif kind == h5l.TYPE_EXTERNAL:
            self.refuse("external-link", f"{path}: external link to {text(target[0])} not followed")
        elif kind == h5l.TYPE_SOFT:
            self.refuse("link-loop", f"{path}: soft links lead in circles or on and on")
        else:
            self.refuse("unknown-link", f"{path}: a link of an unknown kind")

    def _follow(self, group: Group, name: bytes, target: bytes, *, hops: int) -> Node | None:
        self._detours -= 1 + target.count(b"/")
        before = self._told
        node = self.at(group, target, hops=hops - 1)
        if node is None and self._told == before:
            path = path_of(group, name)
            self.refuse("dangling-link", f"{path}: leads to {text(target)}, which is not here")
        return node

    def at(self, group: Group, path: bytes, *, hops: int = LINK_HOPS) -> Node | None:
        """Return what lies at a path, absolute or from `group`."""
        node: Node | None = self.root if path.startswith(b"/") else group
        for part in path.split(b"/")[:200]:
            if part in {b"", b"."}:
                continue
            if not isinstance(node, h5g.GroupID):
                return None
            node = self.member(node, part, hops=hops)
        return node

    # ---- values ----

    def attribute(self, node: Node, name: bytes) -> Value | None:
        """Return a small attribute; None when there is none of that kind."""
        try:
            if not h5a.exists(node, name):
                return None
            found = h5a.open(node, name)
            return self._small(found, found.get_space(), found.get_type())
        except FAILURES as error:
            self.refuse("damaged", f"{name_of(node)}@{text(name)}: {error}")
            return None

    def value(self, dataset: Dataset) -> Value | None:
        """Return a small dataset's content; None for data, odd types and what is refused."""
        try:
            if is_virtual(dataset):
                # its very size may depend on other files, which the library would open to tell it
                self.storage_is_safe(dataset, 0, limit=CHUNK_BYTES)
                return None
            space = dataset.get_space()
            if space.get_simple_extent_npoints() > SMALL:
                return None
            kind = dataset.get_type()
            if not self.storage_is_safe(dataset, kind.get_size(), limit=CHUNK_BYTES):
                return None
            return self._small(dataset, space, kind)
        except FAILURES as error:
            self.refuse("damaged", f"{name_of(dataset)}: {error}")
            return None

    def listed(self, dataset: Dataset) -> list[str] | list[int]:
        """Return a list of whole numbers or short texts that says what is in the file.

        For the few lists that a format is known to keep, such as the names of its sources. Empty
        for anything else, and for what is too long.
        """
        try:
            extent, kind = extent_of(dataset), dataset.get_type()
            family, size = kind.get_class(), kind.get_size()
            if is_virtual(dataset) or extent is None or len(extent) != 1:
                return []
            if family not in {h5t.INTEGER, h5t.STRING} or not self.storage_is_safe(
                dataset, size, limit=CHUNK_BYTES
            ):
                return []
            if extent[0] > LISTED or size * extent[0] > CHUNK_BYTES:
                self.refuse("too-large", f"{name_of(dataset)}: a list of {extent[0]} is not read")
                return []
            if family == h5t.STRING:
                return self._texts(dataset, extent[0], kind)
            array = np.empty(extent, kind.dtype)
            self._read(dataset, array, kind)
            numbers: list[int] = array.tolist()
        except FAILURES as error:
            self.refuse("damaged", f"{name_of(dataset)}: {error}")
            return []
        return numbers

    @staticmethod
    def _texts(dataset: Dataset, count: int, kind: h5t.TypeStringID) -> list[str]:
        """Read texts a few at a time: each may be long, and the same one be named over and over."""
        is_variable = kind.is_variable_str()
        found: list[str] = []
        for begin in range(0, count, SMALL):
            some = (min(SMALL, count - begin),)
            space = dataset.get_space()
            space.select_hyperslab((begin,), some)
            array = np.empty(some, object if is_variable else f"S{kind.get_size()}")
            wanted = _VARIABLE_TEXT if is_variable else kind
            dataset.read(h5s.create_simple(some), space, array, wanted)
            found += [text(item)[:NAME] for item in array]
        return found

    def storage_is_safe(self, dataset: Dataset, item_bytes: int, *, limit: int) -> bool:
        """Whether reading touches this file alone and unpacks no chunk beyond `limit` bytes."""
        plan = dataset.get_create_plist()
        layout = plan.get_layout()
        if plan.get_external_count():
            file = text(plan.get_external(0)[0])
            self.refuse("external-storage", f"{name_of(dataset)}: data in {file} not read")
            return False
        if layout == h5d.VIRTUAL:
            self.refuse("virtual-dataset", f"{name_of(dataset)}: virtual dataset not read")
            return False
        if layout == h5d.CHUNKED:
            chunk = item_bytes
            for extent in plan.get_chunk():
                chunk *= extent
            if chunk > limit:
                self.refuse(
                    "filter-bomb",
                    f"{name_of(dataset)}: declares chunks of {chunk} bytes, more than {limit}",
                )
                return False
        return True

    def _small(self, source: Any, space: h5s.SpaceID, kind: h5t.TypeID) -> Value | None:
        count = space.get_simple_extent_npoints()
        if space.get_simple_extent_type() == h5s.NULL or not 0 < count <= SMALL:
            return None
        shape = space.get_simple_extent_dims()
        family = kind.get_class()
        if family == h5t.STRING:
            return self._text(source, shape, kind)
        if family == h5t.ENUM:
            kind = kind.get_super()
        elif family not in {h5t.INTEGER, h5t.FLOAT}:
            return None
        if kind.get_size() > 8:  # noqa: PLR2004 - long doubles and the like
            return None
        array = np.empty(shape, kind.dtype)
        self._read(source, array, None if family == h5t.ENUM else kind)
        numbers: list[int] | list[float] = array.reshape(-1).tolist()
        return numbers[0] if count == 1 else numbers

    def _text(self, source: Any, shape: tuple[int, ...], kind: h5t.TypeStringID) -> Value | None:
        if kind.is_variable_str():
            array = np.empty(shape, object)
            self._read(source, array, _VARIABLE_TEXT)
        else:
            size = kind.get_size()
            array = np.empty(shape, f"S{size}")
            if array.nbytes > TEXT_BYTES:
                return None
            self._read(source, array, kind)
        words = [text(item) for item in array.reshape(-1)]
        return words[0] if len(words) == 1 else words

    @staticmethod
    def _read(source: Any, array: "np.ndarray[Any, Any]", kind: h5t.TypeID | None) -> None:
        if isinstance(source, h5d.DatasetID):
            source.read(h5s.ALL, h5s.ALL, array, kind)
        else:
            source.read(array, mtype=kind)


def text(raw: object) -> str:
    """Return a string of the file without NULs and padding: UTF-8, else Latin-1."""
    word = raw
    if isinstance(raw, bytes):
        try:
            word = raw[:TEXT_BYTES].decode("utf-8")
        except UnicodeDecodeError:
            word = raw[:TEXT_BYTES].decode("latin-1")
    word = str(word)[:TEXT_BYTES].replace("\0", "").strip()
    return word.encode("utf-8", "replace").decode("utf-8")


def is_virtual(dataset: Dataset) -> bool:
    """Whether the dataset is made of others, perhaps of other files."""
    return bool(dataset.get_create_plist().get_layout() == h5d.VIRTUAL)


def extent_of(dataset: Dataset) -> tuple[int, ...] | None:
    """Return the extent; None when other files would have to be opened to tell it.

    A virtual dataset that may grow is as long as its sources are: the library opens them when it
    is asked for the extent, be they devices or files on tape.
    """
    plan = dataset.get_create_plist()
    if plan.get_layout() == h5d.VIRTUAL and plan.get_virtual_count():
        limits = plan.get_virtual_vspace(0).get_simple_extent_dims(True)
        if h5s.UNLIMITED in limits:
            return None
    space = dataset.get_space()
    if space.get_simple_extent_type() == h5s.NULL:
        return (0,)
    found: tuple[int, ...] = space.get_simple_extent_dims()
    return found


def name_of(node: Node) -> str:
    """Return a path of the node, for messages."""
    try:
        return text(h5i.get_name(node) or b"?")
    except FAILURES:
        return "?"


def path_of(group: Group, name: bytes) -> str:
    """Return the path of a member, for messages."""
    return f"{name_of(group).rstrip('/')}/{text(name)}"
