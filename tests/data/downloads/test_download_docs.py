"""The examples of docs/download.md, run in a shell against a node."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from panosc.settings import DataDoor

PAGE = (Path(__file__).parents[3] / "docs" / "download.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs(node, tmp_path, number):
    script = "set -eu\n" + BLOCKS[number].replace("https://node.example", node.address)
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (script, done.stderr)
    assert list(tmp_path.iterdir())


def test_there_are_examples_and_the_settings_are_good():
    assert len(BLOCKS) == 6
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (door,) = tomllib.loads(text)["data_doors"]
    assert DataDoor(**door).kind == "globus"
