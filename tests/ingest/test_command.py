"""`panosc ingest` as people type it."""

import os
import subprocess
import sys
from pathlib import Path

import hostile
import orjson
import pytest

from panosc.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.mkdir()
    hostile.nexus(path / "good.nxs").close()
    return path


def _run(settings: Settings, *words: str) -> "subprocess.CompletedProcess[bytes]":
    assert settings.database_url is not None
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("panosc")),
            "ingest",
            *words,
            "--home",
            str(settings.home),
        ],
        env={**os.environ, "PANOSC_DATABASE_URL": settings.database_url.get_secret_value()},
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_all_well_is_0_partly_is_3(settings: Settings, folder: Path) -> None:
    done = _run(settings, str(folder))
    assert done.returncode == 0
    first, run, fair, *more = done.stderr.decode().splitlines()
    assert first == "Instruments met for the first time: ID02"
    assert run == "Run 1: `panosc ingest undo 1` takes it back."
    assert fair.startswith("How FAIR they are: ")
    assert len(more) == 1
    rows = dict(line.split("\t")[:2] for line in done.stdout.decode().splitlines()[1:])
    assert rows["datasets registered as new"] == "1"
    assert rows["datasets with default plot"] == "1"
    name = os.fsencode(folder) + b"/bad \xff\x1b[31m.h5"
    with open(name, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(b"nothing")
    partly = _run(settings, str(folder), "--json")
    assert partly.returncode == 3
    report = orjson.loads(partly.stdout)
    assert (report["unchanged"], report["new"]) == (1, 0)
    assert [item["reason"] for item in report["quarantined"]] == ["bad-signature"]
    assert "\x1b" not in report["quarantined"][0]["path"]
    told = _run(settings, str(folder))
    assert b"bad-signature" in told.stderr
    assert b"\x1b[31m" not in told.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["/no/such/folder"], "There is no file or folder /no/such/folder."),
        ([".", "--access", "embargoed"], "An embargo needs the day on which it ends"),
        ([".", "--access", "secret"], "'secret'"),
        ([".", "--access", "open", "--proposal", "P"], "The policy decides on the data of a"),
        ([".", "--every", "3"], "These options go with --watch."),
        ([".", "--watch", "--dry-run"], "Watching writes; --dry-run does not."),
        ([".", "--profile", "esfr"], "esrf"),
        ([".", "--proposal", "P"], "There is no proposal 'P' at this node."),
        (["--watch"], "Missing argument"),
    ],
)
def test_bad_use_is_2_and_says_what_to_do(settings: Settings, words: list[str], says: str) -> None:
    done = _run(settings, *words)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.decode().split())
    assert b"Traceback" not in done.stderr
