"""A served node with datasets in every state, whose files are real, for tests of downloads."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import sqlalchemy as sa

from app_serving import serving
from panosc.app import create_app
from panosc.catalogue.loading import load
from panosc.catalogue.people import account
from panosc.catalogue.tables import dataset, group_member, location
from panosc.identity.service import build
from panosc.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OPEN = "10.5072/open"
EMBARGOED = "10.5072/embargoed"
CLOSED = "10.5072/closed"
WITHDRAWN = "10.5072/withdrawn"
ERASED = "10.5072/erased"
TAPE = "10.5072/tape"
EVIL = "10.5072/evil"
NEVER = "10.5072/never"
TEAM = "P-1"
MEMBER, STRANGER = "u-member", "u-stranger"
STATES = {
    OPEN: "open",
    EMBARGOED: "embargoed",
    CLOSED: "closed",
    WITHDRAWN: "withdrawn",
    ERASED: "erased",
    TAPE: "open",
    EVIL: "open",
}
EVIL_NAMES = (
    "../../evil.sh",
    "/etc/cron.d/evil",
    "C:\\windows\\evil.bat",
    "a\nb'$(touch gone)`.nxs",
    "CON",
    "Same.nxs",
    "same.nxs",
    "gpj.\u202eexe.nxs",
    "-rf",
    'quo"te;x=y.nxs',
)


def content(pid: str, name: str, size: int) -> bytes:
    """Return bytes that no other file has."""
    seed = hashlib.sha256(f"{pid} {name}".encode()).digest()
    return (seed * (size // 32 + 1))[:size]


@dataclass
class Node:
    """A served node."""

    address: str
    engine: sa.Engine
    settings: Settings
    folder: Path
    cookies: dict[str, str]
    now: list[datetime]

    def client(self, person: str | None = None, **headers: str) -> httpx.Client:
        """Return a client of one person."""
        sent = {"Origin": self.address, **headers}
        if person is not None:
            sent["Cookie"] = self.cookies[person]
        return httpx.Client(
            base_url=self.address, headers=sent, trust_env=False, timeout=30, follow_redirects=False
        )

    def get(self, path: str, person: str | None = None, **headers: str) -> httpx.Response:
        """Ask as one person."""
        with self.client(person, **headers) as client:
            return client.get(path)

    def path(self, pid: str, name: str) -> Path:
        """Return where a file lies."""
        number = [*FILES[pid]].index(name)
        return self.folder / pid.partition("/")[2] / f"{number}.dat"

    def registered(self, path: Path, size: int, mtime_ns: int) -> None:
        """Let a file be registered with another size and time."""
        with self.engine.begin() as connection:
            where = location.c.url == path.as_uri()
            values = {"size": size, "mtime_ns": mtime_ns}
            connection.execute(sa.update(location).where(where).values(values))


FILES: dict[str, dict[str, int]] = {
    OPEN: {"run-1.nxs": 3_000_000, "run-2.nxs": 70_000, "logs/π run.txt": 5_000, "empty.txt": 0},
    EMBARGOED: {"run-1.nxs": 60_000},
    CLOSED: {"run-1.nxs": 60_000},
    WITHDRAWN: {"run-1.nxs": 60_000},
    ERASED: {"run-1.nxs": 60_000},
    TAPE: {"disk.nxs": 40_000, "tape.nxs": 50_000},
    EVIL: dict.fromkeys(EVIL_NAMES, 10),
}
UNHASHED = "run-2.nxs"
"""A file of which no checksum was registered."""


def _rows(folder: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for pid, state in STATES.items():
        until = {"embargoUntil": "2031-05-01T00:00:00Z"} if state == "embargoed" else {}
        yield (
            "Dataset",
            {
                "pid": pid,
                "title": f"Title of {pid}",
                "access": state,
                "ownerGroup": TEAM,
                "license": "CC-BY-4.0",
                "creationDate": "2025-05-01T00:00:00Z",
                **until,
            },
        )
    for pid, files in FILES.items():
        (folder / pid.partition("/")[2]).mkdir()
        for number, (name, size) in enumerate(files.items()):
            path = folder / pid.partition("/")[2] / f"{number}.dat"
            data = content(pid, name, size)
            path.write_bytes(data)
            status = path.stat()
            sha256 = {} if name == UNHASHED else {"sha256": hashlib.sha256(data).hexdigest()}
            file = {"id": f"{pid} {number}", "name": name, "size": size, "format": "NeXus"}
            yield "File", {**file, **sha256, "datasetId": pid}
            yield (
                "Location",
                {
                    "url": path.as_uri(),
                    "datasetId": pid,
                    "name": name,
                    "size": size,
                    "mtimeNs": status.st_mtime_ns,
                    "tier": "nearline" if name == "tape.nxs" else "online",
                },
            )


@contextmanager
def download_node(engine: sa.Engine, settings: Settings, folder: Path) -> Iterator[Node]:
    """Serve a node with these files."""
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    measured = folder / "measured"
    measured.mkdir()
    by_model: dict[str, list[bytes]] = {}
    for model, row in _rows(measured):
        by_model.setdefault(model, []).append(orjson.dumps(row))
    for model, lines in by_model.items():
        (catalogue / f"{model}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    load(engine, catalogue, now=NOW)
    now = [NOW]
    app = create_app(settings, engine, clock=lambda: now[0])
    identity = build(engine, settings, lambda: now[0])
    cookies = {}
    with engine.begin() as connection:
        for person in (MEMBER, STRANGER):
            connection.execute(
                sa.insert(account).values(
                    id=person,
                    kind="person",
                    name=person,
                    terms=settings.terms_version,
                    created=NOW,
                    seen=NOW,
                )
            )
            at = {"provider": "test", "iss": "https://idp.example", "sub": person}
            value = identity.sessions.begin(connection, person, **at)
            cookies[person] = f"{identity.sessions.cookie}={value}"
        connection.execute(sa.insert(group_member).values(group=TEAM, person=MEMBER, role="team"))
    with serving(app) as address:
        yield Node(address, engine, settings, measured, cookies, now)


def withdraw(node: Node, pid: str) -> None:
    """Withdraw a dataset."""
    with node.engine.begin() as connection:
        connection.execute(sa.update(dataset).where(dataset.c.pid == pid).values(mark="withdrawn"))


def later(node: Node, **span: float) -> None:
    """Let time pass."""
    node.now[0] += timedelta(**span)


@contextmanager
def served_again(node: Node, settings: Settings) -> Iterator[Node]:
    """Serve the same node with other settings."""
    app = create_app(settings, node.engine, clock=lambda: node.now[0])
    with serving(app) as address:
        yield replace(node, address=address, settings=settings)


def unpacked(content: bytes) -> tuple[str, dict[str, bytes]]:
    """Return the folder of an archive and what is in it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        found = {info.filename: archive.read(info) for info in archive.infolist()}
        assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    folders = {name.partition("/")[0] for name in found}
    (folder,) = folders
    return folder, {name.partition("/")[2]: data for name, data in found.items()}
