"""A stranger with nothing but a DOI gets to the curve, its units, the licence and the citation."""

import http.server
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import publication_catalogue as given
import pytest
import simulated_sans
from cloud.standins.running import running
from landing_node import SANS_DOI, Node
from pybtex.database import parse_string

SCRIPT = Path(__file__).parents[3] / "scripts" / "reuse_by_doi.py"


@pytest.fixture
def resolver(landing_node: Node) -> Iterator[str]:
    """Stands for doi.org: it answers 302 to the address that a DOI was registered with."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{landing_node.address}/doi{self.path}")
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"{address}/"


def reused(doi: str, resolver: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), doi, "--resolver", resolver]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_stranger_reaches_the_curve_by_the_doi_alone(resolver: str) -> None:
    done = reused(SANS_DOI, resolver)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["doi"] == f"https://doi.org/{SANS_DOI}"
    assert told["license"] == "https://creativecommons.org/licenses/by/4.0/"
    (entry,) = parse_string(told["citation"], "bibtex").entries.values()
    assert entry.fields["doi"] == SANS_DOI
    assert "Simulated small-angle scattering" in entry.fields["title"]
    data = told["data"]
    units = {name: item["unit"] for name, item in data.items()}
    assert units == {"Q": "1/angstrom", "I": "1/cm", "Idev": "1/cm"}
    q, intensity, error = (np.array(data[name]["values"]) for name in ("Q", "I", "Idev"))
    # the simulated curve lies within what its uncertainties say
    away = (intensity - simulated_sans.intensity(q)) / error
    assert len(q) == 80
    assert 0.7 < float(np.sqrt(np.mean(away**2))) < 1.3


def test_of_what_is_embargoed_a_stranger_learns_how_to_cite_it(resolver: str) -> None:
    done = reused(given.EMBARGOED, resolver)
    assert done.returncode == 1
    assert "The data cannot be had (403)." in done.stderr
    assert given.EMBARGOED in done.stderr
