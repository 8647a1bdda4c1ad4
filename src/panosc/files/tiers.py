"""Where a file lies, and whether it may be opened there: the one way from a URL to its bytes.

A file lies on this machine, where it has a path, or below the prefix of a configured storage.
One that is nearline is on tape: to open it is to recall it, for minutes or hours, and perhaps
for thousands of files at once. So whoever wants to read a file that the catalogue knows asks
here, and gets no place of a file that is not online. To look at its size and time of change
recalls nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from panosc.catalogue.tables import file, location
from panosc.domain.errors import Unreadable
from panosc.files.storage import opening
from panosc.files.storage.local import LocalSource, state_of
from panosc.files.storage.places import Place, Store, is_local, local_path, place_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from h5py.h5f import FileID

MOST_NEIGHBOURS: Final = 20_000
"""Files of a dataset that may have a virtual one."""
ONLINE: Final = "online"
NEARLINE: Final = "nearline"
REMOVED: Final = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineFile:
    """A file that may be opened, as it was when it was registered; a worker may be sent it."""

    path: str
    """Empty for a file in a storage."""
    size: int
    mtime_ns: int
    place: Place | None = None
    """The storage's place of the file; None for a file of this machine."""
    name: str = ""
    """In its dataset, where that was asked for."""

    def state(self) -> str | None:
        """Return None when it is as it was, else ``gone`` or ``changed``.

        Raises
        ------
        Unreadable
            With the reason ``not-reachable``, when its storage cannot be asked.
        """
        if self.place is not None:
            return opening.state(self.place)
        return state_of(self.path, self.size, self.mtime_ns)

    def opened(self) -> "AbstractContextManager[FileID]":
        """Open it as HDF5, wherever it lies, for a block of code in a worker process.

        Raises
        ------
        Unreadable
        """
        # whoever serves people opens no HDF5
        from panosc.files.storage.fileobj import opened, opened_here  # noqa: PLC0415

        if self.place is not None:
            return opened(self.place)
        return opened_here(self.path, size=self.size, mtime_ns=self.mtime_ns)

    def source(self) -> opening.Source:
        """Open it, wherever it lies.

        Raises
        ------
        Unreadable
            With the reason ``gone``, ``changed`` or ``not-reachable``.
        """
        if self.place is not None:
            return opening.open_place(self.place)
        return LocalSource(self.path, size=self.size, mtime_ns=self.mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """The files of a dataset, among which the sources of a virtual one are looked for."""

    name: str
    """Of the file that they are the neighbours of."""
    files: Mapping[str, OnlineFile]
    """Those that may be opened, by name."""
    away: Mapping[str, str]
    """Why others may not be opened: a stable word."""
    content: str
    """What changes when one of them does."""


def online_file(
    url: str, tier: str, *, size: int, mtime_ns: int, stores: Iterable[Store] = ()
) -> OnlineFile:
    """Return a file that may be opened: of this machine, or of one of `stores`.

    Raises
    ------
    Unreadable
        As `require_online` does; for a file in no known storage with the reason ``not-here``.
    """
    if is_local(url):
        return OnlineFile(path=require_online(url, tier), size=size, mtime_ns=mtime_ns)
    _require_tier(tier)
    if not any(store.rest(url) is not None for store in stores):
        raise Unreadable("The file is not on this machine.", reason="not-here")
    place = place_of(url, stores, size=size, mtime_ns=mtime_ns)
    if place.store is not None and place.store.kind == "file":
        return OnlineFile(path=local_path(url), size=size, mtime_ns=mtime_ns)
    return OnlineFile(path="", size=size, mtime_ns=mtime_ns, place=place)


def require_online(url: str, tier: str) -> str:
    """Return the path of a file that may be opened.

    Raises
    ------
    Unreadable
        With the reason ``nearline`` when it is on tape, ``gone`` when it has been removed,
        ``not-here`` when it is no file of this machine.
    """
    _require_tier(tier)
    return local_path(url)


def _require_tier(tier: str) -> None:
    if tier == NEARLINE:
        raise Unreadable(
            "The file is on tape, and is not read from there.",
            reason="nearline",
            hint="Ask for it on the page of its dataset: “On tape”.",
        )
    if tier != ONLINE:
        raise Unreadable("The file has been removed from where it was.", reason="gone")


def online_files(
    connection: sa.Connection,
    dataset_id: int,
    *,
    name: str | None = None,
    stores: Iterable[Store] = (),
) -> list[OnlineFile]:
    """Return the files of a dataset that may be opened, by URL; at least one.

    Those of this machine come before those in one of `stores`.

    With `name`, the places of the file of that name alone.

    Raises
    ------
    Unreadable
        When there is none: with the reason of the last one, ``nearline`` before others.
    """
    query = (
        sa.select(location.c.name, location.c.url, location.c.tier)
        .add_columns(location.c.size, location.c.mtime_ns)
        .where(location.c.dataset_id == dataset_id)
        .order_by(location.c.url)
    )
    if name is not None:
        query = query.where(location.c.name == name)
    here: list[OnlineFile] = []
    there: list[OnlineFile] = []
    refused = Unreadable("The file is not where it was registered.", reason="gone")
    for row in connection.execute(query):
        try:
            found = online_file(
                row.url, row.tier, size=row.size, mtime_ns=row.mtime_ns, stores=stores
            )
        except Unreadable as error:
            if refused.reason != NEARLINE:
                refused = error
        else:
            (here if found.place is None else there).append(replace(found, name=row.name))
    if not here and not there:
        raise refused
    return here + there


def neighbours_of(
    connection: sa.Connection, dataset_id: int, name: str, *, stores: Iterable[Store] = ()
) -> Neighbours:
    """Return the files of a dataset by name, those of this machine before those in `stores`.

    Files that hold other datasets, too, are left out.

    Raises
    ------
    Unreadable
        When they are too many.
    """
    of_file = sa.and_(file.c.dataset_id == location.c.dataset_id, file.c.name == location.c.name)
    places = location.c
    query = (
        sa.select(places.name, places.url, places.tier, places.size, places.mtime_ns)
        .add_columns(file.c.sha256)
        .select_from(location.outerjoin(file, of_file))
        .where(location.c.dataset_id == dataset_id, location.c.part == "")
        .order_by(location.c.name, location.c.url)
        .limit(MOST_NEIGHBOURS + 1)
    )
    rows = connection.execute(query).all()
    if len(rows) > MOST_NEIGHBOURS:
        raise Unreadable(
            f"its dataset has more than {MOST_NEIGHBOURS} files to look for sources in",
            reason="too-large",
        )
    files: dict[str, OnlineFile] = {}
    away: dict[str, str] = {}
    for row in rows:
        try:
            found = online_file(
                row.url, row.tier, size=row.size, mtime_ns=row.mtime_ns, stores=stores
            )
        except Unreadable as error:
            away[row.name] = error.reason
            continue
        if row.name not in files or found.place is None:
            files[row.name] = found
    told = sorted({(row.name, row.sha256 or f"{row.size} {row.mtime_ns}") for row in rows})
    content = blake2b(repr(told).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
    return Neighbours(name=name, files=files, away=away, content=content)
