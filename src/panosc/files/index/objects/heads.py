"""What h5grove 4 tells of an object without its values: attributes, type, shape, filters.

The JSON is that of h5grove where it has an answer; types that it cannot spell and names that
are not UTF-8 do not fail here.
"""

from dataclasses import dataclass
from typing import Any

import h5py
import orjson
from h5grove.utils import get_type_metadata
from h5py import h5, h5a, h5d, h5p, h5s, h5t

from panosc.files.index.objects import values
from panosc.files.index.objects.ledger import ATTRIBUTES, OBJECT_BYTES, Ledger
from panosc.files.index.objects.values import word
from panosc.files.opening import FAILURES

_ODD = (*FAILURES, AttributeError, RecursionError, MemoryError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Attributes of one object: their heads, and their values, as JSON."""

    heads: bytes
    contents: bytes


class Describer:
    """Describes the objects of one file; types that were met before are not spelt again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._types: dict[bytes, orjson.Fragment] = {}

    def type_of(self, kind: h5t.TypeID) -> orjson.Fragment:
        """Return JSON of a type."""
        key = None
        try:
            key = kind.encode()
            if key in self._types:
                return self._types[key]
        except FAILURES:
            pass
        try:
            content = orjson.dumps(get_type_metadata(kind), default=_text)
        except _ODD:
            content = orjson.dumps(_roughly(kind))
        fragment = orjson.Fragment(content)
        if key is not None and len(key) <= 4096 and len(self._types) < 1000:  # noqa: PLR2004
            self._types[key] = fragment
        return fragment

    def attributes(self, node: h5py.HLObject) -> Described:
        """Return what the attributes of an object are, by name, and their values in order."""
        heads: dict[str, bytes] = {}
        contents: list[bytes] = []
        room = OBJECT_BYTES
        for name in self._names(node):
            title = word(name)
            try:
                found = h5a.open(node.id, name)
                kind = found.get_type()
                head = {"name": title, "shape": found.shape, "type": self.type_of(kind)}
                about = orjson.dumps(head)
                content = values.attribute(node.attrs, name, found, kind, self._ledger)
                if len(content) > room:
                    self._ledger.note("large-attribute", f"{title}: left out, as there are many")
                    content = b"null"
                room -= len(content)
            except _ODD as error:
                self._ledger.note("unreadable-attribute", f"{title}: {error}")
                continue
            if title in heads:
                self._ledger.note("double-name", f"{title}: two attributes have this name")
                continue
            heads[title] = about
            contents.append(orjson.dumps(title) + b":" + content)
        return Described(
            heads=b"[" + b",".join(heads[title] for title in sorted(heads)) + b"]",
            contents=b"{" + b",".join(contents) + b"}",
        )

    def _names(self, node: h5py.HLObject) -> list[bytes]:
        names: list[bytes] = []

        def take(name: bytes, *_: Any) -> bool | None:
            names.append(name)
            return True if len(names) > ATTRIBUTES else None

        try:
            order = node.id.get_create_plist().get_attr_creation_order()
            by = h5.INDEX_CRT_ORDER if order & h5p.CRT_ORDER_TRACKED else h5.INDEX_NAME
            h5a.iterate(node.id, take, index_type=by)
        except FAILURES as error:
            self._ledger.note("damaged", f"its attributes cannot be listed: {error}")
        if len(names) > ATTRIBUTES:
            self._ledger.note("many-attributes", f"only the first {ATTRIBUTES} were read")
        return names[:ATTRIBUTES]

    def dataset(
        self, dataset: h5d.DatasetID, shape: tuple[int, ...] | None, attributes: bytes
    ) -> bytes:
        """Return the head of a dataset whose extent is known."""
        plan = dataset.get_create_plist()
        count = plan.get_nfilters()
        steps = [plan.get_filter(number) for number in range(count)]
        return orjson.dumps(
            {
                "attributes": orjson.Fragment(attributes),
                "chunks": plan.get_chunk() if plan.get_layout() == h5d.CHUNKED else None,
                "filters": [{"id": step[0], "name": word(step[3])} for step in steps] or None,
                "shape": shape,
                "type": self.type_of(dataset.get_type()),
            }
        )

    def named_type(self, kind: h5t.TypeID, attributes: bytes) -> bytes:
        """Return the head of a named type."""
        return orjson.dumps({"attributes": orjson.Fragment(attributes), "type": self.type_of(kind)})

    @staticmethod
    def group(attributes: bytes) -> bytes:
        """Return the head of a group."""
        return b'{"attributes":' + attributes + b"}"


def extent_of(dataset: h5d.DatasetID) -> tuple[tuple[int, ...] | None, bool]:
    """Return the extent, and whether that is sure without opening other files.

    A virtual dataset with an unlimited selection is as long as its sources are. The library
    would open them to tell; here is what the file says itself.
    """
    plan = dataset.get_create_plist()
    if plan.get_layout() == h5d.VIRTUAL:
        for number in range(plan.get_virtual_count()):
            space = plan.get_virtual_vspace(number)
            if is_unlimited(space):
                return space.get_simple_extent_dims(), False
    space = dataset.get_space()
    if space.get_simple_extent_type() == h5s.NULL:
        return None, True
    return space.get_simple_extent_dims(), True


def is_unlimited(space: h5s.SpaceID) -> bool:
    """Whether as much is selected as there will ever be."""
    if space.get_select_type() != h5s.SEL_HYPERSLABS or not space.is_regular_hyperslab():
        return False
    _, _, count, block = space.get_regular_hyperslab()
    return h5s.UNLIMITED in count or h5s.UNLIMITED in block


def _text(raw: object) -> str:
    if isinstance(raw, bytes):
        return word(raw)
    raise TypeError


def _roughly(kind: h5t.TypeID) -> dict[str, object]:
    """Return what can be told of a type that numpy does not have."""
    return {"class": kind.get_class(), "dtype": f"|V{kind.get_size()}", "size": kind.get_size()}
