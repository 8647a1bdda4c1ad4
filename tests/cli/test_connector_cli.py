"""`panosc connector` and `panosc adopt`: other catalogues from the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from cloud.standins import mymdc
from cloud.standins.mymdc_records import some as proposals
from cloud.standins.scicat import ACCOUNT, PASSWORD, SciCat, serving
from cloud.standins.scicat_records import some
from tests.federation.connectors.between import between
from tests.federation.harvesting.folders import catalogue, write
from typer.testing import CliRunner

from panosc.cli.main import app
from panosc.domain.errors import Conflict, Invalid, NotFound, PanoscError, Upstream
from panosc.settings import Settings

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs commands on a node of the test's own."""
    assert settings.database_url is not None
    monkeypatch.setenv("PANOSC_DATABASE_URL", settings.database_url.get_secret_value())

    def run(*words: str, given: str | None = None) -> Result:
        words = (*words, "--home", str(settings.home))
        return CliRunner().invoke(app, words, input=given)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "there", catalogue(5, documents=2))


def error_of(result: Result) -> PanoscError:
    assert isinstance(result.exception, PanoscError), result.output
    return result.exception


def add(run: Run, folder: Path, *words: str) -> Result:
    return run("connector", "add", "ill", "--kind", "ndjson", "--url", str(folder), *words)


def test_from_adding_to_removing(run: Run, folder: Path, tmp_path: Path) -> None:
    added = add(run, folder, "--title", "ILL", "--every", "30m", "--json")
    assert added.exit_code == 0, added.output
    told = json.loads(added.stdout)
    assert (told["prefix"], told["every_s"], told["is_live"]) == ("ill/", 1800, False)
    assert told["probed"]["totals"] == {"Instrument": 1, "Document": 2, "Dataset": 5}
    harvested = run("connector", "harvest", "ill", "--json")
    assert json.loads(harvested.stdout) == [
        {
            "name": "ill",
            "seen": 8,
            "new": 8,
            "changed": 0,
            "gone": 0,
            "refused": 0,
            "swept": False,
        }
    ]
    shown = json.loads(run("connector", "show", "ill", "--json").stdout)
    assert [(one["kind"], one["state"]) for one in shown["harvests"]] == [("changes", "done")]
    listed = run("connector", "list").stdout.splitlines()
    assert listed[1].split("\t")[:2] == ["ill", "ndjson"]
    kept = run("connector", "remove", "ill", given="n\n")
    assert kept.exit_code == 1
    assert "5 Dataset, 2 Document, 1 Instrument" in kept.stderr
    removed = run("connector", "remove", "ill", "--yes", "--json")
    assert json.loads(removed.stdout)["deleted"]["Dataset"] == 5
    run("catalogue", "dump", str(tmp_path / "dump"))
    assert list((tmp_path / "dump").iterdir()) == []
    assert run("connector", "list", "--json").stdout.strip() == "[]"


def test_some_refused_is_exit_code_3(run: Run, folder: Path) -> None:
    with (folder / "Dataset.ndjson").open("ab") as file:
        file.write(b'{"pid": "\\u0007", "title": "no identifier"}\n')
    add(run, folder)
    done = run("connector", "harvest", "--all", "--json")
    assert done.exit_code == 3, done.output
    assert json.loads(done.stdout)[0]["refused"] == 1
    again = run("connector", "harvest", "ill", "--remap", "--sweep", "--json")
    assert json.loads(again.stdout)[0]["changed"] == 9


def test_what_is_no_catalogue_is_not_added(run: Run, tmp_path: Path) -> None:
    assert isinstance(error_of(add(run, tmp_path)), Upstream)
    assert run("connector", "list", "--json").stdout.strip() == "[]"
    assert add(run, tmp_path, "--no-probe").exit_code == 0
    failed = run("connector", "harvest", "--all", "--json")
    assert failed.exit_code == 3
    assert "neither Dataset.ndjson" in json.loads(failed.stdout)[0]["problem"]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("add", "ILL", "--kind", "ndjson", "--url", "x"), None),
        (("add", "ill", "--kind", "gopher", "--url", "x"), "kind"),
        (("add", "ill", "--kind", "ndjson", "--url", "x", "--option", "a"), "option"),
        (("add", "ill", "--kind", "ndjson", "--url", "x", "--option", "a=b"), "options"),
        (("add", "ill", "--kind", "ndjson", "--url", "x", "--every", "5s"), "every"),
        (("harvest",), "name"),
        (("harvest", "ill", "--all"), "name"),
    ],
    ids=["name", "kind", "option", "unknown-option", "every", "nobody", "both"],
)
def test_bad_use_is_named(run: Run, words: tuple[str, ...], field: str | None) -> None:
    error = error_of(run("connector", *words))
    assert isinstance(error, Invalid)
    assert field is None or error.field == field


