"""`panosc storage`: the storages that files are read from, and telling which files lie there."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from panosc.catalogue.database import give_way, open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.domain.errors import PanoscError, Unreachable, Unreadable
from panosc.files.storage.opening import open_place
from panosc.files.storage.places import Store, local_path, place_of, stores_of
from panosc.ingest.places.adding import Adding, Report, Wish, prefix_of

app = typer.Typer(
    help="Storages that files are read from: list, check, add what lies there.",
    no_args_is_help=True,
)
PARTLY = 3


@app.command("list")
def list_command(home: Home = None, as_json: AsJson = False) -> None:
    """List the configured storages, without their secrets."""
    stores = stores_of(settings_of(home))
    if as_json:
        terminal.show_json([_told(store) for store in stores])
        return
    columns = ["name", "url", "endpoint", "with a key", "private"]
    rows = [
        [store.name, store.url, store.endpoint, _yes(store.secret is not None), _yes(store.private)]
        for store in stores
    ]
    terminal.show_rows(columns, rows)


@app.command("check")
def check_command(home: Home = None, as_json: AsJson = False) -> None:
    """Ask each storage for a file that cannot be there: it has to answer, and to let us in.

    Exit code 3 if one of them does not.
    """
    stores = stores_of(settings_of(home))
    found = [_checked(store) for store in stores]
    if as_json:
        terminal.show_json(found)
    else:
        rows = [[one["name"], one["state"], one["ms"], one["detail"]] for one in found]
        terminal.show_rows(["name", "state", "ms", "detail"], rows)
    if any(one["state"] != "reachable" for one in found):
        raise typer.Exit(PARTLY)


@app.command("add-location")
def add_location_command(  # noqa: PLR0913, PLR0917 - the options of a command
    old: Annotated[str, typer.Argument(help="Folder or prefix where files are known.")],
    new: Annotated[str, typer.Argument(help="Where they lie, too: s3://bucket/folder/")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Forget the old place of each file found there.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read each file there and compare its checksum.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, and change nothing.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why; it stays in the history.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Note that files of the catalogue lie in a further place, after looking there.

    Each must be there with the size that is known. Stopped in the middle, it goes on when it
    is run again. Exit code 3 if some files are not there or are others.
    """
    settings = settings_of(home)
    wish = Wish(
        old=prefix_of(old, _address),
        new=prefix_of(new, _address),
        replace=replace,
        verify=verify,
        dry_run=dry_run,
        reason=reason,
    )
    stores = stores_of(settings)
    with open_database(settings, progress=terminal.say) as engine, _progress() as report:
        give_way(engine)
        done = Adding(engine, stores, _now).add(OPERATOR, wish, progress=report)
    _show(done, wish, as_json=as_json)
    if done.refused:
        raise typer.Exit(PARTLY)


def _show(done: Report, wish: Wish, *, as_json: bool) -> None:
    if as_json:
        terminal.show_json(asdict(done))
        return
    terminal.show_rows(["file", "problem"], [[item.url, item.problem] for item in done.problems])
    would = "would get" if wish.dry_run else "got"
    terminal.say(
        f"{done.files:,} files: {done.added:,} {would} a further place, {done.known:,} had it,"
        f" {done.missing:,} are not there, {done.different:,} differ,"
        f" {done.unreadable:,} cannot be told."
    )
    if done.run is not None:
        terminal.say(f"To take it back: panosc ingest undo {done.run} --reason …")


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a bar of files on a terminal."""
    columns = (
        TextColumn("files"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = terminal.err
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("files", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _address(text: str) -> str:
    # a prefix as `ingest` writes those of its files
    return Path(text).expanduser().absolute().as_uri()


def _checked(store: Store) -> dict[str, Any]:
    begun = time.monotonic()
    state, detail = "reachable", ""
    try:
        if store.kind == "file" and not Path(local_path(store.url)).is_dir():
            raise Unreachable("There is no such folder.")
        place = place_of(f"{store.url}panosc-storage-check", (store,))
        with open_place(place) as source:
            _ = source.size
    except Unreadable as error:
        if error.reason != "gone":
            state, detail = error.reason, error.detail
    except PanoscError as error:
        state, detail = error.code, error.detail
    passed = round((time.monotonic() - begun) * 1000)
    return {"name": store.name, "state": state, "ms": passed, "detail": detail}


def _told(store: Store) -> dict[str, Any]:
    told = asdict(store)
    told["key"] = told["secret"] = None
    return {**told, "has_secret": store.secret is not None}


def _yes(value: bool) -> str:
    return "yes" if value else "no"
