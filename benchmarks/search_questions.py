"""What the benchmark of searching asks.

In four ways: by the service, over HTTP, in PostgreSQL without an index, and of the bare index
without access conditions and without reading a record.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import sqlalchemy as sa
from tantivy import Query as Indexed
from typing_extensions import override

from panosc.catalogue import tables
from panosc.catalogue.database import unlimited
from panosc.domain.access import Who
from panosc.policy.sql import visible
from panosc.search.index.access import Gate
from panosc.search.index.folder import Snapshot
from panosc.search.index.searching import Moment
from panosc.search.language.selection import FACETS, Selection
from panosc.search.language.url import parse
from panosc.search.loopback import read_filter
from panosc.search.service import SearchService

TOP = 20
COMMON = "structure"
WORDS = "panosc_bench_words"
"""A table of PostgreSQL that is made for the comparison, and dropped."""


class Everything(Gate):
    """Hides nothing."""

    @override
    def hidden(self, level: str) -> Indexed:
        return Indexed.empty_query()


def bare(snapshot: Snapshot, now: datetime) -> Moment:
    """Return the index without access conditions."""
    gate = Everything(snapshot.schema, Who(), now=now, shared=())
    return Moment(snapshot.index, snapshot.searcher, gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom and as whom to ask."""

    ours: SearchService
    plain: SearchService
    engine: sa.Engine
    snapshot: Snapshot
    client: httpx.Client
    who: Who
    now: datetime


class Question(ABC):
    """One question of the table; each way returns how many records there are.

    `turn` counts the repetitions: what an answer is kept for must not be measured.
    """

    name: str
    target_ms: float

    @abstractmethod
    def ours(self, asking: Asking, turn: int) -> int:
        """Ask the service."""

    @abstractmethod
    def http(self, asking: Asking, turn: int) -> int:
        """Ask over HTTP."""

    @abstractmethod
    def plain(self, asking: Asking, turn: int) -> int:
        """Ask PostgreSQL."""

    @abstractmethod
    def bare(self, asking: Asking, turn: int) -> int:
        """Ask the index alone."""

    has_equal_totals = True
    """Whether PostgreSQL finds the same records."""


class Filtered(Question):
    """A page of the PaNOSC API with its total."""

    def __init__(self, name: str, target_ms: float, model: str, **spelt: Any) -> None:
        self.name, self.target_ms, self.model = name, target_ms, model
        asked = {"limit": TOP, **spelt}
        self.spelt = json.dumps(asked, separators=(",", ":"))
        self.query = read_filter(asked, model)

    def _answered(self, service: SearchService, who: Who) -> int:
        answer = service.answer(who, self.query)
        found = list(answer.items)
        assert len(found) == min(TOP, max(0, answer.total - self.query.skip)), self.name
        return answer.total

    @override
    def ours(self, asking: Asking, turn: int) -> int:
        return self._answered(asking.ours, asking.who)

    @override
    def plain(self, asking: Asking, turn: int) -> int:
        return self._answered(asking.plain, asking.who)

    @override
    def http(self, asking: Asking, turn: int) -> int:
        path = f"/panosc-api/{self.model}s?{urlencode({'filter': self.spelt})}"
        answer = asking.client.get(path)
        answer.raise_for_status()
        answer.json()
        return int(answer.headers["X-Total-Count"])

    @override
    def bare(self, asking: Asking, turn: int) -> int:
        moment, query = bare(asking.snapshot, asking.now), self.query
        asked = moment.query(query, moment.filters(query))
        if query.order:
            moment.sorted_page(query, asked, limit=TOP)
        else:
            moment.best(asked, limit=TOP, skip=query.skip)
        return moment.count(asked)


class Worded(Filtered):
    """Ranked words; in PostgreSQL its own full text search, which stems otherwise."""

    has_equal_totals = False

    @override
    def plain(self, asking: Asking, turn: int) -> int:
        table = sa.table(WORDS, sa.column("id"), sa.column("words"))
        dataset = tables.dataset
        asked = sa.func.websearch_to_tsquery("english", " ".join(w.text for w in self.query.words))
        fits = [
            table.c.words.op("@@")(asked),
            table.c.id == dataset.c.id,
            visible(dataset, asking.who, "list", now=asking.now),
        ]
        rank = sa.func.ts_rank(table.c.words, asked).label("score")
        page = sa.select(dataset, rank).where(*fits).order_by(rank.desc(), dataset.c.pid).limit(TOP)
        with asking.engine.connect() as connection:
            unlimited(connection)
            connection.execute(page).all()
            count = sa.select(sa.func.count()).select_from(table, dataset).where(*fits)
            return int(connection.execute(count).scalar_one())


