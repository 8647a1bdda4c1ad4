"""`panosc ingest`: files become records by one command."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.intake.profiles import show
from panosc.cli.intake.watching import watch as watching
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid
from panosc.ingest.profiles.shipped import profile_of
from panosc.ingest.report import Report, Trouble
from panosc.ingest.service import Request
from panosc.ingest.service import ingest as run
from panosc.settings import Settings

LOOKED_AT = 1000
"""Most datasets of a run of which is told how FAIR they are."""
SHOWN = 20
"""Most files that are named for one reason; all are in the JSON."""


class Access(StrEnum):
    """Who may see what is ingested."""

    open = "open"
    embargoed = "embargoed"
    closed = "closed"


def ingest(  # noqa: PLR0913, PLR0917 - the options of a command
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders to walk.", metavar="PATH…")
    ],
    home: Home = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="Site profile: a shipped one (`panosc ingest profiles`), or a YAML file.",
            show_default="plain",
        ),
    ] = None,
    access: Annotated[
        Access | None, typer.Option(help="Access to what is new.", show_default="open")
    ] = None,
    proposal: Annotated[
        str | None,
        typer.Option(help="Proposal whose data these are: the policy decides on access."),
    ] = None,
    embargo_until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) on which an embargo ends."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that read files.", show_default="2")
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="What is there is all: wait for no more files.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on watching the folders until Ctrl-C.")
    ] = False,
    every: Annotated[
        float | None,
        typer.Option(min=0.1, help="Seconds between looks, with --watch.", show_default="2"),
    ] = None,
    heartbeat: Annotated[
        Path | None, typer.Option(help="File for a sign of life at each look, with --watch.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Only say what the profile makes of each path, and why."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read also files that look unchanged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register files and folders; `panosc ingest PATH…` is short for it.

    Nothing is rejected for being incomplete or of a foreign format. Files that cannot be read
    are set aside with the reason (exit code 3). Running it again reads only what has changed.
    """
    settings = settings_of(home, ingest_workers=workers, profile=profile, watch_every_s=every)
    if explain:
        chosen = profile_of(settings)
        for path in paths:
            show(chosen, path, as_json)
        return
    until = None if embargo_until is None else embargo_until.replace(tzinfo=UTC)
    request = Request(
        roots=paths,
        access=None if access is None else access.value,
        embargo_until=until,
        is_dry=dry_run,
        rehash=rehash,
        proposal=proposal,
        complete=complete,
        kind="watch" if watch else "ingest",
    )
    if watch:
        _watch(settings, request, heartbeat=heartbeat, as_json=as_json)
        return
    if every is not None or heartbeat is not None:
        raise Invalid("These options go with --watch.", field="every, heartbeat")
    with (
        open_database(settings, progress=terminal.say) as engine,
        terminal.byte_progress() as bar,
    ):

        def tell(files: int, of_files: int, size: int, of_size: int) -> None:
            bar(f"{files} of {of_files} files", size, of_size)

        report = run(engine, settings, request, who=OPERATOR, now=datetime.now(UTC), progress=tell)
        if as_json:
            terminal.show_json(report.as_json())
        else:
            _show(report)
            _tell_how_fair(engine, settings, report)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _watch(settings: Settings, request: Request, *, heartbeat: Path | None, as_json: bool) -> None:
    if request.is_dry:
        raise Invalid("Watching writes; --dry-run does not.", field="dry-run")
    watching(settings, request, heartbeat=heartbeat, as_json=as_json)


def _show(report: Report) -> None:
    would = "would be " if report.is_dry else ""
    rows: list[list[str | int]] = [
        ["files looked at", report.files, ""],
        [f"datasets {would}registered as new", report.new, ""],
        [f"datasets {would}registered as new versions", report.versions, ""],
        [f"datasets {would}given a further place", report.locations, ""],
        ["places that wait for more files", report.waiting, ""],
        ["files unchanged", report.unchanged, report.files],
        ["files left alone, as the profile says", report.left_alone, report.files],
        ["files set aside, cannot be read", len(report.quarantined), report.files],
        ["files that are gone", report.removed, ""],
    ]
    if report.read:
        rows += [[f"datasets with {what}", has, of] for what, has, of in report.completeness()]
    terminal.show_rows(["what", "number", "of"], rows)
    _list("Set aside", report.quarantined)
    _list("Read in part", report.warnings)
    _list("Passed over", report.passed)
    if report.unknown_units:
        units = ", ".join(f"{unit!r} ({count})" for unit, count in report.unknown_units.items())
        terminal.say(f"Units that nobody knows, kept as they are: {units}")
    if report.new_instruments:
        terminal.say(f"Instruments met for the first time: {', '.join(report.new_instruments)}")
    if report.unknown_proposals:
        terminal.say(
            f"Proposals that nobody knows, closed until then: {', '.join(report.unknown_proposals)}"
        )
    if report.run is not None:
        terminal.say(f"Run {report.run}: `panosc ingest undo {report.run}` takes it back.")


def _tell_how_fair(engine: sa.Engine, settings: Settings, report: Report) -> None:
    came = list(report.pids)[:LOOKED_AT]
    if report.is_dry or not came or not report.new + report.versions:
        return
    # what it needs takes a second to import, which a run that finds nothing new should not wait for
    from panosc.cli.publishing.scores import tell  # noqa: PLC0415

    tell(engine, settings, came, datetime.now(UTC))


def _list(title: str, troubles: list[Trouble]) -> None:
    if not troubles:
        return
    terminal.say(f"{title}:")
    for item in troubles[:SHOWN]:
        terminal.say(f"  {item.path}: {item.reason}: {item.detail}")
    if len(troubles) > SHOWN:
        terminal.say(f"  … and {len(troubles) - SHOWN} more; --json names them all")
