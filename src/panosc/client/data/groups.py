"""A group of a file at a node: a mapping of names to what is there, read when it is used."""

import posixpath
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from typing_extensions import override

from panosc.client.data import cards, labelled, nxdata
from panosc.client.data.arrays import Array, Entity
from panosc.client.data.wire import Json, NoSuchPath, Wire, members

if TYPE_CHECKING:
    import xarray

_LINKS = {"soft_link", "external_link"}
_LONGEST_PATH = 4096


class Group(Entity, Mapping[str, "Group | Array"]):
    """A group: ``group["data/I"]`` and ``group["/entry/data/I"]`` are what is at these paths."""

    @override
    def __getitem__(self, path: str) -> "Group | Array":
        """Return a group or an array.

        Raises
        ------
        NoSuchPath
            A `NotFound` that is a `KeyError`, too: if nothing is there, or a link leads nowhere.
        """
        whole = self._absolute(path)
        return entity(self.wire, whole, self.wire.meta(whole))

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    @override
    def __len__(self) -> int:
        return len(self._members)

    @override
    def __contains__(self, path: object) -> bool:
        if not isinstance(path, str):
            return False
        if path in self._members:
            return True
        try:
            return self[path] is not None
        except (NoSuchPath, TypeError):
            return False

    @property
    def nx_class(self) -> str | None:
        """Its class, such as NXentry."""
        return nxdata.class_of(self.attrs)

    @property
    def default(self) -> Array:
        """What is plotted by default: the signal of the NXdata that ``default`` leads to.

        Raises
        ------
        NotFound
            If the file names none.
        """
        return self.array(nxdata.default_signal(self.wire, self.path))

    def to_xarray(self) -> "xarray.Dataset":
        """Return its arrays of numbers together, those of NXdata with their axes.

        Raises
        ------
        Unavailable
            If xarray is not installed.
        """
        found: xarray.Dataset = labelled.data_set(self)
        return found

    def array(self, name: str) -> Array:
        """Return a member that is an array.

        Raises
        ------
        NoSuchPath
        """
        found = self[name]
        if not isinstance(found, Array):
            raise NoSuchPath(f"{found.path} of {self.wire.name} is a group.")
        return found

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of a member as it is listed, without asking for it; None of a group."""
        told = self._members[name].get("shape")
        return tuple(told) if isinstance(told, list) else None

    @property
    def listed(self) -> Mapping[str, Json]:
        """What the node tells of its members, by name, without asking for each."""
        return MappingProxyType(self._members)

    @cached_property
    def _members(self) -> dict[str, Json]:
        return members(self.wire.meta(self.path))

    def _absolute(self, path: str) -> str:
        if not isinstance(path, str):
            raise TypeError(f"a path is a text, not {type(path).__name__}")
        if not path or "\0" in path or len(path) > _LONGEST_PATH:
            raise NoSuchPath(f"{path[:50]!r} is no path.")
        joined = posixpath.join(self.path, path)
        return "/" + "/".join(part for part in joined.split("/") if part not in {"", "."})

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @override
    def __repr__(self) -> str:
        names = ", ".join(list(self)[:5]) + (", …" if len(self) > 5 else "")  # noqa: PLR2004
        return f"<Group {self.path}: {names or 'nothing in it'}>"

    def _repr_html_(self) -> str:
        return cards.group(self.path, self._members)


# a mapping is not hashable of itself; this one stands for a place
Group.__hash__ = Entity.__hash__  # type: ignore[method-assign]


def entity(wire: Wire, path: str, meta: Json) -> Group | Array:
    """Return what `meta` tells of.

    Raises
    ------
    NoSuchPath
        If it is a link that leads nowhere, or nothing that has values.
    """
    kind = meta["kind"]
    if kind == "group":
        return Group(wire, path)
    if kind == "dataset":
        return Array(wire, path, meta)
    if kind in _LINKS:
        target = " of ".join(
            str(meta[key])[:200] for key in ("target_path", "target_file") if key in meta
        )
        raise NoSuchPath(f"{path} of {wire.name} is a link to {target}, where nothing is.")
    raise NoSuchPath(f"{path} of {wire.name} is a {kind[:20]}: neither group nor array.")
