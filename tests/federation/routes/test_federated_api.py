"""The search API over all catalogues: what the PaNOSC federated service does wrong is right here.

Each test of a fault names what was observed of that service.
"""

import json
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from peers import Peer

from panosc.catalogue.federating.tables import connector
from panosc.catalogue.tables import dataset
from panosc.catalogue.writer import write

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DATASETS = "/panosc-api/Datasets"
OWN = "http://node.example/panosc-api"


def record(pid, title=None, **more):
    return {"pid": pid, "isPublic": True, **({} if title is None else {"title": title}), **more}


def find(client, path=DATASETS, **params):
    given = {
        key: json.dumps(value) if key != "providers" else value for key, value in params.items()
    }
    answer = client.get(path, params=given)
    assert answer.status_code == 200, answer.text
    return answer


def pids(answer):
    return [item["pid"] for item in answer.json()]


def test_with_no_live_catalogue_all_is_as_it_was(asking):
    with asking() as client:
        answer = find(client, providers="nobody,at,all")
        root = client.get("/panosc-api/")
    assert set(pids(answer)) == {"10.5072/own-1", "10.5072/own-2"}
    assert "x-panosc-providers" not in answer.headers
    assert "provider" not in answer.json()[0]
    assert root.status_code == 404


def test_the_root_tells_who_is_asked_and_how(asking):
    with asking(deadline_s=1.5, ill=Peer(), esrf=Peer()) as client:
        found = client.get("/panosc-api/").json()
        bare = client.get("/panosc-api").json()
    assert (
        set(found)
        == set(bare)
        == {
            "uptime_seconds",
            "uptime",
            "api_version",
            "docker_image_version",
            "hosting_facility",
            "environment",
            "data_providers",
            "provider_timeout_ms",
            "default_limit",
            "filter_invalid_scores",
            "logging",
        }
    )
    # theirs are in a private network here, which is told to nobody
    assert found["data_providers"] == [OWN]
    assert (found["provider_timeout_ms"], found["default_limit"]) == (1500, 100)
    assert (found["uptime"], found["hosting_facility"]) == ("00:00:00", "ILL")


def test_items_of_all_come_with_their_provider(asking):
    with asking(esrf=Peer([record("10.5072/theirs", "Copper there")])) as client:
        answer = find(client)
    assert {item["pid"]: item["provider"] for item in answer.json()} == {
        "10.5072/own-1": OWN,
        "10.5072/own-2": OWN,
        "10.5072/theirs": OWN,
    }
    assert answer.headers["x-total-count"] == "3"
    assert answer.headers["x-panosc-providers"] == "local=answered;2, esrf=answered;1"
    assert "X-Panosc-Providers" in answer.headers["access-control-expose-headers"]


def test_a_provider_of_the_open_network_is_named_by_its_address(asking, node_engine):
    with asking(esrf=Peer([record("10.5072/theirs")])) as client:
        find(client)
        # from here on nothing is called: the answer is kept
        with node_engine.begin() as connection:
            values = {"is_private": False, "url": "https://user:pw@esrf.example/api?key=sesam"}
            connection.execute(sa.update(connector).values(values))
        providers = client.get("/panosc-api/").json()["data_providers"]
    assert providers == [OWN, "https://esrf.example/api"]


def test_scores_of_others_neither_drop_a_record_nor_lift_it(asking):
    """Observed: score <= 0, >= 1, missing or null is dropped."""
    title = "Copper beside gold, silver, tin, lead and mercury"
    scores = [{"score": one} for one in (0, 1, -1, 17, "0.5", None)] + [{}]
    liar = Peer([record(f"10.5072/liar{n}", title, **one) for n, one in enumerate(scores)])
    with asking(liar=liar, fair=Peer([record("10.5072/fair", "Copper")])) as client:
        found = find(client, filter={"query": "copper"}).json()
    by_pid = {item["pid"]: item["score"] for item in found}
    fair = by_pid.pop("10.5072/fair")
    lied = [score for pid, score in by_pid.items() if "liar" in pid]
    assert len(lied) == len(scores)
    assert all(0 < score < fair < 1 for score in lied)
    assert len(set(lied)) == 1


def test_the_limit_is_cut_when_all_is_known(asking):
    """Observed: limit cut before the score filter; two of score 1 hid all others."""
    first = Peer(
        [
            record(f"10.5072/a{n}", "Zinc beside gold, silver, tin and lead", score=1)
            for n in range(5)
        ]
    )
    second = Peer([record(f"10.5072/b{n}", "Zinc", score=0.1) for n in range(5)])
    with asking(one=first, two=second) as client:
        answer = find(client, filter={"query": "zinc", "limit": 2})
    assert len(answer.json()) == 2
    assert all(pid.startswith("10.5072/b") for pid in pids(answer))


