"""Plug-ins by entry point: a broken one is reported, never fatal."""

from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """The plug-ins of one group by name, and why the others are missing."""

    found: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def load(group: str) -> Plugins:
    """Return the plug-ins of a group such as ``panosc.formats``, in order of name."""
    plugins = Plugins()
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            plugins.found[point.name] = point.load()
        # whatever a stranger's module does while it is imported is its own failure
        except Exception as error:
            plugins.broken[point.name] = f"{type(error).__name__}: {error}"
    return plugins
