"""A batch of raw records kept: what they tell brought into the catalogue, in one transaction.

What stands in the catalogue is worked out anew for each record that is concerned, from all that
sources tell of it; so it does not depend on the order in which harvests came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.database import unlimited
from panosc.catalogue.federating.tables import told, told_link
from panosc.federation.contract import Connector, Raw
from panosc.federation.harvesting import raws
from panosc.federation.harvesting.filling import filled
from panosc.federation.harvesting.mappers import Mappers
from panosc.federation.harvesting.raws import Kept, Place
from panosc.federation.harvesting.taking import ALONE, Piece, Taken, Taking
from panosc.federation.harvesting.writing import Shown, Writing
from panosc.federation.same.clustering import Record, Verdict, in_order
from panosc.federation.same.folding import Line, Together, fold, ranks
from panosc.federation.same.keys import FOLDING

LOCK = 0x70616E6F736361
"""Key of the lock under which one batch at a time is brought in, of whatever catalogue."""
CLASSES = ("Document", "Dataset", *ALONE)
_t = told.c


@dataclass(slots=True, kw_only=True)
class Counts:
    """What came of records: `changed` are those that are known and came otherwise."""

    seen: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    refused: int = 0

    def add(self, other: "Counts") -> None:
        """Add another's numbers."""
        self.seen += other.seen
        self.new += other.new
        self.changed += other.changed
        self.gone += other.gone
        self.refused += other.refused


class Keeping:
    """Keeps what one catalogue answers.

    Parameters
    ----------
    connector : Connector
    clock : callable
    harvest : int
        The run that this belongs to.
    facility : str
        This node's own name.
    """

    def __init__(
        self, connector: Connector, clock: Callable[[], datetime], *, harvest: int, facility: str
    ) -> None:
        self._connector = connector
        self._clock = clock
        self._harvest = harvest
        self._facility = facility

    def keep(
        self, connection: sa.Connection, given: Sequence[Raw], *, anew: bool = False
    ) -> Counts:
        """Keep raw records and news of what is gone; commit at once afterwards.

        With `anew` they count as changed even if they are the same.
        """
        unlimited(connection)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        now, name = self._clock(), self._connector.source.name
        version = self._connector.mapping_version
        parted = raws.sort(connection, name, given, mapping=-1 if anew else version)
        taking = Taking(self._connector)
        taken, kept = list[Taken](), list[Kept]()
        for item in (*parted.new, *parted.changed):
            told_of = taking.take(item.raw) if item.problem is None else None
            problem = item.problem if told_of is None else told_of.problem
            kept.append(replace(item, problem=problem))
            if told_of is not None and problem is None:
                taken.append(told_of)
        raws.keep(connection, name, kept, at=now, mapping=version, harvest=self._harvest)
        raws.leave(connection, name, parted.gone, at=now, harvest=self._harvest)
        places = [raws.place_of(item.raw) for item in parted.changed] + list(parted.gone)
        if kept or places:
            passing = _Passing(connection, self._connector, now=now, facility=self._facility)
            passing.bring(taken, places)
        return Counts(
            seen=len(given),
            new=len(parted.new),
            changed=len(parted.changed),
            gone=len(parted.gone),
            refused=sum(item.problem is not None for item in kept),
        )


