"""Showing what an edit would do, and doing exactly that, as a run that can be undone.

Both work on copies in the database, in sets; an edit of ten thousand records takes a handful of
statements. The token of a preview stands for what would be written and for what is there now.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa

from panosc.catalogue import changes
from panosc.catalogue.database import unlimited
from panosc.catalogue.writer import Born, concerned, settle, write
from panosc.domain.access import Who
from panosc.domain.errors import BadFilter, Conflict, Forbidden, Invalid
from panosc.domain.pid import surrogate
from panosc.ingest.runs import journal
from panosc.ingest.runs.differences import compare, labels
from panosc.ingest.runs.editing.checking import Meant, check
from panosc.ingest.runs.editing.operations import Edit, Example, Preview, Selection
from panosc.ingest.runs.editing.working import Working, parts_of
from panosc.ingest.runs.images import PARTS, Part, columns_of, image, key_of, table_of
from panosc.ingest.runs.restoring import PREFIX, Wanted
from panosc.policy import audit
from panosc.policy.decisions.records import signed_in, text_of, wrong_scope

MOST = 100_000
"""Most records of one edit."""
MOST_SHOWN = 200
_NAMED = 5
Choose = Callable[[Who, str], Sequence[str]]


def demand(who: Who) -> None:
    """Let nobody but a steward whose credential may manage.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    """
    signed_in(who)
    if not who.is_steward:
        raise Forbidden(
            "Only stewards may see and undo runs, and edit records.",
            hint="Ask a steward of this node; `panosc group member` names them.",
        )
    if "manage" not in who.scopes:
        raise wrong_scope("manage")


def preview(
    connection: sa.Connection,
    who: Who,
    selection: Selection,
    edit: Edit,
    *,
    choose: Choose | None = None,
    sample: int = 20,
) -> Preview:
    """Return what an edit would do; the caller rolls the transaction back.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope
    Invalid
        If the selection or an operation cannot be used.
    """
    demand(who)
    work = _Work(connection, selection, edit)
    work.prepare(_chosen(who, selection, choose))
    return Preview(
        total=work.total,
        changed=len(work.edited),
        unchanged=work.total - len(work.edited),
        examples=work.examples(min(sample, MOST_SHOWN)),
        problems=tuple(work.problems),
        token=work.token(),
    )


def apply(  # noqa: PLR0913 - who, what, why and when of an act
    engine: sa.Engine,
    who: Who,
    selection: Selection,
    edit: Edit,
    *,
    reason: str,
    token: str,
    now: datetime,
    choose: Choose | None = None,
    born: Born | None = None,
) -> int:
    """Do what a preview showed; return the run.

    Raises
    ------
    Unauthenticated, Forbidden, WrongScope, Invalid
    Conflict
        If it would now do something else than the preview showed, or nothing.
    """
    demand(who)
    words = text_of(reason, "reason")
    pids = _chosen(who, selection, choose)
    with engine.begin() as connection:
        journal.lock(connection)
        work = _Work(connection, selection, edit)
        work.prepare(pids)
        if work.token() != token:
            raise Conflict(
                "The records are no longer those of the preview.",
                hint="Look at a new preview, and apply that.",
            )
        if not work.edited:
            raise Conflict("Nothing would change: all of them are so already.")
        asked = {"selection": _plain(selection), "operations": operations(edit)}
        run = journal.add(connection, kind="edit", who=who, asked=asked, reason=words, now=now)
        work.write(run, now=now, born=born)
        report = {"changed": len(work.edited), "of": work.total}
        journal.finish(connection, run, state="done", report=report, now=now)
        audit.record(
            connection,
            who,
            "records.edited",
            now=now,
            subject=f"run:{run}",
            reason=words,
            model=selection.model,
            operations=asked["operations"],
            **report,
        )
    return run


def operations(edit: Edit) -> list[dict[str, Any]]:
    """Return the operations as JSON, each with its name in ``op``."""
    return [{"op": type(item).__name__, **asdict(item)} for item in edit.operations]


def _plain(selection: Selection) -> dict[str, Any]:
    # ten thousand PIDs are in the journal anyway
    return {
        "model": selection.model,
        "where": selection.where,
        "pids": list(selection.pids[:MOST_SHOWN]),
        "number": len(selection.pids),
    }


def _chosen(who: Who, selection: Selection, choose: Choose | None) -> Sequence[str]:
    if bool(selection.pids) == bool(selection.where):
        raise Invalid(
            "Say which records: by their PIDs, or by a search.",
            field="selection",
            hint="One of them.",
        )
    if not selection.where:
        pids: Sequence[str] = selection.pids
    elif choose is None or selection.model != "Dataset":
        raise Invalid("Only datasets can be chosen by a search.", field="where", hint="Give PIDs.")
    else:
        try:
            pids = choose(who, selection.where)
        except BadFilter as error:
            # a value of the edit like any other, not the question of a search
            raise Invalid(error.detail, field="where", hint=error.hint) from None
    if len(pids) > MOST:
        raise Invalid(
            f"These are {len(pids):,} records; at most {MOST:,} are edited at once.",
            field="selection",
            hint="Narrow the search, for example by year.",
        )
    bad = [pid for pid in pids if "\0" in pid or any("\ud800" <= s <= "\udfff" for s in pid)]
    if bad:
        raise Invalid("A PID is no text.", field="pids")
    return pids


@dataclass(slots=True)
class _Work:
    """An edit under way, on copies."""

    connection: sa.Connection
    selection: Selection
    edit: Edit
    total: int = 0
    edited: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    wanted: Wanted = field(init=False)
    parts: tuple[Part, ...] = ()

    def prepare(self, pids: Sequence[str]) -> None:
        """Copy the records, do the operations, and find out which differ."""
        model = self.selection.model
        unlimited(self.connection)
        check(self.edit, model)
        self._choose(pids)
        names = parts_of(self.edit.operations)
        self.parts = tuple(part for part in PARTS.get(model, ()) if part.name in names)
        self.wanted = Wanted(self.connection)
        self.wanted.copy(model, "select id from chosen", parts=names)
        for table in (table_of(model), *(part.table for part in self.parts)):
            self.connection.exec_driver_sql(f"analyze {PREFIX}{table}")
        meant = Meant(self.connection)
        working = Working(self.connection, model, meant)
        for operation in self.edit.operations:
            working.do(operation)
        self.problems += working.problems
        self.made = meant.made
        self.edited = self._differing()

    def _choose(self, pids: Sequence[str]) -> None:
        model = self.selection.model
        table, key = table_of(model), key_of(model)
        erased = " and t.mark <> 'erased'" if model in {"Dataset", "Document"} else ""
        self._run("drop table if exists pg_temp.chosen")
        self._run(
            "create temporary table chosen on commit drop as select t.id, w.pid from"
            " (select distinct unnest(cast(:pids as text[]))) w(pid)"
            f" left join {table} t on t.{key} = w.pid{erased}",
            pids=list(pids),
        )
        lost = self._run("select pid from chosen where id is null order by pid").scalars().all()
        if lost:
            named = ", ".join(lost[:_NAMED]) + (", …" if len(lost) > _NAMED else "")
            self.problems.append(f"Not here, or erased ({len(lost):,}): {named}")
        self._run("delete from chosen where id is null")
        self.total = int(self._run("select count(*) from chosen").scalar_one())

    def _differing(self) -> list[int]:
        model = self.selection.model
        table = table_of(model)
        differs = " or ".join(
            f'w."{name}" is distinct from t."{name}"' for name in columns_of(table)
        )
        queries = [f"select w.id from {PREFIX}{table} w join {table} t using (id) where {differs}"]
        for part in self.parts:
            names = ", ".join(f'"{name}"' for name in columns_of(part.table) if name != "id")
            owner = part.owner
            now = f"select {names} from {part.table} where {owner} in (select id from chosen)"
            then = f"select {names} from {PREFIX}{part.table}"
            for one, other in ((now, then), (then, now)):
                queries.append(f"select {owner} from ({one} except all {other}) d")
        self._run("drop table if exists pg_temp.edited")
        self._run(
            "create temporary table edited on commit drop as"
            f" select distinct id from ({' union all '.join(queries)}) q(id)"
        )
        return list(self._run("select id from edited order by id").scalars())

    def examples(self, count: int) -> tuple[Example, ...]:
        """Return the first records that would change, and how."""
        model = self.selection.model
        table, key = table_of(model), key_of(model)
        # parts that were not copied are as they are
        now, then = image(model, "t"), image(model, "w", prefix="")
        for part in self.parts:
            then = then.replace(f" from {part.table} p ", f" from {PREFIX}{part.table} p ")
        rows = self._run(
            f"select t.{key} as pid, {now} as now, {then} as wanted from edited e"
            f" join {table} t using (id) join {PREFIX}{table} w using (id)"
            f" order by t.{key} limit :count",
            count=count,
        ).all()
        known = labels(self.connection, [item for row in rows for item in (row.now, row.wanted)])
        for name, row in self.made:
            if name == "Person":
                known["person", surrogate(name, row["id"])] = row["fullName"]
            else:
                known["technique", surrogate(name, row["pid"])] = row["name"]
        return tuple(
            Example(
                pid=row.pid,
                title=row.now["row"].get("title") or row.now["row"].get("name"),
                changes=compare(model, row.now, row.wanted, known),
            )
            for row in rows
        )

    def token(self) -> str:
        """Return what stands for the edit, the records chosen, and what they are and would be."""
        model = self.selection.model
        digest = hashlib.sha256(orjson.dumps([model, operations(self.edit)]))
        for query in self._contents():
            digest.update(str(self._run(query).scalar()).encode())
        return digest.hexdigest()

    def _contents(self) -> list[str]:
        def summed(row: str, source: str) -> str:
            return f"select md5(string_agg(h, '' order by h)) from (select md5({row}) h {source}) q"

        table = table_of(self.selection.model)
        found = [
            summed("pid", "from chosen"),
            summed("t::text", f"from {table} t join edited e using (id)"),
            summed("w::text", f"from {PREFIX}{table} w join edited e using (id)"),
        ]
        for part in self.parts:
            found += [
                summed("p::text", f"from {name} p join edited e on e.id = p.{part.owner}")
                for name in (part.table, f"{PREFIX}{part.table}")
            ]
        return found

    def write(self, run: int, *, now: datetime, born: Born | None) -> None:
        """Let the catalogue be as the copies are, with a journal."""
        model = self.selection.model
        pids = "select pid from chosen join edited using (id)"
        journal.note(
            self.connection, run, [(name, row.get("pid") or row["id"]) for name, row in self.made]
        )
        journal.keep(self.connection, run, model, pids, {})
        if self.made:
            write(self.connection, self.made, now=now)
        self.wanted.write()
        touched: set[tuple[str, int]] = {(model, key) for key in self.edited}
        settled = settle(self.connection, concerned(self.connection, touched), born)
        table = table_of(model)
        told = [(model, pid) for pid in self._run(f"{pids} order by pid").scalars()]
        if settled - set(self.edited):
            others = self._run(
                "select pid from dataset where id = any(cast(:keys as bigint[])) order by pid",
                keys=sorted(settled - set(self.edited) if model == "Dataset" else settled),
            )
            told += [("Dataset", pid) for pid in others.scalars()]
        self._run(f"update {table} set changed = now() where id in (select id from edited)")
        changes.append(self.connection, told)

    def _run(self, statement: str, **values: Any) -> "sa.CursorResult[Any]":
        return self.connection.execute(sa.text(statement), values)
