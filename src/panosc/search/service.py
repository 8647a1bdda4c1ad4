"""Searching the catalogue: the use cases behind the API, the pages and the command line.

The first argument says who asks; what that person may not see is not there. How a question
is read from the database is `reading`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from panosc.domain.access import Who
from panosc.domain.errors import NotFound
from panosc.domain.query import Clause, Query
from panosc.identity.keys import node_keys
from panosc.search.counts import facets as counting
from panosc.search.counts import spreads
from panosc.search.counts.dropping import dropping
from panosc.search.counts.experiments import Summary, of_node, summaries
from panosc.search.counts.facets import Facet
from panosc.search.counts.nearest import nearest
from panosc.search.counts.spreads import Histogram, Parameter
from panosc.search.index.opening import SearchIndex
from panosc.search.index.searching import Moment
from panosc.search.language.selection import SIZES, Selection
from panosc.search.reading import BLOCK, Entrance, Reading, entrance
from panosc.search.results import Item
from panosc.search.sql.clauses import demands, has_regexp
from panosc.search.sql.columns import Condition, Viewer, table_of
from panosc.settings import Settings

KEPT = timedelta(minutes=1)
"""How long counts of facets are kept."""
MOST_KEPT = 200
SHORTEST = 3
"""Letters from which on words are completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What was counted, and the moment from which it may be wrong."""

    found: Any
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a question finds: how many in all, and the page asked for, read as it is used."""

    total: int
    items: Iterator[Item]
    is_least: bool = False
    """Whether there may be more: records came just now, and are not all counted yet."""