@dataclass(slots=True)
class _Passing:
    """One transaction: from what is told to what stands in the catalogue."""

    connection: sa.Connection
    connector: Connector
    now: datetime = field(kw_only=True)
    facility: str = field(kw_only=True)
    _pieces: dict[tuple[str, str, str, str], tuple[Taken, Piece]] = field(default_factory=dict)
    _shown: list[Shown] = field(default_factory=list)
    _readers: dict[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    _deleted: dict[str, list[str]] = field(default_factory=dict)
    _linked: dict[str, set[str]] = field(
        default_factory=lambda: {"Dataset": set(), "Document": set()}
    )

    @property
    def _name(self) -> str:
        return self.connector.source.name

    def bring(self, taken: Sequence[Taken], places: Sequence[Place]) -> None:
        """Bring in what raw records tell; `places` are those that told something before."""
        for item in taken:
            for piece in item.pieces:
                self._pieces[item.kind, item.external_id, piece.model, piece.pid] = (item, piece)
        before = self._forget(places)
        self._relink(taken, places)
        folded = self._fold(before)
        mappers = Mappers(self.connection, self.connector)
        for item in taken:
            mappers.know(self._name, item)
        for together, concerned in folded:
            self._decide(together, concerned, mappers)
        writing = Writing(self.connection, self.now)
        writing.all(
            self._shown,
            self._deleted,
            linked=(self._linked["Dataset"], self._linked["Document"]),
            readers=self._readers,
        )
        self._await(writing.awaits)

    def _forget(self, places: Sequence[Place]) -> Sequence[Any]:
        if not places:
            return ()
        statement = sa.text(
            "delete from told t using unnest(cast(:kinds as text[]), cast(:ids as text[]))"
            " as g(kind, id) where t.connector = :name and t.kind = g.kind"
            " and t.external_id = g.id returning t.model, t.own_pid, t.pid, t.keys"
        )
        return self.connection.execute(statement, self._placed(places)).all()

    def _placed(self, places: Iterable[Place]) -> dict[str, Any]:
        pairs = list(places)
        return {"name": self._name, "kinds": [k for k, _ in pairs], "ids": [i for _, i in pairs]}

    def _relink(self, taken: Sequence[Taken], places: Sequence[Place]) -> None:
        """Keep the links that are told; those datasets are linked anew whose links changed."""
        before: set[tuple[str, str]] = set()
        if places:
            statement = sa.text(
                "delete from told_link t using unnest(cast(:kinds as text[]), cast(:ids as text[]))"
                " as g(kind, id) where t.connector = :name and t.kind = g.kind"
                " and t.external_id = g.id returning t.document, t.dataset"
            )
            rows = self.connection.execute(statement, self._placed(places))
            before = {(row.document, row.dataset) for row in rows}
        lines = [
            {
                "connector": self._name,
                "kind": item.kind,
                "external_id": item.external_id,
                "document": one,
                "dataset": two,
            }
            for item in taken
            for one, two in item.links
        ]
        if lines:
            self.connection.execute(sa.insert(told_link), lines)
        after = {(line["document"], line["dataset"]) for line in lines}
        named = {dataset for _, dataset in before ^ after}
        self._linked["Dataset"] |= named
        if named:
            given = sa.any_(sa.literal(sorted(named), sa.ARRAY(sa.Text)))
            found = sa.select(_t.pid).where(
                _t.model == "Dataset", _t.own_pid == given, _t.connector == self._name
            )
            self._linked["Dataset"].update(self.connection.scalars(found))

    def _fold(self, before: Sequence[Any]) -> list[tuple[Together, set[str]]]:
        """Return what hangs together, by class, with the PIDs that may say something else."""
        rank = ranks(self.connection)
        found: list[tuple[Together, set[str]]] = []
        for model in CLASSES:
            lines = [
                Line(record=self._record(key, piece, rank))
                for key, (_, piece) in self._pieces.items()
                if piece.model == model
            ]
            went = [row for row in before if row.model == model]
            keys = {key for row in went for key in row.keys}
            if model in FOLDING:
                keys |= self._awaiting(model)
            if lines or keys:
                together = fold(
                    self.connection, model, lines, keys, rank=rank, facility=self.facility
                )
                concerned = {row.pid for row in went} | self._awaiting_pids(together)
                found.append((together, concerned))
        return found

    def _record(
        self, key: tuple[str, str, str, str], piece: Piece, rank: Mapping[str, Any]
    ) -> Record:
        return Record(
            source=self._name,
            rank=rank[self._name],
            own_pid=piece.pid,
            keys=piece.keys,
            kind=key[0],
            external_id=key[1],
        )

    def _alone(self) -> list[str]:
        return [f"{p.model}:{p.pid}" for _, p in self._pieces.values() if p.model in ALONE]

    def _awaiting(self, model: str) -> set[str]:
        """Return the keys of records that await a shared one of this batch."""
        alone = self._alone()
        if not alone:
            return set()
        waits = _t.awaits.op("&&")(sa.literal(alone, _t["keys"].type))
        statement = sa.select(sa.func.unnest(_t["keys"])).where(
            _t.model == model, _t.awaits.is_not(None), waits
        )
        return set(self.connection.scalars(statement))

    def _awaiting_pids(self, together: Together) -> set[str]:
        alone = set(self._alone())
        return {
            line.row.pid
            for line in together.lines.values()
            if alone and line.row is not None and alone & set(line.row.awaits or ())
        }

    def _decide(self, together: Together, concerned: set[str], mappers: Mappers) -> None:
        """Keep the verdicts of a class, and see which records are to be written or deleted."""
        model = together.model
        new: list[dict[str, Any]] = []
        moved: list[dict[str, Any]] = []
        members: dict[str, list[Record]] = {}
        for line in together.lines.values():
            record, verdict = line.record, together.verdicts[line.record]
            members.setdefault(verdict.pid, []).append(record)
            if line.row is None:
                new.append(self._told(model, record, verdict))
                concerned.add(verdict.pid)
            elif _differs(line.row, verdict):
                moved.append(_moved(model, record, verdict))
                concerned |= {line.row.pid, verdict.pid}
                self._linked_by(model, record.own_pid)
        if new:
            self.connection.execute(sa.insert(told), new)
        if moved:
            self.connection.execute(_MOVE, moved)
        self._show(together, concerned, members, mappers)

    def _linked_by(self, model: str, pid: str) -> None:
        if model in self._linked:
            self._linked[model].add(pid)

    def _show(
        self,
        together: Together,
        concerned: set[str],
        members: Mapping[str, list[Record]],
        mappers: Mappers,
    ) -> None:
        model = together.model
        wanted = {
            pid: _speaking(members[pid], together.verdicts) for pid in concerned & members.keys()
        }
        mappers.load(record for records in wanted.values() for record in records)
        for pid in sorted(concerned):
            self._linked_by(model, pid)
            if model == "Dataset":
                self._readers[pid] = ("", ())
            records = wanted.get(pid)
            if pid in together.own and together.verdicts[together.own[pid]].pid == pid:
                continue
            if not records:
                self._deleted.setdefault(model, []).append(pid)
                continue
            shown = mappers.piece(records[0], model)
            if shown is None:
                continue
            others = [piece for item in records[1:] if (piece := mappers.piece(item, model))]
            self._shown.append(filled(shown, others))
            if model == "Dataset":
                self._readers[pid] = (shown.source.name, shown.piece.readers)

    def _told(self, model: str, record: Record, verdict: Verdict) -> dict[str, Any]:
        _, piece = self._pieces[record.kind, record.external_id, model, record.own_pid]
        return {
            "connector": record.source,
            "model": model,
            "own_pid": record.own_pid,
            "kind": record.kind,
            "external_id": record.external_id,
            "pid": verdict.pid,
            "home": piece.home,
            "is_shown": verdict.is_shown,
            "keys": list(record.keys),
            "evidence": dict(verdict.evidence),
            "fetched": self.now,
        }

    def _await(self, awaits: Mapping[tuple[str, str], list[str]]) -> None:
        """Note what written records name and is nowhere."""
        for model in FOLDING:
            pids = [rows[0][1]["pid"] for _, rows, _ in self._shown if rows[0][0] == model]
            waiting = [
                {"m": model, "p": pid, "a": sorted(set(awaits[model, pid]))}
                for pid in pids
                if (model, pid) in awaits
            ]
            given = sa.any_(sa.literal(pids, sa.ARRAY(sa.Text)))
            self.connection.execute(
                sa.update(told)
                .where(_t.model == model, _t.pid == given, _t.awaits.is_not(None))
                .values(awaits=None)
            )
            if waiting:
                self.connection.execute(_AWAIT, waiting)


_MOVE = (
    sa.update(told)
    .where(
        _t.connector == sa.bindparam("c"),
        _t.kind == sa.bindparam("k"),
        _t.external_id == sa.bindparam("e"),
        _t.model == sa.bindparam("m"),
        _t.own_pid == sa.bindparam("o"),
    )
    .values(
        pid=sa.bindparam("p"), is_shown=sa.bindparam("s"), evidence=sa.bindparam("v"), awaits=None
    )
)
_AWAIT = (
    sa.update(told)
    .where(_t.model == sa.bindparam("m"), _t.pid == sa.bindparam("p"), _t.is_shown)
    .values(awaits=sa.bindparam("a"))
)


def _speaking(records: Iterable[Record], verdicts: Mapping[Record, Verdict]) -> list[Record]:
    """Return one record of each source, the one that is shown first."""
    ordered = sorted(records, key=lambda item: (not verdicts[item].is_shown, in_order(item)))
    by_source: dict[str, Record] = {}
    for item in ordered:
        by_source.setdefault(item.source, item)
    return list(by_source.values())


def _differs(row: Any, verdict: Verdict) -> bool:
    return (row.pid, row.is_shown, row.evidence) != (
        verdict.pid,
        verdict.is_shown,
        dict(verdict.evidence),
    )


def _moved(model: str, record: Record, verdict: Verdict) -> dict[str, Any]:
    return {
        "c": record.source,
        "k": record.kind,
        "e": record.external_id,
        "m": model,
        "o": record.own_pid,
        "p": verdict.pid,
        "s": verdict.is_shown,
        "v": dict(verdict.evidence),
    }
