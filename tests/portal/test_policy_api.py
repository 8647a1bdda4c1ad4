"""Sharing, acts, requests and the audit trail as programs use them."""

import json
from urllib.parse import quote

import pytest
import signed_in as given
from signed_in import CLOSED, EMBARGOED, OPEN, TO_RELEASE, TO_SHARE, TO_WITHDRAW

WHY = {"reason": "The sample was mislabelled."}
ENCODED = quote(EMBARGOED, safe="")


@pytest.fixture(scope="module")
def house(new_database, template, open_folder):
    with given.house(new_database, template, open_folder / "policy-api") as found:
        yield found


@pytest.fixture
def api(house):
    """Asks as somebody: status and JSON."""
    clients = {}

    def ask(person, method, path, body=None, **headers):
        client = clients.setdefault(person, house.client(person))
        sent = {"Accept": "application/json", **headers}
        answer = client.request(method, f"/api/v1{path}", json=body, headers=sent)
        is_json = "/json" in answer.headers.get("content-type", "").replace("problem+", "")
        return answer.status_code, answer.json() if is_json else answer

    yield ask
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("pid", [EMBARGOED, ENCODED, quote(ENCODED, safe="")])
def test_shared_listed_and_taken_back_by_any_spelling(api, pid):
    status, made = api("pi", "POST", f"/datasets/{pid}/shares", {"kind": "link"})
    assert status == 201
    assert made["path"].startswith("/share/")
    status, listed = api("team", "GET", f"/datasets/{pid}/shares")
    assert (status, made["id"] in {item["id"] for item in listed}) == (200, True)
    assert made["path"].removeprefix("/share/") not in json.dumps(listed)
    assert api("team", "DELETE", f"/datasets/{pid}/shares/{made['id']}")[0] == 403
    assert api("pi", "DELETE", f"/datasets/{pid}/shares/{made['id']}")[0] == 204
    assert api("pi", "DELETE", f"/datasets/{pid}/shares/{made['id']}")[0] == 404


ROUTES = [
    ("GET", "/datasets/{}/shares", None),
    ("POST", "/datasets/{}/shares", {"kind": "link"}),
    ("DELETE", "/datasets/{}/shares/x", None),
    ("POST", "/datasets/{}/release", {}),
    ("POST", "/datasets/{}/withdraw", WHY),
    ("POST", "/datasets/{}/restore", WHY),
    ("POST", "/datasets/{}/erase", WHY),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_a_closed_dataset_answers_like_none(api, method, path, body):
    for person, wanted in [(None, 401), ("stranger", 404), ("administrator", 404)]:
        found = []
        for pid in (CLOSED, "10.5072/not-there"):
            status, problem = api(person, method, path.format(pid), body)
            assert status == wanted
            assert problem.pop("requestId")
            found.append(json.dumps(problem).replace(pid, "PID"))
        assert found[0] == found[1]


def test_acts_answer_with_what_became_of_it(api):
    released = api("pi", "POST", f"/datasets/{TO_RELEASE}/release")
    assert released == (200, {"pid": TO_RELEASE, "access": "open"})
    status, problem = api("pi", "POST", f"/datasets/{TO_RELEASE}/release")
    assert (status, "open to everyone" in problem["detail"]) == (409, True)
    body = {**WHY, "supersededBy": OPEN}
    withdrawn = api("steward", "POST", f"/datasets/{TO_WITHDRAW}/withdraw", body)
    assert withdrawn == (200, {"pid": TO_WITHDRAW, "access": "withdrawn"})
    restored = api("steward", "POST", f"/datasets/{TO_WITHDRAW}/restore", WHY)
    assert restored == (200, {"pid": TO_WITHDRAW, "access": "open"})
    status, asked = api("steward", "POST", f"/datasets/{TO_WITHDRAW}/erase", WHY)
    assert status == 202
    answer = f"/requests/{asked['id']}/answer"
    assert api("steward", "POST", answer, {"granted": True})[0] == 403
    assert api("director", "POST", answer, {"granted": True})[0] == 204
    assert api("steward", "POST", f"/datasets/{TO_WITHDRAW}/restore", WHY)[0] == 410


def test_requests_go_to_and_fro(api):
    body = {"pid": TO_SHARE, "text": "To compare"}
    status, made = api("stranger", "POST", "/requests", body)
    assert status == 201
    assert api("stranger", "POST", "/requests", body)[0] == 409
    _, listed = api("pi", "GET", "/requests")
    assert [item["id"] for item in listed["waiting"]] == [made["id"]]
    assert api("pi", "POST", f"/requests/{made['id']}/answer", {"granted": False})[0] == 422
    answer = {"granted": False, "words": "Not yet"}
    assert api("pi", "POST", f"/requests/{made['id']}/answer", answer)[0] == 204
    _, listed = api("stranger", "GET", "/requests")
    assert listed["own"][0]["answer"] == "Not yet"
    assert listed["own"][0]["answeredBy"] == "u-pi"
    _, made = api("pi", "POST", "/requests", {**body, "kind": "extension", "years": 1})
    assert api("pi", "DELETE", f"/requests/{made['id']}")[0] == 204
    assert api("pi", "POST", "/requests", {**body, "kind": "extension"})[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/requests", {"pid": "\0", "text": "x"}),
        ("POST", "/requests", {"pid": EMBARGOED, "text": "\ud800"}),
        ("POST", "/requests", {"pid": "\ud800", "text": "x"}),
        ("POST", "/requests/%00/answer", {"granted": True}),
        ("POST", f"/datasets/{EMBARGOED}/shares", {"kind": "person", "name": "\0"}),
        ("POST", f"/datasets/{EMBARGOED}/shares", {"kind": "link", "note": "\ud800"}),
        ("POST", f"/datasets/{EMBARGOED}/shares", {"kind": "link", "until": "0001-01-01T00:00Z"}),
        (
            "POST",
            f"/datasets/{EMBARGOED}/shares",
            {"kind": "group", "name": "P-200", "until": "9999-12-31T23:59:59-12:00"},
        ),
        ("POST", f"/datasets/{EMBARGOED}/release", {"reason": "\ud800"}),
        ("DELETE", "/datasets/%00/shares/%00", None),
        ("GET", "/audit?after=99999999999999999999", None),
        ("GET", "/audit?subject=%00", None),
        ("GET", "/audit?event=%ED%A0%80", None),
    ],
)
def test_nothing_that_is_sent_breaks_it(house, api, method, path, body):
    for person in ("pi", "steward"):
        client = house.client(person)
        # a lone surrogate travels as an escape
        content = None if body is None else json.dumps(body).encode()
        answer = client.request(
            method, f"/api/v1{path}", content=content, headers={"Content-Type": "application/json"}
        )
        client.close()
        assert answer.status_code < 500, answer.text


