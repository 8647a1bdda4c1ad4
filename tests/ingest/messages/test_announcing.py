"""Announcing by HTTP: who may, what may be, once whatever is sent twice; and that it comes true."""

import json
from pathlib import Path

import announcing_node as given
from announcing_node import Node, write_nexus


def test_an_announced_file_becomes_a_dataset_as_it_was_told(announcing: Node) -> None:
    path = write_nexus(announcing.data / "run1" / "a.nxs")
    answer = announcing.announce(
        id="run-1",
        paths=[str(path)],
        title="As it was told",
        kind="reduced",
        start="2026-03-01T08:00:00+01:00",
        instrument=given.ID02,
        samples=[{"name": "silver behenate", "formula": "C22H43AgO2"}],
        people=[{"name": "Josiah Carberry", "orcid": "0000-0002-1825-0097"}],
        parameters=[{"name": "photon_energy", "value": 12.4, "unit": "keV"}],
        techniques=["PaNET01188"],
        derivedFrom=["10.5072/raw"],
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == "/api/v1/ingest/u-steward:run-1"
    assert answer.json() | {"state": "waiting", "tries": 0, "pids": []} == answer.json()
    assert announcing.desk().step()
    found = announcing.find("run-1").json()
    assert found == announcing.ask("steward", "GET", answer.headers["location"]).json()
    assert (found["state"], found["tries"]) == ("done", 1), found
    [pid] = found["pids"]
    assert found["run"] >= 1
    dataset = announcing.dataset(pid)
    assert dataset["instrument"]["name"] == "ID02"
    assert [item["name"] for item in dataset["files"]] == ["a.nxs"]
    assert dataset["title"] == "As it was told"
    assert dataset["kind"] == "reduced"
    assert dataset["creationDate"].startswith("2026-03-01T07:00:00")
    assert dataset["derivedFrom"] == ["10.5072/raw"]
    assert [item["name"] for item in dataset["samples"]] == ["silver behenate"]
    assert [item["panetId"] for item in dataset["techniques"]] == [
        "http://purl.org/pan-science/PaNET/PaNET01188"
    ]
    energy = next(item for item in dataset["parameters"] if item["name"] == "photon_energy")
    assert (energy["value"], energy["unit"]) == (12.4, "keV")
    assert not announcing.desk().step()
    assert announcing.events() == ["ingest.announced", "ingest.done"]


def test_the_same_again_is_answered_the_same_and_other_content_is_refused(
    announcing: Node,
) -> None:
    path = str(write_nexus(announcing.data / "a.nxs"))
    values = {"parameters": [{"name": "flux", "value": 1e23}, {"name": "n", "value": 7}]}
    first = announcing.announce(id="one", paths=[path], **values)
    key = {"Idempotency-Key": "one"}
    options = {"json": {"paths": [path], **values}, "headers": key}
    again = announcing.ask("steward", "POST", "/api/v1/ingest", **options)
    assert again.status_code == 202
    assert again.json() == first.json()
    other = announcing.announce(id="one", paths=[path], title="Other")
    assert other.status_code == 409, other.text
    # an id is its owner's: others neither meet it nor learn of it
    own = str(announcing.data / "id02")
    assert announcing.announce("id02", id="one", paths=[own], title="Other").status_code == 202
    assert len(announcing.rows()) == 2
    differs = announcing.ask(
        "steward", "POST", "/api/v1/ingest", json={"id": "two", "paths": [path]}, headers=key
    )
    assert (differs.status_code, differs.json()["field"]) == (422, "id")
    assert announcing.events() == ["ingest.announced"] * 2


MAY = [
    (None, None, 401),
    ("reading steward", None, 403),
    ("steward", None, 202),
    ("steward", "Unheard-of", 202),
    ("user", None, 403),
    ("user", "ID02", 403),
    ("scientist", "ID02", 202),
    ("scientist", given.ID02, 202),
    ("scientist", None, 403),
    ("scientist", "ID99", 403),
    ("id02", None, 202),
    ("id02", "id02", 202),
    ("id99", "ID02", 403),
]


def test_who_may_announce(announcing: Node) -> None:
    for who, instrument, expected in MAY:
        before = len(announcing.rows())
        body = {"paths": [str(announcing.data / "id02")]}
        if instrument is not None:
            body["instrument"] = instrument
        answer = announcing.announce(who, **body)
        assert answer.status_code == expected, (who, instrument, answer.text)
        assert len(announcing.rows()) - before == (expected == 202), (who, instrument)


def test_an_announcement_is_its_owners_and_stewards(announcing: Node) -> None:
    made = announcing.announce("id02", id="run-1", paths=[str(announcing.data / "id02")])
    assert announcing.find("run-1", "id02").status_code == 200
    full = made.headers["location"].rpartition("/")[2]
    assert announcing.find(full, "steward").status_code == 200
    assert announcing.find(full, "reading steward").status_code == 200
    missing = announcing.find("svc-id02:other", "id99")
    hidden = announcing.find(full, "id99")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.json()["hint"] == missing.json()["hint"]
    assert announcing.find(full, None).status_code == 401
    assert announcing.find("run-1", "steward").status_code == 404


def test_paths_lie_inside_the_roots(announcing: Node, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out = announcing.data / "out"
    out.symlink_to(outside)
    loop = announcing.data / "loop"
    loop.symlink_to(loop)
    inner = announcing.data / "inner"
    inner.symlink_to(announcing.data / "later")
    for path in (
        str(outside),
        str(announcing.data / ".." / "outside"),
        str(out / "a.nxs"),
        str(loop),
        "/",
        "/etc/passwd",
        "measured/a.nxs",
        f"{announcing.data}-more",
        "/" + "x" * 4000,
    ):
        answer = announcing.announce(paths=[str(announcing.data), path])
        assert answer.status_code == 422, path
        assert answer.json()["field"] == "paths"
        assert path[:100] in answer.json()["detail"]
    assert announcing.rows() == {}
    assert announcing.announce(paths=[str(inner)]).status_code == 202


def test_a_link_laid_after_the_announcement_leads_nowhere(announcing: Node, tmp_path: Path) -> None:
    outside = write_nexus(tmp_path / "outside" / "secret.nxs").parent
    later = announcing.data / "later"
    assert announcing.announce(id="x", paths=[str(later)]).status_code == 202
    later.symlink_to(outside)
    announcing.desk().step()
    found = announcing.find("x").json()
    assert found["state"] == "failed"
    assert str(later) in found["detail"]
    assert announcing.places() == []


WRONG: list[dict[str, object]] = [
    {"paths": []},
    {"paths": ["/a\0b"]},
    {"paths": ["/\ud800"]},
    {"title": ""},
    {"profile": "/etc/profile.yaml"},
    {"profile": "../x"},
    {"kind": "cooked"},
    {"parameters": [{"name": "x", "value": float("nan")}]},
    {"parameters": [{"name": "x", "value": float("inf")}]},
    {"parameters": [{"name": "x", "value": True}]},
    {"start": "yesterday"},
    {"id": "a/b"},
    {"id": "u-other:1"},
    {"unheard": 1},
]


def test_what_cannot_be_kept_is_refused(announcing: Node) -> None:
    for wrong in WRONG:
        body = json.dumps({"paths": [str(announcing.data)], **wrong})
        headers = {"Content-Type": "application/json"}
        answer = announcing.ask("steward", "POST", "/api/v1/ingest", content=body, headers=headers)
        assert answer.status_code == 422, (wrong, answer.text)
    assert announcing.rows() == {}


def test_a_folder_that_is_announced_is_one_dataset(announcing: Node) -> None:
    folder = announcing.data / "run1"
    for name in ("a.nxs", "b.nxs", "scan0001/c.nxs"):
        write_nexus(folder / name, name)
    announcing.announce(id="x", paths=[str(folder)], title="All of it")
    announcing.desk().step()
    [pid] = announcing.find("x").json()["pids"]
    dataset = announcing.dataset(pid)
    assert dataset["title"] == "All of it"
    names = sorted(item["name"] for item in dataset["files"])
    assert names == ["a.nxs", "b.nxs", "scan0001/c.nxs"]
