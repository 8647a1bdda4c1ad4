"""A node with landing pages: the small catalogue, DOIs that lead somewhere, a simulated file."""

import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import publication_catalogue as given
import sqlalchemy as sa

from panosc.catalogue.publishing.tables import doi
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

sys.path.append(str(Path(__file__).parents[3] / "scripts"))
import simulated_sans

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SANS_DOI = "10.5072/sans-by-doi"
CONCEPT = "10.5072/all-versions"
NEWER = "10.5072/newer"
MANY = "10.5072/many"
FILES = 150
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@dataclass(frozen=True)
class Node:
    """Where a node answers, and what is in it."""

    address: str
    engine: sa.Engine
    sans: str
    """PID of the simulated dataset."""

    def get(self, path: str, accept: str | None = BROWSER, **options: Any) -> httpx.Response:
        """Ask for a path, as a browser where nothing else is said."""
        headers = {"Accept": accept} if accept else {}
        headers |= options.pop("headers", {})
        method = options.pop("method", "GET")
        address = path if path.startswith("http") else self.address + path
        return httpx.request(method, address, headers=headers, trust_env=False, **options)


def fill(engine: sa.Engine, settings: Settings, folder: Path) -> str:
    """Write the catalogue and DOIs, and ingest the simulated file; return its PID."""
    rows = [(model, line) for model, lines in given.CATALOGUE.items() for line in lines]
    rows.append(
        ("Dataset", {"pid": NEWER, "title": "Once more", "isPublic": True, "isNewVersionOf": MANY})
    )
    rows.append(("Dataset", {"pid": MANY, "title": "Many, files", "isPublic": True, "size": 1}))
    rows += [
        ("File", {"id": f"many-{number}", "datasetId": MANY, "name": f"a,{number:03d}.nxs"})
        for number in range(FILES)
    ]
    with engine.begin() as connection:
        write(connection, rows, now=NOW)
    simulated_sans.write(folder / "spheres.h5")
    ingest(engine, settings, Request(roots=(folder,), access="open"), who=OPERATOR, now=NOW)
    with engine.begin() as connection:
        (sans,) = connection.execute(
            sa.text("select pid from dataset where title like 'Simulated%'")
        ).scalars()
        for name, pid, kind in (
            (SANS_DOI, sans, "version"),
            (given.EMBARGOED, given.EMBARGOED, "version"),
            (given.OPEN, given.OPEN, "version"),
            (CONCEPT, MANY, "concept"),
        ):
            connection.execute(sa.insert(doi).values(**_registered(name, pid, kind)))
    return str(sans)


def _registered(name: str, pid: str, kind: str) -> dict[str, Any]:
    state = {"wanted": "findable", "state": "findable", "by": "test", "asked": NOW, "changed": NOW}
    return {"doi": name, "model": "Dataset", "pid": pid, "kind": kind, **state}


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
