"""Runs, the history of a record and files that were set aside, as they are read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.intake import quarantine, run_record
from panosc.catalogue.intake import run as runs
from panosc.catalogue.tables import metadata
from panosc.domain.access import Who
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.errors import Gone, NotFound
from panosc.ingest.runs.differences import compare, labels
from panosc.ingest.runs.entries import Entry, Run, SetAside
from panosc.ingest.runs.images import RECORDS, current, key_of
from panosc.ingest.runs.journal import SILENT
from panosc.ingest.runs.undoing import blockers
from panosc.policy.sql import visible

MOST = 200
"""Most entries of a history."""
LARGEST = 2**63 - 1


def listed(
    connection: sa.Connection, *, before: int | None, limit: int, now: datetime
) -> list[Run]:
    """Return the newest runs first, with numbers below `before`."""
    query = sa.select(runs).order_by(runs.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(runs.c.id < min(before, LARGEST))
    return _runs(connection, query, now)


def numbered(connection: sa.Connection, numbers: Sequence[int], *, now: datetime) -> list[Run]:
    """Return runs by their numbers, the newest first."""
    wanted = sa.any_(sa.literal(list(numbers), sa.ARRAY(sa.BigInteger)))
    query = sa.select(runs).where(runs.c.id == wanted).order_by(runs.c.id.desc())
    return _runs(connection, query, now)


def one(connection: sa.Connection, number: int, *, now: datetime) -> Run:
    """Return one run, with the later runs in the way of its undoing.

    Raises
    ------
    NotFound
    """
    query = sa.select(runs).where(runs.c.id == min(number, LARGEST))
    found = _runs(connection, query, now)
    if not found:
        raise NotFound(f"There is no run {number}.", hint="`panosc ingest runs` lists them.")
    if not found[0].may_be_undone:
        return found[0]
    return _runs(connection, query, now, blocked_by=tuple(blockers(connection, number)))[0]


def _runs(
    connection: sa.Connection,
    query: "sa.Select[Any]",
    now: datetime,
    *,
    blocked_by: tuple[int, ...] = (),
) -> list[Run]:
    rows = connection.execute(query).all()
    wanted = sa.any_(sa.literal([row.id for row in rows], sa.ARRAY(sa.BigInteger)))
    counted = sa.select(run_record.c.run_id, run_record.c.model, sa.func.count().label("number"))
    counts: dict[int, dict[str, int]] = {}
    for item in connection.execute(
        counted.where(run_record.c.run_id == wanted).group_by(
            run_record.c.run_id, run_record.c.model
        )
    ):
        counts.setdefault(item.run_id, {})[item.model] = item.number
    undone = sa.select(runs.c.undoes, sa.func.max(runs.c.id).label("by"))
    by = {
        item.undoes: item.by
        for item in connection.execute(
            undone.where(runs.c.undoes == wanted, runs.c.state != "undone").group_by(runs.c.undoes)
        )
    }
    return [
        Run(
            id=row.id,
            kind=row.kind,
            who=row.who,
            reason=row.reason,
            started=row.started,
            ended=row.ended,
            state="stopped" if row.state == "running" and row.beat < now - SILENT else row.state,
            asked=row.asked,
            report=row.report,
            undoes=row.undoes,
            undone_by=by.get(row.id) if row.state == "undone" else None,
            records=counts.get(row.id, {}),
            blocked_by=blocked_by,
        )
        for row in rows
    ]


def history(
    connection: sa.Connection, who: Who, model: str, pid: str, *, now: datetime
) -> list[Entry]:
    """Return what was done to a record, the newest first.

    Raises
    ------
    NotFound, Gone
        If there is no such record, or none whose detail `who` may see.
    """
    _check_seen(connection, who, model, pid, now=now)
    join, image = current(model, "w.pid")
    statement = sa.text(
        f"select {image} from (values (cast(:pid as text))) w(pid) left join {join}"
    )
    after = connection.execute(statement, {"pid": pid}).scalar_one()
    rows = connection.execute(
        sa.select(run_record.c.before, runs)
        .join(runs, runs.c.id == run_record.c.run_id)
        .where(run_record.c.model == model, run_record.c.pid == pid)
        .order_by(run_record.c.number.desc())
        .limit(MOST)
    ).all()
    images = [after, *(row.before for row in rows)]
    if not (who.is_steward and who.may_use("detail")):
        images = _as_seen(connection, who, images, now=now)
    known = labels(connection, images)
    entries: list[Entry] = []
    for number, row in enumerate(rows):
        after, before = images[number], images[number + 1]
        changes = compare(model, before, after, known)
        if changes or (before is None) != (after is None):
            entries.append(
                Entry(
                    run=row.id,
                    kind=row.kind,
                    act=_act(row, after),
                    # accounts of the node are nobody's business who has none
                    who=row.who if who.person is not None else "",
                    at=row.started,
                    # that of a message names the account that has announced it
                    reason=row.reason if who.person is not None or row.kind != "message" else None,
                    is_undone=row.state == "undone",
                    changes=changes,
                )
            )
    return entries


def _as_seen(
    connection: sa.Connection, who: Who, images: Sequence[Any], *, now: datetime
) -> list[Any]:
    """Return the images without documents that `who` may not see, and what no page shows."""
    table = metadata.tables["document"]
    keys = {
        link["document_id"] for image in filter(None, images) for link in image.get("documents", ())
    }
    wanted = sa.any_(sa.literal(sorted(keys), sa.ARRAY(sa.BigInteger)))
    query = sa.select(table.c.id).where(table.c.id == wanted)
    seen = set(connection.scalars(query.where(visible(table, who, "core", now=now))))
    found: list[Any] = []
    for image in images:
        if image is None:
            found.append(None)
            continue
        documents = [one for one in image.get("documents", ()) if one["document_id"] in seen]
        row = {**image["row"], "extra": None}
        found.append({**image, "row": row, "documents": documents})
    return found


def _act(row: Any, after: Any) -> Any:
    if after is None:
        return "deleted"
    if row.before is None:
        return "restored" if row.kind == "undo" else "created"
    return "changed"


def _check_seen(
    connection: sa.Connection, who: Who, model: str, pid: str, *, now: datetime
) -> None:
    """Refuse whoever may not see the detail of a record; of what many share, all but stewards."""
    absent = NotFound(
        f"There is no {model} “{pid}” at this node.",
        hint="Search for it, or ask whoever gave you the identifier.",
    )
    if model not in RECORDS or "\0" in pid or any("\ud800" <= sign <= "\udfff" for sign in pid):
        raise absent
    found = MODEL_BY_NAME[model]
    table = metadata.tables[found.table]
    if not found.guarded:
        if who.is_steward and who.may_use("detail"):
            return
        raise absent
    is_it = table.c[key_of(model)] == pid
    row = connection.execute(
        sa.select(table.c.mark, visible(table, who, "detail", now=now)).where(is_it)
    ).first()
    if row is None and who.is_steward and who.may_use("detail"):
        kept = sa.select(run_record.c.run_id)
        is_it = sa.and_(run_record.c.model == model, run_record.c.pid == pid)
        if connection.execute(kept.where(is_it).limit(1)).first() is not None:
            return
    if row is not None and row.mark == "erased":
        raise Gone(f"{model} {pid} has been erased.")
    if row is None or not row[1]:
        raise absent


def set_aside(connection: sa.Connection, *, after: str, limit: int) -> tuple[int, list[SetAside]]:
    """Return how many files are in quarantine, and those whose URLs come after `after`."""
    total = connection.execute(sa.select(sa.func.count()).select_from(quarantine)).scalar_one()
    columns = (quarantine.c[name] for name in ("url", "reason", "detail", "size", "seen"))
    query = sa.select(*columns).where(quarantine.c.url > after)
    rows = connection.execute(query.order_by(quarantine.c.url).limit(limit))
    return int(total), [SetAside(**row._mapping) for row in rows]  # noqa: SLF001 - its API


def release(connection: sa.Connection, urls: Sequence[str] | None) -> int:
    """Take files (None: all) out of quarantine; return how many there were."""
    statement = sa.delete(quarantine)
    if urls is not None:
        wanted = sa.any_(sa.literal(list(urls), sa.ARRAY(sa.Text)))
        statement = statement.where(quarantine.c.url == wanted)
    return connection.execute(statement).rowcount
