"""What HTTP adds to the answers: totals, streams, spellings of addresses, other origins."""

import json
from collections.abc import Callable

import httpx
import pytest
from search_catalogue import Catalogue, serving

from panosc.search.results import MOST_RELATED

PID = "20.500.12269/panosc-dataset1"


def filtered(**filter_: object) -> dict[str, str]:
    return {"filter": json.dumps(filter_)}


@pytest.mark.parametrize("name", ["Datasets", "datasets", "Datasets/", "datasets/"])
def test_names_are_taken_as_they_come(standard_client: httpx.Client, name: str) -> None:
    reply = standard_client.get(f"/{name}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.json()) == 4
    assert standard_client.get(f"/{name.rstrip('/')}/count").json() == {"count": 4}


@pytest.mark.parametrize(
    "pid", [PID, PID.replace("/", "%2F"), PID.replace("/", "%252F"), PID.replace("/", "%2f")]
)
def test_a_pid_with_any_slash(standard_client: httpx.Client, pid: str) -> None:
    assert standard_client.get(f"/Datasets/{pid}").json()["pid"] == PID
    assert [item["id"] for item in standard_client.get(f"/datasets/{pid}/files").json()] == [1]
    assert standard_client.get(f"/Datasets/{pid}/files/count").json() == {"count": 1}


@pytest.mark.parametrize(
    ("filter_", "total"),
    [
        ({"limit": 2}, 15),
        ({"limit": 2, "skip": 14}, 15),
        ({"limit": 2, "skip": 100}, 15),
        ({"skip": 100}, 15),
        ({}, 15),
        ({"where": {"name": {"like": "O"}}, "limit": 1}, 2),
        ({"where": {"name": "nothing"}}, 0),
    ],
)
def test_the_total_does_not_depend_on_the_page(
    standard_client: httpx.Client, filter_: dict[str, object], total: int
) -> None:
    reply = standard_client.get("/Instruments", params=filtered(**filter_))
    assert reply.headers["x-total-count"] == str(total)
    head = standard_client.head("/Instruments", params=filtered(**filter_))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["x-total-count"] == str(total)


def test_pages_of_any_origin_may_read(standard_client: httpx.Client) -> None:
    for path in ("/Datasets", "/Datasets/nope", "/nothing"):
        reply = standard_client.get(path, headers={"Origin": "https://example.org"})
        assert reply.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in reply.headers
        assert "X-Total-Count" in reply.headers["access-control-expose-headers"]
    preflight = standard_client.request("OPTIONS", "/Datasets", headers={"Origin": "https://a.b"})
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/Datasets", f"/Datasets/{PID}", "/Datasets/count"])
def test_nothing_can_be_written(standard_client: httpx.Client, method: str, path: str) -> None:
    reply = standard_client.request(method, path)
    assert reply.status_code == 404
    assert reply.json()["error"]["statusCode"] == 404


@pytest.mark.parametrize("path", ["", "/", "/Files", "/Persons", "/Datasets/x/samples", "/a/b/c"])
def test_the_rest_is_not_there(standard_client: httpx.Client, path: str) -> None:
    reply = standard_client.get(path)
    assert reply.status_code == 404
    assert reply.json()["error"]["message"] == reply.json()["detail"]


def test_an_unknown_record_is_named(standard_client: httpx.Client) -> None:
    message = standard_client.get("/Datasets/nope").json()["error"]["message"]
    assert message == 'Unknown "Dataset" id "nope".'
    message = standard_client.get("/Datasets/nope/files").json()["error"]["message"]
    assert message == "could not find a model with id nope"


def test_a_long_answer_is_a_stream(filled: Callable[..., Catalogue]) -> None:
    rows = [
        ("Dataset", {"pid": f"d/{n:05}", "title": f"T {n}", "isPublic": True}) for n in range(3100)
    ]
    rows += [("File", {"name": "a", "datasetId": f"d/{n:05}"}) for n in range(0, 3100, 2)]
    with serving(filled(rows).app()) as client:
        params = filtered(include=["files"], order="pid DESC")
        with client.stream("GET", "/Datasets", params=params) as reply:
            assert reply.headers["x-total-count"] == "3100"
            assert "content-length" not in reply.headers
            items = json.loads(reply.read())
        assert [item["pid"] for item in items] == [f"d/{n:05}" for n in range(3099, -1, -1)]
        assert [len(item["files"]) for item in items] == [0, 1] * 1550
        short = client.get("/Datasets", params=filtered(limit=1000))
        assert "content-length" in short.headers
        page = client.get("/Datasets", params=filtered(limit=1500, skip=1000)).json()
        assert [item["pid"] for item in page] == [f"d/{n:05}" for n in range(1000, 2500)]


def test_one_answer_holds_only_so_much(filled: Callable[..., Catalogue]) -> None:
    """Includes that lead back and forth multiply; a limit in the scope helps."""
    number = 400
    rows = [("Instrument", {"pid": "i", "name": "I"})]
    rows += [
        ("Dataset", {"pid": f"d/{n:05}", "isPublic": True, "instrumentId": "i"})
        for n in range(number)
    ]
    assert number**2 > MOST_RELATED
    again = {"relation": "instrument", "scope": {"include": ["datasets"]}}
    with serving(filled(rows).app()) as client:
        params = filtered(include=[{"relation": "datasets", "scope": {"include": [again]}}])
        reply = client.get("/Instruments", params=params)
        assert reply.status_code == 413
        assert "limit" in reply.json()["hint"]
        limited = {"relation": "datasets", "scope": {"include": [again], "limit": 3}}
        item = client.get("/Instruments", params=filtered(include=[limited])).json()[0]
        assert len(item["datasets"]) == 3
        assert len(item["datasets"][2]["instrument"]["datasets"]) == number


def test_the_description_tells_of_every_route(standard: Catalogue) -> None:
    schema = standard.app().openapi()
    assert set(schema["paths"]) == {"/panosc-api/"} | {
        f"/panosc-api/{rest}"
        for name in ("Datasets", "Documents", "Instruments")
        for rest in (name, f"{name}/count", f"{name}/{{pid}}")
    } | {"/panosc-api/Datasets/{pid}/files", "/panosc-api/Datasets/{pid}/files/count"}
    for path, methods in schema["paths"].items():
        assert set(methods) == {"get"}
        found = methods["get"]
        assert found["summary"]
        assert found["description"]
        assert "400" in found["responses"], path
        content = found["responses"]["200"]["content"]["application/json"]
        assert content["schema"]["type"] in {"array", "object"}
        if path == "/panosc-api/":
            continue
        names = {parameter["name"] for parameter in found["parameters"]}
        assert names & {"filter", "where"}
        assert "providers" in names
        assert all("examples" in p for p in found["parameters"] if p["in"] == "query")
    properties = schema["paths"]["/panosc-api/Datasets/{pid}"]["get"]["responses"]["200"]
    shape = properties["content"]["application/json"]["schema"]["properties"]
    assert {"pid", "title", "isPublic", "creationDate", "techniques", "files"} <= set(shape)
