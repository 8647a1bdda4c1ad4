"""How FAIR datasets are, as rows: for the list of what stewards can mend. Not for anyone else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert

from panosc.catalogue.publishing.tables import fair
from panosc.catalogue.tables import dataset

BINS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One dataset of the list."""

    key: int
    pid: str
    title: str | None
    score: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How FAIR a node is."""

    total: int
    """Datasets that were looked at."""
    median: int | None
    """Of their scores, in percent."""
    bins: tuple[int, ...]
    """How many have 0 to 9 %, 10 to 19 %, …; 100 % is in the last one."""
    missing: dict[str, int]
    """How many fail a check, by its name."""


def write(
    connection: sa.Connection,
    scores: Sequence[tuple[int, int, Sequence[str]]],
    gone: Sequence[int],
) -> None:
    """Keep (key, score, missing) of datasets, and forget those that are `gone`."""
    if gone:
        keys = sa.literal(list(gone), ARRAY(sa.BigInteger))
        connection.execute(sa.delete(fair).where(fair.c.dataset_id == sa.any_(keys)))
    if not scores:
        return
    rows = [
        {"dataset_id": key, "score": score, "missing": list(missing)}
        for key, score, missing in scores
    ]
    given = insert(fair)
    connection.execute(
        given.on_conflict_do_update(
            index_elements=[fair.c.dataset_id],
            set_={"score": given.excluded.score, "missing": given.excluded.missing},
        ),
        rows,
    )


def pids(connection: sa.Connection, keys: Sequence[int]) -> dict[int, str]:
    """Return the PIDs of those datasets that are there; locked, for what is written of them."""
    chosen = dataset.c.id == sa.any_(sa.literal(list(keys), ARRAY(sa.BigInteger)))
    rows = connection.execute(
        sa.select(dataset.c.id, dataset.c.pid)
        .where(chosen)
        .order_by(dataset.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.pid for row in rows}


def after(connection: sa.Connection, key: int, limit: int) -> list[int]:
    """Return the keys of the next datasets that nothing is kept of."""
    kept = sa.select(fair.c.dataset_id).where(fair.c.dataset_id == dataset.c.id)
    query = (
        sa.select(dataset.c.id)
        .where(dataset.c.id > key, dataset.c.mark == "normal", ~kept.exists())
        .order_by(dataset.c.id)
        .limit(limit)
    )
    return list(connection.scalars(query))


def standing(connection: sa.Connection) -> Standing:
    """Return how FAIR all datasets are together."""
    place = sa.func.least(fair.c.score.op("/")(BINS), BINS - 1).label("place")
    bins = [0] * BINS
    scores: list[tuple[int, int]] = []
    counted = sa.select(fair.c.score, place, sa.func.count().label("number")).group_by("score")
    for row in connection.execute(counted.order_by("score")):
        bins[row.place] += row.number
        scores.append((row.score, row.number))
    name = sa.func.unnest(fair.c.missing).label("name")
    failing = sa.select(name, sa.func.count().label("number")).group_by(name)
    total = sum(bins)
    return Standing(
        total=total,
        median=_median(scores, total),
        bins=tuple(bins),
        missing={row.name: row.number for row in connection.execute(failing)},
    )


def worst(
    connection: sa.Connection,
    missing: str | None,
    *,
    beyond: tuple[int, int] | None,
    limit: int,
) -> list[Scored]:
    """Return the datasets with the lowest scores, those that fail a check if one is named.

    `beyond` is the (score, key) after which to go on.
    """
    query: Any = sa.select(
        fair.c.dataset_id, fair.c.score, fair.c.missing, dataset.c.pid, dataset.c.title
    ).join(dataset, dataset.c.id == fair.c.dataset_id)
    if missing is not None:
        query = query.where(fair.c.missing.contains([missing]))
    if beyond is not None:
        place = sa.tuple_(fair.c.score, fair.c.dataset_id)
        query = query.where(place > sa.tuple_(*(sa.literal(part) for part in beyond)))
    rows = connection.execute(query.order_by(fair.c.score, fair.c.dataset_id).limit(limit))
    return [
        Scored(
            key=row.dataset_id,
            pid=row.pid,
            title=row.title,
            score=row.score,
            missing=tuple(row.missing),
        )
        for row in rows
    ]


def _median(scores: Sequence[tuple[int, int]], total: int) -> int | None:
    passed = 0
    for score, count in scores:
        passed += count
        if passed * 2 >= total:
            return score
    return None
