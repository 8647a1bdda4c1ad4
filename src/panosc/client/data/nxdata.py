"""What NeXus says of a plot: which array is the signal, along which axes, what to show first.

The newer way, by attributes of the group, and the older one, by attributes of the signal.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from panosc.client.data.wire import Json, Wire, members, text_of
from panosc.domain.errors import NotFound

_DEEPEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """The dimensions of an array by name, and the arrays that say where its elements are."""

    dims: tuple[str, ...]
    coordinates: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Name of a member of the group → the dimensions of the array that it goes along."""


def class_of(attributes: Mapping[str, Any]) -> str | None:
    """Return the class of a group."""
    return text_of(attributes.get("NX_class"))


def axes_of(wire: Wire, path: str, shape: tuple[int, ...]) -> Axes:
    """Return the axes of an array; without NXdata they have numbers for names."""
    plain = Axes(dims=tuple(f"dim_{place}" for place in range(len(shape))))
    folder, name = posixpath.split(path)
    group = wire.attributes(folder or "/")
    if not shape or class_of(group) != "NXdata":
        return plain
    there = members(wire.meta(folder or "/"))
    names = _names(group, wire, path, there)
    if name in names or name in _indices(group):
        return _own(name, len(shape), plain)
    # fewer names than dimensions: the first ones, as the standard has it
    names = (names + [None] * len(shape))[: len(shape)]
    dims = _distinct(names, plain.dims)
    found: dict[str, tuple[int, ...]] = {
        axis: (place,) for place, axis in enumerate(dims) if axis in there and axis == names[place]
    }
    found |= {
        axis: places
        for axis, places in _indices(group).items()
        if axis in there and places and max(places) < len(shape) and min(places) >= 0
    }
    return Axes(dims=dims, coordinates={key: found[key] for key in found if key != name})


def default_signal(wire: Wire, path: str) -> str:
    """Return the path of what is plotted by default of a group.

    Raises
    ------
    NotFound
    """
    here = path
    for _ in range(_DEEPEST):
        attributes = wire.attributes(here)
        there = members(wire.meta(here))
        signal = text_of(attributes.get("signal"))
        if signal in there and signal is not None:
            return posixpath.join(here, signal)
        following = text_of(attributes.get("default"))
        if following is None or not _is_inside(following):
            break
        here = posixpath.join(here, following)
    raise NotFound(
        f"{wire.name} does not say what to plot of {path}.", hint="Name an array by its path."
    )


def signals(group: Mapping[str, Any]) -> list[str]:
    """Return the signal of NXdata and the further ones."""
    found = [text_of(group.get("signal")), *_texts(group.get("auxiliary_signals"))]
    return [name for name in found if name]


def _is_inside(path: str) -> bool:
    return bool(path) and not path.startswith("/") and ".." not in path.split("/")


def _own(name: str, ndim: int, plain: Axes) -> Axes:
    """Return the axes of what is an axis itself."""
    return Axes(dims=(name,)) if ndim == 1 else plain


def _names(
    group: Mapping[str, Any], wire: Wire, path: str, there: Mapping[str, Json]
) -> list[str | None]:
    if "signal" in group or "axes" in group:
        found = _texts(group.get("axes"))
    else:
        # before 2014: the signal itself names them
        told = text_of(wire.attributes(path).get("axes")) or ""
        found = [name for name in re.split(r"[\[\],:; ]+", told) if name]
    return [name if name in there else None for name in found]


def _indices(group: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    found = {}
    for key, value in group.items():
        places = value if isinstance(value, list) else [value]
        if key.endswith("_indices") and all(type(place) is int for place in places):
            found[key.removesuffix("_indices")] = tuple(places)
    return found


def _distinct(names: list[str | None], plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name for each dimension, none twice."""
    found: list[str] = []
    for name, number in zip(names, plain, strict=True):
        found.append(number if name is None or name in found else name)
    return tuple(found)


def _texts(value: Any) -> list[str]:
    told = value if isinstance(value, list) else [value]
    return [text for text in told if isinstance(text, str)]
