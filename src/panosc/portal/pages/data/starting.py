"""Where a look into a file begins when nobody says where: at something that can be drawn.

The default plot as it was found when the file was registered, else the plot nearest to the root,
else the largest array. Only so many groups are looked at. Groups that say they are plots and are
not, as of a signal that is a single number, are passed over: the viewer would only complain.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, Final

from panosc.domain.errors import NotFound
from panosc.portal.pages.data import entities
from panosc.portal.pages.data.contents import Contents

MOST_GROUPS: Final = 40
LARGEST: Final = 64 * 1024 * 1024
"""Items of an array that is chosen for being the largest."""
_ROOT: Final = "/"
Item = Mapping[str, Any]


def start(look: Contents, plot: str | None) -> str:
    """Return the path to begin with; `plot` is the signal of the default plot, if there is one."""
    if plot is not None:
        group = plot.rpartition("/")[0] or _ROOT
        try:
            if _is_plot(look, group):
                return group
            look.meta(plot)
        except NotFound:
            pass
        else:
            return plot
    best, items = _ROOT, 0
    for path, child in _things(look):
        if child.get("kind") == "group":
            if _is_data(child) and _is_plot(look, path):
                return path
        elif items < (count := _items(child)) <= LARGEST:
            best, items = path, count
    return best


def _things(look: Contents) -> Iterator[tuple[str, Item]]:
    """Yield groups and datasets, those nearer to the root first."""
    waiting = deque([_ROOT])
    for _ in range(MOST_GROUPS):
        if not waiting:
            return
        group = waiting.popleft()
        try:
            children = look.meta(group).get("children", ())[: entities.MOST_MEMBERS]
        except NotFound:
            continue
        for child in children:
            path = f"{group.rstrip('/')}/{child['name']}"
            yield path, child
            if child.get("kind") == "group":
                waiting.append(path)


def _is_data(child: Item) -> bool:
    return any(told.get("name") == "NX_class" for told in child.get("attributes", ()))


def _items(child: Item) -> int:
    """Return how much a dataset has to show; of a single value or of texts next to nothing."""
    shape = child.get("shape")
    if child.get("kind") != "dataset" or shape is None:
        return 0
    return prod(shape) + 1 if _is_array(child) else 1


def _is_array(child: Item) -> bool:
    shape = child.get("shape")
    return (
        child.get("kind") == "dataset"
        and entities.is_numeric(child.get("type"))
        and isinstance(shape, list)
        and prod(shape) * len(shape) > 0
    )


def _is_plot(look: Contents, path: str) -> bool:
    """Whether a group is an NXdata with an array, the axes that it names, and one title at most."""
    meta, values = look.meta(path), look.attributes(path)
    signal = entities.signal(meta, values)
    arrays = {child["name"]: child for child in meta.get("children", ()) if _is_array(child)}
    titles = [child for child in meta.get("children", ()) if child["name"] == "title"]
    if signal is None or signal not in arrays:
        return False
    if any(child.get("shape") != [] for child in titles):
        return False
    axes = values.get("axes")
    if axes is None:
        # as files named them before the attributes of groups
        old = look.attributes(f"{path.rstrip('/')}/{signal}").get("axes")
        axes = re.split("[:,]", old) if isinstance(old, str) else []
    # it is a stranger who wrote them
    named = axes if isinstance(axes, list) else [axes]
    return all(isinstance(axis, str) and (axis == "." or axis in arrays) for axis in named)
