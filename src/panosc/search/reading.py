"""One transaction in which a question is answered: it sees one moment and has a time limit.

A question with a regular expression gets less time, shared by all its statements up to the
first block of records. What PostgreSQL refuses becomes an error that says what to change.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

from panosc.catalogue.database import explained
from panosc.domain.entities import MODEL_BY_NAME, Model
from panosc.domain.errors import BadFilter, Gone, Invalid, NotFound, PanoscError
from panosc.domain.query import Query
from panosc.policy.sql import count_listed, visible
from panosc.search.index.searching import Moment
from panosc.search.planning import Chosen, Planner
from panosc.search.results import Assembler, Item
from panosc.search.sql import clauses
from panosc.search.sql.columns import Condition, Viewer, table_of

BLOCK = 1000
"""Records read at once."""

Entrance = Callable[[sa.FromClause, Viewer], Condition]
"""Which records of a class can be found at all: a condition on its table."""

_OPEN = frozenset({"Instrument", "Technique", "Affiliation"})
_BY_RELATION = {"Sample": "datasets", "Person": "members"}
_REFUSED = (pg.InvalidRegularExpression, pg.StatementTooComplex, pg.ProgramLimitExceeded)
_NARROWER = "Narrow the question down, or ask for less at once."


def entrance(model_name: str) -> Entrance:
    """Return which records of a class can be found, not only reached from others.

    Samples and people are found where a visible record names them.

    Raises
    ------
    Invalid
        For parts such as files, which are found by their record.
    """
    model = MODEL_BY_NAME[model_name]

    def enter(table: sa.FromClause, viewer: Viewer) -> Condition:
        if model.guarded:
            return viewer.may_list(table)
        if model.name in _OPEN:
            return sa.true()
        place = clauses.Place(model=model, table=table, viewer=viewer)
        relation = model.relation_by_name[_BY_RELATION[model.name]]
        return clauses.related(relation, place, lambda _: sa.true())

    if not (model.guarded or model.name in _OPEN or model.name in _BY_RELATION):
        raise Invalid(f"A {model.name} is found by the record that it belongs to.", field="model")
    return enter


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where an answer begins: behind one record."""

    key: int
    condition: Condition


