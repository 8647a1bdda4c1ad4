"""Hits as they come, and who is asked: for programs."""

import json
import time

import sqlalchemy as sa
from peers import Peer

from panosc.catalogue.federating.tables import connector

SEARCH = "/api/v1/federation/search"


def record(pid, title=None, **more):
    return {"pid": pid, "isPublic": True, **({} if title is None else {"title": title}), **more}


def lines(answer):
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_hits_come_before_the_slowest_has_answered(asking):
    good, slow = Peer([record("10.5072/good", "Copper")]), Peer(delay_s=30)
    with asking(good=good, slow=slow) as client:
        begun = time.monotonic()
        answer = client.get(SEARCH, params={"q": "copper"})
        took = time.monotonic() - begun
    assert answer.headers["content-type"] == "application/x-ndjson"
    events = lines(answer)
    kinds = [(one["event"], one.get("name") or one.get("item", {}).get("pid")) for one in events]
    assert kinds.index(("hit", "10.5072/good")) < kinds.index(("fate", "slow"))
    assert set(kinds) >= {("fate", "local"), ("fate", "good"), ("hit", "10.5072/own-1")}
    fates = {one["name"]: one for one in events if one["event"] == "fate"}
    assert (fates["slow"]["fared"], fates["good"]["count"]) == ("late", 1)
    end = events[-1]
    assert end["event"] == "end"
    assert set(end["order"]) == {"10.5072/good", "10.5072/own-1"}
    assert end["isLeast"] is True
    assert took < slow.delay_s


def test_browsers_get_events(asking):
    with asking(esrf=Peer([record("10.5072/theirs", "Copper")])) as client:
        answer = client.get(SEARCH, params={"q": "copper"}, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    assert {block[0] for block in blocks} == {"event: hit", "event: fate", "event: end"}
    assert blocks[-1][0] == "event: end"
    hits = [json.loads(b[1].removeprefix("data: ")) for b in blocks if b[0] == "event: hit"]
    assert all(one["item"]["provider"] == "http://node.example/panosc-api" for one in hits)


def test_a_filter_and_names_are_taken_as_the_search_api_takes_them(asking):
    esrf = Peer([record("10.5072/doc", "A proposal", type="proposal", **{"is": "Documents"})])
    with asking(esrf=esrf, slow=Peer(delay_s=5)) as client:
        given = {"filter": '{"limit":5}', "model": "Documents", "providers": "esrf"}
        events = lines(client.get(SEARCH, params=given))
        wrong = client.get(SEARCH, params={"filter": "{}", "model": "Nothings"})
        unknown = client.get(SEARCH, params={"providers": "nobody"})
    assert [one["item"]["pid"] for one in events if one["event"] == "hit"] == ["10.5072/doc"]
    assert [one["name"] for one in events if one["event"] == "fate"] == ["esrf"]
    assert (wrong.status_code, unknown.status_code) == (400, 400)


def test_names_that_only_others_know_are_no_mistakes(asking):
    with asking(esrf=Peer([record("10.5072/theirs")])) as client:
        events = lines(client.get(SEARCH, params={"facility": "ESRF", "humidity": "3..5 %"}))
        wrong = client.get(SEARCH, params={"year": "last"})
    assert events[-1]["event"] == "end"
    assert wrong.status_code == 422


def test_without_other_catalogues_this_node_answers(asking):
    with asking() as client:
        events = lines(client.get(SEARCH))
    assert [one["event"] for one in events].count("hit") == 2
    assert events[-1]["total"] == 2


def test_providers_tell_what_they_support_and_no_secret(asking, node_engine):
    with asking(esrf=Peer(), ill=Peer()) as client:
        features = {"count": {"state": "wrong", "evidence": "It says 0."}}
        found = {"version": "2", "title": None, "totals": {}, "features": features}
        values = {"probed": found, "options": {"key": "sesam-option"}, "secret_file": "/sesam-file"}
        with node_engine.begin() as connection:
            connection.execute(sa.update(connector).values(values))
        answer = client.get("/api/v1/federation/providers")
    esrf, ill = answer.json()["providers"]
    assert (esrf["name"], ill["name"]) == ("esrf", "ill")
    assert esrf["supports"] == features
    assert esrf["address"] is None
    assert esrf["lately"]["condition"] == "unasked"
    assert "sesam" not in answer.text
    assert "127.0.0.1" not in answer.text


def test_what_went_wrong_tells_nothing_of_a_private_network(asking, node_engine):
    with asking(dark=Peer()) as client:
        with node_engine.begin() as connection:
            connection.execute(sa.update(connector).values(url="http://127.0.0.1:9/api"))
        answer = client.get(SEARCH)
    assert '"fared":"failed"' in answer.text
    assert "127.0.0.1" not in answer.text
