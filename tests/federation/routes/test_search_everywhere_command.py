"""`panosc search` over all catalogues: hits on standard output, who answered beside it."""

import json

import pytest
from peers import Peer
from typer.testing import CliRunner

from panosc.cli.main import app


def record(pid, title):
    return {"pid": pid, "isPublic": True, "title": title}


@pytest.fixture
def run(node_settings, tmp_path):
    address = node_settings.database_url.get_secret_value()
    lines = f'database_url = "{address}"\nfacility = "ILL"\n'
    (tmp_path / "panosc.toml").write_text(lines + "federation_deadline_s = 1.0\n")

    def run(*words):
        found = CliRunner().invoke(app, ["search", "--home", str(tmp_path), *words])
        return found.exit_code, found.stdout, found.stderr

    return run


def test_everywhere_is_asked_where_others_are_and_here_on_demand(asking, run):
    esrf = Peer([record("10.5072/theirs", "Copper there")])
    with asking(esrf=esrf):
        code, out, said = run("copper")
        here = run("copper", "--here")
    assert code == 0
    assert {line.split("\t")[0] for line in out.splitlines()[1:]} == {
        "10.5072/own-1",
        "10.5072/theirs",
    }
    assert "All 2 facilities answered in" in said
    assert here[0] == 0
    assert here[1].count("10.5072/") == 1
    assert "facilities" not in here[2]
    assert len(esrf.heard) == 1


def test_who_failed_is_told_beside_the_hits(asking, run):
    with asking(poor=Peer(status=500, body=b"x"), good=Peer([record("10.5072/g", "Copper")])):
        code, out, said = run("copper", "--json")
    found = json.loads(out)
    assert code == 3
    assert {item["pid"] for item in found["datasets"]} == {"10.5072/g", "10.5072/own-1"}
    fared = {fate["name"]: fate["fared"] for fate in found["fates"]}
    assert fared == {"local": "answered", "poor": "failed", "good": "answered"}
    assert found["isLeast"] is True
    assert "2 of 3 facilities answered" in said
    assert "The poor returned an error." in said


def test_everywhere_where_nobody_else_is_asked(asking, run):
    with asking():
        code, out, said = run("copper", "--everywhere")
    assert code == 0
    assert out.count("10.5072/") == 1
    assert "No other catalogue is asked live" in said
