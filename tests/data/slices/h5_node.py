"""A served node one of whose datasets has many HDF5 files, real and made up."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.writer import write
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPEN = "10.5072/files"
OTHER = "10.5072/other"
EMBARGOED = "10.5072/embargoed"


@dataclass
class Node:
    """Where it answers, and where its files lie by dataset and name."""

    address: str
    engine: sa.Engine
    files: dict[tuple[str, str], Path]
    client: httpx.Client

    def h5(self, what: str, file: str, path: str = "/", *, pid: str = OPEN, **more: str):
        """Ask one of the h5 routes."""
        given = {"file": file, "path": path, **more}
        return self.client.get(f"/datasets/{pid}/-/h5/{what}", params=given)

    def zarr(self, file: str, key: str, *, pid: str = OPEN):
        """Ask for a node or chunk of Zarr."""
        return self.client.get(f"/datasets/{pid}/-/zarr/{quote(file)}/{key}")


def rows(
    pid: str, files: Iterable[tuple[str, Path]], *, access: str = "open", tier: str = "online"
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield a dataset with its files."""
    until = {"embargoUntil": "2031-05-01T00:00:00Z"} if access == "embargoed" else {}
    yield "Dataset", {"pid": pid, "title": f"Files of {pid}", "access": access, **until}
    for name, path in files:
        status = path.stat()
        key = f"{pid} {name}"
        yield "File", {"id": key, "name": name, "size": status.st_size, "datasetId": pid}
        location = {
            "url": path.as_uri(),
            "datasetId": pid,
            "name": name,
            "size": status.st_size,
            "mtimeNs": status.st_mtime_ns,
            "tier": tier,
        }
        yield "Location", location


@contextmanager
def h5_node(
    engine: sa.Engine, settings: Settings, given: dict[str, dict[str, Path]], **options: str
) -> Iterator[Node]:
    """Serve datasets, each with files by name; those of `EMBARGOED` are under embargo."""
    with engine.begin() as connection:
        for pid, files in given.items():
            access = "embargoed" if pid == EMBARGOED else "open"
            write(connection, rows(pid, files.items(), access=access, **options), now=NOW)
    with (
        serving(create_app(settings, engine, clock=lambda: NOW)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
    ):
        files = {(pid, name): path for pid, some in given.items() for name, path in some.items()}
        yield Node(address=address, engine=engine, files=files, client=client)
