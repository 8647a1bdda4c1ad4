"""The examples of docs/python.md, run against a node."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def test_the_examples_print_what_the_page_says(served):
    text = PAGE.read_text(encoding="utf-8").replace("https://node.example", served.address)
    # the fences are no output
    text = "\n".join("" if line.startswith("```") else line for line in text.splitlines())
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(test.examples) > 15
    said = []
    runner = doctest.DocTestRunner(verbose=False)
    failed = runner.run(test, out=said.append, clear_globs=False).failed
    test.globs["client"].close()
    assert failed == 0, "".join(said)
