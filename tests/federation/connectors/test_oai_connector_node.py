"""OAI-PMH against the server of a node itself, over HTTP: what is told there arrives here."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from conformance import calling

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue import changes
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write
from panosc.federation.connectors.oai import OaiConnector
from panosc.federation.contract import Batch, Mapped
from panosc.federation.source import Source
from panosc.publication.oai.following import Keeper
from panosc.search.panet import lineage
from panosc.settings import Settings

FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)
SANS = "http://purl.org/pan-science/PaNET/PaNET01189"
LATER = "2031-01-02T00:00:00Z"
ROWS: list[tuple[str, dict[str, Any]]] = [
    ("Instrument", {"pid": "20.500.1/sans1", "name": "SANS-1", "facility": "There"}),
    ("Technique", {"pid": SANS, "name": "SANS", "panetId": SANS}),
    ("Affiliation", {"id": "a", "name": "A University", "ror": "https://ror.org/02550n020"}),
    (
        "Person",
        {
            "id": "p",
            "fullName": "Ada Example",
            "firstName": "Ada",
            "lastName": "Example",
            "orcid": "0000-0002-1825-0097",
        },
    ),
    (
        "Document",
        {
            "pid": "10.5072/proposal",
            "doi": "10.5072/proposal",
            "type": "proposal",
            "title": "Proteins <in> water & salt",
            "summary": "We look at proteins.",
            "isPublic": True,
            "startDate": "2021-03-01T00:00:00Z",
            "keywords": ["proteins"],
            "license": "CC-BY-4.0",
        },
    ),
    (
        "Dataset",
        {
            "pid": "10.5072/open",
            "title": "Lysozyme & “salt” <1>",
            "description": "Scattering of lysozyme.",
            "isPublic": True,
            "creationDate": "2021-05-05T10:00:00Z",
            "endDate": "2021-05-06T11:00:00Z",
            "size": 3000,
            "kind": "reduced",
            "instrumentId": "20.500.1/sans1",
            "license": "CC-BY-4.0",
            "isNewVersionOf": "local/bare",
        },
    ),
    (
        "Dataset",
        {
            "pid": "10.5072/embargoed",
            "title": "Not yet",
            "access": "embargoed",
            "embargoUntil": LATER,
            "instrumentId": "20.500.1/sans1",
        },
    ),
    (
        "Dataset",
        {
            "pid": "10.5072/withdrawn",
            "title": "Was wrong",
            "access": "withdrawn",
            "withdrawnReason": "The detector was off.",
        },
    ),
    ("Dataset", {"pid": "10.5072/closed", "title": "Trade secret", "access": "closed"}),
    ("Dataset", {"pid": "local/bare", "isPublic": True}),
    ("DocumentDataset", {"documentId": "10.5072/proposal", "datasetId": "10.5072/open"}),
    ("DatasetTechnique", {"datasetId": "10.5072/open", "techniqueId": SANS}),
    (
        "Member",
        {
            "id": "m",
            "documentId": "10.5072/proposal",
            "personId": "p",
            "affiliationId": "a",
            "role": "principal investigator",
        },
    ),
]


@dataclass(slots=True)
class Node:
    """A node to be harvested, and a clock to turn."""

    engine: sa.Engine
    now: datetime = FIRST
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        self.keeper = Keeper(self.engine, self.clock, lineage, "There")

    def clock(self) -> datetime:
        return self.now

    def write(self, rows: list[tuple[str, dict[str, Any]]]) -> None:
        with self.engine.begin() as connection:
            write(connection, rows, now=self.now)
        self.keep()

    def keep(self) -> None:
        self.now += timedelta(seconds=1)
        self.keeper.catch_up()
        self.now += timedelta(hours=1)


@pytest.fixture
def node(engine: sa.Engine) -> Node:
    return Node(engine)


@pytest.fixture
def url(node: Node, settings: Settings) -> Iterator[str]:
    changed = {"base_url": None, "rate_limit": 0, "facility": "There"}
    app = create_app(settings.model_copy(update=changed), node.engine, clock=node.clock)
    with serving(app) as address:
        yield f"{address}/oai"


def harvest(
    url: str, cursor: Any = None, prefix: str | None = None
) -> tuple[list[Batch], dict[str, Mapped]]:
    async def read() -> tuple[list[Batch], dict[str, Mapped]]:
        source = Source(
            name="there",
            kind="oai",
            url=url,
            title="There",
            prefix="there/",
            options={} if prefix is None else {"prefix": prefix},
            is_private=True,
        )
        async with calling(source) as caller:
            connector = OaiConnector(source, caller)
            batches = [batch async for batch in connector.changes(cursor)]
            raws = [raw for batch in batches for raw in batch.raws if not raw.is_gone]
            return batches, {_called(raw.external_id): connector.map(raw) for raw in raws}

    return asyncio.run(read())


def _called(identifier: str) -> str:
    return identifier.partition("s/")[2]


def row(mapped: Mapped, model: str) -> dict[str, Any]:
    (found,) = [row for name, row in mapped.rows if name == model]
    return found


def check(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert {name: found.get(name) for name in wanted} == wanted


def test_records_arrive_as_they_are_in_every_form(node: Node, url: str) -> None:
    node.write(ROWS)
    for prefix in (None, "datacite"):
        _check_records(harvest(url, prefix=prefix)[1])
    for prefix in (None, "oai_dc"):
        _check_access(harvest(url, prefix=prefix)[1], prefix)


def _check_records(told: dict[str, Mapped]) -> None:
    assert set(told) == {
        "10.5072/open",
        "10.5072/embargoed",
        "10.5072/withdrawn",
        "10.5072/proposal",
        "local/bare",
    }
    there = told["10.5072/open"]
    found = row(there, "Dataset")
    instrument = found["instrumentId"]
    check(
        found,
        {
            "pid": "10.5072/open",
            "title": "Lysozyme & “salt” <1>",
            "description": "Scattering of lysozyme.",
            "isPublic": True,
            "creationDate": "2021-05-05T00:00:00Z",
            "endDate": "2021-05-06T00:00:00Z",
            "size": 3000,
            "kind": "reduced",
            "license": "CC-BY-4.0",
            "source": "there",
        },
    )
    assert row(there, "Instrument") == {
        "pid": instrument,
        "name": "SANS-1",
        "facility": "There",
        "source": "there",
    }
    assert row(there, "Technique")["pid"] == SANS
    assert row(there, "DatasetTechnique") == {"datasetId": found["pid"], "techniqueId": SANS}
    assert row(there, "Person")["id"] == "0000-0002-1825-0097"
    assert row(there, "Person")["lastName"] == "Example"
    assert row(there, "Affiliation")["id"] == "https://ror.org/02550n020"
    assert row(there, "DocumentDataset") == {
        "documentId": "10.5072/proposal",
        "datasetId": "10.5072/open",
    }
    assert there.homes["10.5072/open"].startswith("http")
    document = row(told["10.5072/proposal"], "Document")
    check(
        document,
        {
            "type": "proposal",
            "title": "Proteins <in> water & salt",
            "doi": "10.5072/proposal",
            "isPublic": True,
        },
    )
    # a PID that only means something there
    (bare,) = [item for name, item in told["local/bare"].rows if name == "Dataset"]
    assert bare["pid"] == "there/local/bare"


def _check_access(told: dict[str, Mapped], prefix: str | None) -> None:
    embargoed = row(told["10.5072/embargoed"], "Dataset")
    assert (embargoed["isPublic"], embargoed["access"]) == (False, "embargoed")
    assert embargoed["embargoUntil"] == LATER
    withdrawn = row(told["10.5072/withdrawn"], "Dataset")
    assert (withdrawn["isPublic"], withdrawn["title"]) == (False, "Was wrong")
    if prefix is None:
        assert withdrawn["access"] == "withdrawn"
        assert withdrawn["withdrawnReason"] == "The detector was off"
    assert row(told["10.5072/open"], "Dataset")["isPublic"] is True
    assert row(told["10.5072/open"], "Dataset")["title"] == "Lysozyme & “salt” <1>"


def test_changes_and_deletions_arrive_in_the_next_run_alone(node: Node, url: str) -> None:
    many = [
        ("Dataset", {"pid": f"10.5072/{number}", "title": f"Run {number}", "isPublic": True})
        for number in range(350)
    ]
    node.write(many)
    batches, told = harvest(url)
    assert [len(batch.raws) for batch in batches] == [100, 100, 100, 50]
    assert len(told) == 350
    assert harvest(url, batches[-1].cursor)[0][0].raws == []
    gone = [f"10.5072/{number}" for number in range(0, 350, 10)]
    node.write([(name, {**line, "title": "Changed"}) for name, line in many[1:200:2]])
    with node.engine.begin() as connection:
        connection.execute(sa.delete(dataset).where(dataset.c.pid.in_(gone)))
        changes.append(connection, [("Dataset", pid) for pid in gone], deleted=True)
    node.keep()
    later, told = harvest(url, batches[-1].cursor)
    raws = [raw for batch in later for raw in batch.raws]
    assert {_called(raw.external_id) for raw in raws if raw.is_gone} == set(gone)
    assert len(told) == 100
    assert {row(mapped, "Dataset")["title"] for mapped in told.values()} == {"Changed"}
    assert len(raws) == 135
