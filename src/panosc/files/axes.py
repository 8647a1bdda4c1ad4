"""Which fields of an NXdata group are the axes of its signal: three generations of rules.

The newest names them in ``axes`` of the group, with ``NAME_indices`` for their dimensions;
before that ``axes`` of the signal did, joined by colons or commas (canSAS: ``SIGNAL_axes``
of the group); before that each field had an ``axis`` number of its own.
"""

import math
import re

from h5py import h5d

from panosc.files.careful import Careful, Dataset, Group, extent_of
from panosc.files.nexus import is_plottable

Source = tuple[bytes, Dataset]


def axes_of(
    file: Careful, group: Group, signal: bytes, shape: tuple[int, ...]
) -> list[Source | None]:
    """Return the axis of each dimension of the signal; None where it has none that fits."""
    axes: list[Source | None] = [None] * len(shape)
    for dimension, name in _named(file, group, signal, shape):
        if dimension < len(shape) and axes[dimension] is None:
            axes[dimension] = _fitting(file, group, name, shape[dimension])
    return axes


def _named(
    file: Careful, group: Group, signal: bytes, shape: tuple[int, ...]
) -> list[tuple[int, bytes]]:
    words = file.attribute(group, b"axes")
    if words is None:
        node = file.member(group, signal)
        words = None if node is None else file.attribute(node, b"axes")
    if words is None:
        words = file.attribute(group, signal + b"_axes")
    if words is None:
        return _numbered(file, group, signal, shape)
    if isinstance(words, list):
        words = ":".join(str(word) for word in words)
    if not isinstance(words, str):
        return []
    words = [word for word in re.split(r"[:,;\s]+", words.strip("[] ")) if word]
    if words == ["Q", "Q"] and file.member(group, b"Q") is None:
        words = ["Qy", "Qx"]
    found = []
    for position, word in enumerate(words):
        if word == ".":
            continue
        name = str(word).encode()
        place = file.attribute(group, name + b"_indices")
        if isinstance(place, list):
            # a field of several dimensions is an axis of the one it is named for
            place = place[0] if len(place) == 1 else None
        found.append((place if isinstance(place, int) and place >= 0 else position, name))
    return found


def _numbered(
    file: Careful, group: Group, signal: bytes, shape: tuple[int, ...]
) -> list[tuple[int, bytes]]:
    found: dict[int, tuple[bytes, int]] = {}
    for name, link in file.members(group):
        node = file.member(group, name, link)
        if name == signal or not isinstance(node, h5d.DatasetID):
            continue
        word = file.attribute(node, b"axis")
        number = str(word).partition(",")[0]
        if not number.isdecimal() or not is_plottable(node):
            continue
        primary = str(file.attribute(node, b"primary")) == "1"
        extent = extent_of(node)
        if primary or int(number) not in found:
            found[int(number)] = (name, 0 if extent is None else math.prod(extent))
    # writers in C count from the slowest dimension, some in Fortran from the fastest
    straight = [(number - 1, name) for number, (name, _) in found.items() if number >= 1]
    lengths = {number - 1: length for number, (_, length) in found.items()}
    if all(_fits(lengths[i], shape[i]) for i, _ in straight if i < len(shape)):
        return straight
    return [(len(shape) - 1 - index, name) for index, name in straight if index < len(shape)]


def _fits(length: int, extent: int) -> bool:
    return length in {extent, extent + 1}


def _fitting(file: Careful, group: Group, name: bytes, extent: int) -> Source | None:
    node = file.at(group, name)
    if not isinstance(node, h5d.DatasetID) or not is_plottable(node):
        return None
    shape = extent_of(node) or ()
    return (name, node) if any(_fits(length, extent) for length in shape) else None
