"""`panosc search`: what anybody may see, in a pipe and as JSON."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from panosc.catalogue.database import open_database
from panosc.catalogue.writer import write
from panosc.cli.main import app
from panosc.settings import Settings

ROWS = [
    ("Instrument", {"pid": "i1", "name": "D22", "facility": "ILL"}),
    ("Dataset", {"pid": "10.1/a", "title": "Silver ice", "access": "open", "instrumentId": "i1"}),
    ("Dataset", {"pid": "10.1/b", "title": "Silver fire", "access": "open", "kind": "raw"}),
    ("Dataset", {"pid": "10.1/c", "title": "Silver secret", "access": "closed"}),
]


@pytest.fixture(scope="module")
def home(
    new_database: Callable[..., AbstractContextManager[str]],
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("searched")
    with new_database(template) as address:
        (folder / "panosc.toml").write_text(f'database_url = "{address}"\n')
        settings = Settings(home=folder, database_url=address)
        with open_database(settings) as engine, engine.begin() as connection:
            write(connection, ROWS, now=datetime(2025, 1, 1, tzinfo=UTC))
        yield folder


def run(home: Path, *words: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, ["search", "--home", str(home), *words])
    return found.exit_code, found.stdout, found.stderr


def test_a_pipe_gets_tab_separated_values(home: Path) -> None:
    code, out, _ = run(home, "silver", "facility:ill")
    assert code == 0
    assert out.splitlines() == [
        "pid\ttitle\tcreated\tfacility\tinstrument\taccess",
        "10.1/a\tSilver ice\t\tILL\tD22\topen",
    ]


def test_json_tells_the_total_and_nothing_closed(home: Path) -> None:
    code, out, _ = run(home, "silver", "--json", "--limit", "1")
    assert code == 0
    found = json.loads(out)
    assert (found["total"], len(found["datasets"]), found["problems"]) == (2, 1, [])
    assert run(home, "secret")[1].count("\n") == 1


def test_what_is_left_out_is_said_and_told_by_the_exit_code(home: Path) -> None:
    code, out, err = run(home, "--", "-kind:raw", "facility:ILLL", "silver")
    assert code == 3
    assert "Did you mean ILL?" in err
    assert "10.1/a" in out
    assert "10.1/b" not in out
