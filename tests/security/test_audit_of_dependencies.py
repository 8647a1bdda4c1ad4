"""The audit of the dependencies fails on a finding, and warns where it could not look."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "audit_dependencies.py"
GOOD = {"name": "jinja2", "version": "3.1", "vulns": []}
UNKNOWN = {"name": "jinja2", "skip_reason": "not found"}
BAD = {
    "name": "jinja2",
    "version": "3.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.2"]}],
}


@pytest.fixture
def script(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("audit_dependencies", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(SCRIPT.parents[1])
    monkeypatch.setattr(module, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(module.sys, "argv", ["audit"])
    return module


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        (([GOOD], [GOOD]), 0, "No known vulnerabilities in 1"),
        (([GOOD], [BAD]), 1, "jinja2 3.1: PYSEC-1, fixed in 3.2"),
        (([BAD], [BAD]), 1, "PYSEC-1"),
        ((None, None), 0, "NOT looked up"),
        (([UNKNOWN], None), 0, "NOT looked up"),
        (([GOOD], None), 0, "NOT looked up"),
        (([GOOD], [UNKNOWN]), 0, "WARNING: not looked up: jinja2"),
        (([GOOD], [UNKNOWN, BAD]), 1, "PYSEC-1"),
    ],
)
def test_findings_fail_and_silence_warns(script, monkeypatch, capsys, answers, status, said):
    asked = []

    def ask(requirements, ids):
        asked.append(requirements)
        return answers[len(asked) - 1]

    monkeypatch.setattr(script, "ask", ask)
    assert script.main() == status
    assert said in capsys.readouterr().out
    assert script.KEPT.exists() == (answers == ([GOOD], [GOOD]))


def test_an_ignored_finding_needs_a_reason(script, monkeypatch, tmp_path):
    listed = tmp_path / "ignored.txt"
    listed.write_text("# what for\nPYSEC-1: only where templates come from strangers\n\n")
    monkeypatch.setattr(script, "IGNORED", listed)
    assert script.ignored() == ["PYSEC-1"]
    listed.write_text("PYSEC-1:\n")
    with pytest.raises(SystemExit, match="no reason"):
        script.ignored()
