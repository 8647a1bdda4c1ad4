"""Edit ten thousand datasets of twelve parameters each, with preview, and undo it.

Run as ``python benchmarks/bulk_edit.py [DATASETS]`` on a database of its own, made and thrown
away. Times stand beside those of a plain UPDATE of the same rows in the same run, so that machines
can be compared. Fails if preview and edit together, or undoing, take more than ten seconds for ten
thousand datasets.
"""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from panosc.catalogue.database import open_database
from panosc.catalogue.dumping import dump
from panosc.catalogue.writer import write
from panosc.domain.access import OPERATOR
from panosc.ingest.runs.editing.operations import (
    Edit,
    RenameParameter,
    ReplaceText,
    Selection,
    SetField,
    SetParameter,
)
from panosc.ingest.runs.service import Runs
from panosc.search.choosing import Chooser
from panosc.search.service import SearchService
from panosc.settings import Settings

PARAMETERS = 12
LIMIT_S = 10.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)
EDIT = Edit(
    operations=(
        SetField(field="license", value="CC-BY-4.0"),
        ReplaceText(field="title", old="Scan", new="Map"),
        SetParameter(name="parameter_0", value=1.2, unit="nm"),
        RenameParameter(name="parameter_1", to="gap"),
    )
)


def rows(count: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(count):
        pid = f"bench/{number:06}"
        yield "Dataset", {"pid": pid, "title": f"Scan {number}", "isPublic": True, "kind": "raw"}
        for place in range(PARAMETERS):
            value = number + place / 10
            name = f"parameter_{place}"
            yield (
                "Parameter",
                {"datasetId": pid, "name": name, "value": value, "unit": "angstrom"},
            )


def timed(what: str, plain_s: float | None, work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    took = time.perf_counter() - begun
    ratio = "" if plain_s is None else f"  {took / plain_s:6.1f} × the plain UPDATE"
    print(f"{what:32} {took:7.2f} s{ratio}", flush=True)
    return took, result


def state(engine: sa.Engine) -> str:
    with tempfile.TemporaryDirectory() as name:
        dump(engine, Path(name), bare=True)
        digest = hashlib.sha256()
        for path in sorted(Path(name).iterdir()):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def plainly(engine: sa.Engine) -> None:
    """Write to the same rows what an edit writes, and nothing else; then take it back."""
    with engine.connect() as connection:
        connection.exec_driver_sql("set local statement_timeout = 0")
        connection.exec_driver_sql("update dataset set license = 'x', title = title || ' x'")
        connection.exec_driver_sql(
            "update parameter set value_number = 1, si_value = 1e-10 where name = 'parameter_0'"
        )
        connection.exec_driver_sql("update parameter set name = 'x' where name = 'parameter_1'")
        connection.rollback()


def main(count: int) -> int:
    with tempfile.TemporaryDirectory(prefix="panosc-bench-") as home:
        Path(home).chmod(0o755)
        settings = Settings(home=Path(home) / "home")
        with open_database(settings) as engine:
            with engine.begin() as connection:
                connection.exec_driver_sql("set local statement_timeout = 0")
                write(connection, rows(count), now=NOW)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("analyze")
            return measure(engine, settings, count)


def measure(engine: sa.Engine, settings: Settings, count: int) -> int:
    search = SearchService(engine, settings, lambda: NOW)
    runs = Runs(engine, settings, lambda: NOW, choose=Chooser(search).pids)
    print(f"{count} datasets, {count * PARAMETERS} parameters, {len(EDIT.operations)} operations")
    before = state(engine)
    plain_s, _ = timed("plain UPDATE, taken back", None, lambda: plainly(engine))
    chosen = Selection(where="kind=raw")
    shown_s, shown = timed("preview", plain_s, lambda: runs.preview(OPERATOR, chosen, EDIT))
    assert shown.changed == count, shown
    done_s, run = timed(
        "edit",
        plain_s,
        lambda: runs.apply(OPERATOR, chosen, EDIT, reason="Measured.", token=shown.token),
    )
    assert state(engine) != before
    undone_s, _ = timed("undo", plain_s, lambda: runs.undo(OPERATOR, run, reason="Measured."))
    assert state(engine) == before, "undoing did not restore the catalogue"
    print("the bare dump is what it was")
    limit = LIMIT_S * max(1.0, count / 10_000)
    return int(shown_s + done_s > limit or undone_s > limit)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
