"""Which records say something else after a change of another: those that name it.

A record tells of its instrument, techniques, people and proposals; these change it without being
it. What a record was linked to before the change is not known any more.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.changes import Change
from panosc.catalogue.tables import (
    dataset,
    dataset_sample,
    dataset_technique,
    document_dataset,
    member,
)
from panosc.domain.pid import surrogate

Keys = Mapping[str, list[int]]


def keys_of(changes: Iterable[Change]) -> dict[str, list[int]]:
    """Return the keys of what changed, by class."""
    found: dict[str, dict[int, None]] = {}
    for change in changes:
        found.setdefault(change.model, {})[surrogate(change.model, change.pid)] = None
    return {model: list(keys) for model, keys in found.items()}


def touched(
    connection: sa.Connection, changed: Keys, limit: int
) -> Iterator[tuple[str, list[int]]]:
    """Yield (class, keys) of the records that name what changed, and are not of it themselves.

    They may be very many: nothing is kept of them here, nor by the driver.
    """
    queries = {"Document": _documents(changed), "Dataset": _datasets(changed)}
    for model, parts in queries.items():
        if not parts:
            continue
        own = frozenset(changed.get(model, ()))
        rows = connection.execution_options(yield_per=limit).execute(sa.union(*parts))
        for some in rows.scalars().partitions(limit):
            keys = [key for key in some if key is not None and key not in own]
            if keys:
                yield model, keys


def _documents(changed: Keys) -> list[Any]:
    found: list[Any] = _by_people(member.c.document_id, changed)
    if "Dataset" in changed:
        link = document_dataset.c
        found.append(sa.select(link.document_id).where(_among(link.dataset_id, changed["Dataset"])))
    return found


def _datasets(changed: Keys) -> list[Any]:
    # those who name no people of their own name those of their documents
    people = _by_people(member.c.document_id, changed)
    found: list[Any] = _by_people(member.c.dataset_id, changed)
    link = document_dataset.c
    found += [
        sa.select(link.dataset_id).where(link.document_id.in_(documents)) for documents in people
    ]
    for model, owner, column in (
        ("Instrument", dataset.c.id, dataset.c.instrument_id),
        ("Technique", dataset_technique.c.dataset_id, dataset_technique.c.technique_id),
        ("Sample", dataset_sample.c.dataset_id, dataset_sample.c.sample_id),
        ("Document", link.dataset_id, link.document_id),
    ):
        if model in changed:
            found.append(sa.select(owner).where(_among(column, changed[model])))
    if "Dataset" in changed:
        found += _made_of(changed["Dataset"])
    return found


def _made_of(keys: list[int]) -> list[Any]:
    """Return queries for the datasets that these are made of, or new versions of."""
    later = dataset.alias("later")
    of = _among(later.c.id, keys)
    older = sa.select(later.c.new_version_of).where(of, later.c.new_version_of.is_not(None))
    sources = sa.select(sa.func.unnest(later.c.derived_from)).where(of)
    return [sa.select(dataset.c.id).where(dataset.c.pid.in_(pids)) for pids in (older, sources)]


def _by_people(owner: "sa.Column[Any]", changed: Keys) -> list[Any]:
    columns = {"Person": member.c.person_id, "Affiliation": member.c.affiliation_id}
    return [
        sa.select(owner).where(owner.is_not(None), _among(column, changed[model]))
        for model, column in columns.items()
        if model in changed
    ]


def _among(column: "sa.Column[Any]", keys: list[int]) -> sa.ColumnElement[bool]:
    return column == sa.any_(sa.literal(keys, sa.ARRAY(sa.BigInteger)))