def test_names_are_taken_once(run: Run, folder: Path) -> None:
    add(run, folder)
    assert isinstance(error_of(add(run, folder)), Conflict)
    assert isinstance(error_of(run("connector", "probe", "esrf")), NotFound)
    assert run("connector", "probe", "ill").exit_code == 0


def test_kinds_say_what_was_tried(run: Run) -> None:
    kinds = {
        one["kind"]: one
        for one in json.loads(CliRunner().invoke(app, ["connector", "kinds", "--json"]).stdout)
    }
    assert {"ndjson", "scicat", "tree"} <= kinds.keys()
    assert all(one["tried"] for one in kinds.values())


def test_a_folder_is_adopted_as_it_is(run: Run, folder: Path, tmp_path: Path) -> None:
    rows = catalogue(2, documents=1)
    rows.append(
        (
            "Dataset",
            {"pid": "secret", "ownerGroup": "p7", "isPublic": False, "embargoUntil": "2999-01-01"},
        )
    )
    write(folder, rows)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    done = run("adopt", str(folder), "--name", "ours", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["new"] == 5
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    run("catalogue", "dump", str(tmp_path / "dump"))
    lines = (tmp_path / "dump" / "Dataset.ndjson").read_text().splitlines()
    found = {row["pid"]: row for row in map(json.loads, lines)}
    assert set(found) == {"set-000000", "set-000001", "secret"}
    assert found["secret"]["ownerGroup"] == "p7"
    assert found["secret"]["embargoUntil"] == "2999-01-01T00:00:00.000Z"


def test_a_tree_is_adopted_and_left(run: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "notes.txt").write_text("some words")
    done = run("adopt", str(tree), "--name", "tree", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["new"] == 1
    (tree / "more.txt").write_text("more words")
    again = run("connector", "harvest", "tree", "--json")
    assert json.loads(again.stdout)[0]["new"] == 1
    removed = run("connector", "remove", "tree", "--yes", "--json")
    assert removed.exit_code == 0, removed.output
    assert json.loads(removed.stdout)["deleted"] == {"Dataset": 2}
    run("catalogue", "dump", str(tmp_path / "dump"))
    assert not (tmp_path / "dump" / "Dataset.ndjson").exists()
    assert sorted(path.name for path in tree.iterdir()) == ["more.txt", "notes.txt"]


def test_a_scicat_is_recognised_adopted_and_only_read(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    with serving(SciCat(records=some(20))) as address, between(address) as server:
        done = run("adopt", server.url, "--private", "--name", "ess", "--json")
        assert done.exit_code == 0, done.output
        assert "kind scicat" in done.stderr
        assert json.loads(done.stdout)[0]["new"] > 20
        methods = {tuple(line.split()[:1]) for line in server.asked}
        assert methods == {("GET",)}
        run("connector", "remove", "ess", "--yes")
        known = ("--account", ACCOUNT, "--secret-file", str(secret), "--later")
        done = run("adopt", server.url, "--private", "--name", "ess", "--kind", "scicat", *known)
        assert done.exit_code == 0, done.output
        posted = {line.split()[1] for line in server.asked if not line.startswith("GET ")}
        assert {path.partition("?")[0] for path in posted} == {"/api/v3/auth/login"}
    run("catalogue", "dump", str(tmp_path / "dump"))
    assert not list((tmp_path / "dump").glob("Dataset.ndjson"))


def test_a_mymdc_is_recognised_and_asks_for_more(run: Run) -> None:
    with mymdc.serving(mymdc.MyMdC(records=proposals(1, 1))) as address:
        error = error_of(run("adopt", address, "--private"))
    assert isinstance(error, Invalid)
    assert "proposals" in error.detail


def test_what_answers_like_none_of_the_kinds_is_told(run: Run) -> None:
    with between("http://127.0.0.1:9") as server:
        server.fault = "page"
        error = error_of(run("adopt", server.url, "--private"))
    assert isinstance(error, Upstream)
    assert "--kind" in str(error.hint)
