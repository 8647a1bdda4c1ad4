"""What every connector has to keep: tests to be inherited, also by plug-ins.

::

    class TestMine(ServedConformance):
        connector = MyConnector
        known = (Known(kind="dataset", external_id="7", model="Dataset",
                       pid="src/7", has={"title": "Iron"}),)
        question = Query(model="Dataset", words=(Word(text="iron"),), limit=10)

        @classmethod
        @contextmanager
        def standing(cls) -> Iterator[str]:
            with my_stand_in() as address:
                yield address

`ConnectorConformance` is about any connector; `ServedConformance` adds what a server may do to
one. A stand-in should hold few records (tens), in at least two batches where there are pages.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import hypothesis
import pytest
from between import FAULTS, ODDITIES, Between, between, spoilt
from hypothesis import strategies as st

from panosc.catalogue.rows import Shape
from panosc.domain.entities import MODEL_BY_NAME
from panosc.domain.errors import Invalid, Upstream
from panosc.domain.query import Query
from panosc.federation.calling import Caller
from panosc.federation.contract import Batch, Connector, Found, Mapped, Raw
from panosc.federation.naming import Names
from panosc.federation.parts import WORDS, parts_of
from panosc.federation.source import Source
from panosc.identity.outbound import default_tls
from panosc.identity.outbound.beyond import Bounds, beyond
from panosc.settings import Settings

T = TypeVar("T")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
SECONDS = 5.0
SOON = 0.3
"""Seconds within which a server that hangs is given up."""
LIMIT = 4 * 2**20
PREFIXED = {"Dataset", "Document", "Instrument", "Sample"}
_TLS = default_tls()

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2021-13-45", "0001-01-01T00:00:00+14:00", "\0", "x" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
"""What a stranger may put in the place of any field."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A record of the stand-in, and what the connector has to make of it."""

    kind: str
    external_id: str
    model: str
    pid: str
    has: Mapping[str, Any] = field(default_factory=dict)
    """Properties of its row; a datetime is compared as a time."""
    home: str | None = None


@asynccontextmanager
async def calling(
    source: Source, *, seconds: float = SECONDS, limit: int = LIMIT
) -> AsyncIterator[Caller]:
    """Provide the `Caller` that a connector gets, which may call this machine."""
    settings = Settings(home=Path("/nonexistent"))
    async with beyond(settings, trusted=["127.0.0.1"], tls=_TLS) as calls:
        yield Caller(calls, source, Bounds(seconds=seconds, limit=limit))


def source_of(kind: type[Connector], url: str, **options: str) -> Source:
    """Return a source on this machine that is asked without an account."""
    return Source(
        name="src",
        kind=kind.kind,
        url=url.rstrip("/"),
        title="A Facility",
        options=options,
        prefix="src/",
        is_private=True,
    )


