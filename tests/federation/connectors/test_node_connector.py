"""Another node of this software: the contract, and a harvest of what changed alone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from between import Between, between
from conformance import Known, ServedConformance, calling

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue import changes
from panosc.catalogue.database import open_database
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.domain.query import And, Compare, Not, Query, Related, Word
from panosc.federation.connectors.node import NodeConnector
from panosc.federation.connectors.panosc_api import PanoscConnector
from panosc.federation.contract import Batch
from panosc.federation.source import Source
from panosc.publication.oai.following import Keeper
from panosc.search.index.following import rebuild
from panosc.search.panet import lineage
from panosc.settings import Settings

T = TypeVar("T")
BEGUN = datetime(2026, 1, 1, 12, tzinfo=UTC)
TERM = "http://purl.org/pan-science/PaNET/PaNET01188"


@dataclass(slots=True)
class _Node:
    """A node whose time passes when it is told."""

    engine: sa.Engine
    settings: Settings
    address: str = ""
    now: datetime = BEGUN

    def clock(self) -> datetime:
        return self.now

    def write(self, rows: Iterable[tuple[str, dict[str, Any]]]) -> None:
        with self.engine.begin() as connection:
            write(connection, list(rows), now=self.now)
        self._keep()

    def remove(self, *pids: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.delete(dataset).where(dataset.c.pid.in_(pids)))
            changes.append(connection, [("Dataset", pid) for pid in pids], deleted=True)
        self._keep()

    def _keep(self) -> None:
        self.now += timedelta(seconds=1)
        Keeper(self.engine, self.clock, lineage, "F").catch_up()
        self.now += timedelta(seconds=1)


def _dataset(number: int, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    pid = f"10.5072/n{number:02}"
    row = {
        "pid": pid,
        "title": f"Lysozyme in water {number}",
        "isPublic": True,
        "creationDate": "2021-05-05T10:00:00Z",
        "size": 10,
        "instrumentId": "sans1",
        "license": "CC-BY-4.0",
    }
    return [
        ("Dataset", row | more),
        ("DatasetTechnique", {"datasetId": pid, "techniqueId": TERM}),
        ("Parameter", {"datasetId": pid, "name": "temperature", "value": number, "unit": "K"}),
    ]


def _catalogue() -> list[tuple[str, dict[str, Any]]]:
    rows: list[tuple[str, dict[str, Any]]] = [
        ("Instrument", {"pid": "sans1", "name": "SANS-1", "facility": "F"}),
        ("Technique", {"pid": TERM, "name": "SAXS", "panetId": TERM}),
        ("Person", {"id": "p1", "fullName": "Ada Example", "orcid": "0000-0002-1825-0097"}),
        ("Document", {"pid": "prop-1", "title": "Proteins", "type": "proposal", "isPublic": True}),
        ("Member", {"documentId": "prop-1", "personId": "p1", "role": "PI"}),
        ("DocumentDataset", {"documentId": "prop-1", "datasetId": "10.5072/n01"}),
    ]
    for number in range(12):
        rows += _dataset(number)
    rows += _dataset(12, isPublic=None, access="closed")
    later = (BEGUN + timedelta(days=300)).isoformat()
    rows += _dataset(13, isPublic=False, access="embargoed", embargoUntil=later)
    return rows


Make = Callable[..., AbstractContextManager[str]]


@contextmanager
def _node(new_database: Make, template: str, home: Path) -> Iterator[_Node]:
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database, facility="F")
        with open_database(settings) as engine:
            node = _Node(engine, settings)
            node.write(_catalogue())
            rebuild(engine, settings, node.clock, tell=lambda _done, _total: None)
            with serving(create_app(settings, engine, clock=node.clock)) as address:
                node.address = address
                yield node


@pytest.fixture(scope="module")
def shared(
    new_database: Make, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Node]:
    """A node that nobody changes."""
    with _node(new_database, template, tmp_path_factory.mktemp("node")) as made:
        yield made


class TestNode(ServedConformance):
    """The contract, with a real node."""

    connector = NodeConnector
    known = (
        Known(
            kind="Dataset",
            external_id="10.5072/n03",
            model="Dataset",
            pid="10.5072/n03",
            has={
                "title": "Lysozyme in water 3",
                "isPublic": True,
                "creationDate": datetime(2021, 5, 5, 10, tzinfo=UTC),
                "license": "CC-BY-4.0",
                "instrumentId": "src/sans1",
            },
        ),
        Known(
            kind="Document",
            external_id="prop-1",
            model="Document",
            pid="src/prop-1",
            has={"title": "Proteins", "type": "proposal"},
        ),
        Known(
            kind="Dataset",
            external_id="10.5072/n13",
            model="Dataset",
            pid="10.5072/n13",
            has={"access": "embargoed", "embargoUntil": BEGUN + timedelta(days=300)},
        ),
    )
    question = Query(model="Dataset", words=(Word(text="lysozyme"),), limit=10)
    examples = 20

    @pytest.fixture(scope="class")
    @classmethod
    def url(cls, shared: _Node) -> Iterator[str]:
        with cls.spoilable(shared.address) as url:
            yield url

    @staticmethod
    def spoil(body: bytes) -> bytes:
        return body[::-1]


@pytest.fixture
def node(new_database: Make, template: str, tmp_path: Path) -> Iterator[_Node]:
    """A node of this test's own."""
    with _node(new_database, template, tmp_path / "other") as made:
        yield made


