"""The clock passes the end of an embargo while the node runs: the next answer is open."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import portal_catalogue as given
import pytest
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.tables import group
from panosc.catalogue.writer import write
from panosc.policy import births
from panosc.policy.shelf import open_shelf

PID = "10.5072/ruled-1"
ENDS = datetime(2023, 6, 1, 12, 0, 30, tzinfo=UTC)
OPENS = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


class Clock:
    """Stands still until it is set."""

    def __init__(self):
        self.now = OPENS - timedelta(seconds=20)

    def __call__(self):
        return self.now


@pytest.fixture
def node(settings, engine, tmp_path):
    shelf, clock = open_shelf(settings, engine), Clock()
    measured = given.measured_file(tmp_path)
    status = measured.stat()
    with engine.begin() as connection:
        connection.execute(sa.insert(group).values(name="P", access_type="public", ends=ENDS))
        row = {
            "pid": PID,
            "title": "Ruled by the policy",
            "ownerGroup": "P",
            "kind": "raw",
            "creationDate": "2023-05-30T00:00:00Z",
            "defaultPlot": "/entry/data/I",
        }
        location = {
            "url": measured.as_uri(),
            "datasetId": PID,
            "name": "118000.nxs",
            "size": status.st_size,
            "mtimeNs": status.st_mtime_ns,
        }
        rows = [
            ("Dataset", row),
            ("Sample", {"pid": "s", "name": "Secret sample"}),
            ("DatasetSample", {"datasetId": PID, "sampleId": "s"}),
            ("Parameter", {"name": "sesame", "value": 4711, "datasetId": PID}),
            ("File", {"name": "118000.nxs", "size": 5, "datasetId": PID}),
            ("Location", location),
        ]
        write(connection, rows, now=clock(), born=births.for_writers(shelf, clock()))
    app = create_app(settings, engine, clock=clock)
    with serving(app) as address:
        yield address, clock


def answers(address):
    """What each channel says of the dataset: whether it shows it as open."""

    def ask(path, **params):
        headers = {"Accept": "text/html" if not path.startswith("/panosc-api") else "*/*"}
        return httpx.get(
            address + path, params=params, headers=headers, trust_env=False, timeout=30
        )

    api = f"/panosc-api/Datasets/{PID.replace('/', '%2F')}"
    sample = {"include": [{"relation": "samples", "scope": {"where": {"name": "Secret sample"}}}]}
    page = f"/datasets/{PID}"
    listed = ask("/panosc-api/Datasets", filter=json.dumps({"where": {"isPublic": True}}))
    detail = ask("/panosc-api/Datasets", filter=json.dumps(sample))
    value = {
        "include": [
            {
                "relation": "parameters",
                "scope": {"where": {"and": [{"name": "sesame"}, {"value": {"gt": 4000}}]}},
            }
        ]
    }
    ranged = ask("/panosc-api/Datasets", filter=json.dumps(value))
    count = ask("/panosc-api/Datasets/count", where=json.dumps({"isPublic": True}))
    search = ask("/search", access="open")
    facet = ask("/search")
    explained = httpx.get(
        f"{address}/api/v1/datasets/{PID}/access", trust_env=False, timeout=30
    ).json()
    return {
        "list": PID in listed.text,
        "get": bool(ask(api).json()["isPublic"]),
        "filter by detail": PID in detail.text,
        "filter by value": PID in ranged.text,
        "count": count.json()["count"] == 1,
        "files of the API": bool(ask(f"{api}/files").json()),
        "search page": PID in search.text,
        "facet counts": "Under embargo" not in facet.text,
        "dataset page": "Secret sample" in ask(page).text,
        "metadata page": ask(f"{page}/-/metadata").status_code == 200,
        "files page": ask(f"{page}/-/files").status_code == 200,
        "plot": "<svg" in ask(page).text,
        "export": '"isAccessibleForFree":true'
        in ask(f"{page}/-/export/json-ld").text.replace(" ", ""),
        "explained": explained["state"] == "open",
    }


def test_the_next_request_sees_it_open_in_every_channel(node):
    address, clock = node
    before = answers(address)
    assert not any(before.values()), before
    clock.now = OPENS - timedelta(microseconds=1)
    assert not any(answers(address).values())
    clock.now = OPENS
    after = answers(address)
    assert all(after.values()), after
