"""Signs of life of watchers: a row each, a file for whoever has no database, and who is late."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from panosc.catalogue.intake import arrival, watcher
from panosc.ingest.report import printable
from panosc.ingest.watching.folders import RootState

LATE = timedelta(seconds=90)
"""Longer than reading the worst of files may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a watcher says of itself."""

    state: str
    """``watching``, ``waiting`` for the database, or ``stopped``."""
    every_s: float
    ticks: int
    files: int
    """Files below all roots."""
    taken: int
    """Files handed over since it began."""
    registered: int
    """Datasets that came of them: new ones and new versions."""
    quarantined: int
    waiting: int
    """Places that wait for more files."""
    oldest_waiting_s: float
    backlog: int
    lag_s: float
    """How long the file has been known that has waited to be taken the longest."""
    roots: tuple[RootState, ...] = ()
    troubles: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        plain = asdict(self)
        extra = plain.pop("extra")
        for root in plain["roots"]:
            root["path"] = printable(root["path"])
            root["troubles"] = {
                printable(path): printable(why) for path, why in root["troubles"].items()
            }
        plain["troubles"] = [printable(text) for text in self.troubles]
        return {**_camel(plain), **extra}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A watcher as the database knows it."""

    name: str
    started: datetime
    beat: datetime
    content: Mapping[str, Any]
    is_late: bool
    age_s: float


def write(
    connection: sa.Connection, name: str, beat: Beat, *, started: datetime, now: datetime
) -> None:
    """Write a sign of life, by the connection that holds the locks of the roots."""
    row = {"name": name, "content": beat.content(), "started": started, "beat": now}
    statement = insert(watcher).values(row)
    update = {key: statement.excluded[key] for key in ("content", "started", "beat")}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=update))


def write_file(path: Path, beat: Beat, *, started: datetime, now: datetime) -> None:
    """Write it into a file that is whole at every moment."""
    content = {"beat": now.isoformat(), "started": started.isoformat(), **beat.content()}
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    draft.chmod(0o644)
    draft.replace(path)


def seen(connection: sa.Connection, *, now: datetime) -> list[Seen]:
    """Return all watchers that were ever heard of, by name."""
    rows = connection.execute(sa.select(watcher).order_by(watcher.c.name)).all()
    found = []
    for row in rows:
        age = max(timedelta(0), now - row.beat)
        patience = max(LATE, 10 * timedelta(seconds=float(row.content.get("everyS", 2))))
        found.append(
            Seen(
                name=row.name,
                started=row.started,
                beat=row.beat,
                content=row.content,
                is_late=row.content.get("state") != "stopped" and age > patience,
                age_s=age.total_seconds(),
            )
        )
    return found


def oldest_waiting(connection: sa.Connection, profile: str) -> datetime | None:
    """Return since when the file has been known that has waited longest for its dataset."""
    query = sa.select(sa.func.min(arrival.c.seen)).where(
        arrival.c.profile == profile, arrival.c.registered.is_(sa.false())
    )
    found: datetime | None = connection.scalar(query)
    return found


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        # paths are keys, too: only names of ours have an underscore to be written otherwise
        return {_name(key): _camel(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_camel(item) for item in value]
    return value


def _name(key: str) -> str:
    if "/" in key:
        return key
    head, *rest = key.split("_")
    return head + "".join(word.capitalize() for word in rest)