def _as_any_provider(url: str, what: Callable[[PanoscConnector], Awaitable[T]]) -> T:
    async def asked() -> T:
        source = Source(
            name="src", kind="panosc", url=f"{url}/panosc-api", title="F", is_private=True
        )
        async with calling(source) as caller:
            return await what(PanoscConnector(source, caller))

    return asyncio.run(asked())


def ask(url: str, what: Callable[[NodeConnector], Awaitable[T]]) -> T:
    async def asked() -> T:
        source = Source(name="src", kind="node", url=url, title="F", prefix="src/", is_private=True)
        async with calling(source) as caller:
            return await what(NodeConnector(source, caller))

    return asyncio.run(asked())


def _harvested(url: str, cursor: Any = None) -> list[Batch]:
    async def read(connector: NodeConnector) -> list[Batch]:
        return [batch async for batch in connector.changes(cursor)]

    return ask(url, read)


def test_changes_and_deletions_arrive_and_only_these_are_fetched(node: _Node) -> None:
    with between(node.address) as server:
        first = _harvested(server.url)
        found = {raw.external_id for batch in first for raw in batch.raws}
        assert "10.5072/n12" not in found, "what is closed is told to nobody"
        assert len(found) == 13 + 1 + 1
        node.write(row for number in (1, 2, 3) for row in _dataset(number, title="Anew"))
        node.remove("10.5072/n04", "10.5072/n05")
        server.asked.clear()
        second = _harvested(server.url, first[-1].cursor)
        raws = {raw.external_id: raw for batch in second for raw in batch.raws}
        assert {pid for pid, raw in raws.items() if raw.is_gone} == {"10.5072/n04", "10.5072/n05"}
        there = {pid for pid, raw in raws.items() if not raw.is_gone and raw.kind == "Dataset"}
        assert there == {"10.5072/n01", "10.5072/n02", "10.5072/n03"}
        assert raws["10.5072/n01"].content["title"] == "Anew"
        assert _pids_asked(server) == there
        third = _harvested(server.url, second[-1].cursor)
        assert not [raw for batch in third for raw in batch.raws if raw.kind != "Instrument"]


def _pids_asked(server: Between) -> set[str]:
    asked = [line for line in server.asked if "Datasets" in line]
    assert len(asked) == 1
    assert "providers=local" in asked[0]
    return {f"10.5072/n{number:02}" for number in range(14) if f"n{number:02}" in asked[0]}


def test_a_copy_holds_what_the_original_says(shared: _Node) -> None:
    async def mapped(connector: NodeConnector) -> Any:
        raws = [raw async for batch in connector.changes(None) for raw in batch.raws]
        return [connector.map(raw) for raw in raws if raw.external_id in {"10.5072/n01", "prop-1"}]

    data, document = ask(shared.address, mapped)
    rows = dict(data.rows)
    assert rows["Technique"]["pid"] == TERM
    assert rows["Parameter"]["value"] == 1
    assert rows["Instrument"] == {
        "pid": "src/sans1",
        "name": "SANS-1",
        "facility": "F",
        "source": "src",
    }
    link = {"documentId": "src/prop-1", "datasetId": "10.5072/n01"}
    assert rows["DocumentDataset"] == link
    assert dict(document.rows)["DocumentDataset"] == link
    assert dict(document.rows)["Person"]["fullName"] == "Ada Example"
    assert data.homes == {"10.5072/n01": f"{shared.address}/datasets/10.5072/n01"}
    assert not data.warnings


def test_nothing_is_left_unasked(shared: _Node) -> None:
    where = Not(Related("parameters", Compare(property="value", operator="gt", operands=(3,))))
    query = Query(model="Dataset", where=where, limit=3)
    found = ask(shared.address, lambda connector: connector.search(query))
    # an embargoed dataset has no parameters, as far as anyone knows
    assert [item["pid"] for item in found.items] == ["10.5072/n00", "10.5072/n01", "10.5072/n02"]
    assert found.total == 5
    assert found.is_cut
    assert not found.unasked
    assert found.items[0]["home"] == f"{shared.address}/datasets/10.5072/n00"
    assert found.items[0]["instrument"]["name"] == "SANS-1"


def test_a_node_is_a_provider_of_the_standard_that_does_all_of_it(shared: _Node) -> None:
    async def go(connector: PanoscConnector) -> None:
        probed = await connector.probe()
        assert probed.totals == {"Dataset": 13, "Document": 1, "Instrument": 1}
        states = {name: support.state for name, support in probed.features.items()}
        assert {name for name, state in states.items() if state not in {"yes", "unknown"}} == set()
        assert {states[name] for name in ("units", "query", "text", "count", "skip")} == {"yes"}
        connector.features = probed.features
        cold = Compare(property="value", operator="lt", operands=(-269.0,))
        named = Compare(property="name", operator="eq", operands=("temperature",))
        celsius = Compare(property="unit", operator="eq", operands=("celsius",))
        where = Related("parameters", And((named, cold, celsius)))
        found = await connector.search(Query(model="Dataset", where=where, limit=50))
        assert [item["pid"] for item in found.items] == [f"10.5072/n{n:02}" for n in range(5)]
        assert not found.unasked
        raws = [raw async for batch in connector.changes(None) for raw in batch.raws]
        assert len({(raw.kind, raw.external_id) for raw in raws}) == len(raws) == 15

    _as_any_provider(shared.address, go)
