"""Three answers to one question: of the index, of SQL, of brute force; and whether they agree."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

import sqlalchemy as sa
from index_questions import Asking, Question, Tree
from index_samples import MOMENTS, PEOPLE, Sample, sample
from search_oracle import Oracle

from panosc.catalogue import changes, tables
from panosc.domain.access import Who, may, state_of
from panosc.domain.query import Query
from panosc.search.index.opening import SearchIndex
from panosc.search.index.searching import Moment
from panosc.search.service import SearchService
from panosc.settings import Settings


class Watched(SearchIndex):
    """An index that remembers the last moment that was asked for."""

    last: Moment | None = None

    def moment(self, connection: sa.Connection, who: Who, *, now: datetime) -> Moment | None:
        self.last = super().moment(connection, who, now=now)
        return self.last


class BruteForce(Oracle):
    """The oracle with the whole decision on access."""

    def __init__(self, sample: Sample, who: Who, now: datetime) -> None:
        self.guards = sample.guards
        rows = [(model, dict(row)) for model, row in sample.rows]
        for _, row in rows:
            if row.get("pid") in sample.guards:
                row["access"] = state_of(sample.guards[row["pid"]], now=now)
        super().__init__(rows, who, now)
        for row in [*self.rows["Dataset"], *self.rows["Document"]]:
            if row["releaseDate"] is not None:
                row["releaseDate"] = datetime.fromisoformat(row["releaseDate"])
        self._related: dict[tuple[str, str], tuple[str, list[dict[str, Any]]]] = {}
        self._by_key: dict[tuple[str, str], Any] = {}

    def listed(self, model: str, row: dict[str, Any]) -> bool:
        guard = self.guards.get(row.get("pid", ""))
        return guard is None or may(self.who, "list", guard, now=self.now)

    def detailed(self, row: dict[str, Any]) -> bool:
        return may(self.who, "detail", self.guards[row["pid"]], now=self.now)

    def by_key(self, model: str, key: Any) -> dict[str, Any]:
        if (model, key) not in self._by_key:
            self._by_key[model, key] = super().by_key(model, key)
        found: dict[str, Any] = self._by_key[model, key]
        return found

    def related(
        self, model: str, row: dict[str, Any], name: str
    ) -> tuple[str, list[dict[str, Any]]]:
        key = (row["pid"], name)
        if key not in self._related:
            self._related[key] = super().related(model, row, name)
        return self._related[key]

    def fits_atom(self, model: str, row: dict[str, Any], atom: tuple[str, str, Any]) -> bool:
        key, operator, operand = atom
        return super().fits_atom(
            model, row, (key, operator, self.times(operand)) if key == "releaseDate" else atom
        )

    def scale(self, row: dict[str, Any]) -> tuple[str, float, float] | None:
        # what is no finite number has no value in SI
        is_finite = isinstance(row["value"], str) or isfinite(row["value"])
        return super().scale(row) if is_finite else None

    def holds(self, model: str, row: dict[str, Any], part: Tree) -> bool:
        """Whether a condition holds."""
        match part.kind:
            case "where":
                return self.fits(model, row, part.value)
            case "include":
                return self.includes_fit(model, row, {"include": [part.value]})
            case "not":
                return not self.holds(model, row, part.inner[0])
            case "and":
                return all(self.holds(model, row, one) for one in part.inner)
            case _:
                return any(self.holds(model, row, one) for one in part.inner)

    def found(self, question: Question) -> tuple[list[str], int]:
        """Return PIDs of the page asked for, and how many fit."""
        model = question.model
        rows = [row for row in self.rows[model] if self.listed(model, row)]
        rows = [row for row in rows if all(self.holds(model, row, one) for one in question.parts)]
        return [row["pid"] for row in self.page(model, rows, question.page)], len(rows)


@dataclass
class Judge:
    """Asks a catalogue the same in three ways."""

    engine: sa.Engine
    settings: Settings
    sample: Sample | None = None
    """Without it only index and SQL are held against each other."""
    counts: Counter[str] = field(default_factory=Counter)
    now: datetime = MOMENTS[1]

    def __post_init__(self) -> None:
        self.index = Watched(self.settings.home)
        ask = (self.engine, self.settings, lambda: self.now)
        self.by_index, self.by_sql = SearchService(*ask, self.index), SearchService(*ask)
        self._forces: dict[tuple[Who, datetime], BruteForce] = {}

    def fault(self, question: Question, who: Who, now: datetime) -> str | None:
        """Return where the answers differ, if they do."""
        self.now = now
        self.index.last = None
        query = question.query()
        answers = {"index": _answer(self.by_index, who, query)}
        moment = self.index.last
        is_by_index = moment is not None and is_answered(moment, query)
        if is_by_index or answers["index"][0] == "fails":
            # otherwise it was SQL that answered
            answers["SQL"] = _answer(self.by_sql, who, query)
        if self.sample is not None:
            answers["brute force"] = self.force(who, now).found(question)
        self.counts["asked"] += 1
        self.counts["by the index"] += is_by_index
        self.counts["found some"] += bool(answers["index"][1])
        if len({str(answer) for answer in answers.values()}) == 1:
            return None
        return "\n".join([f"{question}", f"{who}", f"{now}", *map(str, answers.items())])

    def force(self, who: Who, now: datetime) -> BruteForce:
        """Return the brute force for one person at one moment."""
        assert self.sample is not None
        if (who, now) not in self._forces:
            self._forces[who, now] = BruteForce(self.sample, who, now)
        return self._forces[who, now]


def _answer(service: SearchService, who: Who, query: Query) -> tuple[Any, Any]:
    try:
        answer = service.answer(who, query)
        return [item["pid"] for item in answer.items], answer.total
    except BaseException as error:
        # a panic of the library of the index is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return "fails", f"{type(error).__name__}: {error}"


def is_answered(moment: Moment, query: Query) -> bool:
    try:
        return moment.filters(query) is not None
    except BaseException:
        return False


def asked(seed: int) -> tuple[Question, Who, datetime]:
    """Return a question, who asks it, and when."""
    rng = random.Random(seed)
    return Asking(rng).question(), rng.choice(PEOPLE), rng.choice(MOMENTS)


def first_fault(judges: Sequence[Judge], seeds: range) -> str | None:
    """Ask a question a seed, in turn; return the first disagreement with its seed."""
    for seed in seeds:
        judge = judges[seed % len(judges)]
        fault = judge.fault(*asked(seed))
        if fault is not None:
            return f"seed {seed}:\n{fault}"
    return None


def change(engine: sa.Engine, *, seed: int) -> None:
    """Change a catalogue in every way there is, as the feed tells it; nothing follows."""
    rng = random.Random(seed)
    made = sample(seed + 1)
    chosen = set(rng.sample(sorted(made.guards), 25))
    # whole records anew, with what is theirs, and what they share
    made.guards = {pid: guard for pid, guard in made.guards.items() if pid in chosen}
    made.rows = [row for row in made.rows if _stays(row, chosen)]
    with engine.begin() as connection:
        made.fill(connection)
    with engine.begin() as connection:
        for model, table in (("Dataset", tables.dataset), ("Document", tables.document)):
            pids = sorted(connection.scalars(sa.select(table.c.pid)))
            gone = rng.sample(pids, 4)
            connection.execute(sa.delete(table).where(table.c.pid.in_(gone)))
            changes.append(connection, [(model, pid) for pid in gone], deleted=True)


def _stays(row: tuple[str, dict[str, Any]], chosen: set[str]) -> bool:
    model, values = row
    if model in {"Dataset", "Document"}:
        return values["pid"] in chosen
    owners = {values[name] for name in ("datasetId", "documentId") if name in values}
    return owners <= chosen