class ConnectorConformance:
    """Any connector. `standing` yields the address of a catalogue that holds `known`."""

    connector: ClassVar[type[Connector]]
    known: ClassVar[Sequence[Known]] = ()
    options: ClassVar[Mapping[str, str]] = {}
    given: ClassVar[Mapping[str, Any]] = {}
    """What else the source is told of, such as ``account`` and ``secret``."""
    question: ClassVar[Query | None] = None
    """A question that at least two records of the stand-in fit; for those with ``search``."""
    examples: ClassVar[int] = 60
    """How many strange records `map` is tried with."""

    @classmethod
    def standing(cls) -> AbstractContextManager[str]:
        """Provide the address of the stand-in."""
        raise NotImplementedError

    @classmethod
    def make_source(cls, url: str) -> Source:
        """Return the source as an administrator would have told of it."""
        return replace(source_of(cls.connector, url, **cls.options), **cls.given)

    @classmethod
    @contextmanager
    def reached(cls) -> Iterator[str]:
        """Provide the address that the connector is given."""
        with cls.standing() as url:
            yield url

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls) -> Iterator[str]:
        """The address that the connector is given."""
        with cls.reached() as url:
            yield url

    @pytest.fixture(scope="class")
    @classmethod
    def raws(cls, url: str) -> list[Raw]:
        """Every record of the stand-in."""
        return [raw for batch in cls.batches(url) for raw in batch.raws]

    @classmethod
    def make(cls, url: str, caller: Caller) -> Connector:
        """Return the connector, with all that a live search would tell it."""
        return cls.connector(cls.make_source(url), caller)

    @classmethod
    def ask(
        cls,
        url: str,
        what: Callable[[Connector], Awaitable[T]],
        *,
        seconds: float = SECONDS,
        limit: int = LIMIT,
    ) -> T:
        """Return what a connector answers."""

        async def asked() -> T:
            source = cls.make_source(url)
            async with calling(source, seconds=seconds, limit=limit) as caller:
                return await what(cls.make(url, caller))

        return asyncio.run(asked())

    @classmethod
    def batches(cls, url: str, cursor: Mapping[str, Any] | None = None) -> list[Batch]:
        """Return all that changed since a cursor, which went through JSON."""
        given = None if cursor is None else json.loads(json.dumps(cursor))

        async def read(connector: Connector) -> list[Batch]:
            return [batch async for batch in connector.changes(given)]

        return cls.ask(url, read)

    @classmethod
    def mapped(cls, url: str, raw: Raw) -> Mapped:
        """Return what a raw record means."""

        async def read(connector: Connector) -> Mapped:
            return connector.map(raw)

        return cls.ask(url, read)

    # -- the connector itself ---------------------------------------------------------------

    def test_it_says_what_it_is(self) -> None:
        assert self.connector.kind
        assert self.connector.title
        assert self.connector.tried, "a tick means no more than what was tried"
        assert all(item.what for item in self.connector.tried)

    def test_it_does_what_it_says_and_no_more(self, url: str) -> None:
        async def go(connector: Connector) -> None:
            if "search" not in connector.abilities:
                with pytest.raises(Invalid):
                    await connector.search(Query(model="Dataset", limit=1))
            if "changes" not in connector.abilities:
                with pytest.raises(Invalid):
                    connector.changes(None)
            if "sweep" not in connector.abilities:
                with pytest.raises(Invalid):
                    connector.sweep_ids()

        self.ask(url, go)

    def test_probe_tells_totals_and_features_with_evidence(self, url: str) -> None:
        probed = self.ask(url, lambda connector: connector.probe())
        assert set(probed.totals) <= set(MODEL_BY_NAME)
        assert all(total is None or total >= 0 for total in probed.totals.values())
        assert probed.totals, "a probe says what there is, None where it cannot be known"
        for name, support in probed.features.items():
            assert support.evidence.strip(), name

    # -- map --------------------------------------------------------------------------------

    def test_known_records_become_what_they_are(self, url: str, raws: list[Raw]) -> None:
        assert self.known
        found = {(raw.kind, raw.external_id): raw for raw in raws}
        for known in self.known:
            mapped = self.mapped(url, found[known.kind, known.external_id])
            rows = [
                row for name, row in mapped.rows if name == known.model and _id(row) == known.pid
            ]
            assert len(rows) == 1, (known, mapped)
            for name, value in known.has.items():
                is_time = isinstance(value, datetime)
                given = datetime.fromisoformat(rows[0][name]) if is_time else rows[0].get(name)
                assert given == value, (known, name)
            if known.home is not None:
                assert mapped.homes[known.pid] == known.home

    def test_rows_are_taken_by_the_catalogue(self, url: str, raws: list[Raw]) -> None:
        async def go(connector: Connector) -> None:
            for raw in raws:
                if not raw.is_gone:
                    self.check(connector.source, connector.map(raw))

        assert raws
        self.ask(url, go)

    def test_map_is_pure(self, url: str, raws: list[Raw]) -> None:
        async def go(connector: Connector) -> None:
            for raw in raws[:50]:
                before = deepcopy(raw)
                assert connector.map(raw) == connector.map(raw)
                assert raw == before

        self.ask(url, go)

    def test_map_takes_whatever_a_stranger_writes(self, url: str, raws: list[Raw]) -> None:
        places = [
            (raw, path)
            for raw in _one_of_each([raw for raw in raws if not raw.is_gone])
            for path in _paths(raw.content)
        ]

        async def go(connector: Connector) -> None:
            for raw, path in places:
                for value in (None, {}, [], "", 0, True, 1e308, [None], [[]], "a\0b", "10.1/x"):
                    content = _with(raw.content, path, value)
                    self.check(connector.source, connector.map(replace(raw, content=content)))

            @hypothesis.settings(
                max_examples=self.examples,
                deadline=None,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(st.sampled_from(places), JSON)
            def strange(place: tuple[Raw, tuple[Any, ...]], value: Any) -> None:
                raw, path = place
                content = _with(raw.content, path, value)
                self.check(connector.source, connector.map(replace(raw, content=content)))

            strange()

        self.ask(url, go)

    def check(self, source: Source, mapped: Mapped) -> None:
        """Hold what was made of a record to what the catalogue takes."""
        pids = set()
        for name, row in mapped.rows:
            model = MODEL_BY_NAME.get(name)
            is_part = name in {"Member", "Parameter", "File"}
            given = {"id": "1"} | row if is_part else row
            Shape(name, now=NOW).line(given)
            json.dumps(row, allow_nan=False).encode()
            if model is not None and model.key == "pid":
                pids.add(row["pid"])
            if name in PREFIXED:
                is_global = Names(replace(source, prefix="?/")).pid(row["pid"]) == row["pid"]
                assert is_global or row["pid"].startswith(source.prefix), row
            if name in {"Dataset", "Document", "Instrument"}:
                assert row.get("source") == source.name, row
        assert set(mapped.homes) <= pids
        assert all(home.startswith(("http://", "https://")) for home in mapped.homes.values())
        assert set(mapped.also) <= pids
        assert set(mapped.readers) <= pids
        assert all(isinstance(name, str) for names in mapped.readers.values() for name in names)
        assert all(isinstance(item, str) for item in mapped.warnings)

    # -- harvest ----------------------------------------------------------------------------

    def test_changes_bring_all_with_cursors_of_json(self, url: str, raws: list[Raw]) -> None:
        batches = self.batches(url)
        assert batches
        for batch in batches:
            assert len(batch.raws) <= 1000
            assert json.loads(json.dumps(batch.cursor)) == batch.cursor
            assert all(raw.changed is None or raw.changed.tzinfo for raw in batch.raws)
        found = {(raw.kind, raw.external_id) for raw in raws}
        assert {(known.kind, known.external_id) for known in self.known} <= found
        for raw in raws:
            json.dumps(raw.content)

    def test_going_on_from_any_cursor_loses_nothing(self, url: str) -> None:
        batches = self.batches(url)
        for number, batch in list(enumerate(batches))[:6]:
            later = {_key(raw) for rest in batches[number + 1 :] for raw in rest.raws}
            again = {_key(raw) for rest in self.batches(url, batch.cursor) for raw in rest.raws}
            assert later <= again, f"after batch {number}"

    def test_the_sweep_lists_what_there_is(self, url: str, raws: list[Raw]) -> None:
        if "sweep" not in self.connector.abilities:
            return
        swept = self.ask(url, _swept)
        assert len(swept) == len(set(swept))
        assert set(swept) == {_key(raw) for raw in raws if not raw.is_gone}

    # -- live -------------------------------------------------------------------------------

    def test_search_heeds_the_limit_and_names_what_it_left_out(self, url: str) -> None:
        if "search" not in self.connector.abilities:
            return
        assert self.question is not None
        found = self.ask(url, lambda connector: connector.search(self.asked(10)))
        assert len(found.items) >= 2
        self.check_found(found, self.asked(10))
        one = self.ask(url, lambda connector: connector.search(self.asked(1)))
        assert len(one.items) == 1
        assert one.is_cut or (one.total or 0) > 1, "there is more than one, which has to be said"
        self.check_found(one, self.asked(1))

    def asked(self, limit: int) -> Query:
        """Return the question with another limit."""
        assert self.question is not None
        return replace(self.question, limit=limit)

    def check_found(self, found: Found, query: Query) -> None:
        """Hold what a live search found to the contract."""
        source = self.make_source("http://x")
        parts = {*parts_of(query), *([WORDS] if query.words else [])}
        assert found.unasked <= parts
        assert query.limit is None or len(found.items) <= query.limit
        for item in found.items:
            assert isinstance(item, dict)
            pid = item.get("pid")
            assert isinstance(pid, str)
            assert pid, item
            is_global = Names(replace(source, prefix="?/")).pid(pid) == pid
            assert is_global or pid.startswith(source.prefix), item
            home = item.get("home")
            assert home is None or home.startswith(("http://", "https://")), item
            for name in ("title", "name"):
                assert item.get(name) is None or isinstance(item[name], str), item


class ServedConformance(ConnectorConformance):
    """A connector to a server: whatever that does, the answer is the truth or `Upstream`."""

    _servers: ClassVar[dict[str, Between]] = {}

    @classmethod
    @contextmanager
    def reached(cls) -> Iterator[str]:
        with cls.standing() as url, cls.spoilable(url) as reached:
            yield reached

    @classmethod
    @contextmanager
    def spoilable(cls, url: str) -> Iterator[str]:
        """Provide another address of a server, whose answers can be spoilt."""
        with between(url) as server:
            server.spoil = cls.spoil
            cls._servers[server.url] = server
            try:
                yield server.url
            finally:
                del cls._servers[server.url]

    @staticmethod
    def spoil(body: bytes) -> bytes:
        """Return an answer with wrong types in every field; override it for what is no JSON."""
        return spoilt(body)

    @contextmanager
    def broken(self, url: str, fault: str, *, after: int = 0) -> Iterator[Between]:
        """Let the server fail, after some more requests."""
        server = self._servers[url]
        server.fault, server.after = fault, after
        try:
            yield server
        finally:
            server.fault, server.after = "", 0

    def ways(self) -> dict[str, Callable[[Connector], Awaitable[Any]]]:
        """Return the ways in which the catalogue is asked, by name."""
        found: dict[str, Callable[[Connector], Awaitable[Any]]] = {
            "probe": lambda connector: connector.probe()
        }
        if "search" in self.connector.abilities:
            found["search"] = lambda connector: connector.search(self.asked(10))
        if "changes" in self.connector.abilities:
            found["changes"] = _changed
        if "sweep" in self.connector.abilities:
            found["sweep"] = _swept
        return found

    @pytest.mark.parametrize("fault", FAULTS)
    def test_a_fault_is_told_as_one(self, url: str, fault: str) -> None:
        seconds = SOON if fault == "hang" else SECONDS
        for what in self.ways().values():
            with self.broken(url, fault), pytest.raises(Upstream):
                self.ask(url, what, seconds=seconds)

    @pytest.mark.parametrize("fault", ODDITIES)
    def test_odd_answers_do_no_harm(self, url: str, fault: str) -> None:
        for name, what in self.ways().items():
            found = None
            with self.broken(url, fault), suppress(Upstream):
                found = self.ask(url, what)
            if name == "search" and found is not None:
                self.check_found(found, self.asked(10))
            if name == "changes" and found is not None:
                for raw in found:
                    if not raw.is_gone:
                        self.check(self.make_source(url), self.mapped(url, raw))

    @pytest.mark.parametrize("fault", ["500", "breaks off", "garbage", "gone", "null", "object"])
    def test_half_a_list_is_not_taken_for_all(self, url: str, raws: list[Raw], fault: str) -> None:
        ways = self.ways()
        for name in ("sweep", "changes"):
            if name not in ways:
                continue
            with self.broken(url, fault, after=1), suppress(Upstream):
                found = self.ask(url, ways[name])
                keys = set(found) if name == "sweep" else {_key(raw) for raw in found}
                assert keys == {_key(raw) for raw in raws}, name

    def test_answers_beyond_the_limit_are_refused(self, url: str) -> None:
        for what in self.ways().values():
            with pytest.raises(Upstream):
                self.ask(url, what, limit=1)


async def _changed(connector: Connector) -> list[Raw]:
    return [raw async for batch in connector.changes(None) for raw in batch.raws]


async def _swept(connector: Connector) -> list[tuple[str, str]]:
    return [key async for keys in connector.sweep_ids() for key in keys]


def _key(raw: Raw) -> tuple[str, str]:
    return raw.kind, raw.external_id


def _id(row: Mapping[str, Any]) -> Any:
    return row.get("pid", row.get("id"))


def _one_of_each(raws: Sequence[Raw]) -> list[Raw]:
    """Return the two records of each kind that say most."""
    found: dict[str, list[Raw]] = {}
    for raw in raws:
        found.setdefault(raw.kind, []).append(raw)
    for same in found.values():
        same.sort(key=lambda raw: -len(json.dumps(raw.content)))
    return [raw for same in found.values() for raw in same[:2]]


def _paths(content: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [before]
    if isinstance(content, dict):
        for key, item in content.items():
            found += _paths(item, (*before, key))
    elif isinstance(content, list):
        for number, item in enumerate(content[:2]):
            found += _paths(item, (*before, number))
    return found


def _with(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return `content` with `value` at a place."""
    if not path:
        return value
    key, *rest = path
    changed = dict(content) if isinstance(content, dict) else list(content)
    changed[key] = _with(content[key], tuple(rest), value)
    return changed
