"""How FAIR datasets are, on a terminal."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from panosc.app import publications
from panosc.catalogue.beside.leading import is_led
from panosc.cli import terminal
from panosc.domain.access import OPERATOR
from panosc.policy.shelf import open_shelf
from panosc.publication.fair.checks import Report, named, report, summary
from panosc.publication.fair.following import POST, Scoring
from panosc.publication.fair.routes import shown
from panosc.publication.fair.service import Scored, Standing
from panosc.publication.gathering import Gatherer
from panosc.settings import Settings

_MOST: Final = 5


def show_one(found: Report, *, as_json: bool) -> None:
    """Show the report of one dataset."""
    if as_json:
        terminal.show_json(shown(found).model_dump())
        return
    rows = [
        (
            item.check.name,
            item.verdict,
            item.check.points,
            item.check.mends if item.verdict == "failed" else "",
        )
        for item in found.findings
    ]
    terminal.show_rows(["check", "verdict", "points", "what to do"], rows)
    terminal.say(f"{found.score} % of the points.")


def show_all(standing: Standing, items: Sequence[Scored], *, as_json: bool) -> None:
    """Show what is missing in all datasets, and those that lack most."""
    if as_json:
        terminal.show_json(
            {
                "datasets": standing.total,
                "median": standing.median,
                "missing": standing.missing,
                "items": [
                    {
                        "pid": item.pid,
                        "title": item.title,
                        "score": item.score,
                        "missing": item.missing,
                    }
                    for item in items
                ],
            }
        )
        return
    if not standing.total:
        terminal.say("There are no datasets yet: `panosc ingest` registers some.")
        return
    failing = sorted(standing.missing.items(), key=lambda pair: -pair[1])
    rows = [(name, count, check.mends) for name, count in failing if (check := named(name))]
    terminal.show_rows(
        ["check", "datasets", "what to do"],
        rows,
    )
    terminal.show_rows(
        ["dataset", "score", "missing"],
        [(item.pid, item.score, ", ".join(item.missing)) for item in items],
    )
    terminal.say(f"{standing.total:,} datasets; half of them have {standing.median} % or more.")


def catch_up(engine: sa.Engine, gatherer: Gatherer) -> None:
    """Look at what nobody has looked at yet; a node that serves does it by itself."""
    with engine.connect() as connection:
        if is_led(connection, POST):
            return
    Scoring(engine, gatherer).catch_up()


def tell(engine: sa.Engine, settings: Settings, pids: Sequence[str], now: datetime) -> None:
    """Tell how FAIR datasets are that have just come, and what would mend most."""
    services = publications(engine, settings, lambda: now, shelf=open_shelf(settings, engine))
    with engine.connect() as connection:
        found = services.gatherer.many(connection, OPERATOR, "Dataset", pids, lambda path: path)
    reports = [report(item) for item in found]
    if not reports:
        return
    total, failing = summary(reports)
    mean = sum(item.score for item in reports) // total
    lost = ", ".join(f"{check.name} ({count} of {total})" for check, count in failing[:_MOST])
    terminal.say(
        f"How FAIR they are: {mean} % of the points{f'; missing: {lost}' if lost else ''}."
    )
    terminal.say(f"`panosc fair {pids[0]}` says what to do.")
