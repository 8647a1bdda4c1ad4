"""The runs against other catalogues, and how far they are: written down as they go."""

from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from panosc.catalogue.federating.tables import harvest

Kind = Literal["changes", "sweep", "remap"]
State = Literal["done", "failed", "stopped"]
_c = harvest.c
_LONGEST = 2000


def begin(connection: sa.Connection, name: str, kind: Kind, *, by: str, now: datetime) -> int:
    """Write down that a run begins; one that was killed before is marked stopped."""
    connection.execute(
        sa.update(harvest)
        .where(_c.connector == name, _c.state == "running")
        .values(state="stopped", ended=_c.beat, message="It was killed.")
    )
    values = {"connector": name, "kind": kind, "by": by, "started": now, "beat": now}
    number = connection.scalar(sa.insert(harvest).values(values).returning(_c.id))
    return int(number or 0)


def beat(connection: sa.Connection, number: int, counts: Any, *, now: datetime) -> None:
    """Write down how far a run is."""
    connection.execute(
        sa.update(harvest).where(_c.id == number).values(beat=now, counts=_plain(counts))
    )


def end(
    connection: sa.Connection,
    number: int,
    state: State,
    *,
    counts: Any,
    message: str | None,
    now: datetime,
) -> None:
    """Write down how a run ended."""
    connection.execute(
        sa.update(harvest)
        .where(_c.id == number)
        .values(
            state=state,
            ended=now,
            beat=now,
            counts=_plain(counts),
            message=None if message is None else message[:_LONGEST],
        )
    )


def failures(connection: sa.Connection, name: str) -> int:
    """Return how many runs have failed since the last that did not."""
    last = sa.select(sa.func.max(_c.id)).where(_c.connector == name, _c.state == "done")
    count = sa.select(sa.func.count()).where(
        _c.connector == name,
        _c.state == "failed",
        _c.id > sa.func.coalesce(last.scalar_subquery(), 0),
    )
    return int(connection.scalar(count) or 0)


def _plain(counts: Any) -> dict[str, int]:
    return asdict(counts) if is_dataclass(counts) and not isinstance(counts, type) else dict(counts)
