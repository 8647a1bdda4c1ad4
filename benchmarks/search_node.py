"""Homes for the benchmark of searching: loaded, indexed, served by a process of its own.

python benchmarks/search_node.py index HOME     # builds the index; used by `index` below
python benchmarks/search_node.py serve HOME     # serves until it is ended; used by `serving`
"""

import json
import os
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn

from panosc.app import create_app
from panosc.catalogue.database import open_database, unlimited
from panosc.catalogue.loading import load
from panosc.domain.access import Who
from panosc.identity.sessions import SessionStore
from panosc.search.index.folder import Folder
from panosc.search.index.following import rebuild
from panosc.settings import Settings

GROUPS, MINE = 10_000, 200
PERSON = "u-benchmark"
WHO = Who(
    person=PERSON,
    groups=frozenset(f"P{n * GROUPS // MINE}" for n in range(MINE)),
    via="session",
)
_JOINS = f"""
insert into account(id, kind, terms, name) values ('{PERSON}', 'person', '1', 'Somebody')
  on conflict do nothing;
insert into group_member("group", person, role)
  select 'P' || (n * {GROUPS} / {MINE}), '{PERSON}', 'team' from generate_series(0, {MINE - 1}) n
  on conflict do nothing;
"""


def now() -> datetime:
    return datetime.now(UTC)


def settings_of(home: Path) -> Settings:
    """Return settings under which PostgreSQL, too, has the time that it needs."""
    return Settings(home=home, query_time_limit_s=900, rate_limit=0)


def told(home: Path) -> dict[str, Any]:
    """Return what the catalogue of a home says of itself."""
    try:
        found: dict[str, Any] = json.loads((home / "meta.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def fill(home: Path, folder: Path) -> None:
    """Load NDJSON into a new home; datasets that have no group get one."""
    home.mkdir(parents=True)
    # as root the database runs as an ordinary account, which has to get in
    home.chmod(0o755)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="panosc-bench-", dir=home.parent) as name:
        scratch = Path(name)
        for path in folder.glob("*.ndjson"):
            (scratch / path.name).symlink_to(path.resolve())
        _group(folder / "Dataset.ndjson", scratch / "Dataset.ndjson")
        with open_database(settings_of(home)) as engine:
            loaded = load(engine, scratch, now=now())
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                unlimited(connection)
                connection.exec_driver_sql("vacuum analyze")
    (home / "meta.json").write_bytes((folder / "meta.json").read_bytes())
    rows, seconds = sum(loaded.rows.values()), time.perf_counter() - started
    print(f"{home.name}: {loaded.rows['Dataset']:,} datasets, {rows:,} rows in {seconds:.0f} s")


def _group(source: Path, target: Path) -> None:
    with source.open() as lines:
        first = lines.readline()
        if '"ownerGroup"' in first:
            return
        target.unlink()
        lines.seek(0)
        with target.open("w") as file:
            for number, line in enumerate(lines):
                # as datasets of one proposal stand together, ten are one group
                file.write(f'{line.rstrip()[:-1]},"ownerGroup":"P{number // 10 % GROUPS}"}}\n')


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What an index of a home is like."""

    seconds: float
    peak_mb: float
    disk_bytes: int


def index(home: Path) -> Indexed:
    """Build the index of a home, in a process of its own: its memory is that of indexing."""
    command = [sys.executable, __file__, "index", str(home)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Indexed(**json.loads(answer.stdout))


def has_index(home: Path) -> bool:
    return Folder(home).reader() is not None


def _index(home: Path) -> None:
    settings, started = settings_of(home), time.perf_counter()
    with open_database(settings) as engine:
        rebuild(engine, settings, now, tell=lambda _done, _total: None)
    folder = Folder(home)
    current = folder.current()
    found = {
        "seconds": time.perf_counter() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "disk_bytes": 0 if current is None else folder.size(current),
    }
    print(json.dumps(found))


def cookie_of(engine: sa.Engine, settings: Settings) -> dict[str, str]:
    """Let the person with the groups be signed in; return the cookie."""
    sessions = SessionStore(engine, settings, now)
    with engine.begin() as connection:
        connection.exec_driver_sql(_JOINS)
        row = {"provider": "p", "iss": "i", "sub": "s"}
        return {sessions.cookie: sessions.begin(connection, PERSON, **row)}


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """Serve a home by a process of its own; yield its address."""
    command = [sys.executable, __file__, "serve", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", line)
            if found is None:
                raise SystemExit(f"{home} is not served: {line}")
            yield found[0]
        finally:
            process.terminate()


def _serve(home: Path) -> None:
    settings = settings_of(home)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    # who reads the address may call at once
    listener.listen(128)
    with open_database(settings) as engine:
        app = create_app(settings, engine)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    os.umask(0o022)
    {"index": _index, "serve": _serve}[sys.argv[1]](Path(sys.argv[2]))
