"""The bundles of the islands, as Vite's manifest names them: the one place that reads it.

``islands/build.py`` makes them. Where that was not done there is none, and pages do without.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import orjson

FOLDER = "dist"
"""Within the static files."""
LICENCES = f"{FOLDER}/licences.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Island:
    """What a page loads for an island, as paths within the static files."""

    script: str
    preloads: tuple[str, ...]
    """Modules that the script imports."""
    styles: tuple[str, ...]


@cache
def bundled() -> Mapping[str, Island]:
    """Return every island that was built, by name."""
    return read(resources.files("panosc.portal") / "static" / FOLDER / "manifest.json")


def read(manifest: Traversable) -> Mapping[str, Island]:
    """Return the islands of a manifest; none when there is no manifest."""
    try:
        entries: dict[str, dict[str, Any]] = orjson.loads(manifest.read_bytes())
    except FileNotFoundError:
        return {}
    return {
        entry["name"]: _island(entries, key)
        for key, entry in entries.items()
        if entry.get("isEntry")
    }


def _island(entries: Mapping[str, Mapping[str, Any]], key: str) -> Island:
    parts = [entries[name] for name in dict.fromkeys(_imported(entries, key, set()))]
    styles = dict.fromkeys(style for part in parts for style in part.get("css", ()))
    script, *preloads = (f"{FOLDER}/{part['file']}" for part in parts)
    return Island(
        script=script,
        preloads=tuple(preloads),
        styles=tuple(f"{FOLDER}/{style}" for style in styles),
    )


def _imported(entries: Mapping[str, Mapping[str, Any]], key: str, seen: set[str]) -> Iterator[str]:
    if key not in seen:
        seen.add(key)
        yield key
        for name in entries[key].get("imports", ()):
            yield from _imported(entries, name, seen)
