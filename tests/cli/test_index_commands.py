"""`panosc index` beside a node that serves and without one."""

import json
import os
import signal
import time

import pytest
from test_serve import ready


@pytest.fixture
def indexed(node, database_url):
    """A node whose database runs already: starting it with each command takes time."""
    node.home.mkdir(parents=True)
    (node.home / "panosc.toml").write_text(f"database_url = {json.dumps(database_url)}\n")
    return node


def test_the_index_is_kept_by_a_node_that_serves_and_built_anew_at_any_time(indexed, tmp_path):
    node = indexed
    rows = [json.dumps({"pid": f"10.1/{n}", "title": "T", "isPublic": True}) for n in range(20)]
    (tmp_path / "Dataset.ndjson").write_text("\n".join(rows) + "\n")
    assert node.run("catalogue", "load", str(tmp_path)).returncode == 0

    # no node serves: the command builds it
    built = node.run("index", "rebuild", "--json")
    assert built.returncode == 0, built.stderr
    first = json.loads(built.stdout)
    assert (first["usable"], first["state"], first["behind"]) == (True, "stopped", 0)
    assert first["documents"] == {"Dataset": 20, "Document": 0}
    assert first["size_bytes"] > 0

    # one serves: it is asked to
    server = node.start("serve", "--workers", "1", "--port", "0")
    ready(server)
    end = time.monotonic() + 30
    told = node.home / "index" / "told"
    while json.loads(told.read_text())["state"] != "following":
        assert time.monotonic() < end
        time.sleep(0.1)
    assert (node.home / "index" / "current").read_text() == first["generation"]
    again = node.run("index", "rebuild", "--json")
    assert again.returncode == 0, again.stderr
    second = json.loads(again.stdout)
    assert second["generation"] != first["generation"]
    assert (second["state"], second["error"]) == ("following", None)
    assert second["documents"] == first["documents"]

    table = node.run("index", "status").stdout
    assert f"index\t{second['generation']}\n" in table
    assert "state\tfollowing\n" in table
    assert "Datasets\t20\n" in table
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(30) == 0
    assert "Traceback" not in server.stderr.read()


def test_what_keeps_the_index_from_being_built_is_said(indexed):
    (indexed.home / "index").write_text("in the way")
    failed = indexed.run("index", "rebuild")
    assert failed.returncode == 1
    assert "cannot be written: File exists" in failed.stderr
    assert "Traceback" not in failed.stderr
    told = indexed.run("index", "status", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["usable"], found["state"], found["behind"]) == (False, "none", 0)
