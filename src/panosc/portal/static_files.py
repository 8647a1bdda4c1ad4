"""Style sheet, script, fonts and pictures, from memory, under an address that tells their content.

All files are read once; a name that is not among them does not exist, so no path leads
out of the folder. Among them are the bundles of islands, which ``islands/build.py`` makes: here,
and nowhere else, the manifest is read that names them. Where they were not built there are none,
and pages do without.
"""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import Response

from panosc.domain.errors import NotFound
from panosc.policy.declaring import add_get

_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_SQUEEZED = frozenset({".css", ".js", ".svg", ".txt"})
_WORTH_IT = 1024
BUILT = "dist"
"""Within the static files."""
LICENCES = f"{BUILT}/licences.txt"
_FOREVER = "public, max-age=31536000, immutable"


@cache
def files() -> dict[str, bytes]:
    """Return every static file by its path."""
    return dict(_below(resources.files("panosc.portal") / "static", ""))


@cache
def version() -> str:
    """Return a short hash over all static files: part of their address."""
    digest = hashlib.sha256()
    for name, content in sorted(files().items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


@cache
def squeezed(path: str) -> bytes | None:
    """Return a file as gzip, if it is text and long enough to be worth it."""
    content = files()[path]
    if len(content) < _WORTH_IT or "." + path.rpartition(".")[2] not in _SQUEEZED:
        return None
    return gzip.compress(content, 9, mtime=0)


def _below(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _below(entry, f"{prefix}{entry.name}/")
        elif any(entry.name.endswith(kind) for kind in _KINDS):
            found.append((prefix + entry.name, entry.read_bytes()))
    return found


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
    return read(resources.files("panosc.portal") / "static" / BUILT / "manifest.json")


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
    script, *preloads = (f"{BUILT}/{part['file']}" for part in parts)
    return Island(
        script=script,
        preloads=tuple(preloads),
        styles=tuple(f"{BUILT}/{style}" for style in styles),
    )


def _imported(entries: Mapping[str, Mapping[str, Any]], key: str, seen: set[str]) -> Iterator[str]:
    if key not in seen:
        seen.add(key)
        yield key
        for name in entries[key].get("imports", ()):
            yield from _imported(entries, name, seen)


def add_to(routes: APIRouter) -> None:
    """Serve the files under ``/static/<version>/<path>``."""

    def static(request: Request, given: str, path: str) -> Response:
        content = files().get(path)
        if content is None:
            raise NotFound("There is no such file.")
        kind = _KINDS["." + path.rpartition(".")[2]]
        caching = _FOREVER if given == version() else "no-cache"
        takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
        small = squeezed(path) if takes_gzip else None
        tag = f'"{version()}{"" if small is None else "-gzip"}"'
        headers = {"Cache-Control": caching, "ETag": tag, "Vary": "Accept-Encoding"}
        if small is not None:
            headers["Content-Encoding"], content = "gzip", small
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)

    add_get(
        routes,
        "/static/{given}/{path:path}",
        static,
        response_class=Response,
        summary="Style sheet, script, fonts and pictures of the pages",
        tags=["Pages"],
    )
