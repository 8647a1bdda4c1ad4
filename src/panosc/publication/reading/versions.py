"""Versions of one dataset: which was the first, which is the newest, what stands for all.

A dataset says which one it is a new version of; so versions are a tree, nearly always a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.tables import dataset
from panosc.domain.access import Who
from panosc.policy.sql import visible

MOST: Final = 100
"""Versions that are looked at, and how long a line of them may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a dataset."""

    pid: str
    title: str | None
    doi: str | None
    """Only one that leads somewhere."""


def root(connection: sa.Connection, pid: str) -> str | None:
    """Return the PID of the first version; None for a dataset that has only one."""
    line = (
        sa.select(dataset.c.pid, dataset.c.new_version_of, sa.literal(0).label("depth"))
        .where(dataset.c.pid == pid)
        .cte("line", recursive=True)
    )
    before = (
        sa.select(dataset.c.pid, dataset.c.new_version_of, line.c.depth + 1)
        .join(line, dataset.c.pid == line.c.new_version_of)
        .where(line.c.depth < MOST)
    )
    line = line.union(before)
    first = connection.execute(
        sa.select(line.c.pid).order_by(line.c.depth.desc(), line.c.pid).limit(1)
    ).scalar()
    if first is None:
        return None
    if first == pid:
        has = sa.select(dataset.c.id).where(dataset.c.new_version_of == pid).exists()
        return first if connection.scalar(sa.select(has)) else None
    return str(first)


def public(connection: sa.Connection, who: Who, first: str, *, now: datetime) -> list[Version]:
    """Return the versions that come from a first one and that `who` may know of, newest first."""
    tree: Any = (
        sa.select(dataset.c.id, dataset.c.pid, sa.literal(0).label("depth"))
        .where(dataset.c.pid == first)
        .cte("tree", recursive=True)
    )
    after = (
        sa.select(dataset.c.id, dataset.c.pid, tree.c.depth + 1)
        .join(tree, dataset.c.new_version_of == tree.c.pid)
        .where(tree.c.depth < MOST)
    )
    tree = tree.union(after)
    depth = sa.select(tree.c.id, sa.func.max(tree.c.depth).label("depth")).group_by(tree.c.id)
    known = depth.subquery()
    leads = sa.and_(
        doi.c.model == "Dataset",
        doi.c.pid == dataset.c.pid,
        doi.c.kind == "version",
        doi.c.state.in_(["registered", "findable"]),
    )
    rows = connection.execute(
        sa.select(dataset.c.pid, dataset.c.title, doi.c.doi)
        .join(known, known.c.id == dataset.c.id)
        .outerjoin(doi, leads)
        .where(visible(dataset, who, "core", now=now))
        # what was withdrawn is not what anybody should be led to
        .order_by(
            dataset.c.mark != "normal",
            known.c.depth.desc(),
            dataset.c.created.desc(),
            dataset.c.pid,
        )
        .limit(MOST)
    )
    return [Version(pid=row.pid, title=row.title, doi=row.doi) for row in rows]


def newest(connection: sa.Connection, who: Who, concept: str, *, now: datetime) -> str | None:
    """Return the PID of the newest version that `who` may know of, by the DOI of all versions."""
    first = connection.execute(
        sa.select(doi.c.pid).where(
            doi.c.doi == concept, doi.c.kind == "concept", doi.c.model == "Dataset"
        )
    ).scalar()
    found = [] if first is None else public(connection, who, first, now=now)
    return found[0].pid if found else None


def concepts_of(connection: sa.Connection, pids: Sequence[str]) -> dict[str, str]:
    """Return the DOIs that stand for all versions of datasets, by PID, if they lead somewhere."""
    if not pids:
        return {}
    wanted = sa.any_(sa.literal(list(pids), ARRAY(sa.Text)))
    line: Any = (
        sa.select(
            dataset.c.pid.label("start"),
            dataset.c.pid,
            dataset.c.new_version_of,
            sa.literal(0).label("depth"),
        )
        .where(dataset.c.pid == wanted)
        .cte("line", recursive=True)
    )
    before = (
        sa.select(line.c.start, dataset.c.pid, dataset.c.new_version_of, line.c.depth + 1)
        .join(line, dataset.c.pid == line.c.new_version_of)
        .where(line.c.depth < MOST)
    )
    line = line.union(before)
    stands = sa.and_(
        doi.c.pid == line.c.pid,
        doi.c.model == "Dataset",
        doi.c.kind == "concept",
        doi.c.state.in_(["registered", "findable"]),
    )
    rows = connection.execute(
        sa.select(line.c.start, doi.c.doi).join(doi, stands).order_by(line.c.depth)
    )
    return {row.start: row.doi for row in rows}
