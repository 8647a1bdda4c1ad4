"""Writing a batch of records: merged by identifier, in the caller's transaction.

Rows have the NDJSON shape of `domain.entities`. A whole folder goes through `loading`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue import changes, rulings, tables
from panosc.catalogue.rows import Row, Shape
from panosc.catalogue.staging import ORDER, PARTS, Stage
from panosc.domain.access import ALWAYS, NEVER
from panosc.domain.entities import LINKS, MODEL_BY_NAME
from panosc.domain.errors import Invalid

Born = Callable[[sa.Connection, Sequence[int] | None], Sequence[int]]
"""Decides on datasets (None: all) that were written, into `ruling`; returns which are new to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch did: rows by class, and how many records were new or changed."""

    rows: dict[str, int]
    changed: int


def write(
    connection: sa.Connection,
    rows: Iterable[tuple[str, Row]],
    *,
    now: datetime,
    born: Born | None = None,
) -> Written:
    """Merge `rows` of (class, NDJSON object) into the catalogue.

    Records are known by their identifier: new ones are added, known ones updated. Files,
    parameters, members and links of a dataset or document in the batch are replaced by those
    in the batch. Of one record given twice the first counts. The feed tells what changed. `born`
    lets the policy decide on the datasets.

    Raises
    ------
    Invalid
        For an unknown class, a value of the wrong kind, or a reference to nothing.
    """
    lines: dict[str, list[str]] = {}
    shapes: dict[str, Shape] = {}
    seen: set[tuple[str, Any]] = set()
    for name, row in rows:
        shape = shapes.get(name)
        if shape is None:
            shape = shapes[name] = _shape(name, now=now)
            lines[name] = []
        if shape.has_own_key:
            identity = (name, shape.identity(row))
            if identity in seen:
                continue
            seen.add(identity)
        try:
            lines[name].append(shape.line(row))
        except Invalid as error:
            raise Invalid(f"{name}: {error.detail}", field=error.field) from None
    stage = Stage(connection)
    for name in ORDER:
        if name in lines:
            stage.fill(shapes[name], lines[name])
    touched = stage.merge(replaced=frozenset(PARTS))
    keys = concerned(connection, touched)
    touched |= {("Dataset", key) for key in settle(connection, keys, born)}
    record_changes(connection, touched)
    return Written(rows={name: len(items) for name, items in lines.items()}, changed=len(touched))


def _shape(name: str, *, now: datetime) -> Shape:
    if name not in MODEL_BY_NAME and name not in LINKS:
        raise Invalid(f"There is no class {name!r} in the data model.")
    return Shape(name, now=now)


def concerned(connection: sa.Connection, touched: set[tuple[str, int]]) -> list[int]:
    """Return the datasets whose access may be another after `touched` were written."""
    link = tables.document_dataset.c
    documents = [key for model, key in touched if model == "Document"]
    dated = sa.select(link.dataset_id).where(link.document_id == sa.any_(sa.literal(documents)))
    found = {key for model, key in touched if model == "Dataset"}
    return sorted(found | set(connection.scalars(dated) if documents else ()))


def settle(
    connection: sa.Connection, datasets: list[int] | None, born: Born | None = None
) -> set[int]:
    """Work out the access of `datasets` (None: of all) that their lines alone do not tell.

    Return those that have another embargo by their document, or on which `born` decided anew.
    """
    _end_shares(connection, datasets)
    found = set(_settle_embargoes(connection, datasets))
    if born is not None:
        found.update(born(connection, datasets))
    rulings.apply(connection, datasets)
    return found


def _end_shares(connection: sa.Connection, datasets: list[int] | None) -> None:
    """Take back what a catalogue shared of `datasets` that are told of by another now, or by us."""
    dataset, share = tables.dataset.c, tables.share.c
    keys = sa.true() if datasets is None else share.dataset_id == sa.any_(sa.literal(datasets))
    connection.execute(
        sa.delete(tables.share).where(
            keys,
            share.source.is_not(None),
            share.dataset_id == dataset.id,
            share.source.is_distinct_from(dataset.source),
        )
    )


def _settle_embargoes(connection: sa.Connection, datasets: list[int] | None) -> Sequence[int]:
    """Give datasets that are not public, and say no date, the release date of their document.

    The latest counts where there are several. What has opened stays open; what the policy or a
    longer embargo decides on is left to `rulings`. Return those that were changed.
    """
    if datasets is not None and not datasets:
        return ()
    dataset, ruling = tables.dataset, tables.ruling
    document, link = tables.document, tables.document_dataset
    dated = (
        sa.select(link.c.dataset_id, sa.func.max(document.c.release_date).label("until"))
        .join(document, document.c.id == link.c.document_id)
        .where(document.c.release_date > sa.func.now())
        .group_by(link.c.dataset_id)
    )
    chosen: sa.ColumnElement[bool] = sa.true()
    if datasets is not None:
        keys = sa.any_(sa.literal(datasets))
        dated, chosen = dated.where(link.c.dataset_id == keys), dataset.c.id == keys
    dates = dated.subquery()
    decided = sa.or_(ruling.c.policy_opens.is_not(None), ruling.c.extended_years > 0)
    never = sa.literal(NEVER, sa.DateTime(timezone=True))
    opens = sa.func.coalesce(dates.c.until, never)
    core = sa.case((dates.c.until.is_(None), never), else_=sa.literal(ALWAYS, never.type))
    found = (
        sa.select(dataset.c.id, core.label("core"), opens.label("opens"))
        .outerjoin(dates, dates.c.dataset_id == dataset.c.id)
        .outerjoin(ruling, ruling.c.dataset_id == dataset.c.id)
        .where(
            chosen,
            dataset.c.access.is_(None),
            dataset.c.is_public.is_not(sa.true()),
            dataset.c.release_date.is_(None),
            dataset.c.embargo_until.is_(None),
            dataset.c.open_at > sa.func.now(),
            dataset.c.open_at != opens,
            decided.is_not(sa.true()),
        )
        .subquery()
    )
    statement = (
        sa.update(dataset)
        .values(core_at=found.c.core, open_at=found.c.opens)
        .where(dataset.c.id == found.c.id)
        .returning(dataset.c.id)
    )
    return connection.scalars(statement).all()


def record_changes(connection: sa.Connection, touched: set[tuple[str, int]]) -> None:
    """Append the records `touched` to the feed, in the order of their classes and PIDs."""
    by_model: dict[str, list[int]] = {}
    for model, key in touched:
        by_model.setdefault(model, []).append(key)
    for name in ORDER:
        if name in by_model:
            changes.append_select(connection, _named(name, by_model[name]))


def _named(name: str, keys: list[int] | None) -> "sa.Select[tuple[str, str]]":
    """Return (model, identifier) of the records with these `keys`; None: of all."""
    model = MODEL_BY_NAME[name]
    table = tables.metadata.tables[model.table]
    column = table.c[model.property_by_name[model.key].column]
    select = sa.select(sa.literal(name).label("model"), column.label("pid")).order_by(column)
    return select if keys is None else select.where(table.c.id == sa.any_(sa.literal(keys)))


def record_all(connection: sa.Connection) -> None:
    """Append every record of the catalogue to the feed, after a load into an empty one."""
    for name in ORDER:
        if (
            name in MODEL_BY_NAME
            and "created" in tables.metadata.tables[MODEL_BY_NAME[name].table].c
        ):
            changes.append_select(connection, _named(name, None))
