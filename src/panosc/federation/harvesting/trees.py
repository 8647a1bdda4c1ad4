"""A tree of files that was adopted: followed by ingests, and left by undoing them."""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.intake import run, run_record
from panosc.domain.access import OPERATOR
from panosc.federation.connectors.tree import TreeConnector
from panosc.federation.harvesting.keeping import Counts
from panosc.ingest.runs.service import Runs
from panosc.ingest.service import Request, ingest
from panosc.settings import Settings

Clock = Callable[[], datetime]


def reason_of(name: str) -> str:
    """Return what the runs of a tree are known by in the history."""
    return f"adopted as {name}"


def follow(
    engine: sa.Engine,
    settings: Settings,
    tree: TreeConnector,
    clock: Clock,
    progress: Callable[[int, int], None],
) -> Counts:
    """Ingest what is new in a tree, by its profile."""
    request = Request(
        roots=[tree.root],
        profile=tree.source.options.get("profile"),
        reason=reason_of(tree.source.name),
    )

    def tell(files: int, of_files: int, _bytes: int, _of_bytes: int) -> None:
        progress(files, of_files)

    report = ingest(engine, settings, request, who=OPERATOR, now=clock(), progress=tell)
    return Counts(
        seen=report.files,
        new=report.new,
        changed=report.versions,
        gone=report.removed,
        refused=len(report.quarantined),
    )


def would_go(engine: sa.Engine, name: str) -> int:
    """Return how many datasets came by a tree."""
    record = run_record.c
    came = (
        sa.select(sa.func.count(record.pid.distinct()))
        .join(run, run.c.id == record.run_id)
        .where(run.c.reason == reason_of(name), run.c.state != "undone", run.c.kind == "ingest")
        .where(record.model == "Dataset", record.before.is_(None))
    )
    with engine.connect() as connection:
        return int(connection.scalar(came) or 0)


def leave(engine: sa.Engine, settings: Settings, name: str, clock: Clock) -> None:
    """Undo all runs of a tree, the newest first; each can be had back by undoing that.

    Raises
    ------
    Conflict
        If runs of others have changed the same records since.
    """
    numbers = (
        sa.select(run.c.id)
        .where(run.c.reason == reason_of(name), run.c.state != "undone", run.c.kind == "ingest")
        .order_by(run.c.id.desc())
    )
    with engine.connect() as connection:
        found = list(connection.scalars(numbers))
    runs = Runs(engine, settings, clock)
    for number in found:
        runs.undo(OPERATOR, number, reason=f"{name} is removed")
