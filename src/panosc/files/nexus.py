"""The structure that NeXus gives to HDF5: classes of groups, and where the default plot is.

Three generations of rules for the default plot are known, and all are in use: the chain of
``default`` attributes (2014), ``signal`` on NXdata (2009), ``signal=1`` on a field (before).
Reading the plot's numbers is `files.plots`.
"""

import math
from collections.abc import Iterator
from typing import Final

from h5py import h5d, h5g, h5t

from panosc.files.careful import Careful, Dataset, Group, extent_of
from panosc.files.opening import FAILURES

_CANSAS: Final = {
    "SASentry": "NXentry",
    "SASdata": "NXdata",
    "SAStransmission_spectrum": "NXdata",
    "SASinstrument": "NXinstrument",
    "SASsample": "NXsample",
    "SASsource": "NXsource",
    "SASdetector": "NXdetector",
    "SAScollimation": "NXcollimator",
    "SASaperture": "NXaperture",
    "SASprocess": "NXprocess",
    "SASnote": "NXnote",
}
"""canSAS's own names of classes, in early files the only ones, and their like in NeXus."""
_CHAIN: Final = 8


def nexus_class(file: Careful, group: Group) -> str:
    """Return the NeXus class of a group; empty when it has none."""
    found = file.attribute(group, b"NX_class")
    if found is None:
        found = file.attribute(group, b"canSAS_class")
    return _CANSAS.get(found, found) if isinstance(found, str) else ""


def groups_of(file: Careful, group: Group, kind: str) -> Iterator[tuple[bytes, Group]]:
    """Yield the members of `group` that are of a NeXus class, in the file's order."""
    for name, link in file.members(group):
        if file.is_group(group, name, link):
            node = file.member(group, name, link)
            if isinstance(node, h5g.GroupID) and nexus_class(file, node) == kind:
                yield name, node


def default_signal(file: Careful) -> bytes | None:
    """Return the path of the field that a viewer shows first; None when none is told."""
    found = _along_defaults(file, file.root, b"")
    if found is not None:
        return found
    for name, entry in groups_of(file, file.root, "NXentry"):
        found = entry_signal(file, entry, b"/" + name)
        if found is not None:
            return found
    return _first_data(file, file.root, b"")


def entry_signal(file: Careful, entry: Group, path: bytes) -> bytes | None:
    """Return the path of the field that a viewer shows first of one entry."""
    return _along_defaults(file, entry, path) or _first_data(file, entry, path)


def _along_defaults(file: Careful, group: Group, path: bytes) -> bytes | None:
    for _ in range(_CHAIN):
        if nexus_class(file, group) == "NXdata":
            break
        word = file.attribute(group, b"default")
        if not isinstance(word, str) or not word:
            return None
        node = file.at(group, word.encode())
        if isinstance(node, h5d.DatasetID) and is_plottable(node):
            return _join(path, word.encode())
        if not isinstance(node, h5g.GroupID):
            return None
        path, group = _join(path, word.encode()), node
    signal = signal_of(file, group)
    if signal is not None:
        return _join(path, signal)
    return _first_data(file, group, path)


def _join(path: bytes, name: bytes) -> bytes:
    return name if name.startswith(b"/") else path + b"/" + name.strip(b"/")


def _first_data(file: Careful, group: Group, path: bytes) -> bytes | None:
    for name, data in groups_of(file, group, "NXdata"):
        signal = signal_of(file, data)
        if signal is not None:
            return b"/".join((path, name, signal))
    return None


def signal_of(file: Careful, data: Group) -> bytes | None:
    """Return the name of the signal of an NXdata group; None when it has no usable one."""
    word = file.attribute(data, b"signal")
    if isinstance(word, list) and word:
        word = word[0]
    if isinstance(word, str) and word:
        node = file.at(data, word.encode())
        return word.encode() if isinstance(node, h5d.DatasetID) and is_plottable(node) else None
    intensity = file.member(data, b"I")
    if (
        isinstance(intensity, h5d.DatasetID)
        and file.attribute(data, b"I_axes") is not None
        and is_plottable(intensity)
    ):
        return b"I"
    for name, link in file.members(data):
        node = file.member(data, name, link)
        if (
            isinstance(node, h5d.DatasetID)
            and str(file.attribute(node, b"signal")) == "1"
            and is_plottable(node)
        ):
            return name
    return None


def is_plottable(dataset: Dataset) -> bool:
    """Whether the dataset holds real numbers."""
    try:
        numeric = dataset.get_type().get_class() in {h5t.INTEGER, h5t.FLOAT}
        extent = extent_of(dataset) if numeric else (0,)
        return extent is None or math.prod(extent) > 0
    except FAILURES:
        return False
