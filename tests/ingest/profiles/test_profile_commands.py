"""The commands of profiles, and the example of the documentation."""

import json
import re
from pathlib import Path

import pytest
import typer
from profile_trees import match, profile, told
from typer.testing import CliRunner

from panosc.cli.intake.profiles import check_profile_command, profiles_command, show
from panosc.ingest.profiles import model
from panosc.ingest.profiles.shipped import names, shipped
from panosc.ingest.profiles.writing import groupings

PAGE = (Path(__file__).parents[3] / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.fixture
def run():
    app = typer.Typer()
    app.command("profiles")(profiles_command)
    app.command("check-profile")(check_profile_command)
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def example(tmp_path):
    """The profile of the documentation, with its list."""
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
    (tmp_path / "proposals.csv").write_text(blocks["text"], encoding="utf-8")
    return profile(tmp_path, blocks["yaml"])


def test_the_example_of_the_documentation_does_what_it_says(example):
    path = "/data/p05/4711/raw/run_0042/scan.h5"
    found = told(example, path)
    assert found.title == "Gold at work, run 42"
    assert (found.instrument, found.proposal) == ("P05", "4711")
    assert [one.name for one in found.people] == ["Ada Lovelace", "Charles Babbage"]
    assert [(item.name, item.value) for item in found.parameters] == [("run_number", 42)]
    assert match(example, path).rule.completion.quiet_s == 120
    assert match(example, "/data/p05/4711/raw/run_0042/x.done").is_marker
    made = told(example, "/data/p05/4711/reduced/run_0042/iq.h5")
    assert made.derived_from == ("/data/p05/4711/raw/run_0042/",)
    assert match(example, "/data/p05/4711/scratch/x.h5") is None
    assert told(example, "/data/p05/4712/raw/run_0042/scan.h5").title == "Run 42 at p05"
    assert example.tiers(["/tape/x.h5", "/data/x.h5"]) == ["nearline", "online"]


@pytest.mark.parametrize(
    "part",
    ["ProfileDocument", "RulePart", "SetPart", "CompletionPart", "TierPart", "SamplePart"],
)
def test_every_key_is_documented(part):
    for name in getattr(model, part).model_fields:
        is_named = re.search(rf"`[^`]*\b{name}\b[^`]*`", PAGE)
        assert is_named or name == "at_once", name


def test_every_grouping_and_shipped_profile_is_documented():
    for name in [*groupings(), *names()]:
        assert f"`{name}`" in PAGE, name


def test_the_shipped_profiles_are_listed(run):
    result = run("profiles")
    assert result.exit_code == 0
    assert [line.split("\t")[0] for line in result.stdout.splitlines()[1:]] == names()
    rows = json.loads(run("profiles", "--json").stdout)
    assert {row["profile"] for row in rows} == set(names())


def test_a_profile_is_checked(run, tmp_path):
    result = run("check-profile", str(shipped("esrf")))
    assert (result.exit_code, "esrf" in result.stdout) == (0, True)
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\ntitel: Mine\nrules: []\n", encoding="utf-8")
    result = run("check-profile", str(path))
    assert result.exit_code == 2
    assert "line 2: titel is not known here; did you mean title" in result.output
    result = run("check-profile", "--json", str(path))
    assert result.exit_code == 2
    said = json.loads(result.stdout)
    assert said["profile"] is None
    assert {(fault["line"], fault["path"]) for fault in said["faults"]} == {
        (1, "title"),
        (2, "titel"),
        (3, "rules"),
    }


def test_a_path_is_explained(example, capfdbinary):
    show(example, Path("/data/p05/4711/raw/run_0042/scan.h5"), as_json=False)
    said = capfdbinary.readouterr().out.decode()
    rows = dict(line.split("\t") for line in said.splitlines()[1:])
    assert rows["{run}"] == "0042"
    assert rows["rule scratch"] == "does not fit: no folder of it is scratch"
    show(example, Path("/data/p05/4711/raw/run_0042/scan.h5"), as_json=True)
    steps = json.loads(capfdbinary.readouterr().out)
    assert {"asked": "grouping", "result": "folder"} in steps
