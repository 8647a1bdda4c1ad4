"""Providers of the PaNOSC search API: the standard, and each thing that they do differently."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

import pytest
from conformance import Known, ServedConformance, calling
from panosc_provider import LIKE, MANY, Provider, provider

from panosc.domain.errors import Upstream
from panosc.domain.query import And, Compare, Query, Related, Word
from panosc.federation.connectors.panosc_api import PanoscConnector
from panosc.federation.contract import Connector, Probed, Raw, Support
from panosc.federation.source import Source

T = TypeVar("T")
IRON = Query(model="Dataset", words=(Word(text="Iron"),), limit=10)


class _Small(PanoscConnector):
    """With pages that the stand-in has several of."""

    page = 10


class TestStandard(ServedConformance):
    """A provider that does all that the standard says."""

    connector = _Small
    known = (
        Known(
            kind="Dataset",
            external_id="10.5072/data.00",
            model="Dataset",
            pid="10.5072/data.00",
            has={
                "title": "Iron diffraction number 0",
                "isPublic": True,
                "creationDate": datetime(2021, 3, 1, 10, tzinfo=UTC),
                "size": 1000,
                "instrumentId": "src/inst-D7",
            },
            home="https://doi.org/10.5072/data.00",
        ),
        Known(
            kind="Document",
            external_id="1",
            model="Document",
            pid="src/1",
            has={
                "title": "Copper at low temperature",
                "startDate": datetime(2021, 3, 1, tzinfo=UTC),
            },
        ),
        Known(
            kind="Instrument",
            external_id="inst-D22",
            model="Instrument",
            pid="src/inst-D22",
            has={"name": "D22", "facility": "F"},
        ),
    )
    question = IRON
    examples = 30

    @classmethod
    @contextmanager
    def standing(cls) -> Iterator[str]:
        with provider() as server:
            yield server.url


def _source(server: Provider) -> Source:
    return Source(
        name="src",
        kind="panosc",
        url=server.url,
        title="A Facility",
        prefix="src/",
        is_private=True,
    )


def ask(
    server: Provider,
    what: Callable[[Connector], Awaitable[T]],
    features: Mapping[str, Support] | None = None,
) -> T:
    async def asked() -> T:
        async with calling(_source(server)) as caller:
            connector = _Small(_source(server), caller)
            connector.features = features or {}
            return await what(connector)

    return asyncio.run(asked())


@cache
def probed(*faults: str) -> Probed:
    with provider(*faults) as server:
        return ask(server, lambda connector: connector.probe())


async def _raws(connector: Connector) -> list[Raw]:
    return [raw async for batch in connector.changes(None) for raw in batch.raws]


async def _swept(connector: Connector) -> set[tuple[str, str]]:
    return {key async for keys in connector.sweep_ids() for key in keys}


def test_all_that_works_is_found_to_work() -> None:
    found = probed()
    assert found.totals == {"Dataset": MANY, "Document": 3, "Instrument": 2}
    states = {name: support.state for name, support in found.features.items()}
    assert states.pop("units") == "wrong"
    # of these, nothing in the stand-in says anything
    unknown = {"include:documents", "include:members", "where:license"}
    unknown |= {"where:releaseDate", "where:endDate"}
    assert {states.pop(name) for name in unknown} == {"unknown"}
    assert set(states.values()) == {"yes"}, states


WRONG = {
    "scicat": {
        "where:isPublic": "wrong",
        "include:instrument": "no",
        "relation:documents": "no",
        "parameters:between": "wrong",
        "parameters:gte": "yes",
        "text": "wrong",
        "query": "no",
    },
    "ill": {"files": "no", "count": "yes", "skip": "yes", "query": "yes"},
    "datagateway": {"query": "no", "include:techniques": "yes"},
    "esrf": {"relation:documents": "yes", "skip": "yes"},
    "barest": {
        "skip": "wrong",
        "text": "unknown",
        "query": "unknown",
        "relation:documents": "wrong",
    },
}


@pytest.mark.parametrize("name", LIKE)
def test_what_is_broken_is_found_to_be_broken(name: str) -> None:
    features = probed(*LIKE[name]).features
    assert {key: features[key].state for key in WRONG[name]} == WRONG[name]


@pytest.mark.parametrize("name", LIKE)
def test_every_provider_is_harvested_wholly(name: str) -> None:
    with provider(*LIKE[name]) as server:
        raws = ask(server, _raws)
        swept = ask(server, _swept)
    found = {(raw.kind, raw.external_id) for raw in raws}
    assert found == swept
    assert len(found) == MANY + 3 + 2


def test_members_samples_and_techniques_arrive_where_another_include_is_refused() -> None:
    with provider("refuses instrument") as server:
        raws = ask(server, _raws)
        mapped = ask(server, _mapping(raws, "Dataset", "10.5072/data.03"))
        document = ask(server, _mapping(raws, "Document", "1"))
    names = [name for name, _ in mapped]
    assert names == [
        "Technique",
        "DatasetTechnique",
        "Sample",
        "DatasetSample",
        "Dataset",
        "Parameter",
        "Parameter",
    ]
    assert (
        "Parameter",
        {"name": "temperature", "value": 13, "unit": "K", "datasetId": "10.5072/data.03"},
    ) in mapped
    persons = [row for name, row in document if name == "Person"]
    assert persons == [
        {"id": "0000-0002-1825-0097", "orcid": "0000-0002-1825-0097", "fullName": "Ada Example"}
    ]
    assert ("DocumentDataset", {"documentId": "src/1", "datasetId": "10.5072/data.01"}) in document
    assert ("Affiliation", {"id": "src/a1", "name": "An Institute", "country": "FR"}) in document


def _mapping(
    raws: list[Raw], kind: str, external_id: str
) -> Callable[[Connector], Awaitable[list[tuple[str, Any]]]]:
    raw = next(one for one in raws if (one.kind, one.external_id) == (kind, external_id))

    async def read(connector: Connector) -> list[tuple[str, Any]]:
        return list(connector.map(raw).rows)

    return read


def test_texts_for_numbers_and_flags_are_taken() -> None:
    with provider("texts for numbers") as server:
        raws = ask(server, _raws)
        rows = dict(ask(server, _mapping(raws, "Dataset", "10.5072/data.03")))
    assert rows["Dataset"]["isPublic"] is True
    assert rows["Dataset"]["size"] == 1003


# live

TEMPERATURE = Related(
    "parameters",
    And(
        (
            Compare(property="name", operator="eq", operands=("temperature",)),
            Compare(property="value", operator="between", operands=(12, 14)),
        )
    ),
)
PUBLIC = Compare(property="isPublic", operator="eq", operands=(True,))
LOKI = Related("instrument", Compare(property="name", operator="eq", operands=("D7",)))
ALL = Query(model="Dataset", where=And((TEMPERATURE, PUBLIC, LOKI)), limit=50)


def test_a_question_is_put_as_the_standard_has_it() -> None:
    with provider() as server:
        found = ask(server, lambda connector: connector.search(ALL), probed().features)
        asked = server.filters()[-1]
        assert "providers=local" in server.asked[-1]
    assert found.unasked == frozenset()
    assert [item["pid"] for item in found.items] == ["10.5072/data.02", "10.5072/data.04"]
    assert asked["limit"] == 50
    assert "skip" not in asked
    assert asked["where"] == {"isPublic": True}
    assert {one["relation"] for one in asked["include"]} == {
        "instrument",
        "techniques",
        "samples",
        "parameters",
    }
    item = found.items[0]
    assert item["instrument"]["name"] == "D7"
    assert item["techniques"][0]["name"] == "small angle x-ray scattering"
    assert item["parameters"][0]["value"] == 12
    assert item["home"] == "https://doi.org/10.5072/data.02"


def test_what_is_broken_is_not_asked_and_named() -> None:
    faults = LIKE["scicat"]
    with provider(*faults) as server:
        naive = ask(
            server,
            lambda connector: connector.search(Query(model="Dataset", where=PUBLIC, limit=50)),
            {"where:isPublic": Support(state="yes", evidence="not so")},
        )
        found = ask(server, lambda connector: connector.search(ALL), probed(*faults).features)
    assert not naive.items, "what it answers when it is believed"
    assert found.unasked == {"temperature", "isPublic", "instrument"}
    assert len(found.items) == MANY


def test_words_are_asked_for_as_text_where_there_is_no_ranked_search() -> None:
    with provider("query ignored") as server:
        features = probed("query ignored").features
        found = ask(server, lambda connector: connector.search(IRON), features)
    assert len(found.items) == 5
    assert all("Iron" in item["title"] for item in found.items)
    assert not found.unasked
    faults = ("query ignored", "text ignored")
    with provider(*faults) as server:
        found = ask(server, lambda c: c.search(IRON), probed(*faults).features)
    assert found.unasked == {"words"}
    assert found.is_cut


@pytest.mark.parametrize("name", LIKE)
def test_items_of_every_provider_have_one_shape(name: str) -> None:
    query = Query(model="Document", limit=50)
    with provider(*LIKE[name]) as server:
        found = ask(server, lambda connector: connector.search(query), probed(*LIKE[name]).features)
    assert [item["pid"] for item in found.items] == ["src/0", "src/1", "src/2"]
    for item in found.items:
        assert item["members"][0]["person"]["fullName"] == "Ada Example"
        assert "score" not in item
        assert "provider" not in item
        assert item.get("doi") != " "


def test_more_than_asked_for_is_cut_and_said() -> None:
    with provider("limit ignored") as server:
        found = ask(server, lambda c: c.search(Query(model="Dataset", limit=4)))
    assert len(found.items) == 4
    assert found.total == MANY
    assert found.is_cut


def test_a_sweep_that_cannot_see_all_fails() -> None:
    with provider("at most 10", "skip ignored") as server, pytest.raises(Upstream, match="counts"):
        ask(server, _swept)
