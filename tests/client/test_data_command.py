"""`panosc data ls|get|slice` against a node: what they print, write, and their exit codes."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import measured
import numpy as np
import pytest

from panosc.cli.main import main

COUNTS = "/entry/data/I"


@pytest.fixture
def run(served, monkeypatch, capfdbinary, tmp_path):
    """Run ``panosc data WORDS`` at the node; return exit code, what it printed, what it said."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)

    def go(*words):
        monkeypatch.setattr(sys, "argv", ["panosc", "data", *words, "--url", served.address])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return go


@pytest.fixture
def local(served):
    with h5py.File(served.folder / measured.NAME) as file:
        yield file


def table(out):
    return [line.split("\t") for line in out.decode().splitlines()]


def test_files_members_and_arrays_are_listed(run, served):
    code, out, err = run("ls", measured.MANY)
    assert (code, err) == (0, "")
    assert table(out)[0] == ["name", "size", "format"]
    assert ["run/blob.bin", "3000000", ""] in table(out)
    assert len(table(out)) == 9
    _, out, _ = run("ls", measured.DATA, measured.NAME, "/entry/data")
    assert ["I", "dataset", "6×40×30", "uint16"] in table(out)
    assert ["things", "group", "", ""] in table(run("ls", measured.DATA, measured.NAME, "entry")[1])
    _, out, _ = run(
        "ls", f"{served.address}/datasets/{measured.DATA}/-/files", measured.NAME, COUNTS
    )
    assert ["units", "counts"] in table(out)
    assert ["@long_name", "Intensity <b>"] in table(out)
    _, out, _ = run("ls", measured.DATA, measured.NAME, COUNTS, "--json")
    told = json.loads(out)
    assert told["shape"] == [6, 40, 30]
    assert told["attributes"]["units"] == "counts"
    assert len(json.loads(run("ls", measured.MANY, "--json")[1])) == 8


def test_a_part_is_printed(run, local):
    counts = local[COUNTS][()]
    code, out, err = run("slice", measured.DATA, measured.NAME, COUNTS, "-1,::20,2:5")
    assert (code, err) == (0, "")
    assert [list(map(int, row)) for row in table(out)] == counts[-1, ::20, 2:5].tolist()
    _, out, _ = run("slice", measured.DATA, measured.NAME, COUNTS, "...,0", "--json")
    assert json.loads(out) == counts[..., 0].tolist()
    _, out, _ = run("slice", measured.DATA, measured.NAME, COUNTS, "0,0", "--format", "csv")
    assert out.decode().split() == [str(value) for value in counts[0, 0]]
    _, out, _ = run("slice", measured.DATA, measured.NAME, COUNTS, "2", "--format", "npy")
    assert np.array_equal(np.load(io.BytesIO(out)), counts[2])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("title", '"Rocking curve of a silicon crystal"'),
        ("things/one", "0.5"),
        ("things/none", "null"),
        ("things/nothing", "[]"),
        ("things/names", '["å","b",""]'),
        ("things/complex", "[[1.0,2.0],[3.0,-4.0]]"),
    ],
)
def test_values_of_every_kind_as_json(run, path, said):
    code, out, _ = run("slice", measured.DATA, measured.NAME, f"/entry/{path}", "--json")
    assert (code, out.decode()) == (0, said + "\n")


def test_records_and_narrow_numbers_as_csv(run, local):
    where = (measured.DATA, measured.NAME)
    _, out, _ = run("slice", *where, "/entry/things/records", "--format", "csv")
    assert out.decode() == "n,v,s\n1,2.5,a\n2,-1.0,bc\n"
    _, out, _ = run("slice", *where, "/entry/things/half", "--format", "csv")
    assert out.decode().split() == [str(value) for value in local["/entry/things/half"][()]]