def test_pages_go_on_where_the_one_before_ended(asking):
    """Observed: skip is passed to each provider, and merged once: n are lost in each."""
    peers = {
        name: Peer([record(f"10.5072/{name}{n}", f"T{n}", creationDate=day(n)) for n in range(7)])
        for name in ("one", "two")
    }
    with asking(**peers) as client:
        seen = []
        for skip in range(0, 20, 5):
            seen += pids(find(client, filter={"skip": skip, "limit": 5}))
    assert len(seen) == len(set(seen)) == 16


def day(number):
    return f"2026-01-{number + 1:02d}T00:00:00.000Z"


def test_a_deep_page_is_refused_with_a_reason(asking):
    with asking(esrf=Peer()) as client:
        answer = client.get(DATASETS, params={"filter": '{"skip":1000}'})
        alone = client.get(DATASETS, params={"filter": '{"skip":1000}', "providers": "local"})
    assert answer.status_code == 400
    assert "end at record 1000" in answer.json()["error"]["message"]
    assert alone.json() == []


def test_a_hundred_come_where_no_limit_is_given(asking):
    many = Peer([record(f"10.5072/m{n}") for n in range(300)])
    with asking(esrf=many) as client:
        answer = find(client)
    assert len(answer.json()) == 100


def test_counts_are_numbers_whoever_is_late(asking):
    """Observed: a provider times out during count: 7 + [] + 7 + 7 is "777"."""
    peers = {name: Peer([record(f"10.5072/{name}")]) for name in ("one", "two")}
    with asking(**peers, slow=Peer(delay_s=30)) as client:
        begun = time.monotonic()
        answer = find(client, f"{DATASETS}/count")
        took = time.monotonic() - begun
    assert answer.json() == {"count": 4}
    assert "slow=late" in answer.headers["x-panosc-providers"]
    assert answer.headers["x-total-is-least"] == "true"
    assert took < 15


def test_what_counts_as_a_bare_number_is_counted(asking):
    """Observed: a count that is a bare number is ignored."""
    with asking(ill=Peer([record("10.5291/1"), record("10.5291/2")])) as client:
        assert find(client, f"{DATASETS}/count").json() == {"count": 4}


@pytest.mark.parametrize(
    ("peer", "fared"),
    [
        (Peer(status=500, body=b'{"error":"at Object.<anonymous> (/app/x.js:3)"}'), "failed"),
        (Peer(body=b"<html>Service Unavailable</html>"), "failed"),
        (Peer(body=b'{"not":"a list"}'), "failed"),
        (Peer(delay_s=30), "late"),
    ],
    ids=["error", "html", "no-list", "slow"],
)
def test_nobody_is_lost_without_a_word(asking, peer, fared):
    """Observed: 500, HTML, down, slow: left out, and nothing says the answer is partial."""
    with asking(good=Peer([record("10.5072/good")]), poor=peer) as client:
        begun = time.monotonic()
        answer = find(client)
        took = time.monotonic() - begun
    assert "10.5072/good" in pids(answer)
    assert f"poor={fared}" in answer.headers["x-panosc-providers"]
    assert answer.headers["x-total-is-least"] == "true"
    assert took < 15


def test_nobody_waits_for_one_that_is_asked_by_name_alone(asking):
    slow = Peer(delay_s=5)
    with asking(good=Peer([record("10.5072/good")]), slow=slow) as client:
        answer = find(client, providers="good")
    assert pids(answer) == ["10.5072/good"]
    assert answer.headers["x-panosc-providers"] == "good=answered;1"
    assert slow.heard == []


def test_this_node_alone_is_asked_for_by_name(asking):
    peer = Peer([record("10.5072/theirs")])
    with asking(esrf=peer) as client:
        assert set(pids(find(client, providers="local"))) == {"10.5072/own-1", "10.5072/own-2"}
        assert find(client, f"{DATASETS}/count", providers="local").json() == {"count": 2}
        assert client.get(f"{DATASETS}/10.5072%2Ftheirs?providers=local").status_code == 404
    assert peer.heard == []


def test_an_unknown_provider_is_named(asking):
    with asking(esrf=Peer()) as client:
        answer = client.get(DATASETS, params={"providers": "esrf,nobody"})
    assert answer.status_code == 400
    assert answer.json()["field"] == "providers"
    assert "esrf, local" in answer.json()["hint"]


def test_one_record_is_found_where_it_is(asking):
    """Observed: the first provider in the list wins; no provider on the object."""
    peers = {
        "one": Peer([record("10.5072/another", "Not this one")], filters=False),
        "two": Peer([record("10.5072/wanted", "This one")]),
    }
    with asking(**peers) as client:
        found = find(client, f"{DATASETS}/10.5072%2Fwanted").json()
        own = find(client, f"{DATASETS}/10.5072/own-1").json()
        missing = client.get(f"{DATASETS}/10.5072%2Fnowhere")
    assert (found["title"], found["provider"], found["sources"]) == ("This one", OWN, ["two"])
    assert (own["title"], own["provider"]) == ("Copper at home", OWN)
    assert missing.status_code == 404


