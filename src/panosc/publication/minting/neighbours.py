"""Whose metadata say something of a record: they change when it does.

At most so many of each kind are looked up; a record that is named by more is told anew when it
changes itself.
"""

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.tables import (
    affiliation,
    dataset,
    document,
    document_dataset,
    instrument,
    member,
    person,
)
from panosc.publication.reading import versions

MOST: Final = 10_000
_KEYS: Final = {"Person": person.c.key, "Affiliation": affiliation.c.key}
Names = set[tuple[str, str]]


def concerned(connection: sa.Connection, records: Iterable[tuple[str, str]]) -> Names:
    """Return the datasets and documents, as (model, PID), of which a DOI might tell of `records`.

    Only those that have a DOI are looked for; the records themselves are among them.
    """
    by_model: dict[str, list[str]] = {}
    for model, pid in records:
        by_model.setdefault(model, []).append(pid)
    found: Names = set()
    if pids := by_model.get("Dataset"):
        found |= {("Dataset", pid) for pid in pids} | _of_datasets(connection, pids)
    if pids := by_model.get("Document"):
        found |= {("Document", pid) for pid in pids}
        found |= _datasets(connection, _of_documents(document.c.pid == _any(pids)))
    if pids := by_model.get("Instrument"):
        of = sa.select(dataset.c.pid).join(instrument, instrument.c.id == dataset.c.instrument_id)
        found |= _datasets(connection, of.where(instrument.c.pid == _any(pids)))
    for model, key in _KEYS.items():
        if pids := by_model.get(model):
            found |= _of_people(connection, key == _any(pids))
    return found


def _of_datasets(connection: sa.Connection, pids: list[str]) -> Names:
    its = connection.execute(
        sa.select(document.c.pid)
        .join(document_dataset, document_dataset.c.document_id == document.c.id)
        .join(dataset, dataset.c.id == document_dataset.c.dataset_id)
        .where(dataset.c.pid == _any(pids))
        .distinct()
        .limit(MOST)
    )
    found: Names = {("Document", pid) for pid in its.scalars()}
    before = connection.execute(
        sa.select(dataset.c.new_version_of, dataset.c.derived_from).where(
            dataset.c.pid == _any(pids)
        )
    )
    for row in before:
        named = [row.new_version_of, *(row.derived_from or ())]
        found |= {("Dataset", pid) for pid in named if pid}
    after = sa.or_(
        dataset.c.new_version_of == _any(pids),
        dataset.c.derived_from.overlap(sa.literal(pids, ARRAY(sa.Text))),
    )
    found |= _datasets(connection, sa.select(dataset.c.pid).where(after))
    concepts = sa.select(doi.c.doi).where(doi.c.kind == "concept").exists()
    if connection.scalar(sa.select(concepts)):
        firsts = (versions.root(connection, pid) for pid in pids)
        found |= {("Dataset", first) for first in firsts if first is not None}
    return found


def _of_documents(chosen: sa.ColumnElement[bool]) -> "sa.Select[Any]":
    return (
        sa.select(dataset.c.pid)
        .join(document_dataset, document_dataset.c.dataset_id == dataset.c.id)
        .join(document, document.c.id == document_dataset.c.document_id)
        .where(chosen)
    )


def _of_people(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> Names:
    of = (
        sa.select(member.c.dataset_id, member.c.document_id)
        .outerjoin(person, person.c.id == member.c.person_id)
        .outerjoin(affiliation, affiliation.c.id == member.c.affiliation_id)
        .where(chosen)
        .limit(MOST)
        .subquery()
    )
    own = sa.select(dataset.c.pid).where(dataset.c.id.in_(sa.select(of.c.dataset_id)))
    theirs = sa.select(document.c.pid).where(document.c.id.in_(sa.select(of.c.document_id)))
    documents = list(connection.execute(theirs).scalars())
    found = {("Document", pid) for pid in documents} | _datasets(connection, own)
    return found | _datasets(connection, _of_documents(document.c.pid == _any(documents)))


def _datasets(connection: sa.Connection, pids: "sa.Select[Any]") -> Names:
    """Return which of the datasets of a query have a DOI."""
    chosen = sa.select(doi.c.pid).where(doi.c.model == "Dataset", doi.c.pid.in_(pids)).limit(MOST)
    return {("Dataset", pid) for pid in connection.execute(chosen).scalars()}


def _any(values: list[str]) -> Any:
    return sa.any_(sa.literal(values, ARRAY(sa.Text)))
