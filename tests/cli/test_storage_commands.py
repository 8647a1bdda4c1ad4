"""`panosc storage`: what there is, whether it answers, and telling what lies there."""

import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from panosc.catalogue.database import open_database
from panosc.catalogue.tables import location
from panosc.catalogue.writer import write
from panosc.cli.main import app
from panosc.domain.times import moment


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    """Runs commands on a node with two storages, one of which is down."""
    (tmp_path / "copy").mkdir()
    storages = [
        {"name": "copy", "url": (tmp_path / "copy").as_uri() + "/"},
        {
            "name": "down",
            "url": "https://127.0.0.1:9/",
            "private": True,
            "secret": "hidden",
            "time_limit_s": 0.3,
        },
    ]
    monkeypatch.setenv("PANOSC_DATABASE_URL", database_url)
    monkeypatch.setenv("PANOSC_STORAGES", json.dumps(storages))

    def run(*words):
        return CliRunner().invoke(app, ["storage", *words, "--home", str(tmp_path / "home")])

    return run


def test_storages_are_listed_and_checked(run):
    listed = run("list")
    assert listed.exit_code == 0, listed.output
    assert listed.stdout.splitlines()[0] == "name\turl\tendpoint\twith a key\tprivate"
    assert listed.stdout.splitlines()[2] == "down\thttps://127.0.0.1:9/\t\tyes\tyes"
    told = run("list", "--json")
    assert json.loads(told.stdout)[1]["has_secret"] is True
    checked = run("check", "--json")
    assert checked.exit_code == 3, checked.output
    assert [item["state"] for item in json.loads(checked.stdout)] == ["reachable", "not-reachable"]
    assert "hidden" not in listed.output + told.output + checked.output


def test_a_further_place_is_added(run, settings, tmp_path):
    (tmp_path / "old").mkdir()
    path = tmp_path / "old" / "a b.h5"
    for place in (path, tmp_path / "copy" / "a b.h5"):
        place.write_bytes(b"12345")
    known = {"datasetId": "local/a", "name": "a b.h5", "size": 5, "mtimeNs": 1}
    rows = [
        ("Dataset", {"pid": "local/a", "access": "open"}),
        ("Location", known | {"url": path.as_uri()}),
        ("Location", known | {"url": (tmp_path / "old" / "c").as_uri()}),
    ]
    with open_database(settings) as engine, engine.begin() as connection:
        write(connection, rows, now=moment(10**18))
    prefixes = (str(tmp_path / "old"), (tmp_path / "copy").as_uri())
    tried = run("add-location", *prefixes, "--dry-run")
    assert tried.exit_code == 3, tried.output
    assert "2 files: 1 would get a further place, 0 had it, 1 are not there" in tried.stderr
    done = run("add-location", *prefixes, "--json", "--reason", "copied")
    assert done.exit_code == 3, done.output
    told = json.loads(done.stdout)
    assert (told["added"], told["missing"]) == (1, 1)
    with open_database(settings) as engine, engine.connect() as connection:
        urls = connection.scalars(sa.select(location.c.url).order_by("url")).all()
    assert (tmp_path / "copy" / "a b.h5").as_uri() in urls
    assert len(urls) == 3
    nowhere = run("add-location", str(tmp_path / "old"), "s3://unknown/")
    assert nowhere.exit_code != 0
    assert "in no configured storage" in f"{nowhere.output} {nowhere.exception}"
