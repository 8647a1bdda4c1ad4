"""ICAT with the example facility of ``python-icat``: who sees what, and what becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from cloud.standins import icat as standin
from conformance import calling
from icat_asking import source_of
from icat_example import load, seen

from panosc.federation.connectors.icat import IcatConnector
from panosc.federation.contract import Mapped, Raw

T = TypeVar("T")
COUNTED = {
    "Investigation",
    "InvestigationUser",
    "InvestigationParameter",
    "Keyword",
    "Sample",
    "Dataset",
    "DatasetParameter",
    "DatasetTechnique",
    "DatasetInstrument",
    "Datafile",
    "Instrument",
    "User",
}
ACCOUNTS = sorted(name for name in seen() if name.startswith("db/"))


def asked(account: str | None, what: Callable[[IcatConnector], Awaitable[T]]) -> T:
    async def ask() -> T:
        with standin.serving(load()) as url:
            source = source_of(url, account=account, secret="x")
            async with calling(source) as caller:
                return await what(IcatConnector(source, caller))

    return asyncio.run(ask())


async def harvested(connector: IcatConnector) -> dict[tuple[str, str], Raw]:
    return {
        (raw.kind, raw.external_id): raw
        async for batch in connector.changes(None)
        for raw in batch.raws
    }


def count(raws: dict[tuple[str, str], Raw], kind: str, *path: str) -> int:
    """Count what is within records of a kind."""
    found: list[Any] = [raw.content for (which, _), raw in raws.items() if which == kind]
    for name in path:
        found = [item for record in found for item in record.get(name, [])]
    return len(found)


@pytest.mark.parametrize("account", [*ACCOUNTS, "simple/root"])
def test_the_stand_in_shows_each_account_what_a_real_icat_counted(account: str) -> None:
    icat = load()
    told = {
        entity: icat.query(f"SELECT COUNT(e) FROM {entity} e", account)[0] for entity in COUNTED
    }
    assert told == {entity: seen()[account][entity] for entity in COUNTED}


def test_what_an_account_sees_is_harvested_and_no_more() -> None:
    raws = asked("rbeck", harvested)
    expected = seen()["db/rbeck"]
    assert count(raws, "investigation") == expected["Investigation"]
    assert count(raws, "dataset") == expected["Dataset"]
    assert count(raws, "instrument") == expected["Instrument"]
    assert count(raws, "dataset", "datafiles") == expected["Datafile"]
    assert count(raws, "dataset", "parameters") == expected["DatasetParameter"]
    assert count(raws, "dataset", "datasetTechniques") == expected["DatasetTechnique"]
    assert count(raws, "investigation", "keywords") == expected["Keyword"]
    assert count(raws, "investigation", "investigationUsers") == 0


def rows_of(mapped: Mapped) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, row in mapped.rows:
        found.setdefault(name, []).append(row)
    return found


def test_the_examples_records_mean_what_they_say() -> None:
    async def ask(connector: IcatConnector) -> dict[tuple[str, str], dict[str, Any]]:
        raws = await harvested(connector)
        return {key: rows_of(connector.map(raw)) for key, raw in raws.items()}

    found = asked("root", ask)
    documents = {
        rows["Document"][0]["ownerGroup"]: rows
        for (kind, _), rows in found.items()
        if kind == "investigation"
    }
    gallium = documents["10100601-ST"]
    document = gallium["Document"][0]
    assert document["pid"] == "00.0815/inv-00601"
    assert document["title"] == "Ni-Mn-Ga flat cone"
    assert document["keywords"] == ["Gallium", "Manganese", "NiMnGa", "Nickel"]
    # none of its investigations has a release date: nobody here sees any of them
    assert document["access"] == "closed"
    assert [row["fullName"] for row in gallium["Person"]] == ["Arnold Hau"]
    assert gallium["Member"][0]["role"] == "Principal Investigator"
    datasets = {
        rows["Dataset"][0]["title"]: rows for (kind, _), rows in found.items() if kind == "dataset"
    }
    flat = datasets["e208339"]
    assert flat["Dataset"][0]["kind"] == "raw"
    assert flat["Dataset"][0]["size"] == 73874
    assert flat["Instrument"][0] == {
        "pid": "00.0815/inst-00001",
        "name": "E2",
        "facility": "Example Synchrotron and Neutron Facility",
        "source": "icat",
    }
    assert flat["Sample"][0]["name"] == "NiMnGa 991027"
    assert [(row["name"], row["value"], row["unit"]) for row in flat["Parameter"]] == [
        ("Magnetic field", 7.3, "T"),
        ("Reactor power", 5.0, "MW"),
    ]
    assert [row["name"] for row in flat["Technique"]] == ["neutron diffraction"]
    assert [row["panetId"].rpartition("/")[2] for row in flat["Technique"]] == ["PaNET01217"]
    assert flat["DocumentDataset"][0]["documentId"] == document["pid"]
    temperatures = [(row["value"], row["unit"]) for row in datasets["e208945"]["Parameter"]]
    assert temperatures == [(3.92, "C"), (277.07, "K")]
