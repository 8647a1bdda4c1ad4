"""What was decided on datasets, laid over what their records say.

A record may come again from its source at any time; a release, a withdrawal or the policy's
embargo is kept in `ruling` and applied to it anew, in the transaction that wrote it. Who may
decide is `policy`.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from panosc.catalogue import tables
from panosc.catalogue.intake import run_record
from panosc.domain.access import ALWAYS, NEVER

_PARTS = (
    tables.member,
    tables.parameter,
    tables.file,
    tables.location,
    tables.dataset_sample,
    tables.dataset_technique,
    tables.document_dataset,
    tables.plot,
    tables.share,
)
_KEPT = {"id", "pid", "mark", "core_at", "open_at", "listed_at", "opened_at", "created", "changed"}


def apply(connection: sa.Connection, datasets: Sequence[int] | None) -> None:
    """Bring the access of `datasets` (None: of all) in line with what was decided on them."""
    dataset, ruling = tables.dataset, tables.ruling
    chosen = sa.true() if datasets is None else ruling.c.dataset_id == sa.any_(_keys(datasets))
    said = sa.func.coalesce(dataset.c.embargo_until, dataset.c.release_date, _of_documents())
    # years beyond 9999 are no dates to Python
    extended = sa.func.least(
        said + sa.func.make_interval(ruling.c.extended_years),
        sa.literal(NEVER, sa.DateTime(timezone=True)),
    )
    # what its source has opened or closed since is no matter of a longer embargo
    waits = sa.or_(
        dataset.c.access == "embargoed",
        sa.and_(dataset.c.access.is_(None), dataset.c.is_public.is_not(sa.true())),
    )
    own = sa.case(
        (sa.and_(ruling.c.extended_years > 0, said.is_not(None), waits), extended),
        else_=dataset.c.open_at,
    )
    values = {
        # `least` passes over nulls
        dataset.c.core_at: sa.func.least(
            sa.func.coalesce(ruling.c.policy_core, dataset.c.core_at), ruling.c.released_at
        ),
        dataset.c.open_at: sa.func.least(
            sa.func.coalesce(ruling.c.policy_opens, own), ruling.c.released_at
        ),
        # what its source has erased, no withdrawal brings back
        dataset.c.mark: sa.case(
            (dataset.c.mark == "erased", "erased"),
            else_=sa.func.coalesce(ruling.c.mark, dataset.c.mark),
        ),
        dataset.c.mark_reason: sa.func.coalesce(ruling.c.mark_reason, dataset.c.mark_reason),
    }
    differs = sa.or_(*(column.is_distinct_from(value) for column, value in values.items()))
    connection.execute(
        sa.update(dataset)
        .values(values)
        .where(ruling.c.dataset_id == dataset.c.id, chosen, differs)
    )
    erased = sa.select(ruling.c.dataset_id).where(ruling.c.mark == "erased", chosen)
    _scrub(connection, connection.execute(erased).scalars().all())


def _of_documents() -> "sa.ScalarSelect[Any]":
    """Return the release date that a dataset has from its documents: see `writer`."""
    document, link = tables.document, tables.document_dataset
    return (
        sa.select(sa.func.max(document.c.release_date))
        .join(link, link.c.document_id == document.c.id)
        .where(link.c.dataset_id == tables.dataset.c.id)
        .correlate(tables.dataset)
        .scalar_subquery()
    )


def _scrub(connection: sa.Connection, datasets: Sequence[int]) -> None:
    """Leave nothing of erased datasets but that there was one."""
    if not datasets:
        return
    keys = sa.any_(_keys(datasets))
    _forget_runs(connection, keys)
    for table in _PARTS:
        connection.execute(sa.delete(table).where(table.c.dataset_id == keys))
    emptied = {column: None for column in tables.dataset.c if column.name not in _KEPT}
    values = {**emptied, tables.dataset.c.core_at: ALWAYS, tables.dataset.c.open_at: ALWAYS}
    connection.execute(sa.update(tables.dataset).values(values).where(tables.dataset.c.id == keys))


def _forget_runs(connection: sa.Connection, keys: sa.ColumnElement[Any]) -> None:
    """Let the journal of runs know nothing of what is erased, so that none brings it back."""
    dataset, location = tables.dataset, tables.location
    url = sa.case(
        (location.c.part == "", location.c.url), else_=location.c.url + "\x1f" + location.c.part
    )
    known = {
        "Dataset": sa.select(dataset.c.pid).where(dataset.c.id == keys),
        "Location": sa.select(url).where(location.c.dataset_id == keys),
    }
    for model, pids in known.items():
        connection.execute(
            sa.delete(run_record).where(run_record.c.model == model, run_record.c.pid.in_(pids))
        )


def _keys(datasets: Sequence[int]) -> "sa.BindParameter[list[int]]":
    return sa.literal(list(datasets), sa.ARRAY(sa.BigInteger))
