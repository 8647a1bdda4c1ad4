"""Suggestions over HTTP: what a person may see, and nothing of the rest."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import Header
from search_catalogue import Catalogue, serving

from panosc.domain.access import ANYONE, Who
from panosc.policy.asking import who_asks
from panosc.search.known import KnownTo
from panosc.search.language.url import read_box
from panosc.search.suggesting import router

TEAM = Who(person="mia", groups=frozenset({"P-1"}))
D22, V20 = "instrument-d22", "instrument-v20"


def rows() -> Iterable[tuple[str, dict[str, object]]]:
    yield "Instrument", {"pid": D22, "name": "D22", "facility": "ILL"}
    yield "Instrument", {"pid": V20, "name": "V20", "facility": "ESS"}
    yield "Technique", {"pid": "own:method", "name": "Odd method"}
    shown = {"access": "open", "instrumentId": D22, "kind": "raw"}
    closed = {"access": "closed", "instrumentId": V20, "kind": "secretive"}
    embargoed = {"access": "embargoed", "embargoUntil": "2031-01-01T00:00:00Z", "kind": "raw"}
    embargoed["creationDate"] = "2018-02-03T00:00:00Z"
    team = {"ownerGroup": "P-1", "creationDate": "2019-02-03T00:00:00Z"}
    yield "Dataset", {"pid": "open", "creationDate": "2024-02-03T00:00:00Z", **shown}
    yield "Dataset", {"pid": "closed", **closed, **team}
    yield "Dataset", {"pid": "embargoed", "instrumentId": D22, **team, **embargoed}
    yield "DatasetTechnique", {"datasetId": "closed", "techniqueId": "own:method"}
    yield "Parameter", {"name": "temperature", "value": 3, "unit": "K", "datasetId": "open"}
    yield "Parameter", {"name": "secret_doping", "value": 3, "datasetId": "embargoed"}
    yield "Parameter", {"name": "hidden_field", "value": 3, "datasetId": "closed"}


@pytest.fixture(scope="module")
def catalogue(filled: Callable[..., Catalogue]) -> Catalogue:
    return filled(rows())


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[httpx.Client]:
    """Asks for suggestions, as the team where a header says so."""

    def asker(x_team: Annotated[str, Header()] = "") -> Who:
        return TEAM if x_team else ANYONE

    app = catalogue.app()
    app.include_router(router(catalogue.service))
    app.dependency_overrides[who_asks] = asker
    with serving(app) as found:
        found.base_url = found.base_url.copy_with(path="/")
        yield found


def suggested(client: httpx.Client, who: Who, prefix: str) -> list[dict[str, object]]:
    headers = {"x-team": "1"} if who is TEAM else {}
    answer = client.get("suggest", params={"prefix": prefix}, headers=headers)
    assert answer.status_code == 200
    return list(answer.json()["suggestions"])


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "s",
        "se",
        "secret",
        "hid",
        "odd",
        "v2",
        "technique:",
        "technique:odd",
        "instrument:",
        "facility:",
        "kind:",
        "kind:s",
        "access:",
        "year:",
        "created:20",
        "doping",
    ],
)
def test_strangers_learn_nothing_of_what_is_hidden(client: httpx.Client, prefix: str) -> None:
    told = json.dumps(suggested(client, ANYONE, prefix))
    for hidden in ("secret", "hidden", "Odd", "own:", "V20", "ESS", "2019", 'closed"'):
        if hidden.casefold() not in prefix.casefold() or hidden in {"Odd", "V20"}:
            assert hidden not in told.replace("embargoed or closed", "")


def test_the_team_is_told(client: httpx.Client) -> None:
    assert [item["text"] for item in suggested(client, TEAM, "secret")] == ["secret_doping:"]
    kinds = {item["text"]: item["count"] for item in suggested(client, TEAM, "kind:")}
    assert kinds == {"raw": 2, "secretive": 1}
    texts = {item["text"] for item in suggested(client, TEAM, "technique:odd")}
    assert "own:method" in texts


def test_counts_are_those_of_the_person(client: httpx.Client) -> None:
    def count(who: Who) -> object:
        return suggested(client, who, "instrument:")[0]["count"]

    assert count(ANYONE) == 2
    assert [item["text"] for item in suggested(client, ANYONE, "instrument:")] == ["D22"]


def test_names_are_read_as_suggested(catalogue: Catalogue) -> None:
    names = KnownTo(catalogue.service, ANYONE).names
    asked = read_box("instrument:d22 facility:ill temperature:3K", names)
    assert asked.params() == [("facility", "ILL"), ("instrument", D22), ("temperature", "3 K")]
    assert read_box("secret_doping:3", names).ranges == ()
    assert read_box("secret_doping:3", KnownTo(catalogue.service, TEAM).names).ranges


@pytest.mark.parametrize("query", ["prefix=" + "x" * 1001, "cursor=-1", "cursor=x", "cursor=99999"])
def test_too_much_is_refused(client: httpx.Client, query: str) -> None:
    assert client.get(f"suggest?{query}").status_code in {400, 422}
