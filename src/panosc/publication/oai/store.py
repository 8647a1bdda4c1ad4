"""Reading what harvesters may know of: pages by key, so that the last costs what the first does.

Two orders. A whole harvest follows `born`, which never changes: each record comes exactly once,
whatever happens to it meanwhile. One of a period follows the datestamps: each record stands in
exactly one of three ranges - last changed, became known, or opened within it. Writing is `keeping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.publishing.tables import oai_record as kept
from panosc.catalogue.tables import dataset, dataset_technique, document, instrument, technique
from panosc.domain.access import ANYONE
from panosc.domain.pid import surrogate
from panosc.policy.sql import visible
from panosc.publication.oai import names
from panosc.publication.oai.tokens import Span
from panosc.publication.reading.describing import plain

LOCK = 0x6F61692D706D68
"""Key of the advisory lock that whoever stamps records holds, from the stamp to the commit."""
Key = tuple[datetime, int]
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A record as its header tells it."""

    key: Key
    """Its place in the order of the harvest."""
    model: str
    pid: str
    datestamp: datetime
    is_deleted: bool
    sets: tuple[str, ...]


def settle(connection: sa.Connection) -> None:
    """Wait until all that was stamped before now is there to be seen, until the commit."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK)))


def page(connection: sa.Connection, span: Span, after: Key | None, limit: int) -> list[Line]:
    """Return the next records of a harvest."""
    wanted = []
    for key, condition in _ranges(span):
        query = sa.select(*_columns(span.at, key)).where(condition)
        if after is not None:
            later = sa.tuple_(key, kept.c.id) > sa.tuple_(
                sa.literal(after[0], key.type), sa.literal(after[1], sa.BigInteger)
            )
            query = query.where(later)
        wanted.append(query.order_by(key, kept.c.id).limit(limit))
    if len(wanted) == 1:
        found = wanted[0]
    else:
        union = sa.union_all(*(query.subquery().select() for query in wanted)).subquery()
        found = sa.select(union).order_by(union.c.key, union.c.id).limit(limit)
    return [_line(row) for row in connection.execute(found)]


def count(connection: sa.Connection, span: Span) -> int:
    """Return how many records a harvest is about."""
    ranges = (
        sa.select(sa.func.count()).select_from(kept).where(condition).scalar_subquery()
        for _, condition in _ranges(span)
    )
    total: Any = sum(ranges)
    return int(connection.execute(sa.select(total)).scalar_one())


def one(connection: sa.Connection, model: str, pid: str, *, at: datetime) -> Line | None:
    """Return one record; None if harvesters never could know of it."""
    query = sa.select(*_columns(at, kept.c.stamp)).where(
        kept.c.id == surrogate(model, pid),
        kept.c.model == model,
        kept.c.pid == pid,
        _is_member(at),
    )
    row = connection.execute(query).first()
    return None if row is None else _line(row)


def by_key(connection: sa.Connection, key: Key, *, at: datetime) -> Line | None:
    """Return a record that was given before, as it is now, at the place where it was."""
    first = sa.literal(key[0], kept.c.stamp.type)
    row = connection.execute(sa.select(*_columns(at, first)).where(kept.c.id == key[1])).first()
    return None if row is None else _line(row)


def known(connection: sa.Connection, lines: Sequence[Line], *, now: datetime) -> set[int]:
    """Return the keys of those that anyone may know of by what the catalogue says now."""
    found: set[int] = set()
    for model, table in (("Dataset", dataset), ("Document", document)):
        keys = [line.key[1] for line in lines if line.model == model and not line.is_deleted]
        if keys:
            given = sa.any_(sa.literal(keys, ARRAY(sa.BigInteger)))
            core = visible(table, ANYONE, "core", now=now)
            found |= set(connection.scalars(sa.select(table.c.id).where(table.c.id == given, core)))
    return found


def earliest(connection: sa.Connection) -> datetime | None:
    """Return a time before which no record has its datestamp; None where there is none."""
    found: datetime | None = connection.execute(sa.select(sa.func.min(kept.c.born))).scalar()
    return found


def sets(
    connection: sa.Connection, lineage: names.Lineage, facility: str, *, now: datetime
) -> dict[str, str]:
    """Return the sets that records are in: names by spec."""
    found = {names.ALL_DATA: "Research data", names.facility_set(facility): facility}
    for (name,) in connection.execute(sa.select(instrument.c.facility).distinct()):
        if plain(name):
            found.setdefault(names.facility_set(name), plain(name))
    listed = (
        sa.select(dataset_technique.c.dataset_id)
        .join(dataset, dataset.c.id == dataset_technique.c.dataset_id)
        .where(
            dataset_technique.c.technique_id == technique.c.id,
            visible(dataset, ANYONE, "list", now=now),
        )
    )
    rows = sa.select(technique.c.pid, technique.c.panet_id).where(listed.exists())
    labels = {id_: label for row in connection.execute(rows) for id_, label in lineage(*row)}
    found |= {names.technique_set(id_): labels[id_] for id_ in sorted(labels)}
    return found


def _columns(at: datetime, key: "sa.ColumnElement[Any]") -> list[Any]:
    # what has not opened yet is null, which `greatest` passes over
    passed = (sa.case((opening < at, opening)) for opening in (kept.c.listed_at, kept.c.opened_at))
    return [
        key.label("key"),
        kept.c.id,
        kept.c.model,
        kept.c.pid,
        kept.c.sets,
        sa.func.greatest(kept.c.stamp, *passed).label("datestamp"),
        (kept.c.listed_at >= at).label("is_deleted"),
    ]


def _line(row: Any) -> Line:
    return Line(
        key=(row.key, row.id),
        model=row.model,
        pid=row.pid,
        datestamp=row.datestamp,
        is_deleted=row.is_deleted,
        sets=tuple(row.sets),
    )


def _is_member(at: datetime) -> Condition:
    return sa.or_(kept.c.listed_at < at, kept.c.was_listed)


def _ranges(span: Span) -> list[tuple["sa.Column[Any]", Condition]]:
    """Return the ranges that make up a harvest: the column of each, and its condition."""
    columns, at = kept.c, span.at
    chosen: Condition = sa.true()
    if span.set is not None:
        chosen = columns.sets.contains(sa.literal([span.set], ARRAY(sa.Text)))
    if span.is_whole:
        return [(columns.born, sa.and_(columns.born < at, _is_member(at), chosen))]
    stamp, listed, opened = columns.stamp, columns.listed_at, columns.opened_at
    rules = {
        stamp: [
            sa.or_(listed <= stamp, listed >= at),
            sa.or_(opened <= stamp, opened >= at),
            _is_member(at),
        ],
        listed: [listed > stamp, sa.or_(opened <= listed, opened >= at)],
        opened: [opened > stamp, opened > listed],
    }
    found: list[tuple[sa.Column[Any], Condition]] = []
    for key, conditions in rules.items():
        if span.start is not None:
            conditions.append(key >= span.start)
        found.append((key, sa.and_(key < span.before, chosen, *conditions)))
    return found
