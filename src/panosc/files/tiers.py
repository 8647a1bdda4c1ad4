"""Where a file lies, and whether it may be opened there: the one way from a URL to a path.

A nearline file is on tape behind its path: to open it is to recall it, for minutes or hours,
and perhaps for thousands of files at once. So whoever wants to read a file that the catalogue
knows asks here, and gets no path of a file that is not online. To look at its size and time
of change recalls nothing.
"""

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

import sqlalchemy as sa

from panosc.catalogue.tables import location
from panosc.domain.errors import Unreadable
from panosc.domain.times import bounded_ns

ONLINE: Final = "online"
NEARLINE: Final = "nearline"
REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineFile:
    """A file that may be opened, as it was when it was registered."""

    path: str
    size: int
    mtime_ns: int

    def state(self) -> str | None:
        """Return None when it is as it was, else ``gone`` or ``changed``."""
        try:
            now = os.stat(self.path)  # noqa: PTH116 - of a path that may be no text
        except OSError:
            return "gone"
        same = (now.st_size, bounded_ns(now.st_mtime_ns)) == (self.size, self.mtime_ns)
        return None if same else "changed"


def require_online(url: str, tier: str) -> str:
    """Return the path of a file that may be opened.

    Raises
    ------
    Unreadable
        With the reason ``nearline`` when it is on tape, ``gone`` when it has been removed,
        ``not-here`` when it is no file of this machine.
    """
    if tier == NEARLINE:
        raise Unreadable(
            "The file is on tape, and is not read from there.",
            reason="nearline",
            hint="Ask the facility to bring it back to disk, then ingest it again.",
        )
    if tier != ONLINE:
        raise Unreadable("The file has been removed from where it was.", reason="gone")
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc:
        raise Unreadable("The file is not on this machine.", reason="not-here")
    return os.fsdecode(unquote_to_bytes(parts.path))


def online_files(
    connection: sa.Connection, dataset_id: int, *, name: str | None = None
) -> list[OnlineFile]:
    """Return the files of a dataset that may be opened, by URL; at least one.

    With `name`, the places of the file of that name alone.

    Raises
    ------
    Unreadable
        When there is none: with the reason of the last one, ``nearline`` before others.
    """
    query = (
        sa.select(location.c.url, location.c.tier, location.c.size, location.c.mtime_ns)
        .where(location.c.dataset_id == dataset_id)
        .order_by(location.c.url)
    )
    if name is not None:
        query = query.where(location.c.name == name)
    found: list[OnlineFile] = []
    refused = Unreadable("The file is not where it was registered.", reason="gone")
    for row in connection.execute(query):
        try:
            path = require_online(row.url, row.tier)
        except Unreadable as error:
            if refused.reason != NEARLINE:
                refused = error
        else:
            found.append(OnlineFile(path=path, size=row.size, mtime_ns=row.mtime_ns))
    if not found:
        raise refused
    return found
