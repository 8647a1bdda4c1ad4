"""ICAT+ as ``pyicat-plus`` has it for the tests of its own client, which also fills it here."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conformance import calling
from icatplus_asking import source_of
from pydantic import SecretStr
from reading_all import batches_of, raws_of

from panosc.domain.errors import Upstream
from panosc.domain.query import Compare, Query, Related
from panosc.federation.connectors.icatplus import IcatPlusConnector
from panosc.federation.contract import Probed, Raw
from panosc.federation.source import Source


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    script = Path(__file__).with_name("icatplus_mock.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path_factory.mktemp("mock"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        url = process.stdout.readline().strip()
        yield replace(source_of(url, plugin="esrf"), secret=SecretStr("correct"))
        process.stdin.close()


def test_what_its_client_stored_is_harvested(mock: Source) -> None:
    async def ask() -> tuple[dict[tuple[str, str], Raw], set[tuple[str, str]], Probed]:
        async with calling(mock) as caller:
            connector = IcatPlusConnector(mock, caller)
            raws = raws_of(await batches_of(connector))
            swept = {key async for keys in connector.sweep_ids() for key in keys}
            return raws, swept, await connector.probe()

    raws, swept, probed = asyncio.run(ask())
    # both lists of investigations are the same here, for the mock heeds no filter
    assert sorted(raws) == sorted(
        [("investigation", "0"), ("investigation", "1"), ("dataset", "0"), ("dataset", "1")]
    )
    assert swept == set(raws)
    # the mock finds no dataset by an instrument: that is seen, and not taken for none
    assert probed.features["include:instrument"].state == "wrong"
    connector = IcatPlusConnector(mock, None)  # type: ignore[arg-type] - map calls nobody
    mapped = connector.map(raws["dataset", "0"])
    rows = dict(mapped.rows)
    assert rows["Dataset"] == {
        "pid": "esrf/0",
        "title": "collection_0001",
        "creationDate": "2022-01-01T08:01:00+00:00",
        "endDate": "2022-01-01T08:01:30+00:00",
        "ownerGroup": "hg123",
        "source": "esrf",
        "instrumentId": "esrf/instrument-id02",
        "access": "embargoed",
        "embargoUntil": "2025-01-01T00:00:00+00:00",
        "releaseDate": "2025-01-01T00:00:00+00:00",
    }
    assert rows["Sample"]["name"] == "lysozyme"
    assert ("DocumentDataset", {"documentId": "esrf/document-0", "datasetId": "esrf/0"}) in (
        mapped.rows
    )
    energy = {"datasetId": "esrf/0", "name": "photon_energy", "value": 12.4, "unit": "keV"}
    assert ("Parameter", energy) in mapped.rows


def test_a_dataset_of_an_investigation_is_found_live(mock: Source) -> None:
    async def ask(source: Source) -> list[str]:
        where = Related(
            "documents",
            Compare(property="pid", operator="eq", operands=("esrf/document-0",)),
        )
        async with calling(source) as caller:
            connector = IcatPlusConnector(source, caller)
            found = await connector.search(Query(model="Dataset", where=where, limit=5))
            assert not found.unasked
            assert all(item["isPublic"] for item in found.items)
            return [item["title"] for item in found.items]

    assert asyncio.run(ask(mock)) == ["collection_0001", "collection_0002"]
    with pytest.raises(Upstream, match="does not let reader in"):
        asyncio.run(ask(replace(mock, secret=SecretStr("wrong"))))
