"""Killed at any moment and run again, ingest ends where an undisturbed run would have."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import hostile
import pytest
import sqlalchemy as sa

from panosc.catalogue.dumping import dump
from panosc.catalogue.tables import metadata
from panosc.domain.access import OPERATOR
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import panosc.ingest.service as service
from panosc.ingest import passing
from panosc.catalogue.database import open_database
from panosc.domain.access import OPERATOR
from panosc.settings import Settings

passing.BATCH_FILES = 4
settings = Settings(home=Path(sys.argv[2]))
with open_database(settings) as engine:
    print("begun", flush=True)
    request = service.Request(roots=[Path(sys.argv[1])])
    service.ingest(
        engine,
        settings,
        request,
        who=OPERATOR,
        now=datetime.now(UTC),
        progress=lambda *at: print(*at, flush=True),
    )
"""
"""What the command does, without the second that importing the web service takes."""
TRIALS = 5


def _folder(examples: Path, folder: Path) -> Path:
    """Fill a folder with real files, copies, generated files and broken ones."""
    folder.mkdir()
    for path in sorted(examples.rglob("*")):
        if path.is_file() and path.stat().st_size < 300_000:
            shutil.copy(path, folder)
            if path.name.startswith(("c", "w")):
                shutil.copy(path, folder / f"copy of {path.name}")
    for number in range(20):
        with hostile.nexus(folder / f"{number:03}.nxs", title=f"run {number}") as file:
            file["entry/user/affiliation"] = f"Institute {number % 7}"
            # people whom later files know better: the last word must not depend on batches
            del file["entry/user/ORCID"]
    for number in range(4):
        (folder / f"broken {number}.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(number))
    return folder


def _bytes(engine: sa.Engine, folder: Path) -> dict[str, bytes]:
    shutil.rmtree(folder, ignore_errors=True)
    dump(engine, folder, bare=True)
    return {path.name: path.read_bytes() for path in folder.glob("*.ndjson")}


def _empty(engine: sa.Engine) -> None:
    # the audit trail refuses; an ingest does not read it
    names = ", ".join(f'"{table}"' for table in metadata.tables if table != "audit")
    with engine.begin() as connection:
        connection.execute(sa.text(f"truncate {names} cascade"))


def _start(settings: Settings, folder: Path) -> "subprocess.Popen[bytes]":
    assert settings.database_url is not None
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), str(settings.home)],
        env={**os.environ, "PANOSC_DATABASE_URL": settings.database_url.get_secret_value()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    return [
        int(word) for task in tasks.glob("*/children") for word in task.read_text("ascii").split()
    ]


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_any_moment_and_run_again(
    engine: sa.Engine, settings: Settings, examples: Path, tmp_path: Path, seed: int
) -> None:
    folder = _folder(examples, tmp_path / "data")
    whole = _start(settings, folder)
    batches = whole.communicate()[0].count(b"\n")
    assert whole.returncode == 0
    expected = _bytes(engine, tmp_path / "expected")
    assert expected["Dataset.ndjson"].count(b"\n") > 30
    alone = settings.model_copy(update={"ingest_workers": 1})
    rng, midway, counts = random.Random(seed), 0, set()
    for _ in range(TRIALS):
        _empty(engine)
        process = _start(settings, folder)
        assert process.stdout is not None
        for _ in range(rng.randrange(batches)):
            process.stdout.readline()
        time.sleep(rng.uniform(0, 0.15))
        children = _children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with engine.connect() as connection:
            found = connection.scalar(sa.text("select count(*) from location")) or 0
        counts.add(found)
        midway += 0 < found < expected["Location.ndjson"].count(b"\n")
        deadline = time.monotonic() + 5
        while any(_runs(pid) for pid in children) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not [pid for pid in children if _runs(pid)]
        now = datetime.now(UTC)
        report = ingest(engine, alone, Request(roots=[folder]), who=OPERATOR, now=now)
        assert report.unchanged == found
        assert len(report.quarantined) == 4
        assert _bytes(engine, tmp_path / "found") == expected
    # the test is worth nothing unless some runs were cut in the middle
    assert midway >= 1, counts
