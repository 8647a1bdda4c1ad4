"""The notebooks of the docs, cell by cell, at a node that has taken in the file of the demo."""

import ast
import json
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import portal_catalogue as given
import pytest

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.database import open_database
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "examples").glob("*.ipynb"))
NAME = "chopper.nxs"
sys.path.append(str(ROOT / "scripts"))


@pytest.fixture(scope="module")
def demo(new_database, template, open_folder):
    """A node with a file of the demo; its address, and where the file is."""
    from example_data import provide  # noqa: PLC0415 - only found by the line above

    home = open_folder / "notebooks"
    (home / "data").mkdir(parents=True)
    path = home / "data" / NAME
    shutil.copy(provide() / "nexusformat" / NAME, path)
    with new_database(template) as database:
        settings = Settings(home=home, database_url=database)
        with open_database(settings) as engine:
            report = ingest(
                engine, settings, Request(roots=[home / "data"]), who=OPERATOR, now=given.NOW
            )
            assert report.passed == []
            with serving(create_app(settings, engine, clock=lambda: given.NOW)) as address:
                yield address, path


def run(path, address):
    """Run the cells in order, as a notebook does; return the names, and what each cell shows."""
    names, shown = {}, []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        tree = ast.parse("".join(cell["source"]).replace("http://127.0.0.1:8000", address))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), path.name, "eval"), names)
            html = getattr(value, "_repr_html_", lambda value=value: repr(value))()
            shown.append((value, html))
    return names, shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(demo, path):
    address, file = demo
    names, shown = run(path, address)
    assert all(html for _, html in shown)
    with h5py.File(file) as local:
        counts = local["entry/data/data"][()]
    assert names["counts"].shape == counts.shape
    assert np.array_equal(names["spectrum"], counts[70])
    image = names["image"]
    assert image.dims == ("polar_angle", "time_of_flight")
    is_late = image["time_of_flight"].to_numpy() >= 3000
    (mean,) = [
        value[1] for value, _ in shown if isinstance(value, tuple) and type(value[1]) is float
    ]
    assert mean == pytest.approx(counts[:, is_late].mean())
    assert names["lazy"].chunksize[1] == counts.shape[1]
    assert (Path(names["folder"]) / NAME).read_bytes() == file.read_bytes()
    shutil.rmtree(names["folder"])


def test_there_are_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["first-look"]
