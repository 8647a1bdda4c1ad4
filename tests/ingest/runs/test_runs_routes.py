"""Runs, edits and histories over HTTP and on the command line, with the examples of the docs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from runs_catalogue import NOW, STEWARD, dataset, state, written
from typer.testing import CliRunner

from app_serving import serving
from panosc.app import create_app
from panosc.cli.intake import editing, runs
from panosc.policy import asking
from panosc.settings import Settings

DOCS = Path(__file__).parents[3] / "docs" / "runs.md"


@pytest.fixture(scope="module")
def api(shared: tuple[sa.Engine, Settings]) -> Iterator[httpx.Client]:
    """Asks a node as a steward."""
    engine, settings = shared
    written(engine, dataset(0) + dataset(1, kind="raw"))
    app = create_app(settings, engine, clock=lambda: NOW)
    asking.install(app, lambda _request: STEWARD)
    with serving(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=30) as client:
        yield client


def test_the_example_of_the_docs_is_previewed_done_and_undone(
    shared: tuple[sa.Engine, Settings], api: httpx.Client, tmp_path: Path
) -> None:
    engine = shared[0]
    before = state(engine, tmp_path / "dump")
    body: dict[str, Any] = json.loads(
        re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)[0]
    )
    shown = api.post("/ingest/edits/preview", json=body)
    assert shown.status_code == 200, shown.text
    preview = shown.json()
    assert (preview["total"], preview["changed"]) == (1, 1)
    assert {"field": "license", "old": None, "new": "CC-BY-4.0"} in preview["examples"][0][
        "changes"
    ]
    done = api.post("/ingest/edits", json={**body, "reason": "So.", "token": preview["token"]})
    assert done.status_code == 200, done.text
    number = done.json()["run"]
    entry = api.get("/datasets/local%2F1/history").json()["history"][0]
    assert (entry["run"], entry["reason"], entry["who"]) == (number, "So.", "u-steward")
    assert len(entry["changes"]) == len(preview["examples"][0]["changes"])
    stale = api.post("/ingest/edits", json={**body, "reason": "So.", "token": preview["token"]})
    assert stale.status_code == 409
    assert stale.json()["type"].endswith("#conflict")
    one = api.get(f"/ingest/runs/{number}").json()
    assert (one["kind"], one["records"]["Dataset"], one["blockedBy"]) == ("edit", 1, [])
    undone = api.post(f"/ingest/runs/{number}/undo", json={"reason": "Not so."})
    assert undone.status_code == 200, undone.text
    assert state(engine, tmp_path / "dump") == before
    listed = api.get("/ingest/runs", params={"limit": 2}).json()
    assert [item["id"] for item in listed["runs"]] == [undone.json()["run"], number]
    assert listed["runs"][1]["undoneBy"] == undone.json()["run"]
    rest = api.get("/ingest/runs", params={"before": listed["next"]}).json()
    assert [item["kind"] for item in rest["runs"]] == ["ingest"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/ingest/edits/preview", {"operations": []}, 422),
        ("/ingest/edits/preview", {"pids": ["x"], "operations": [{"op": "DropAll"}]}, 422),
        (
            "/ingest/edits/preview",
            {"where": "colour=red", "operations": [{"op": "RemoveParameter", "name": "x"}]},
            422,
        ),
        ("/ingest/runs/999/undo", {"reason": "x"}, 404),
        ("/ingest/runs/1/undo", {"reason": ""}, 422),
        ("/ingest/runs/0/undo", {"reason": "x"}, 422),
        ("/ingest/quarantine/retry", {"urls": 3}, 422),
    ],
    ids=["nothing", "operation", "search", "no run", "no reason", "zero", "urls"],
)
def test_what_cannot_be_used_is_said(api: httpx.Client, path: str, body: Any, status: int) -> None:
    answer = api.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_quarantine_over_http(shared: tuple[sa.Engine, Settings], api: httpx.Client) -> None:
    with shared[0].begin() as connection:
        connection.execute(
            sa.text(
                "insert into quarantine (url, reason, detail, size, mtime_ns)"
                " select 'file:///' || n, 'broken', 'It ends early.', 1, 1"
                " from generate_series(1, 3) n"
            )
        )
    first = api.get("/ingest/quarantine", params={"limit": 2}).json()
    assert (first["total"], first["next"]) == (3, "file:///2")
    assert len(api.get("/ingest/quarantine", params={"after": first["next"]}).json()["files"]) == 1
    assert api.post("/ingest/quarantine/retry", json={"urls": ["file:///1"]}).json() == {"files": 1}
    assert api.post("/ingest/quarantine/retry").json() == {"files": 2}


@pytest.fixture
def shell(engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a function of the command line on this test's node."""
    import typer  # noqa: PLC0415 - as the command line itself does

    assert settings.database_url is not None
    monkeypatch.setenv("PANOSC_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PANOSC_HOME", str(settings.home))

    def run(function: Any, *words: str, answer: str = "") -> Any:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(function)
        return CliRunner().invoke(app, list(words), input=answer)

    return run


def test_an_edit_on_the_command_line_shows_asks_and_does(engine: sa.Engine, shell: Any) -> None:
    first = written(engine, dataset(0))
    words = ("local/0", "--set", "title=Better", "--parameter", "wavelength=6 angstrom")
    words += ("--unit", "none=K", "--replace", "title=Bet=>Let", "--rename-parameter", "a=b")
    shown = shell(editing.edit, *words)
    assert shown.exit_code == 0, shown.output
    assert "Letter" in shown.output
    assert "1.5 angstrom" in shown.output
    assert "1 of 1 records would change" in shown.output
    assert "None of them has a parameter none" in shown.output
    refused = shell(editing.edit, *words, "--reason", "Typo", answer="n\n")
    assert refused.exit_code == 1
    done = shell(editing.edit, *words, "--reason", "Typo", answer="y\n")
    assert "Run 2 is done: changed 1 of 1." in done.output, done.output
    told = json.loads(shell(editing.history, "local/0", "--json").stdout)
    assert [(item["run"], item["act"], item["reason"]) for item in told] == [
        (2, "changed", "Typo"),
        (first, "created", None),
    ]
    assert "Letter" in shell(editing.history, "local/0").output
    undone = shell(editing.edit, "--undo", "2", "--reason", "It was right")
    assert "Run 3 is done: deleted 0, restored 1." in undone.output
    listed = json.loads(shell(runs.runs_command, "--json").stdout)
    assert [(item["id"], item["kind"], item["state"]) for item in listed] == [
        (3, "undo", "done"),
        (2, "edit", "undone"),
        (1, "ingest", "done"),
    ]
    assert "undone by run" in shell(runs.runs_command, "2").output
    assert "Run 4 is done" in shell(runs.undo_command, "1", "--reason", "x").output


def test_the_quarantine_on_the_command_line(engine: sa.Engine, shell: Any) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into quarantine (url, reason, detail, size, mtime_ns)"
                " values ('file:///data/a.h5', 'broken', 'It ends early.', 1, 1)"
            )
        )
    assert "file:///data/a.h5" in shell(runs.quarantine_command).output
    assert json.loads(shell(runs.quarantine_command, "--json").stdout)["total"] == 1
    assert "reads 0 files" in shell(runs.retry_command, "/data/b.h5").output
    assert "reads 1 files" in shell(runs.retry_command, "/data/a.h5").output
