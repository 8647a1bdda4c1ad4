"""`panosc ingest`: files become records by one command."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.ingest.report import Report, Trouble
from panosc.ingest.service import Request
from panosc.ingest.service import ingest as run

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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read also files that look unchanged.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register NeXus/HDF5 files: what they say becomes datasets, they stay where they are.

    Nothing is rejected for being incomplete. Files that cannot be read are set aside with
    the reason (exit code 3). Running it again reads only what has changed.
    """
    settings = settings_of(home, ingest_workers=workers)
    until = None if embargo_until is None else embargo_until.replace(tzinfo=UTC)
    request = Request(
        roots=paths,
        access=None if access is None else access.value,
        embargo_until=until,
        is_dry=dry_run,
        rehash=rehash,
        proposal=proposal,
    )
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
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _show(report: Report) -> None:
    would = "would be " if report.is_dry else ""
    all_files = report.files
    rows: list[list[str | int]] = [
        [f"{would}registered as new datasets", report.new, all_files],
        [f"{would}registered as new versions", report.versions, all_files],
        [f"{would}added as further places of known data", report.locations, all_files],
        ["unchanged", report.unchanged, all_files],
        ["not HDF5, left alone", report.left_alone, all_files],
        ["set aside, cannot be read", len(report.quarantined), all_files],
    ]
    if report.read:
        rows += [[f"read, with {what}", has, of] for what, has, of in report.completeness()]
    terminal.show_rows(["what", "files", "of"], rows)
    _list("Set aside", report.quarantined)
    _list("Read in part", report.warnings)
    _list("Passed over", report.passed)
    if report.unknown_units:
        units = ", ".join(f"{unit!r} ({count})" for unit, count in report.unknown_units.items())
        terminal.say(f"Units that nobody knows, kept as they are: {units}")


def _list(title: str, troubles: list[Trouble]) -> None:
    if not troubles:
        return
    terminal.say(f"{title}:")
    for item in troubles[:SHOWN]:
        terminal.say(f"  {item.path}: {item.reason}: {item.detail}")
    if len(troubles) > SHOWN:
        terminal.say(f"  … and {len(troubles) - SHOWN} more; --json names them all")
