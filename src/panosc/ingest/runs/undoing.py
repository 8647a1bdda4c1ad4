"""Undoing a run: every record becomes what it was before, in one transaction, as a run of its own.

What a later run has changed since is not undone from under it. Records that many share, such as
instruments and people, go only when nothing names them any more. Decisions on datasets - releases,
withdrawals, the policy's embargo - are no part of a run: they stay, and are laid over what comes
back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from panosc.catalogue import changes
from panosc.catalogue.intake import run as runs
from panosc.catalogue.writer import Born, concerned, settle
from panosc.domain.access import Who
from panosc.domain.errors import Conflict, NotFound
from panosc.domain.pid import surrogate
from panosc.ingest.runs import journal
from panosc.ingest.runs.images import (
    LOCATION,
    PART,
    RECORDS,
    columns_of,
    current,
    key_of,
    same,
    table_of,
)
from panosc.ingest.runs.restoring import Wanted
from panosc.policy import audit
from panosc.policy.decisions.records import text_of

_REFERRING: dict[str, tuple[tuple[str, str], ...]] = {
    "Document": (("document_dataset", "document_id"),),
    "Sample": (("dataset_sample", "sample_id"),),
    "Technique": (("dataset_technique", "technique_id"),),
    "Instrument": (("dataset", "instrument_id"),),
    "Person": (("member", "person_id"),),
    "Affiliation": (("member", "affiliation_id"),),
}
"""Where records that many share are named: class → table and column."""
_LIVE = (
    "l.number > r.number and lr.state <> 'undone' and not exists"
    " (select from run_record x where x.run_id = lr.undoes and x.model = l.model"
    " and x.pid = l.pid and x.number > r.number)"
)
"""A later run counts, unless it was undone or is what undid another later one."""
_LATER = (
    "from run_record r join run_record l on l.model = r.model and l.pid = r.pid"
    " join run lr on lr.id = l.run_id"
)
_OWN = ("Dataset", "Location")
"""Records that no two runs share: a later change of one has to be undone first."""
_MOST_NAMED = 5


def undo(
    engine: sa.Engine,
    run: int,
    *,
    who: Who,
    reason: str,
    now: datetime,
    born: Born | None = None,
) -> int:
    """Bring every record back to what it was before `run`; return the run that did it.

    That run can be undone, too. `born` lets the policy decide on datasets that come back.

    Raises
    ------
    NotFound
        If there is no such run.
    Conflict
        If it still runs, is undone already, or later runs changed the same records.
    """
    words = text_of(reason, "reason")
    with engine.begin() as connection:
        journal.lock(connection)
        given = _undoable(connection, run, now)
        asked = {"run": run, "state": given.state}
        number = journal.add(
            connection, kind="undo", who=who, asked=asked, reason=words, now=now, undoes=run
        )
        try:
            report = _Undoing(connection, run, number).all(born)
        except IntegrityError as error:
            raise Conflict(
                f"What run {run} replaced names records that have gone since.",
                hint="Undo the runs that took them away first: `panosc ingest runs`.",
            ) from error
        _forget(connection, given)
        _mark(connection, given)
        journal.finish(connection, number, state="done", report=report, now=now)
        audit.record(
            connection,
            who,
            "run.undone",
            now=now,
            subject=f"run:{run}",
            reason=words,
            run=number,
            **report,
        )
    return number


def blockers(connection: sa.Connection, run: int) -> list[int]:
    """Return the later runs that changed what `run` did, the newest first.

    Runs that only came by the same record, and left it as it was, do not count.
    """
    found: set[int] = set()
    for model in _OWN:
        join, image = current(model, "l.pid")
        statement = sa.text(
            f"select distinct l.run_id {_LATER} left join {join}"
            f" where r.run_id = :run and r.model = :model and {_LIVE}"
            f" and not {same('l.before', image)}"
        )
        found |= set(connection.scalars(statement, {"run": run, "model": model}))
    return sorted(found, reverse=True)


def _undoable(connection: sa.Connection, run: int, now: datetime) -> Any:
    """Return the run, locked, if it may be undone."""
    given = connection.execute(sa.select(runs).where(runs.c.id == run).with_for_update()).first()
    if given is None:
        raise NotFound(f"There is no run {run}.", hint="`panosc ingest runs` lists them.")
    if given.state == "running" and given.beat > now - journal.SILENT:
        raise Conflict(
            f"Run {run} is still at work.", hint="Undo it when it has ended, or stop it first."
        )
    if given.state == "undone":
        by = connection.scalar(sa.select(sa.func.max(runs.c.id)).where(runs.c.undoes == run))
        raise Conflict(
            f"Run {run} is undone already, by run {by}.",
            hint=f"To have it back, undo run {by}.",
        )
    refuse(run, blockers(connection, run))
    return given


def refuse(run: int, later: list[int]) -> None:
    """Refuse to undo `run` because of `later` runs, if there are any.

    Raises
    ------
    Conflict
    """
    if later:
        named = ", ".join(map(str, later[:_MOST_NAMED]))
        more = f" and {len(later) - _MOST_NAMED} more" if len(later) > _MOST_NAMED else ""
        raise Conflict(
            f"Run {run} cannot be undone: run {named}{more} changed the same records after it.",
            hint=f"Undo run {later[0]} first.",
        )


@dataclass(slots=True)
class _Undoing:
    """One run being undone by another; `undoing` is the table of what is to be done."""

    connection: sa.Connection
    run: int
    by: int
    gone: list[tuple[str, str]] = field(default_factory=list)

    def all(self, born: Born | None) -> dict[str, int]:
        """Do it; return how many records were restored and how many went."""
        self._look()
        self._leave_shared()
        self._add_locations()
        wanted = Wanted(self.connection)
        wanted.from_images("undoing")
        wanted.write()
        self._restore_locations()
        self._delete()
        return self._tell(born)

    def _look(self) -> None:
        """List the records of the run with what they were and what they are."""
        models = self.connection.scalars(
            sa.text("select distinct model from run_record where run_id = :run"), {"run": self.run}
        ).all()
        for model in models:
            given = "select pid from run_record where run_id = :undone and model = :model"
            journal.keep(self.connection, self.by, model, given, {"undone": self.run})
        self._run(
            "create temporary table undoing on commit drop as"
            " select r.model, r.pid, r.number, r.before, u.before as found from run_record r"
            " join run_record u on u.run_id = :by and u.model = r.model and u.pid = r.pid"
            " where r.run_id = :run"
        )
        self._run("create index on undoing (model, pid)")
        self._run("analyze undoing")

    def _leave_shared(self) -> None:
        """Leave alone what a later run has changed; it then began from what was before this one.

        Only records that many share come here so: for others the undoing was refused. The same
        goes for what another run made at the same time.
        """
        self._run(
            "create temporary table later on commit drop as"
            " select l.run_id, l.number, l.model, l.pid, r.before,"
            f" not {same('l.before', 'r.found')} as has_changed from undoing r"
            " join run_record l on l.model = r.model and l.pid = r.pid"
            f" join run lr on lr.id = l.run_id where l.run_id <> :by and {_LIVE}"
        )
        self._run(
            "update run_record l set before = a.before from later a"
            " where l.run_id = a.run_id and l.model = a.model and l.pid = a.pid"
            " and not exists (select from later o where o.model = a.model and o.pid = a.pid"
            " and o.has_changed and exists (select from later e where e.model = a.model"
            " and e.pid = a.pid and e.number < a.number))"
        )
        twice = (
            "select u.model, u.pid from undoing u join run_record o on o.model = u.model"
            " and o.pid = u.pid and o.number < u.number and o.before is null"
            " join run ro on ro.id = o.run_id and ro.state <> 'undone' and ro.kind <> 'undo'"
            " join run mine on mine.id = :run and mine.kind <> 'undo'"
            " where u.before is null and u.model <> 'Location'"
        )
        self._drop(f"select model, pid from later where has_changed union {twice}")

    def _add_locations(self) -> None:
        """Keep the locations that go with datasets, which other runs may have added."""
        going = (
            "select d.id from dataset d join undoing u on u.model = 'Dataset' and u.pid = d.pid"
            " where u.before is null"
        )
        place = f"l.url || case when l.part = '' then '' else '{PART}' || l.part end"
        given = (
            f"select {place} from location l where l.dataset_id in ({going}) and not exists"
            f" (select from undoing u where u.model = 'Location' and u.pid = {place})"
        )
        others = self.connection.scalars(
            sa.text(
                f"select distinct r.run_id from ({given}) g(pid) join run_record r"
                " on r.model = 'Location' and r.pid = g.pid join run on run.id = r.run_id"
                " where run.state <> 'undone' and run.kind <> 'undo'"
            )
        )
        refuse(self.run, sorted(others, reverse=True))
        journal.keep(self.connection, self.by, LOCATION, given, {})

    def _restore_locations(self) -> None:
        names = ", ".join(columns_of("location"))
        found = ", ".join(f"o.{name}" for name in columns_of("location"))
        values = ", ".join(f"{name} = excluded.{name}" for name in columns_of("location"))
        self._run(
            f"insert into location ({names}) select {found} from undoing u,"
            " jsonb_populate_record(null::location, u.before->'row') o"
            " where u.model = 'Location' and u.before is not null"
            f" on conflict (url, part) do update set {values}"
        )
        self._run(
            "delete from location l using undoing u where u.model = 'Location'"
            f" and u.before is null and l.url = split_part(u.pid, '{PART}', 1)"
            f" and l.part = split_part(u.pid, '{PART}', 2)"
        )

    def _delete(self) -> None:
        """Let go what was not there; what is shared and still named stays."""
        for model in reversed(RECORDS):
            table, key = table_of(model), key_of(model)
            named = "".join(
                f" and not exists (select from {other} o where o.{column} = t.id)"
                for other, column in _REFERRING.get(model, ())
            )
            found = self._run(
                f"delete from {table} t using undoing u where u.model = '{model}'"
                f" and u.before is null and u.pid = t.{key}{named} returning t.{key}"
            )
            self.gone += sorted((model, row[0]) for row in found)
            self._drop(
                f"select u.model, u.pid from undoing u join {table} t on t.{key} = u.pid"
                f" where u.model = '{model}' and u.before is null"
            )

    def _drop(self, chosen: str) -> None:
        """Leave records out of it."""
        self._run(f"create temporary table dropped on commit drop as {chosen}")
        self._run(
            "delete from run_record r using dropped d"
            " where r.run_id = :by and r.model = d.model and r.pid = d.pid"
        )
        self._run("delete from undoing u using dropped d where u.model = d.model and u.pid = d.pid")
        self._run("drop table dropped")

    def _tell(self, born: Born | None) -> dict[str, int]:
        """Settle who may see what came back, and tell the feed."""
        statement = (
            "select model, pid from undoing u where before is not null and model <> 'Location'"
            f" and not {same('before', 'found')}"
        )
        restored = {(row.model, row.pid) for row in self._run(statement)}
        touched = {(model, surrogate(model, pid)) for model, pid in restored}
        keys = concerned(self.connection, touched)
        settled = settle(self.connection, keys, born)
        pids = self.connection.scalars(
            sa.text("select pid from dataset where id = any(cast(:keys as bigint[]))"),
            {"keys": sorted(settled)},
        )
        told = restored | {("Dataset", pid) for pid in pids}
        order = {name: place for place, name in enumerate(RECORDS)}
        changes.append(self.connection, sorted(told, key=lambda item: (order[item[0]], item[1])))
        changes.append(self.connection, self.gone, deleted=True)
        return {"restored": len(restored), "deleted": len(self.gone)}

    def _run(self, statement: str) -> "sa.CursorResult[Any]":
        text = sa.text(statement)
        given = {"by": self.by, "run": self.run}
        return self.connection.execute(
            text, {name: value for name, value in given.items() if f":{name}" in statement}
        )


def _forget(connection: sa.Connection, given: Any) -> None:
    """Forget what would let a later ingest pass over the files of the run."""
    values = {"run": given.id, "first": given.started, "last": given.ended or given.beat}
    # what is registered again still tells which files its place has
    is_free = " and not (registered and exists (select from location l where l.url = arrival.url))"
    for table, also in (("arrival", is_free), ("quarantine", "")):
        connection.execute(
            sa.text(
                f"delete from {table} where url in (select split_part(pid, '{PART}', 1)"
                f" from run_record where run_id = :run and model = 'Location'){also}"
            ),
            {"run": given.id},
        )
        if given.kind in {"ingest", "watch"}:
            # a file that another run met in the same time is read once more: no harm
            connection.execute(
                sa.text(f"delete from {table} where seen between :first and :last{also}"), values
            )
    connection.execute(sa.text("delete from announcement where run_id = :run"), {"run": given.id})


def _mark(connection: sa.Connection, given: Any) -> None:
    """Call the run undone; what it had undone itself is done again."""
    connection.execute(sa.update(runs).where(runs.c.id == given.id).values(state="undone"))
    if given.undoes is not None:
        again = given.asked.get("state", "done")
        state = "stopped" if again == "running" else again
        connection.execute(sa.update(runs).where(runs.c.id == given.undoes).values(state=state))