class Reading:
    """Runs statements for one viewer inside one transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        viewer: Viewer,
        *,
        regexp_limit_s: float | None,
        open_moment: Callable[[], Moment | None] = lambda: None,
    ) -> None:
        self.viewer = viewer
        self.planner = Planner(lambda: self.moment, self._count_of)
        self._open_moment = open_moment
        self._connection = connection
        self._limit_s = regexp_limit_s
        self._deadline = time.monotonic() + (regexp_limit_s or 0)
        self._assembler = Assembler(self.run, viewer)

    @cached_property
    def moment(self) -> Moment | None:
        """The index as the viewer may see it; opened when it is first needed."""
        with self._explained():
            return self._open_moment()

    def run(self, statement: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        """Return all rows of a statement."""
        with self._explained():
            return self._connection.execute(statement).all()

    def count(self, query: Query, enter: Entrance) -> int:
        """Return how many records fit."""
        total = self.planner.total(query) if clauses.demands(query) or query.words else None
        if total is not None:
            return total
        place = self._start(query)
        if place.model.guarded and not query.words and not clauses.demands(query):
            viewer = self.viewer
            statement = sa.select(count_listed(place.table, viewer.who, now=viewer.now))
        else:
            conditions, _ = self._conditions(query, place, enter)
            statement = sa.select(sa.func.count()).select_from(place.table).where(*conditions)
        return int(self.run(statement)[0][0])

    def blocks(self, query: Query, enter: Entrance) -> Iterator[list[Item]]:
        """Yield the answers in their order, at most `BLOCK` at once."""
        place = self._start(query)
        start = None if query.after is None else self._start_after(query, query.after, place)
        chosen = self.planner.chosen(query, place, None if start is None else start.key)
        if chosen is None:
            conditions, score = self._conditions(query, place, enter)
            skip, limit = query.skip, query.limit
        else:
            conditions, score, skip, limit = self._narrowed(chosen, query, place, enter)
        if start is not None:
            conditions = [*conditions, start.condition]
        order = clauses.order_of(query.order, place)
        if query.words and not query.order:
            order = [score.desc(), *order]
        statement = self._assembler.select(query, place).add_columns(score.label("score_"))
        statement = statement.where(*conditions).order_by(*order)
        statement = statement.limit(limit).offset(skip or None)
        for rows in self._rows(statement, query.limit):
            items = self._assembler.items(query, rows)
            for item, row in zip(items, rows, strict=True):
                item["score"] = round(row.score_, 6)
            yield items
            self._deadline = time.monotonic() + (self._limit_s or 0)

    @cached_property
    def last_change(self) -> int:
        """The number of the newest change of the catalogue, 0 before the first."""
        return int(self.run(sa.select(sa.func.max(table_of("changes").c.number)))[0][0] or 0)

    @cached_property
    def next_opening(self) -> datetime | None:
        """When what the viewer may see changes next without anybody doing anything.

        That is when a record opens, or something shared with the viewer is shared no longer.
        """
        now, found = self.viewer.now, []
        for table in (table_of("dataset"), table_of("document")):
            for column in (table.c.open_at, table.c.core_at):
                # the first condition is that of the partial index
                first = sa.text(f"{column.name} > '0001-01-02 00:00:00+00'")
                found.append(sa.select(sa.func.min(column)).where(first, column > now))
        if self.viewer.who.readers:
            share = table_of("share")
            readers = sa.literal(sorted(self.viewer.who.readers), sa.ARRAY(sa.Text))
            ends = sa.select(sa.func.min(share.c.until))
            found.append(ends.where(share.c.reader == sa.any_(readers), share.c.until > now))
        times = [select.scalar_subquery() for select in found]
        # `least` passes over nulls
        earliest: datetime | None = self.run(sa.select(sa.func.least(*times)))[0][0]
        return earliest

    def parameter_names(self) -> list[str]:
        """Return the names of the parameters that the viewer may see, in order.

        Jumps from name to name in the index, so it takes as long as there are names.
        """
        table = table_of("parameter")
        first = sa.select(sa.func.min(table.c.name).label("name")).cte("found", recursive=True)
        following = sa.select(sa.func.min(table.c.name)).where(table.c.name > first.c.name)
        found = first.union_all(
            sa.select(following.scalar_subquery()).where(first.c.name.is_not(None))
        )
        seen = [self._has_parameter(found.c.name, owner) for owner in ("Dataset", "Document")]
        statement = sa.select(found.c.name).where(sa.or_(*seen)).order_by(found.c.name)
        return [row.name for row in self.run(statement)]

    def has_parameter(self, name: str) -> bool:
        """Whether the viewer may see a parameter of this name."""
        seen = [self._has_parameter(sa.literal(name), owner) for owner in ("Dataset", "Document")]
        return _is_text(name) and bool(self.run(sa.select(sa.or_(*seen)))[0][0])

    def _has_parameter(self, name: sa.ColumnElement[Any], owner: str) -> Condition:
        place = clauses.start(MODEL_BY_NAME[owner], self.viewer)
        parameter = table_of("parameter").alias()
        belongs = parameter.c[f"{owner.lower()}_id"] == place.table.c.id
        inner = sa.select(parameter.c.id).join_from(parameter, place.table, belongs)
        return sa.exists(inner.where(parameter.c.name == name, self.viewer.may_detail(place.table)))

    def one(self, query: Query, pid: str) -> Item:
        """Return one record by its identifier, whether or not its includes find something.

        Raises
        ------
        NotFound, Gone
        """
        place = self._start(query)
        model, table = place.model, place.table
        key = table.c[model.property_by_name[model.key].column]
        statement = self._assembler.select(query, place)
        if model.guarded:
            statement = statement.add_columns(table.c.mark.label("mark_"))
            seen: Condition = visible(table, self.viewer.who, "core", now=self.viewer.now)
        else:
            seen = entrance(model.name)(table, self.viewer)
        rows = self.run(statement.where(key == pid, seen)) if _is_text(pid) else []
        if not rows:
            raise self._absence(model, pid)
        item = self._assembler.items(query, rows)[0]
        if model.guarded and rows[0].mark_ == "withdrawn":
            item["access"] = "withdrawn"
        return item

    def _absence(self, model: Model, pid: str) -> PanoscError:
        if model.guarded and _is_text(pid):
            table = clauses.start(model, self.viewer).table
            erased = sa.select(table.c.id).where(table.c.pid == pid, table.c.mark == "erased")
            if self.run(erased):
                return Gone(f"{model.name} {pid} has been erased.")
        return NotFound(f'Unknown "{model.name}" id "{pid}".')

    def _start(self, query: Query) -> clauses.Place:
        return clauses.start(MODEL_BY_NAME[query.model], self.viewer)

    def _start_after(self, query: Query, pid: str, place: clauses.Place) -> "_Start":
        """Return where an answer begins that comes after one record."""
        table = place.table
        keys = clauses.sort_keys(query.order, place)
        columns = [key.expression.label(f"key_{number}") for number, key in enumerate(keys)]
        own = table.c[place.model.property_by_name[place.model.key].column]
        listed = entrance(query.model)(table, self.viewer)
        statement = sa.select(table.c.id, *columns).where(own == pid, listed)
        rows = self.run(statement) if _is_text(pid) else []
        if not rows:
            raise Invalid(
                f"There is no {query.model} {pid} (any more) after which to go on.",
                field="after",
                hint="Begin with the first page.",
            )
        row = rows[0]
        return _Start(key=int(row[0]), condition=clauses.following(keys, row[1:]))

    def _conditions(
        self, query: Query, place: clauses.Place, enter: Entrance
    ) -> tuple[list[Condition], sa.ColumnElement[Any]]:
        """Return what a record has to fulfil, and its score."""
        found = [enter(place.table, self.viewer), *clauses.conditions(query, place)]
        if not query.words:
            return found, sa.literal(0, sa.Integer)
        ranking = self.planner.ranking(query, place)
        return [*found, ranking.condition], ranking.score

    def _narrowed(
        self, chosen: Chosen, query: Query, place: clauses.Place, enter: Entrance
    ) -> tuple[list[Condition], sa.ColumnElement[Any], int, int | None]:
        """Return the conditions on records that the index has found."""
        found = [enter(place.table, self.viewer), chosen.ranking.condition]
        if not chosen.is_whole:
            found += clauses.conditions(query, place)
        return found, chosen.ranking.score, chosen.skip, chosen.limit

    def _count_of(self, query: Query, keys: Sequence[int]) -> int:
        """Return how many of some records fulfil a question, its words apart."""
        place = self._start(query)
        conditions = [entrance(query.model)(place.table, self.viewer)]
        conditions += clauses.conditions(query, place)
        among = place.table.c.id == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.BigInteger)))
        statement = sa.select(sa.func.count()).select_from(place.table).where(among, *conditions)
        return int(self.run(statement)[0][0])

    def _rows(
        self, statement: sa.Select[Any], limit: int | None
    ) -> Iterator[Sequence[sa.Row[Any]]]:
        if limit is not None and limit <= BLOCK:
            yield self.run(statement)
            return
        with self._explained():
            options = {"stream_results": True, "yield_per": BLOCK}
            result = self._connection.execute(statement, execution_options=options)
        # closed also when it fails half-way, or when nobody reads on
        with result:
            blocks = result.partitions()
            while True:
                with self._explained():
                    block = next(blocks, None)
                if block is None:
                    return
                yield block

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            if self._limit_s is not None:
                left = max(1, round((self._deadline - time.monotonic()) * 1000))
                self._connection.exec_driver_sql(f"set local statement_timeout = {left}")
            yield
        except DBAPIError as error:
            raise self._problem(error) from error

    def _problem(self, error: DBAPIError) -> Exception:
        if isinstance(error.orig, pg.QueryCanceled) and self._limit_s is not None:
            return BadFilter(
                f"The regular expression took longer than {self._limit_s:g} s.",
                field="where",
                hint="Make it more specific, or use like.",
            )
        if isinstance(error.orig, _REFUSED):
            reason = str(error.orig).splitlines()[0]
            return BadFilter(f"The question is too complicated: {reason}.", hint=_NARROWER)
        return explained(error) or error


def _is_text(pid: str) -> bool:
    return "\0" not in pid and not any("\ud800" <= letter <= "\udfff" for letter in pid)
