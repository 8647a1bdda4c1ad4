"""The people of the datasets of a package: who may stand as its creators."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from panosc.catalogue.tables import (
    affiliation,
    dataset,
    document,
    document_dataset,
    member,
    person,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Creator:
    """A person of one of the datasets."""

    key: str
    name: str
    affiliation: str | None
    """Key of the affiliation."""
    role: str | None


def creators_of(connection: sa.Connection, pids: Sequence[str]) -> list[Creator]:
    """Return the people of datasets, or of their proposals, each once, in their order."""
    wanted = sa.any_(sa.literal(list(pids), ARRAY(sa.Text)))
    columns = (
        person.c.key,
        sa.func.coalesce(
            person.c.full_name, sa.func.concat_ws(" ", person.c.first_name, person.c.last_name)
        ).label("name"),
        affiliation.c.key.label("affiliation"),
        member.c.role,
        member.c.id,
    )
    tables = member.join(person, person.c.id == member.c.person_id).outerjoin(
        affiliation, affiliation.c.id == member.c.affiliation_id
    )
    own = (
        sa.select(*columns, dataset.c.pid, sa.literal(0).label("rank"))
        .select_from(tables.join(dataset, dataset.c.id == member.c.dataset_id))
        .where(dataset.c.pid == wanted)
    )
    theirs = (
        sa.select(*columns, dataset.c.pid, sa.literal(1).label("rank"))
        .select_from(
            tables.join(document, document.c.id == member.c.document_id)
            .join(document_dataset, document_dataset.c.document_id == document.c.id)
            .join(dataset, dataset.c.id == document_dataset.c.dataset_id)
        )
        .where(dataset.c.pid == wanted, document.c.type.is_distinct_from("collection"))
    )
    rows = connection.execute(own.union_all(theirs)).all()
    place = {pid: number for number, pid in enumerate(pids)}
    has_own = {row.pid for row in rows if row.rank == 0}
    found: dict[str, Creator] = {}
    for row in sorted(rows, key=lambda row: (place[row.pid], row.rank, row.id)):
        if row.rank == 0 or row.pid not in has_own:
            found.setdefault(
                row.key,
                Creator(key=row.key, name=row.name, affiliation=row.affiliation, role=row.role),
            )
    return list(found.values())
