"""What docs/oai.md shows works as it stands there."""

import re
from pathlib import Path

import pytest
from oai_node import Node
from oai_reading import read

from app_serving import serving
from panosc.app import create_app

PAGE = Path(__file__).parents[3] / "docs" / "oai.md"
SHOWN = "http://127.0.0.1:8000"


def test_the_examples_run(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text("utf-8")
    queries = re.findall(rf'curl "{SHOWN}/oai\?([^"]+)"', text)
    assert len(queries) == 4
    for query in queries:
        assert read(node.answer(query)).error is None
    programs = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    plain = node.settings.model_copy(update={"base_url": None})
    with serving(create_app(plain, node.engine, clock=node.clock)) as address:
        for program in programs:
            exec(program.replace(SHOWN, address), {})
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 6
    assert "oai:node.invalid:datasets/10.5072/embargoed ['Not yet']" in told
