"""The journal: each run, and what every record was before the run first touched it.

A run may be undone as long as this remembers (`undoing`). A run should be short: a watcher begins
one for each round in which it has something to write. What is between two runs is not known here:
a catalogue that is loaded from a folder writes no journal.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from panosc.catalogue.database import unlimited
from panosc.catalogue.intake import run as runs
from panosc.domain.access import Who
from panosc.ingest.runs.entries import RunKind, RunState
from panosc.ingest.runs.images import LOCATION, NOTED, PART, RECORDS, current

__all__ = [
    "LOCK",
    "PART",
    "SILENT",
    "add",
    "beat",
    "begin",
    "end",
    "finish",
    "keep",
    "lock",
    "note",
]

SILENT = timedelta(minutes=2)
"""A run that has not been heard of for so long was killed."""
LOCK = 0x72756E73
"""Held together by those who write records, alone by whoever undoes a run or edits."""


def begin(
    engine: sa.Engine,
    *,
    kind: RunKind,
    who: Who,
    asked: Mapping[str, Any],
    reason: str | None = None,
    now: datetime,
) -> int:
    """Write down that a run begins, and commit; return its number."""
    with engine.begin() as connection:
        return add(connection, kind=kind, who=who, asked=asked, reason=reason, now=now)


def add(  # noqa: PLR0913 - what there is to say of a run
    connection: sa.Connection,
    *,
    kind: RunKind,
    who: Who,
    asked: Mapping[str, Any],
    reason: str | None,
    now: datetime,
    undoes: int | None = None,
) -> int:
    """Do the same in the caller's transaction."""
    values = {
        "kind": kind,
        "who": who.person or who.via,
        "reason": reason,
        "asked": plain(asked),
        "started": now,
        "beat": now,
        "undoes": undoes,
    }
    return int(connection.execute(sa.insert(runs).values(values).returning(runs.c.id)).scalar_one())


def note(connection: sa.Connection, run: int, records: Iterable[tuple[str, str]]) -> None:
    """Keep what `records` of (class, identifier) are, before the transaction changes them.

    Of a record noted twice the first time counts. The identifier of a Location is its URL, or
    URL + `PART` + part. Other classes than those with identifiers of their own are passed over.
    """
    pids: dict[str, list[str]] = {}
    for model, pid in records:
        if model in NOTED:
            pids.setdefault(model, []).append(pid)
    if not pids:
        return
    unlimited(connection)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(LOCK)))
    for model in (*RECORDS, LOCATION):
        if model in pids:
            given = "select distinct unnest(cast(:pids as text[]))"
            keep(connection, run, model, given, {"pids": pids[model]})


def lock(connection: sa.Connection) -> None:
    """Keep everyone else from writing records with a journal until the transaction ends."""
    unlimited(connection)
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))


def keep(
    connection: sa.Connection, run: int, model: str, given: str, values: Mapping[str, Any]
) -> int:
    """Keep the images of the records of one class that the SQL `given` names; return how many."""
    join, found = current(model, "w.pid")
    statement = sa.text(
        "insert into run_record (run_id, model, pid, before)"
        f" select :run, :model, w.pid, {found} from ({given}) w(pid) left join {join}"
        " where not exists (select from run_record r"
        " where r.run_id = :run and r.model = :model and r.pid = w.pid)"
        " order by w.pid on conflict do nothing"
    )
    return connection.execute(statement, {"run": run, "model": model, **values}).rowcount


def beat(engine: sa.Engine, run: int, *, report: Mapping[str, Any], now: datetime) -> None:
    """Say that a run is alive, and how far it has come."""
    with engine.begin() as connection:
        values = {"beat": now, "report": plain(report)}
        connection.execute(sa.update(runs).where(runs.c.id == run).values(values))


def end(
    engine: sa.Engine, run: int, *, state: RunState, report: Mapping[str, Any], now: datetime
) -> None:
    """Write down how a run ended."""
    with engine.begin() as connection:
        finish(connection, run, state=state, report=report, now=now)


def finish(
    connection: sa.Connection,
    run: int,
    *,
    state: RunState,
    report: Mapping[str, Any],
    now: datetime,
) -> None:
    """Do the same in the caller's transaction."""
    values = {"state": state, "beat": now, "ended": now, "report": plain(report)}
    connection.execute(sa.update(runs).where(runs.c.id == run).values(values))


def plain(content: Mapping[str, Any]) -> Any:
    """Return `content` as what the database's JSON can hold."""
    text = orjson.dumps(content, default=str, option=orjson.OPT_NON_STR_KEYS)
    return orjson.loads(text.replace(b"\\u0000", "\ufffd".encode()))