class SearchService:
    """Finds, counts and shows records of the catalogue.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    settings : Settings
        For the time limits of queries.
    clock : callable
        Returns the present time; on it depends what is under embargo.
    index : SearchIndex, optional
        Without it the database answers everything, ranked words literally.
    """

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        index: SearchIndex | None = None,
    ) -> None:
        self._index = index
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._salt = node_keys(settings).secret("names of parts")
        self._counted: dict[Hashable, _Counted] = {}

    def find(self, who: Who, query: Query) -> Iterator[Item]:
        """Yield the records that `who` may list and that fit, with a ``score`` each."""
        return self._find(who, query, entrance(query.model))

    def answer(self, who: Who, query: Query) -> Answer:
        """Return the same with the number of records that fit, whatever limit and skip."""
        return self._answer(who, query, entrance(query.model))

    def count(self, who: Who, query: Query) -> int:
        """Return how many records `who` may list and that fit."""
        with self._reading(who, query) as reading:
            return reading.count(query, entrance(query.model))

    def get(self, who: Who, model: str, pid: str, query: Query | None = None) -> Item:
        """Return one record; its includes choose what it holds, not whether it is there.

        A withdrawn record says so in ``access``.

        Raises
        ------
        NotFound
            If there is none, or none that `who` may know of.
        Gone
            If it was erased.
        """
        asked = query or Query(model=model)
        with self._reading(who, asked) as reading:
            return reading.one(asked, pid)

    def files(self, who: Who, pid: str, query: Query) -> Answer:
        """Return the files of one dataset; none where its detail is not open to `who`."""
        return self._answer(who, query, self._files_of(who, pid))

    def count_files(self, who: Who, pid: str, where: Clause) -> int:
        """Return how many files of one dataset fit."""
        query = Query(model="File", where=where)
        enter = self._files_of(who, pid)
        with self._reading(who, query) as reading:
            return reading.count(query, enter)

    def facets(
        self, who: Who, selection: Selection, names: Iterable[str]
    ) -> dict[str, list[Facet]]:
        """Return the values that may be chosen for each facet, each without its own filter.

        Counts are kept for a minute, as long as nothing in the catalogue changes or opens.
        """
        asked, wanted = _lasting(selection), tuple(names)
        found: dict[str, list[Facet]] = self._kept(
            who, asked, wanted, lambda reading: counting.count(reading, asked, wanted)
        )
        return {name: list(items) for name, items in found.items()}

    def parameters(self, who: Who, selection: Selection, *, limit: int) -> list[Parameter]:
        """Return the parameters of the datasets found, the most frequent first.

        Nothing while there is no index. Kept as facets are.
        """
        asked = _lasting(selection)
        found: list[Parameter] = self._kept(
            who, asked, "parameters", lambda reading: spreads.parameters(reading, asked)
        )
        return found[:limit]

    def histograms(
        self, who: Who, selection: Selection, wanted: Mapping[str, str | None], *, bins: int = 24
    ) -> dict[str, Histogram]:
        """Return how parameters (name: unit) are spread over what the other filters select.

        Those that nobody has a number for are left out; all are while there is no index. Kept as
        facets are.
        """
        asked = _lasting(selection)
        by_rest: dict[Selection, dict[str, str | None]] = {}
        for name, unit in wanted.items():
            by_rest.setdefault(asked.without(name), {})[name] = unit
        found: dict[str, Histogram] = {}
        for rest, together in by_rest.items():
            what = ("histograms", *together.items(), bins)
            found |= self._kept(
                who,
                rest,
                what,
                partial(spreads.histograms, selection=rest, wanted=together, bins=bins),
            )
        return found

    def dropping(self, who: Who, selection: Selection) -> list[tuple[str, str, int]]:
        """Return key and value of each filter and word, with the count that there is without it."""
        with self._reading(who, selection.query()) as reading:
            enter = entrance("Dataset")
            return dropping(selection, lambda query: reading.count(query, enter))

    def nearest(self, who: Who, selection: Selection) -> str | None:
        """Return the words with their slips mended, None where there is none to mend."""
        with self._reading(who, selection.query()) as reading:
            return nearest(reading, selection)

    def words_beginning(self, who: Who, prefix: str, *, limit: int) -> list[tuple[str, int]]:
        """Return words of the titles that begin so, with how many datasets have them.

        None for less than `SHORTEST` letters, and while there is no index.
        """
        every = Query(model="Dataset")
        if len(prefix) < SHORTEST:
            return []
        with self._reading(who, every) as reading:
            if reading.moment is None:
                return []
            query = reading.moment.query(every, None)
            return reading.moment.beginning(query, "surface", prefix.casefold(), limit=limit)

    def units(self, who: Who, parameter: str) -> tuple[str, ...] | None:
        """Return the units of a parameter that `who` may see, the most frequent first.

        None where there is no such parameter; none while there is no index.
        """
        with self._reading(who, Query(model="Dataset")) as reading:
            if reading.moment is None:
                return () if reading.has_parameter(parameter) else None
            return spreads.units(reading.moment, parameter)

    def has_index(self) -> bool:
        """Whether there is an index; without one ranked words are slow and literal."""
        return self._index is not None and self._index.folder.reader() is not None

    def _kept(
        self, who: Who, asked: Selection, what: Hashable, count: Callable[[Reading], Any]
    ) -> Any:
        """Return what was counted, for a minute, while nothing changes or opens."""
        with self._reading(who, asked.query()) as reading:
            behind = None if reading.moment is None else len(reading.moment.changed("Dataset"))
            key = (who, asked, what, reading.last_change, behind)
            kept = self._counted.get(key)
            now = reading.viewer.now
            if kept is None or not now < kept.until:
                found = count(reading)
                opens = reading.next_opening
                until = now + KEPT if opens is None else min(now + KEPT, opens)
                if len(self._counted) >= MOST_KEPT:
                    self._counted.clear()
                kept = self._counted[key] = _Counted(found=found, until=until)
            return kept.found

    def parameter_names(self, who: Who) -> list[str]:
        """Return the names of the parameters that `who` may see, in order."""
        with self._reading(who, Query(model="Dataset")) as reading:
            return reading.parameter_names()

    def experiments(self, who: Who, groups: Sequence[str]) -> dict[str, Summary]:
        """Return the datasets of `groups` in figures, as far as `who` may list them."""
        with self._engine.connect() as connection:
            return summaries(connection, who, groups, now=self._clock())

    def states(self, who: Who) -> dict[str, int]:
        """Return how many datasets `who` may list, by state."""
        with self._engine.connect() as connection:
            return of_node(connection, who, now=self._clock())

    def _find(self, who: Who, query: Query, enter: Entrance) -> Iterator[Item]:
        with self._reading(who, query) as reading:
            for block in reading.blocks(query, enter):
                yield from block

    def _answer(self, who: Who, query: Query, enter: Entrance) -> Answer:
        found: list[Answer] = []
        items = self._items(who, query, enter, found)
        # runs to the first block: a question that cannot be answered fails here
        next(items)
        return replace(found[0], items=items)

    def _items(
        self, who: Who, query: Query, enter: Entrance, found: list[Answer]
    ) -> Iterator[Item]:
        """Yield once when all but the items is known, then these: one transaction for both."""
        with self._reading(who, query) as reading:
            blocks = reading.blocks(query, enter)
            first = next(blocks, [])
            ends_here = query.limit is not None and len(first) < min(query.limit, BLOCK)
            ends_here = ends_here and query.after is None
            is_all = ends_here and (first or not query.skip)
            total = query.skip + len(first) if is_all else reading.count(query, enter)
            moment = reading.moment if query.words or demands(query) else None
            found.append(
                Answer(
                    total=total,
                    items=iter(()),
                    is_least=moment is not None and moment.is_short(query),
                )
            )
            yield {}
            yield from first
            for block in blocks:
                yield from block

    def _files_of(self, who: Who, pid: str) -> Entrance:
        """Return the condition on a file to belong to this dataset and to be seen."""
        try:
            self.get(who, "Dataset", pid, Query(model="Dataset", fields=frozenset({"pid"})))
        except NotFound:
            raise NotFound(f"could not find a model with id {pid}") from None

        def enter(table: sa.FromClause, viewer: Viewer) -> Condition:
            dataset = table_of("dataset").alias()
            owner = sa.select(dataset.c.id)
            return table.c.dataset_id.in_(
                owner.where(dataset.c.pid == pid, viewer.may_detail(dataset))
            )

        return enter

    @contextmanager
    def together(self, who: Who) -> Iterator[None]:
        """Answer all that the block asks for `who` of one moment, by one connection."""
        with self._opened(who) as reading:
            before = _shared.set((self, reading))
            try:
                yield
            finally:
                _shared.reset(before)

    @contextmanager
    def _reading(self, who: Who, query: Query) -> Iterator[Reading]:
        service, shared = _shared.get() or (None, None)
        if has_regexp(query):
            with self._opened(who, regexp_limit_s=self._settings.regexp_time_limit_s) as reading:
                yield reading
        elif shared is not None and service is self and shared.viewer.who is who:
            yield shared
        else:
            with self._opened(who) as reading:
                yield reading

    @contextmanager
    def _opened(self, who: Who, *, regexp_limit_s: float | None = None) -> Iterator[Reading]:
        index, viewer = self._index, Viewer(who=who, now=self._clock(), salt=self._salt)

        def moment() -> Moment | None:
            return None if index is None else index.moment(connection, who, now=viewer.now)

        with self._engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            yield Reading(connection, viewer, open_moment=moment, regexp_limit_s=regexp_limit_s)


_shared: ContextVar[tuple[SearchService, Reading] | None] = ContextVar("shared", default=None)


def _lasting(selection: Selection) -> Selection:
    """Return what of a selection counts depend on."""
    return replace(selection.from_start(), sort="", size=SIZES[0], problems=())
