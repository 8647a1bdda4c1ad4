"""`panosc fair`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from panosc.catalogue.writer import write
from panosc.cli.main import app
from panosc.domain.errors import Invalid, NotFound

RUNNER = CliRunner()


@pytest.fixture
def home(
    tmp_path: Path, engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("PANOSC_DATABASE_URL", database_url)
    rows = [
        ("Dataset", {"pid": "local/notes", "isPublic": True}),
        ("File", {"id": "f", "datasetId": "local/notes", "name": "notes.txt"}),
    ]
    with engine.begin() as connection:
        write(connection, rows, now=datetime(2026, 1, 1, tzinfo=UTC))
    return tmp_path / "home"


def test_all_datasets_and_one(home: Path) -> None:
    whole = RUNNER.invoke(app, ["fair", "--json", "--home", str(home)])
    found = json.loads(whole.output)
    assert (found["datasets"], found["missing"]["doi"]) == (1, 1)
    (item,) = found["items"]
    one = json.loads(
        RUNNER.invoke(app, ["fair", item["pid"], "--json", "--home", str(home)]).output
    )
    failed = [check["name"] for check in one["checks"] if check["verdict"] == "failed"]
    assert (one["score"], failed) == (item["score"], item["missing"])
    shown = RUNNER.invoke(app, ["fair", item["pid"], "--home", str(home)])
    assert "panosc doi mint" in shown.output
    few = RUNNER.invoke(app, ["fair", "--missing", "files", "--json", "--home", str(home)])
    assert json.loads(few.output)["items"] == []


def test_what_is_not_there_is_said(home: Path) -> None:
    never = RUNNER.invoke(app, ["fair", "local/never", "--home", str(home)])
    assert isinstance(never.exception, NotFound)
    unknown = RUNNER.invoke(app, ["fair", "--missing", "x", "--home", str(home)])
    assert isinstance(unknown.exception, Invalid)