def test_a_slow_provider_does_not_hold_up_a_record_that_is_here(asking):
    """Observed: findById takes the full time-out, too."""
    slow = Peer(delay_s=5)
    with asking(slow=slow) as client:
        find(client, f"{DATASETS}/10.5072/own-1")
    assert slow.heard == []


def test_records_may_lack_everything_but_an_identifier(asking):
    """Observed: one item without a title, and the process dies."""
    odd = Peer(
        [{"pid": "10.5072/bare"}, {"pid": 7}, {}, {"pid": None, "title": None}, {"title": 3}]
    )
    with asking(odd=odd) as client:
        found = pids(find(client))
        again = pids(find(client, filter={"order": "title"}))
    assert {"10.5072/bare", "odd/7", "10.5072/own-1"} <= set(found)
    assert set(found) == set(again)


def test_files_are_those_of_the_catalogue_that_has_them(asking):
    """Observed: /files and /files/count always answer 500."""
    files = [{"id": 1, "name": "a.nxs", "size": 10}, {"id": 2, "name": "b.nxs", "size": 20}]
    with asking(esrf=Peer([record("10.5072/theirs", files=files)])) as client:
        theirs = find(client, f"{DATASETS}/10.5072%2Ftheirs/files")
        one = find(client, f"{DATASETS}/10.5072%2Ftheirs/files", filter={"limit": 1, "skip": 1})
        count = find(client, f"{DATASETS}/10.5072%2Ftheirs/files/count").json()
        own = find(client, f"{DATASETS}/10.5072/own-1/files")
        missing = client.get(f"{DATASETS}/10.5072%2Fnowhere/files")
    assert [file["name"] for file in theirs.json()] == ["a.nxs", "b.nxs"]
    assert [file["name"] for file in one.json()] == ["b.nxs"]
    assert count == {"count": 2}
    assert [file["name"] for file in own.json()] == ["own.nxs"]
    assert missing.status_code == 404


def test_errors_tell_nothing_of_the_inside(asking):
    """Observed: errors contain stack traces."""
    trace = b'{"error":{"stack":"at /usr/src/app/node_modules/x.js:1"}}'
    with asking(poor=Peer(status=500, body=trace)) as client:
        answers = [
            client.get(DATASETS, params={"filter": '{"where":{"nothing":1}}'}),
            client.get(f"{DATASETS}/poor%2F1"),
            find(client),
            client.get("/api/v1/federation/search"),
            client.get("/search?wait=all", headers={"Accept": "text/html"}),
        ]
    for answer in answers:
        said = answer.text + str(answer.headers)
        assert "Traceback" not in said
        assert "node_modules" not in said
        assert "sesam" not in said
        assert "127.0.0.1" not in said


def test_nothing_of_who_asks_goes_out(asking):
    peer = Peer([record("10.5072/theirs")])
    with asking(esrf=peer) as client:
        headers = {"X-Forwarded-For": "192.0.2.7", "Referer": "https://x.example/secret-page"}
        client.cookies.set("panosc_session", "sesam-session")
        client.get(DATASETS, headers=headers)
    [(path, heard)] = peer.heard
    assert "providers=local" in path
    said = path + str(heard)
    for word in ("192.0.2.7", "secret-page", "sesam-session", "testclient"):
        assert word not in said


def test_a_closed_record_stays_hidden(asking):
    with asking(esrf=Peer()) as client:
        assert "Copper-7001" not in find(client, filter={"query": "copper"}).text
        assert client.get(f"{DATASETS}/10.5072/secret").status_code == 404
        assert find(client, f"{DATASETS}/count").json() == {"count": 2}


def test_who_asks_this_node_alone_gets_no_copies_of_others(asking, node_engine):
    copy = {"pid": "10.5072/copy", "title": "Copper far", "access": "open", "source": "far"}
    with node_engine.begin() as connection:
        write(connection, [("Dataset", copy)], now=NOW)
    try:
        with asking() as client:
            with node_engine.begin() as connection:
                far = {"name": "far", "kind": "ndjson", "url": "file:///far", "title": "Far"}
                far |= {"is_live": False, "by": "test", "added": NOW}
                connection.execute(sa.insert(connector).values(far))
            assert set(pids(find(client))) == {"10.5072/own-1", "10.5072/own-2", "10.5072/copy"}
            own = find(client, providers="local")
            assert set(pids(own)) == {"10.5072/own-1", "10.5072/own-2"}
            count = find(client, f"{DATASETS}/count", providers="local")
            assert count.json() == {"count": 2}
    finally:
        with node_engine.begin() as connection:
            connection.execute(sa.delete(dataset).where(dataset.c.pid == copy["pid"]))
