"""`panosc ingest runs|undo|quarantine|retry`: what was done, and taking it back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.ingest.runs.entries import Run
from panosc.ingest.runs.service import MOST, Runs
from panosc.search.choosing import Chooser
from panosc.search.service import SearchService

Reason = Annotated[str, typer.Option(help="Why; it stays in the history.")]


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def opened(home: Path | None) -> Iterator[Runs]:
    """Give the runs of a node to a block."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        search = SearchService(engine, settings, _now)
        yield Runs(engine, settings, _now, choose=Chooser(search).pids)


def runs_command(
    run: Annotated[int | None, typer.Argument(help="One run.", metavar="RUN")] = None,
    before: Annotated[int | None, typer.Option(min=1, help="Only runs below this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many.")] = 50,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the runs that changed records, the newest first; or one with its report."""
    with opened(home) as runs:
        if run is not None:
            found = runs.run(OPERATOR, run)
            if as_json:
                terminal.show_json(asdict(found))
            else:
                terminal.show_rows(["what", "value"], _details(found))
            return
        listed = runs.runs(OPERATOR, before=before, limit=limit)
    if as_json:
        terminal.show_json([asdict(item) for item in listed])
        return
    columns = ["run", "kind", "state", "started", "who", "records", "reason"]
    terminal.show_rows(columns, [_row(item) for item in listed])


def undo_command(
    run: Annotated[int, typer.Argument(help="The run to undo.", metavar="RUN")],
    reason: Reason,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Bring every record back to what it was before a run; that can be undone, too."""
    with opened(home) as runs:
        told(runs, runs.undo(OPERATOR, run, reason=reason), as_json=as_json)


def told(runs: Runs, number: int, *, as_json: bool) -> None:
    """Say what a run has done that has just ended."""
    done = runs.run(OPERATOR, number)
    if as_json:
        terminal.show_json(asdict(done))
        return
    report = done.report
    if "changed" in report:
        counts = f"changed {report['changed']} of {report['of']}"
    else:
        counts = ", ".join(f"{name} {report[name]}" for name in sorted(report))
    terminal.say(f"Run {number} is done: {counts}.")
    terminal.say(f"To take it back: panosc ingest undo {number} --reason …")


def quarantine_command(
    after: Annotated[str, typer.Option(help="Only URLs after this one.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many.")] = 100,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the files that cannot be read as what they claim to be."""
    with opened(home) as runs:
        total, files = runs.quarantine(OPERATOR, after=after, limit=limit)
    if as_json:
        terminal.show_json({"total": total, "files": [asdict(item) for item in files]})
        return
    rows = [
        [item.url, item.reason, item.detail, item.seen.isoformat(" ", "seconds")] for item in files
    ]
    terminal.show_rows(["file", "reason", "detail", "seen"], rows)
    if len(files) < total:
        terminal.say(f"{total} in all; go on with --after and the last file.")


def retry_command(
    files: Annotated[
        list[str] | None, typer.Argument(help="Paths or URLs; all without any.", metavar="[PATH]…")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Let the next run read files again that were set aside: all, or those named."""
    urls = None if not files else [_url(item) for item in files]
    with opened(home) as runs:
        count = runs.retry(OPERATOR, urls)
    if as_json:
        terminal.show_json({"files": count})
    else:
        terminal.say(f"The next run reads {count} files again.")


def _url(text: str) -> str:
    return text if "://" in text else Path(text).absolute().as_uri()


def _row(item: Run) -> list[Any]:
    return [
        item.id,
        item.kind,
        item.state,
        item.started.isoformat(" ", "seconds").removesuffix("+00:00"),
        item.who,
        sum(item.records.values()),
        item.reason,
    ]


def _details(item: Run) -> list[list[Any]]:
    rows: list[list[Any]] = [
        ["kind", item.kind],
        ["state", item.state],
        ["who", item.who],
        ["reason", item.reason],
        ["started", item.started.isoformat(" ", "seconds")],
        ["ended", None if item.ended is None else item.ended.isoformat(" ", "seconds")],
        ["undoes run", item.undoes],
        ["undone by run", item.undone_by],
        ["undo first", ", ".join(map(str, item.blocked_by)) or None],
    ]
    rows += [[f"touched {name}", count] for name, count in item.records.items()]
    rows += _reported(item.report)
    return [row for row in rows if row[1] is not None]


def _reported(report: Mapping[str, Any]) -> list[list[Any]]:
    """Return what a run reports, a line each; of long lists how much there is."""
    rows: list[list[Any]] = []
    for name, value in report.items():
        if name == "completeness":
            rows += [
                [f"datasets with {what}", f"{n['has']} of {n['of']}"] for what, n in value.items()
            ]
        elif isinstance(value, dict):
            rows += [[f"report {name}", ", ".join(value)]] if value else []
        elif isinstance(value, list):
            rows += [[f"report {name}", len(value)]] if value else []
        elif value:
            rows.append([f"report {name}", value])
    return rows
