"""The page on formats is true: its table is the formats that exist, its example runs."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from panosc.plugins import load

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text("utf-8")


def test_the_table_is_what_is_installed() -> None:
    rows = re.findall(r"(?m)^\| ([^|]+) \| (\d+) \|", PAGE)
    forms = [kind() for kind in load("panosc.formats").found.values()]
    assert {(name, int(order)) for name, order in rows} == {
        (form.name, form.order) for form in forms
    }
    assert [int(order) for _, order in rows] == sorted(int(order) for _, order in rows)


def test_every_parameter_of_the_table_is_one_that_is_read() -> None:
    folder = Path(__file__).parents[3] / "src" / "panosc" / "ingest" / "formats" / "images"
    code = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    table = PAGE.partition("## What images say")[2].partition("\nThe unit")[0]
    names = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"(?m)^\| ([^|]+) \|", table))))
    assert len(names) > 10
    assert {name for name in names if f'"{name}"' not in code} == set()


def test_the_example_keeps_to_the_suite(tmp_path: Path) -> None:
    blocks = dict(re.findall(r'```python title="(\w+\.py)"\n(.*?)```', PAGE, re.DOTALL))
    assert set(blocks) == {"counts_format.py", "test_counts_format.py"}
    for name, code in blocks.items():
        (tmp_path / name).write_text(code, "utf-8")
    toml = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert toml is not None
    points = tomllib.loads(toml[1])["project"]["entry-points"]["panosc.formats"]
    module, _, name = points["counts"].partition(":")
    assert f"class {name}" in blocks[f"{module}.py"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\b10 passed\b", done.stdout), done.stdout[-300:]