class Counted(Question):
    """A total and six facets of datasets between two days, another day each time."""

    name, target_ms = "count and six facets", 40.0

    def __init__(self, first: date, last: date) -> None:
        self._first, self._last = first, last

    def _selection(self, turn: int) -> Selection:
        days = f"{self._first + timedelta(days=turn)}..{self._last + timedelta(days=turn)}"
        found = parse([("created", days)])
        assert not found.problems, found.problems
        return found

    def _asked(self, service: SearchService, who: Who, turn: int) -> int:
        selection = self._selection(turn)
        found = service.facets(who, selection, FACETS)
        total = service.count(who, selection.query())
        assert sum(facet.count for facet in found["year"]) == total
        return total

    @override
    def ours(self, asking: Asking, turn: int) -> int:
        return self._asked(asking.ours, asking.who, turn)

    @override
    def plain(self, asking: Asking, turn: int) -> int:
        return self._asked(asking.plain, asking.who, turn)

    @override
    def http(self, asking: Asking, turn: int) -> int:
        """Read the page of results: it has the total, six facets and more."""
        answer = asking.client.get(f"/search?{urlencode(self._selection(turn).params())}")
        answer.raise_for_status()
        return -1

    @override
    def bare(self, asking: Asking, turn: int) -> int:
        moment, query = bare(asking.snapshot, asking.now), self._selection(turn).query()
        asked = moment.query(query, moment.filters(query))
        moment.by_value(asked, [name for name in FACETS if name != "access"])
        return moment.count(asked)


def measured(name: str, low: str | float | None, high: str | float | None, unit: str) -> Any:
    """Return the include that asks for a parameter in a range."""
    value: Any = {"lt": high} if low is None else {"between": [low, high]}
    where = {"and": [{"name": name}, {"value": value}, {"unit": unit}]}
    return {"relation": "parameters", "scope": {"where": where}}


def technique(name: str) -> Any:
    """Return the include that asks for a technique, with all that is narrower."""
    return {"relation": "techniques", "scope": {"where": {"name": name}}}


def questions(deep: int, days: tuple[date, date]) -> Sequence[Question]:
    """Return what is asked; `deep` records are skipped for the page far behind."""
    ranges = [measured("wavelength", 0.9, 1.1, "nm"), measured("temperature", None, 300, "K")]
    newest = {"order": "creationDate DESC"}
    within = {"relation": "datasets", "scope": {"include": [technique("diffraction")]}}
    return [
        Worded("top 20 of a common word", 10, "Dataset", query=COMMON),
        Worded("top 20 of two common words", 10, "Dataset", query=f"{COMMON} silicon"),
        Filtered("two ranges with units", 30, "Dataset", include=ranges, **newest),
        Filtered("two ranges, any order", 30, "Dataset", include=ranges),
        Filtered(
            "technique, narrower", 10, "Dataset", include=[technique("diffraction")], **newest
        ),
        Filtered("technique, any order", 10, "Dataset", include=[technique("diffraction")]),
        Filtered("document, datasets, tech.", 50, "Document", include=[within]),
        Counted(*days),
        Filtered(f"offset {deep:,}", 150, "Dataset", skip=deep, **newest),
    ]


MAKE_WORDS = f"""
create unlogged table {WORDS} as
  select dataset.id, to_tsvector('english', concat_ws(' ', dataset.title, dataset.description,
    instrument.name, instrument.facility,
    (select string_agg(technique.name, ' ') from dataset_technique
       join technique on technique.id = technique_id where dataset_id = dataset.id),
    (select string_agg(concat_ws(' ', sample.name, sample.description), ' ') from dataset_sample
       join sample on sample.id = sample_id where dataset_id = dataset.id))) as words
  from dataset left join instrument on instrument.id = instrument_id;
create index on {WORDS} using gin (words);
create index on {WORDS} (id);
analyze {WORDS};
"""


def make_words(engine: sa.Engine) -> None:
    """Give PostgreSQL a table of words with an index, for a fair comparison."""
    drop_words(engine)
    with engine.begin() as connection:
        unlimited(connection)
        connection.exec_driver_sql(MAKE_WORDS)


def drop_words(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop table if exists {WORDS}")


Way = Callable[[Asking, int], int]
