"""How what is known of other catalogues is printed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from panosc.cli import terminal
from panosc.federation.contract import Probed
from panosc.federation.harvesting.harvester import Outcome
from panosc.federation.harvesting.harvester import Progress as Report
from panosc.federation.sources import Known

COLUMNS = ["name", "kind", "url", "live", "harvested", "adopted", "next harvest"]


def row_of(known: Known) -> list[Any]:
    """Return a line of the list."""
    source = known.source
    flags = (source.is_live, source.is_harvested, source.is_adopted)
    due = None if known.due is None else known.due.isoformat(timespec="seconds")
    return [source.name, source.kind, source.url, *("yes" if one else "no" for one in flags), due]


def told_of(known: Known) -> dict[str, Any]:
    """Return all that may be told of a catalogue: nothing secret."""
    source = known.source
    return {
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "title": source.title,
        "options": dict(source.options),
        "prefix": source.prefix,
        "account": source.account,
        "has_secret": source.secret is not None,
        "is_private": source.is_private,
        "is_live": source.is_live,
        "is_harvested": source.is_harvested,
        "is_adopted": source.is_adopted,
        "every_s": source.every_s,
        "added": known.added,
        "by": known.by,
        "due": known.due,
        "swept": known.swept,
        "probed_at": known.probed_at,
        "probed": None if known.probed is None else asdict(known.probed),
    }


def show_probed(probed: Probed) -> None:
    """Print what a probe found."""
    named = " ".join(text for text in (probed.title, probed.version) if text)
    if named:
        terminal.say(f"It is {named}.")
    rows: list[list[Any]] = [[name, count] for name, count in probed.totals.items()]
    if rows:
        terminal.show_rows(["class", "records"], rows)
    found = [[name, item.state, item.evidence] for name, item in probed.features.items()]
    if found:
        terminal.show_rows(["feature", "works", "evidence"], found)


def outcome_of(outcome: Outcome) -> dict[str, Any]:
    """Return what a harvest brought."""
    return {"name": outcome.name, **asdict(outcome.counts), "swept": outcome.swept}


def show_outcomes(found: list[dict[str, Any]]) -> None:
    """Print what harvests brought."""
    columns = ["name", "seen", "new", "changed", "gone", "refused", "problem"]
    terminal.show_rows(columns, [[one.get(name) for name in columns] for one in found])


@contextmanager
def records_progress(name: str) -> Iterator[Report]:
    """Show a bar of records on a terminal."""
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = terminal.err
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)

        def report(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=f"{name}: {what}", completed=done, total=total)

        yield report
