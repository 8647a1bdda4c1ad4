"""How restoring stands as a whole, for whoever looks after the node."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.tape.tables import recall, tape_mount


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume that is wanted or mounted."""

    volume: str
    state: str
    """``queued``, ``live``, or ``dropping`` for one that is to be given up."""
    files: int
    size: int
    since: datetime
    sent: int
    """How often the tape system was told."""
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything that is wanted."""

    files: dict[str, int]
    """State of recalls → how many."""
    volumes: tuple[Volume, ...]
    troubles: tuple[str, ...]
    """What was said last of files that did not come."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return asdict(self)


def whole(connection: sa.Connection, *, most: int = 20) -> Whole:
    """Return how restoring stands now."""
    counted = sa.select(recall.c.state, sa.func.count().label("number")).group_by(recall.c.state)
    files = {row.state: row.number for row in connection.execute(counted.order_by(recall.c.state))}
    live = recall.c.state == "staging"
    mounts = connection.execute(
        sa.select(
            tape_mount.c.volume,
            tape_mount.c.state,
            tape_mount.c.started,
            tape_mount.c.sent,
            tape_mount.c.message,
            sa.func.count(recall.c.id).label("files"),
            sa.func.coalesce(sa.func.sum(recall.c.size), 0).label("size"),
        )
        .outerjoin(recall, sa.and_(recall.c.mount_id == tape_mount.c.id, live))
        .where(tape_mount.c.state.in_(["live", "dropping"]))
        .group_by(tape_mount.c.id)
        .order_by(tape_mount.c.id)
    ).all()
    waiting = connection.execute(
        sa.select(
            recall.c.volume,
            sa.func.min(recall.c.asked).label("started"),
            sa.func.count().label("files"),
            sa.func.sum(recall.c.size).label("size"),
        )
        .where(recall.c.state == "queued")
        .group_by(recall.c.volume)
        .order_by(sa.func.min(recall.c.asked), recall.c.volume)
    ).all()
    said = (
        sa.select(recall.c.message)
        .where(recall.c.message.is_not(None), recall.c.state != "released")
        .order_by(recall.c.changed.desc())
        .limit(most)
    )
    volumes = [
        *(_volume(row, row.state, row.sent, row.message) for row in mounts),
        *(_volume(row, "queued", 0, None) for row in waiting),
    ]
    troubles = tuple(dict.fromkeys(connection.scalars(said)))
    return Whole(files=files, volumes=tuple(volumes), troubles=troubles)


def _volume(row: Any, state: str, sent: int, message: str | None) -> Volume:
    return Volume(
        volume=row.volume,
        state=state,
        files=row.files,
        size=int(row.size),
        since=row.started,
        sent=sent,
        message=message,
    )
