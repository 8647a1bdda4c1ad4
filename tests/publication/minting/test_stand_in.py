"""The stand-in does what DataCite's documentation, and the rules of its server, say."""

import httpx
import pytest

from panosc.publication.minting.standin import StandIn

WHOLE = {
    "creators": [{"name": "Doe, J"}],
    "titles": [{"title": "T"}],
    "publisher": {"name": "ESRF"},
    "publicationYear": 2024,
    "types": {"resourceTypeGeneral": "Dataset"},
    "url": "https://data.example.org/ds/1",
}


def _send(stand_in: StandIn, method: str, path: str, **attributes: object) -> httpx.Response:
    body = {"data": {"type": "dois", "attributes": attributes}}
    auth = (stand_in.account, stand_in.password)
    return httpx.request(method, f"{stand_in.url}{path}", json=body, auth=auth)


def _state(stand_in: StandIn, doi: str) -> str:
    return stand_in.repository.records[doi].state


def test_a_draft_needs_nothing_and_can_be_deleted(stand_in: StandIn) -> None:
    assert _send(stand_in, "PUT", "/dois/10.5072/a1").status_code == 201
    assert _state(stand_in, "10.5072/a1") == "draft"
    assert _send(stand_in, "DELETE", "/dois/10.5072/a1").status_code == 204
    assert "10.5072/a1" not in stand_in.repository.records


def test_states_follow_events(stand_in: StandIn) -> None:
    path, doi = "/dois/10.5072/a2", "10.5072/a2"
    assert _send(stand_in, "PUT", path, **WHOLE, event="register").status_code == 201
    assert _state(stand_in, doi) == "registered"
    assert _send(stand_in, "PUT", path, event="publish").status_code == 200
    assert _state(stand_in, doi) == "findable"
    answer = _send(stand_in, "DELETE", path)
    assert (answer.status_code, "PUT" in answer.headers["allow"]) == (405, True)
    _send(stand_in, "PUT", path, event="hide")
    assert _state(stand_in, doi) == "registered"
    # impossible: left out, and 200
    assert _send(stand_in, "PUT", path, event="register").status_code == 200
    assert _state(stand_in, doi) == "registered"


@pytest.mark.parametrize("missing", ["creators", "titles", "publisher", "types", "url"])
def test_what_is_no_draft_needs_its_metadata(stand_in: StandIn, missing: str) -> None:
    part = {name: value for name, value in WHOLE.items() if name != missing}
    answer = _send(stand_in, "PUT", "/dois/10.5072/a3", **part, event="publish")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["source"] == missing
    assert "10.5072/a3" not in stand_in.repository.records


def test_post_is_not_to_be_repeated(stand_in: StandIn) -> None:
    assert _send(stand_in, "POST", "/dois", doi="10.5072/p").status_code == 201
    answer = _send(stand_in, "POST", "/dois", doi="10.5072/P")
    assert answer.status_code == 422
    assert "already been taken" in answer.text


def test_only_its_account_writes_under_its_prefix(stand_in: StandIn) -> None:
    assert httpx.put(f"{stand_in.url}/dois/10.5072/x", json={}).status_code == 401
    assert _send(stand_in, "PUT", "/dois/10.9999/x").status_code == 404
    _send(stand_in, "PUT", "/dois/10.5072/x", **WHOLE)
    assert httpx.get(f"{stand_in.url}/dois/10.5072/x").status_code == 404
    _send(stand_in, "PUT", "/dois/10.5072/x", event="publish")
    found = httpx.get(f"{stand_in.url}/dois/10.5072/X").json()["data"]
    assert (found["id"], found["attributes"]["state"]) == ("10.5072/x", "findable")
    assert [item["id"] for item in httpx.get(f"{stand_in.url}/dois").json()["data"]] == [
        "10.5072/x"
    ]


def test_it_says_that_it_is_none(stand_in: StandIn) -> None:
    answer = httpx.get(f"{stand_in.url}/")
    assert "It registers nothing" in answer.text
    assert answer.headers["x-stand-in"] == "This is not DataCite"