def test_a_part_is_written(run, local, tmp_path):
    where = (measured.DATA, measured.NAME, "/entry/stack/frames")
    frames = local["/entry/stack/frames"][()]
    assert run("slice", *where, "--to", "all.npy")[0] == 0
    assert np.array_equal(np.load(tmp_path / "all.npy"), frames)
    assert run("slice", *where, "::-1,3,1", "--to", "back.npy")[0] == 0
    assert np.array_equal(np.load(tmp_path / "back.npy"), frames[::-1, 3, 1])
    assert run("slice", *where, ":,3", "--to", "plane.csv")[0] == 0
    plane = np.loadtxt(tmp_path / "plane.csv", delimiter=",", dtype="i4")
    assert np.array_equal(plane, frames[:, 3])
    assert run("slice", *where, "0:2", "--to", "two.json")[0] == 0
    assert json.loads((tmp_path / "two.json").read_text()) == frames[:2].tolist()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "all.npy",
        "back.npy",
        "plane.csv",
        "two.json",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["slice", measured.DATA, measured.NAME, COUNTS, "1,x"], 2, "is no selection"),
        (["slice", measured.DATA, measured.NAME, COUNTS], 2, "two dimensions"),
        (["slice", measured.DATA, measured.NAME, COUNTS, "--to", "a.txt"], 2, "which format"),
        (["slice", measured.DATA, measured.NAME, "/entry", "0"], 1, "is a group"),
        (["slice", measured.DATA, measured.NAME, COUNTS, "99"], 2, "out of bounds"),
        (["ls", measured.DATA, "none.nxs"], 1, "no file"),
        (["ls", measured.DATA, measured.NAME, "/none"], 1, "/none"),
        (["ls", "10.5072/never"], 1, "10.5072/never"),
        (["ls", "https://node.example/elsewhere"], 2, "not the address of a dataset"),
        (["get", measured.MANY, "--match", "*.none"], 1, "matches"),
    ],
    ids=range(10),
)
def test_what_cannot_be_done_is_said(run, words, code, said):
    found, out, err = run(*words)
    assert (found, out) == (code, b"")
    assert said in " ".join(err.split())
    assert "Traceback" not in err


def test_files_are_fetched(run, served, tmp_path):
    code, out, err = run("get", measured.MANY, "--match", "run/*", "--to", "data")
    assert (code, err) == (0, "")
    assert {row[1] for row in table(out)[1:]} == {"fetched"}
    blob = (tmp_path / "data/run/blob.bin").read_bytes()
    assert blob == (served.folder / measured.MANY[-1] / "run/blob.bin").read_bytes()
    code, out, _ = run("get", measured.MANY, "--match", "run/*", "--to", "data", "--json")
    assert (code, {row["state"] for row in json.loads(out)}) == (0, {"there"})


def test_some_that_fail(run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/1.txt").write_text("mine")
    code, out, err = run("get", measured.MANY, "--match", "run/[12].txt")
    assert code == 3
    assert [row[1] for row in table(out)[1:]] == ["failed", "fetched"]
    assert "another file" in err
    assert "1 of 2 files failed" in err
    assert run("get", measured.MANY, "--match", "run/1.txt")[0] == 1
    assert run("get", measured.MANY, "--match", "run/1.txt", "--overwrite")[0] == 0


def test_a_token_of_the_environment(run, served, monkeypatch):
    code, out, err = run("ls", measured.TEAM)
    assert (code, len(table(out))) == (0, 1)
    assert "no file" in err
    monkeypatch.setenv("PANOSC_TOKEN", served.token)
    assert len(table(run("ls", measured.TEAM)[1])) == 2
    _, out, _ = run("slice", measured.TEAM, measured.NAME, "/entry/things/one")
    assert out == b"0.5\n"


def complete(served, *words):
    panosc = str(Path(sys.executable).with_name("panosc"))
    given = {"_PANOSC_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["panosc", *words])}
    done = subprocess.run(
        [panosc],
        env={**os.environ, **given, "COMP_CWORD": str(len(words))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.split()


def test_names_and_paths_are_completed(served):
    named = f"{served.address}/datasets/{measured.DATA}"
    assert complete(served, "data", "ls", named, "sc") == [measured.NAME]
    found = complete(served, "data", "slice", named, measured.NAME, "/entry/da")
    assert found == ["/entry/data"]
