"""How the index stands: what its writer tells to others, and what can be read off the folder."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
import tantivy

from panosc.catalogue import changes, tables
from panosc.search.index import schema
from panosc.search.index.folder import Folder

TOLD_BYTES = 4096
LONGEST_ERROR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the writer of an index says of itself."""

    state: str = "none"
    """``building``, ``following``, ``failing``; ``stopped`` or ``none`` when nobody writes."""
    done: int = 0
    total: int = 0
    """Records, while it is building."""
    error: str | None = None
    """What keeps it from going on."""
    since: str | None = None
    """When that began."""
    asked: str | None = None
    """The request for a rebuild that it works on, or has answered."""
    answer: str | None = None
    """``done``, or why the rebuild failed."""


class Telling:
    """The file ``HOME/index/told``, in which the writer speaks to other processes.

    It is made at once, and then written in place: that needs no space on a full disk.
    """

    def __init__(self, folder: Folder) -> None:
        self.path = folder.path / "told"

    def write(self, told: Told) -> None:
        """Say something; what cannot be said is lost."""
        values = asdict(told)
        if told.error is not None:
            values["error"] = told.error[:LONGEST_ERROR]
        if told.answer is not None:
            values["answer"] = told.answer[:LONGEST_ERROR]
        content = orjson.dumps(values)[:TOLD_BYTES].ljust(TOLD_BYTES)
        with suppress(OSError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(descriptor, content, 0)
            finally:
                os.close(descriptor)

    def read(self) -> Told:
        """Return what was said last."""
        for _ in range(3):
            with suppress(OSError, ValueError, TypeError):
                return Told(**orjson.loads(self.path.read_bytes()))
        return Told()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the index stands at a moment."""

    usable: bool
    generation: str | None
    schema_version: int | None
    needed_version: int
    documents: Mapping[str, int]
    """How many records of each class it finds."""
    position: int | None
    newest: int
    """The last change of the catalogue."""
    behind: int
    """How many changes are still to be taken up."""
    behind_s: float
    """How long the oldest of them has waited."""
    size_bytes: int
    written: str | None
    state: str
    done: int
    total: int
    error: str | None
    error_since: str | None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def standing(folder: Folder, engine: sa.Engine, now: datetime) -> Standing:
    """Return how the index of a home stands; asks the database for the end of the feed."""
    told = Telling(folder).read()
    is_written = False
    with suppress(OSError), folder.writing() as lock:
        is_written = lock is None
    state = told.state if is_written or told.state == "none" else "stopped"
    generation = folder.current()
    mark = None if generation is None else folder.mark(generation)
    snapshot = folder.reader()
    with engine.connect() as connection:
        newest = changes.last(connection)
        behind, oldest = _behind(connection, None if snapshot is None else snapshot.position)
    return Standing(
        usable=snapshot is not None,
        generation=generation,
        schema_version=None if mark is None else mark.schema,
        needed_version=schema.VERSION,
        documents={} if snapshot is None else _counts(snapshot.searcher),
        position=None if mark is None else mark.position,
        newest=newest,
        behind=behind,
        behind_s=0.0 if oldest is None else max(0.0, (now - oldest).total_seconds()),
        size_bytes=0 if generation is None else folder.size(generation),
        written=None if mark is None else mark.moment,
        state=state,
        done=told.done,
        total=told.total,
        error=told.error,
        error_since=told.since,
    )


def _behind(connection: sa.Connection, position: int | None) -> tuple[int, datetime | None]:
    feed = tables.changes.c
    query = sa.select(sa.func.count(), sa.func.min(feed.at)).where(feed.number > (position or 0))
    count, oldest = connection.execute(query).one()
    return int(count), oldest


def _counts(searcher: tantivy.Searcher) -> dict[str, int]:
    fields = schema.build()
    found: dict[str, int] = {}
    for model in schema.MODELS:
        result: Any = searcher.search(tantivy.Query.term_query(fields, "model", model), 1)
        found[model] = result.count
    return found