def test_the_trail_is_read_in_pages_or_as_a_stream(house, api):
    for _ in range(2):
        api("pi", "POST", f"/datasets/{TO_SHARE}/shares", {"kind": "link"})
    assert api(None, "GET", "/audit")[0] == 401
    assert api("pi", "GET", "/audit")[0] == 403
    _, first = api("steward", "GET", "/audit?limit=1")
    assert len(first["events"]) == 1
    assert first["next"] == first["events"][0]["number"]
    _, rest = api("administrator", "GET", f"/audit?after={first['next']}")
    _, stream = api("steward", "GET", "/audit", Accept="application/x-ndjson")
    lines = [json.loads(line) for line in stream.text.splitlines()]
    assert lines == first["events"] + rest["events"]
    _, chosen = api("steward", "GET", f"/audit?event=share.*&subject={TO_SHARE}&person=u-pi")
    assert {line["event"] for line in chosen["events"]} == {"share.given"}
    assert chosen["events"][-1]["at"].endswith("Z")


def test_a_token_needs_the_scope_and_is_told_which(house, api):
    with house.client("pi") as client:
        names = {"name": "reader", "days": "5", "scope": ["read", "data"]}
        made = client.post("/account/tokens", data=names)
        assert made.status_code == 303, made.text
        page = client.get("/account/tokens").text
    token = page.partition('id="secret" value="')[2].partition('"')[0]
    assert token
    headers = {"Authorization": f"Bearer {token}"}
    assert api(None, "GET", f"/datasets/{EMBARGOED}/shares", **headers)[0] == 200
    for path, body in [
        (f"/datasets/{EMBARGOED}/shares", {"kind": "link"}),
        (f"/datasets/{EMBARGOED}/release", {}),
    ]:
        status, problem = api(None, "POST", path, body, **headers)
        assert (status, "“write”" in problem["detail"]) == (403, True)


def test_every_route_is_described(house):
    with house.client() as client:
        described = client.get("/api/openapi.json").json()["paths"]
    for path in [
        "/api/v1/datasets/{pid}/shares",
        "/api/v1/datasets/{pid}/release",
        "/api/v1/requests/{number}/answer",
        "/api/v1/audit",
        "/datasets/{pid}/-/access",
        "/share/{secret}",
        "/requests",
        "/audit",
    ]:
        assert path in described
    release = described["/api/v1/datasets/{pid}/release"]["post"]["responses"]
    assert {"200", "401", "403", "404", "409", "410", "422"} <= set(release)
