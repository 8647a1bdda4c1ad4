"""Reading what is to be said of records: a few statements for any number of them.

Every statement carries the condition of access of what it reads; rows come back by the key of
their record. What is made of them is `gathering`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.publishing.tables import doi, related
from panosc.catalogue.tables import (
    affiliation,
    dataset,
    dataset_sample,
    dataset_technique,
    document,
    document_dataset,
    file,
    instrument,
    member,
    parameter,
    person,
    ruling,
    sample,
    technique,
)
from panosc.domain.access import Who
from panosc.policy.sql import state, visible
from panosc.publication.reading import versions

MOST_FILES: Final = 100
MOST_PARAMETERS: Final = 500
MOST_LINKS: Final = 100
"""Of one kind, such as the datasets of a proposal."""
Rows = dict[int, list[Any]]


@dataclass(slots=True, kw_only=True)
class Found:
    """Rows of records of one class, and of what belongs to them, by the key of the record."""

    records: list[Any]
    documents: Rows = field(default_factory=dict)
    datasets: Rows = field(default_factory=dict)
    members: Rows = field(default_factory=dict)
    """Of a dataset; without any, those of its documents."""
    techniques: Rows = field(default_factory=dict)
    parameters: Rows = field(default_factory=dict)
    samples: Rows = field(default_factory=dict)
    files: Rows = field(default_factory=dict)
    dois: dict[tuple[str, str], str] = field(default_factory=dict)
    """(model, PID) → DOI that leads somewhere."""
    related: dict[str, list[Any]] = field(default_factory=dict)
    """By PID: what people and others told."""
    newer: dict[str, list[str]] = field(default_factory=dict)
    """By PID: datasets that are a new version of it."""
    made_of: dict[str, list[str]] = field(default_factory=dict)
    """By PID: datasets that were derived from it."""
    concepts: dict[str, str] = field(default_factory=dict)
    """By PID: DOI that stands for all versions of a dataset."""
    known: frozenset[str] = frozenset()
    """Which of the datasets that records name the caller may know of."""


def datasets(
    connection: sa.Connection,
    who: Who,
    pids: Sequence[str],
    *,
    now: datetime,
    is_core: bool = False,
) -> Found:
    """Return the datasets of these PIDs that `who` may know of, with all that belongs to them."""
    sees = sa.false() if is_core else visible(dataset, who, "detail", now=now)
    rows = connection.execute(
        sa.select(
            dataset,
            sees.label("sees"),
            state(dataset, now=now).label("state"),
            instrument.c.pid.label("instrument_pid"),
            instrument.c.name.label("instrument_name"),
            instrument.c.facility,
            instrument.c.extra.label("instrument_extra"),
            ruling.c.policy,
        )
        .outerjoin(instrument, instrument.c.id == dataset.c.instrument_id)
        .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(dataset.c.pid == _any(pids), visible(dataset, who, "core", now=now))
    ).all()
    found = Found(records=list(rows))
    keys = [row.id for row in rows]
    found.documents = _documents(connection, who, keys, now=now)
    found.members = _members_of_datasets(connection, found.documents, keys)
    found.techniques = _techniques(connection, keys)
    _detail(connection, found, [row.id for row in rows if row.sees])
    named = {row.new_version_of for row in rows if row.new_version_of}
    named |= {pid for row in rows for pid in (row.derived_from or ())[:MOST_LINKS]}
    found.known = _known(connection, who, named, now=now)
    _later(connection, found, who, now=now)
    several = [row.pid for row in rows if row.new_version_of or row.pid in found.newer]
    found.concepts = versions.concepts_of(connection, several)
    own = {("Dataset", row.pid) for row in rows} | {("Dataset", pid) for pid in found.known}
    own |= {("Document", item.pid) for items in found.documents.values() for item in items}
    own |= {("Dataset", pid) for pids in found.newer.values() for pid in pids}
    own |= {("Dataset", pid) for pids in found.made_of.values() for pid in pids}
    found.dois = _dois(connection, own)
    found.related = _related(connection, "Dataset", [row.pid for row in rows])
    return found


def documents(
    connection: sa.Connection,
    who: Who,
    pids: Sequence[str],
    *,
    now: datetime,
    is_core: bool = False,
) -> Found:
    """Return the documents of these PIDs that `who` may know of, with all that belongs to them."""
    sees = sa.false() if is_core else visible(document, who, "detail", now=now)
    rows = connection.execute(
        sa.select(document, sees.label("sees"), state(document, now=now).label("state")).where(
            document.c.pid == _any(pids), visible(document, who, "core", now=now)
        )
    ).all()
    found = Found(records=list(rows))
    keys = [row.id for row in rows]
    found.members = _members(connection, member.c.document_id, keys)
    found.datasets = _datasets_of(connection, who, keys, now=now)
    seen = [row.id for row in rows if row.sees]
    found.parameters = _parameters(connection, parameter.c.document_id, seen)
    own = {("Document", row.pid) for row in rows}
    own |= {("Dataset", item.pid) for items in found.datasets.values() for item in items}
    found.dois = _dois(connection, own)
    found.related = _related(connection, "Document", [row.pid for row in rows])
    return found


def policies(connection: sa.Connection, pids: Iterable[str]) -> dict[str, str | None]:
    """Return the version of the policy that each of these datasets is under, as far as decided."""
    found = sa.select(dataset.c.pid, ruling.c.policy).where(
        dataset.c.id == ruling.c.dataset_id, dataset.c.pid == _any(pids)
    )
    return {row.pid: row.policy for row in connection.execute(found)}


def is_erased(connection: sa.Connection, model: str, pid: str) -> bool:
    """Whether there was a record of this PID that has been erased."""
    table = dataset if model == "Dataset" else document
    found = sa.select(table.c.id).where(table.c.pid == pid, table.c.mark == "erased")
    return "\0" not in pid and connection.execute(found).first() is not None


def _any(values: Iterable[Any], of: Any = sa.Text) -> Any:
    return sa.any_(sa.literal(list(values), ARRAY(of)))


def _given(of: Any = sa.BigInteger) -> Any:
    """Return the keys that a statement is run with: it is built once, which takes as long."""
    return sa.any_(sa.bindparam("keys", type_=ARRAY(of)))


def _by(rows: Iterable[Any]) -> Rows:
    found: Rows = defaultdict(list)
    for row in rows:
        found[row.of].append(row)
    return found


def _documents(connection: sa.Connection, who: Who, keys: Sequence[int], *, now: datetime) -> Rows:
    if not keys:
        return {}
    return _by(
        connection.execute(
            sa.select(document_dataset.c.dataset_id.label("of"), document)
            .join(document, document.c.id == document_dataset.c.document_id)
            .where(
                document_dataset.c.dataset_id == _any(keys, sa.BigInteger),
                visible(document, who, "core", now=now),
            )
            .order_by(document.c.pid)
        )
    )


def _members_of_datasets(
    connection: sa.Connection, found: Mapping[int, list[Any]], keys: Sequence[int]
) -> Rows:
    own = _members(connection, member.c.dataset_id, keys)
    # who put a package together has not measured what is in it
    of = {
        key: [item.id for item in found.get(key, ()) if item.type != "collection"]
        for key in keys
        if key not in own
    }
    by_document = _members(
        connection, member.c.document_id, sorted({item for items in of.values() for item in items})
    )
    for key, items in of.items():
        lines = [row for item in items for row in by_document.get(item, ())]
        if lines:
            own[key] = lines
    return own


def _members(connection: sa.Connection, of: "sa.Column[int]", keys: Sequence[int]) -> Rows:
    return dict(_by(connection.execute(_members_by(of), {"keys": list(keys)}))) if keys else {}


@cache
def _members_by(of: "sa.Column[int]") -> sa.Select[Any]:
    return (
        sa.select(
            of.label("of"),
            member.c.role,
            person.c.key.label("person_key"),
            person.c.full_name,
            person.c.first_name,
            person.c.last_name,
            person.c.orcid,
            affiliation.c.name.label("affiliation"),
            affiliation.c.extra.label("affiliation_extra"),
        )
        .outerjoin(person, person.c.id == member.c.person_id)
        .outerjoin(affiliation, affiliation.c.id == member.c.affiliation_id)
        .where(of == _given())
        .order_by(of, member.c.id)
    )


_TECHNIQUES: Final = (
    sa.select(
        dataset_technique.c.dataset_id.label("of"),
        technique.c.pid,
        technique.c.name,
        technique.c.panet_id,
    )
    .join(technique, technique.c.id == dataset_technique.c.technique_id)
    .where(dataset_technique.c.dataset_id == _given())
    .order_by(technique.c.pid)
)
_SAMPLES: Final = (
    sa.select(
        dataset_sample.c.dataset_id.label("of"),
        sample.c.pid,
        sample.c.name,
        sample.c.description,
    )
    .join(sample, sample.c.id == dataset_sample.c.sample_id)
    .where(dataset_sample.c.dataset_id == _given())
    .order_by(sample.c.pid)
)


def _techniques(connection: sa.Connection, keys: Sequence[int]) -> Rows:
    return _by(connection.execute(_TECHNIQUES, {"keys": list(keys)})) if keys else {}


def _detail(connection: sa.Connection, found: Found, keys: Sequence[int]) -> None:
    if not keys:
        return
    found.parameters = _parameters(connection, parameter.c.dataset_id, keys)
    found.samples = _by(connection.execute(_SAMPLES, {"keys": list(keys)}))
    firsts = _firsts_by(file, file.c.dataset_id, MOST_FILES)
    found.files = _by(connection.execute(firsts, {"keys": list(keys)}))


def _parameters(connection: sa.Connection, of: "sa.Column[int]", keys: Sequence[int]) -> Rows:
    firsts = _firsts_by(parameter, of, MOST_PARAMETERS)
    return _by(connection.execute(firsts, {"keys": list(keys)})) if keys else {}


@cache
def _firsts_by(table: sa.Table, of: "sa.Column[int]", most: int) -> sa.Select[Any]:
    """Return what finds the first parts of each record by name, with the ``count`` of all."""
    parts = (
        sa.select(
            of.label("of"),
            *(column for column in table.c if column.name not in {"extra", "key"}),
            sa.func.count().over(partition_by=of).label("count"),
            sa.func.row_number()
            .over(partition_by=of, order_by=(table.c.name, table.c.id))
            .label("place"),
        )
        .where(of == _given())
        .subquery()
    )
    place = parts.c.place
    return sa.select(parts).where(place <= most).order_by("of", place)


def _datasets_of(
    connection: sa.Connection, who: Who, keys: Sequence[int], *, now: datetime
) -> Rows:
    """Return the first datasets of each document, with the ``count`` of all."""
    if not keys:
        return {}
    given = sa.func.unnest(sa.literal(list(keys), ARRAY(sa.BigInteger)))
    wanted = given.table_valued("key").render_derived()
    each = (
        sa.select(
            dataset.c.pid,
            dataset.c.title,
            dataset.c.kind,
            visible(dataset, who, "detail", now=now).label("sees"),
        )
        .join(document_dataset, document_dataset.c.dataset_id == dataset.c.id)
        .where(
            document_dataset.c.document_id == wanted.c.key,
            visible(dataset, who, "list", now=now),
        )
        .order_by(dataset.c.id)
        .limit(MOST_LINKS)
        .lateral()
    )
    return _by(
        connection.execute(
            sa.select(wanted.c.key.label("of"), each).select_from(wanted.join(each, sa.true()))
        )
    )


def _known(
    connection: sa.Connection, who: Who, pids: Iterable[str], *, now: datetime
) -> frozenset[str]:
    wanted = list(pids)
    if not wanted:
        return frozenset()
    return frozenset(
        connection.execute(
            sa.select(dataset.c.pid).where(
                dataset.c.pid == _any(wanted), visible(dataset, who, "core", now=now)
            )
        ).scalars()
    )


def _later(connection: sa.Connection, found: Found, who: Who, *, now: datetime) -> None:
    """Take up what came after the datasets: new versions, and what was derived from them."""
    pids = [row.pid for row in found.records]
    if not pids:
        return
    may = visible(dataset, who, "list", now=now)
    newer = connection.execute(
        sa.select(dataset.c.pid, dataset.c.new_version_of)
        .where(dataset.c.new_version_of == _any(pids), may)
        .order_by(dataset.c.id)
    )
    for row in newer:
        found.newer.setdefault(row.new_version_of, []).append(row.pid)
    made = connection.execute(
        sa.select(dataset.c.pid, dataset.c.derived_from)
        .where(dataset.c.derived_from.overlap(sa.literal(pids, ARRAY(sa.Text))), may)
        .order_by(dataset.c.id)
        .limit(MOST_LINKS * len(pids))
    )
    for row in made:
        for pid in set(row.derived_from) & set(pids):
            found.made_of.setdefault(pid, []).append(row.pid)


_DOIS: Final = sa.select(doi.c.model, doi.c.pid, doi.c.doi).where(
    doi.c.pid == _given(sa.Text),
    doi.c.kind == "version",
    doi.c.state.in_(["registered", "findable"]),
)
_RELATED: Final = (
    sa.select(related)
    .where(related.c.model == sa.bindparam("of_model"), related.c.pid == _given(sa.Text))
    .order_by(related.c.relation, related.c.identifier)
)


def _dois(
    connection: sa.Connection, records: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    pids = sorted({pid for _, pid in records})
    if not pids:
        return {}
    rows = connection.execute(_DOIS, {"keys": pids})
    return {(row.model, row.pid): row.doi for row in rows}


def _related(connection: sa.Connection, model: str, pids: Sequence[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    if pids:
        rows = connection.execute(_RELATED, {"of_model": model, "keys": list(pids)})
        for row in rows:
            found.setdefault(row.pid, []).append(row)
    return found
