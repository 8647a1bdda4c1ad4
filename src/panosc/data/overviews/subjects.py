"""What overviews are made of: which field of which file, and where the file lies.

Two registrations of the same content are told by checksums, or by size and time of change where
there are none. One statement for any number of datasets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from panosc.catalogue.tables import dataset, file, location
from panosc.domain.errors import Unreadable
from panosc.files.storage.places import Store
from panosc.files.tiers import NEARLINE, OnlineFile, online_file

PLACES: Final = 50
"""Places of one dataset that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file lies, as it was registered."""

    url: str
    name: str
    tier: str
    size: int
    mtime_ns: int
    sha256: str | None

    def online(self, stores: Sequence[Store] = ()) -> OnlineFile | None:
        """Return it as a file that may be opened, here or in a storage; None if it may not."""
        try:
            return online_file(
                self.url, self.tier, size=self.size, mtime_ns=self.mtime_ns, stores=stores
            )
        except Unreadable:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One dataset, with the places of the file that its default plot is in."""

    id: int
    pid: str
    mark: str
    signal: str | None
    file: str | None
    places: tuple[Place, ...]
    is_public: bool = False
    """Whether anyone may see its detail; only told where it was asked."""

    @property
    def content(self) -> str | None:
        """What tells its content from others; None while no place is known."""
        if not self.places:
            return None
        told = {place.sha256 or f"{place.size} {place.mtime_ns}" for place in self.places}
        whole = orjson.dumps([self.signal, self.file, sorted(told)])
        return blake2b(whole, digest_size=16).hexdigest()

    def is_of(self, content: str | None) -> bool:
        """Whether something made of `content` shows what the dataset is now."""
        now = self.content
        return now is None or now == content

    def online(self, stores: Sequence[Store] = ()) -> list[tuple[Place, OnlineFile]]:
        """Return the places that may be opened, those of this machine before others."""
        found = [(place, place.online(stores)) for place in self.places]
        there = [(place, file) for place, file in found if file is not None]
        return sorted(there, key=lambda pair: pair[1].place is not None)

    def trouble(self, stores: Sequence[Store] = ()) -> str | None:
        """Return None when a file is as it was registered: else nearline, gone, or changed.

        A storage is not asked: no page waits for it.
        """
        found = "gone"
        for place in self.places:
            here = place.online(stores)
            if here is not None and here.place is not None:
                return None
            if here is None:
                found = NEARLINE if place.tier == NEARLINE else found
                continue
            state = here.state()
            if state is None:
                return None
            found = state if found == "gone" else found
        return found


def subjects(
    connection: sa.Connection,
    *conditions: ColumnElement[bool],
    public: ColumnElement[bool] | None = None,
    limit: int | None = None,
) -> list[Subject]:
    """Return the datasets that meet all conditions, by id; `public` tells which are for all."""
    columns = [dataset.c.id, dataset.c.pid, dataset.c.mark]
    columns += [dataset.c.default_plot, dataset.c.default_file]
    is_public = sa.false() if public is None else public
    query = (
        sa.select(*columns, _places().label("places"), is_public.label("is_public"))
        .where(*conditions)
        .order_by(dataset.c.id)
    )
    return [_subject(row) for row in connection.execute(query.limit(limit))]


def of_pids(pids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a dataset is one of these."""
    return dataset.c.pid == sa.any_(sa.literal(list(pids), sa.ARRAY(sa.Text)))


def _places() -> ColumnElement[Any]:
    of_file = sa.and_(file.c.dataset_id == location.c.dataset_id, file.c.name == location.c.name)
    row = sa.func.json_build_array(
        location.c.url,
        location.c.name,
        location.c.tier,
        location.c.size,
        location.c.mtime_ns,
        file.c.sha256,
    )
    is_named = sa.or_(dataset.c.default_file.is_(None), location.c.name == dataset.c.default_file)
    rows = (
        sa.select(row)
        .select_from(location.outerjoin(file, of_file))
        .where(location.c.dataset_id == dataset.c.id, is_named)
        .order_by(location.c.url)
        .limit(PLACES)
        .correlate(dataset)
    )
    return sa.func.array(rows.scalar_subquery(), type_=sa.ARRAY(sa.JSON))


def _subject(row: Any) -> Subject:
    names = ("url", "name", "tier", "size", "mtime_ns", "sha256")
    return Subject(
        id=row.id,
        pid=row.pid,
        mark=row.mark,
        signal=row.default_plot,
        file=row.default_file,
        places=tuple(Place(**dict(zip(names, place, strict=True))) for place in row.places),
        is_public=row.is_public,
    )
