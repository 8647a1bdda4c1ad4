"""Other ways to the same files that a facility runs: Globus, SFTP, WebDAV, S3, plain HTTPS.

For terabytes they are better than this node. A door is told by the settings: below which folder
its files lie, and how they are called there. Shown only to who may have the bytes; whether the
door opens for them, too, is its own affair.
"""

import itertools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode

from panosc.data.admitting import Located
from panosc.data.downloads.bagging import Item
from panosc.domain.errors import NotFound, Unreadable
from panosc.files.tiers import ONLINE, require_online
from panosc.settings import DataDoor

_GLOBUS: Final = "https://app.globus.org/file-manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A link to a file, or to the folder that it is in, through a door."""

    kind: str
    title: str
    address: str


def ways(doors: Sequence[DataDoor], located: Located) -> list[Way]:
    """Return the links to a file, through every door that it lies behind."""
    found = []
    for door in doors:
        there = _behind(door, located.url, located.tier)
        if there is not None:
            found.append(Way(kind=door.kind, title=door.title, address=_address(door, there)))
    return found


def folders(doors: Sequence[DataDoor], urls: tuple[str, str]) -> list[Way]:
    """Return the links to the folder that holds some files, through every door.

    `urls` are the first and the last of their URLs in order: all begin as these two do.
    """
    found = []
    for door in doors:
        places = [place for url in urls if (place := _behind(door, url)) is not None]
        if len(places) == len(urls):
            first, last = (place.rpartition("/")[0].split("/") for place in places)
            same = itertools.takewhile(
                lambda pair: pair[0] == pair[1], zip(first, last, strict=False)
            )
            address = _address(door, "/".join(part for part, _ in same) + "/")
            found.append(Way(kind=door.kind, title=door.title, address=address))
    return found


def transfers(doors: Sequence[DataDoor], items: Sequence[Item]) -> str:
    """Return the lines of ``globus transfer --batch`` for files.

    Raises
    ------
    NotFound
        If they lie behind no door to Globus.
    """
    for door in doors:
        if door.kind != "globus":
            continue
        places = [(item, _behind(door, item.located.url, item.located.tier)) for item in items]
        lines = [
            f"{shlex.quote(there)} {shlex.quote(item.name)}\n" for item, there in places if there
        ]
        if lines:
            left = len(items) - len(lines)
            missing = f"# {left} file(s) are not in this collection\n" if left else ""
            return (
                f"# globus transfer --batch THIS_FILE {shlex.quote(door.address + ':/')} "
                f"YOUR_COLLECTION:/FOLDER/\n{missing}{''.join(lines)}"
            )
    raise NotFound(
        "These files are in no Globus collection that this node knows of.",
        hint="Take another list: as=curl or as=aria2.",
    )


def _behind(door: DataDoor, url: str, tier: str = ONLINE) -> str | None:
    """Return the path of a file behind a door; None where it is not there."""
    try:
        path = require_online(url, tier)
    except Unreadable:
        return None
    root = str(door.root).rstrip("/") + "/"
    has_dots = any(part in {"", ".", ".."} for part in path.split("/")[1:])
    if not path.startswith(root) or has_dots or not _is_text(path):
        return None
    return door.path.rstrip("/") + "/" + path[len(root) :]


def _is_text(path: str) -> bool:
    return path.isprintable() and path.encode(errors="replace").decode() == path


def _address(door: DataDoor, there: str) -> str:
    if door.kind == "globus":
        place = {"origin_id": door.address, "origin_path": there.rpartition("/")[0] + "/"}
        return f"{_GLOBUS}?{urlencode(place)}"
    return door.address.rstrip("/") + quote(there)
