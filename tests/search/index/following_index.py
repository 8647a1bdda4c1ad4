"""What the tests of the index share: a catalogue that changes, and who keeps its index."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from index_dump import Dump, index_dump
from search_samples import WORDS, catalogue

from panosc.catalogue import changes, tables
from panosc.catalogue.writer import write
from panosc.search.index.folder import Folder, Snapshot
from panosc.search.index.following import rebuild
from panosc.settings import Settings

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
PROGRAM = Path(__file__).with_name("following_program.py")
PATIENCE_S = 60.0
TEXTS: list[tuple[str, sa.Table, str]] = [
    ("Dataset", tables.dataset, "title"),
    ("Document", tables.document, "summary"),
    ("Sample", tables.sample, "name"),
    ("Instrument", tables.instrument, "name"),
    ("Technique", tables.technique, "name"),
    ("Person", tables.person, "full_name"),
]

Row = tuple[str, dict[str, Any]]


def clock() -> datetime:
    return datetime.now(UTC)


def fill(engine: sa.Engine, *, seed: int = 0) -> None:
    """Write a small catalogue."""
    with engine.begin() as connection:
        write(connection, catalogue(seed, NOW), now=NOW)


def until(is_so: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    end = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def caught_up(engine: sa.Engine, folder: Folder) -> Snapshot:
    """Wait for the index to know the last change; return it."""
    with engine.connect() as connection:
        newest = changes.last(connection)
    until(lambda: (found := folder.reader()) is not None and found.position >= newest)
    found = folder.reader()
    assert found is not None
    return found


def expected(engine: sa.Engine, home: Path) -> Dump:
    """Return what an index that is built now, in another home, holds."""
    rebuild(engine, Settings(home=home), clock, tell=lambda *_: None)
    found = Folder(home).reader()
    assert found is not None
    return index_dump(found, home, engine)


def assert_equals_catalogue(engine: sa.Engine, settings: Settings, elsewhere: Path) -> None:
    """Hold the index, once it has caught up, against the catalogue and against a fresh one."""
    found = index_dump(caught_up(engine, Folder(settings.home)), settings.home, engine)
    with engine.connect() as connection:
        for model, table in (("Dataset", tables.dataset), ("Document", tables.document)):
            keys = {key for key, record in found.items() if record["model"] == [model]}
            assert keys == set(connection.scalars(sa.select(table.c.id)))
    fresh = expected(engine, elsewhere)
    assert found.keys() == fresh.keys()
    for key, record in fresh.items():
        assert found[key] == record


class Changing:
    """Changes a catalogue at random: whole records, what they share, and deletions."""

    def __init__(self, engine: sa.Engine, seed: int) -> None:
        self.engine = engine
        self.rng = random.Random(seed)

    def step(self) -> None:
        """Do one transaction of a few changes."""
        with self.engine.begin() as connection:
            kind = self.rng.random()
            if kind < 0.2:
                self.delete(connection)
            elif kind < 0.7:
                self.rename(connection)
            else:
                write(connection, self.some(), now=NOW)

    def some(self) -> list[Row]:
        """Return some records of a new version of the catalogue, with all that is theirs."""
        rows = catalogue(self.rng.randrange(10**6), NOW)
        pids = [row["pid"] for model, row in rows if model in {"Dataset", "Document"}]
        chosen = set(self.rng.sample(pids, self.rng.randint(0, 3)))
        return [(model, row) for model, row in rows if self.stays(model, row, chosen)]

    def stays(self, model: str, row: dict[str, Any], chosen: set[str]) -> bool:
        match model:
            case "Dataset" | "Document":
                return row["pid"] in chosen
            case "DocumentDataset":
                return row["datasetId"] in chosen and row["documentId"] in chosen
            case "Affiliation":
                return True
            case "Person" | "Instrument" | "Technique" | "Sample":
                # the records that are written may name any of them
                return bool(chosen) or self.rng.random() < 0.3
            case _:
                return {row.get("datasetId"), row.get("documentId")} <= chosen | {None}

    def rename(self, connection: sa.Connection) -> None:
        """Change one text of one record, maybe one that many share."""
        model, table, column = self.rng.choice(TEXTS)
        keys = sorted(connection.scalars(sa.select(table.c.id)))
        if keys:
            key, text = self.rng.choice(keys), f"{self.rng.choice(WORDS)} {self.rng.random()}"
            name = table.c.key if model == "Person" else table.c.pid
            statement = sa.update(table).where(table.c.id == key).values({column: text})
            pid = connection.scalar(statement.returning(name))
            changes.append(connection, [(model, str(pid))])

    def delete(self, connection: sa.Connection) -> None:
        model, table = self.rng.choice([("Dataset", tables.dataset), ("Document", tables.document)])
        pids = sorted(connection.scalars(sa.select(table.c.pid)))
        if len(pids) > 3:
            pid = self.rng.choice(pids)
            connection.execute(sa.delete(table).where(table.c.pid == pid))
            changes.append(connection, [(model, pid)], deleted=True)


class Followers:
    """Starts processes that keep the index of a home."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program

    def start(self) -> int:
        """Start one; return its number."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write("\n")
        self._program.stdin.flush()
        return int(self._program.stdout.readline())


def kill(process: int) -> None:
    """End a process as the kernel does when memory runs out."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{process}").exists())


@contextmanager
def followers(settings: Settings, environment: dict[str, str] | None = None) -> Iterator[Followers]:
    """Provide processes that keep the index; all of them end with the block."""
    assert settings.database_url is not None
    words = [sys.executable, str(PROGRAM), str(settings.home)]
    program = subprocess.Popen(
        [*words, settings.database_url.get_secret_value()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=dict(os.environ) | (environment or {}),
        text=True,
    )
    try:
        yield Followers(program)
    finally:
        program.kill()
        program.communicate()
