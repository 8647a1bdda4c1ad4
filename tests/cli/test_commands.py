"""The commands as a user runs them: results, errors, exit codes."""

import json

import pytest

FIXTURE = {
    "Instrument": [{"pid": "i1", "name": "D22", "facility": "ILL"}],
    "Dataset": [
        {"pid": "10.1/a", "title": "One", "isPublic": True, "instrumentId": "i1"},
        {"pid": "10.1/b", "title": "Two", "isPublic": True, "instrumentId": "i1"},
    ],
}


@pytest.fixture
def catalogue(tmp_path):
    folder = tmp_path / "catalogue"
    folder.mkdir()
    for name, rows in FIXTURE.items():
        (folder / f"{name}.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_catalogue_goes_in_and_comes_out(node, catalogue, tmp_path):
    loaded = node.run("catalogue", "load", str(catalogue), "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)["rows"] == {"Instrument": 1, "Dataset": 2}
    dumped = node.run("catalogue", "dump", str(tmp_path / "out"), "--bare")
    assert dumped.returncode == 0, dumped.stderr
    # a pipe gets tab-separated values
    assert dumped.stdout == "class\trows\nInstrument\t1\nDataset\t2\n"
    rows = (tmp_path / "out" / "Dataset.ndjson").read_text().splitlines()
    assert [json.loads(row)["title"] for row in rows] == ["One", "Two"]
    assert node.processes() == []


def test_errors_say_what_and_where_and_end_with_their_code(node, catalogue):
    (catalogue / "Dataset.ndjson").write_text('{"pid": "a"}\n{"title": "no pid"}\n')
    failed = node.run("catalogue", "load", str(catalogue))
    assert failed.returncode == 2
    assert "Dataset.ndjson, line 2: pid is missing" in failed.stderr
    assert "Nothing was loaded" in failed.stderr
    assert "Traceback" not in failed.stderr
    nowhere = node.run("catalogue", "load", str(catalogue / "nowhere"))
    assert (nowhere.returncode, "no folder" in nowhere.stderr) == (1, True)
    assert node.run("catalogue", "lod").returncode == 2


def test_a_bad_setting_is_named(node):
    failed = node.run("serve", "--port", "99999")
    assert failed.returncode == 2
    assert "port" in failed.stderr
    assert "Traceback" not in failed.stderr
    node.home.mkdir(parents=True)
    (node.home / "panosc.toml").write_text("prot = 8000\n")
    failed = node.run("config")
    assert failed.returncode == 2
    assert "prot" in failed.stderr


def test_config_shows_what_is_in_force_and_hides_secrets(node):
    node.home.mkdir(parents=True)
    (node.home / "panosc.toml").write_text(
        'facility = "ILL"\ndatabase_url = "postgresql://u:hidden@h/d"\n'
    )
    shown = node.run("config", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["facility"] == "ILL"
    assert "hidden" not in shown.stdout


def test_a_database_that_is_not_there_is_an_error_not_a_crash(node):
    node.home.mkdir(parents=True)
    (node.home / "panosc.toml").write_text('database_url = "postgresql://u:hidden@127.0.0.1:1/d"\n')
    failed = node.run("catalogue", "dump", str(node.home / "out"))
    assert failed.returncode == 1
    assert "Not available" in failed.stderr
    assert "hidden" not in failed.stderr
    assert "Traceback" not in failed.stderr


def test_version_and_help(node):
    assert node.run("config", "--help").returncode == 0
