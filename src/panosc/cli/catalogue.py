"""`panosc catalogue`: load and dump whole catalogues as NDJSON."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from panosc.catalogue.database import give_way, open_database
from panosc.catalogue.dumping import dump
from panosc.catalogue.loading import load
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.cli.people.group import taking
from panosc.identity.groups.keeping import rows
from panosc.policy import births
from panosc.policy.shelf import open_shelf

app = typer.Typer(help="Load and dump the catalogue as NDJSON.", no_args_is_help=True)


@app.command("load")
def load_command(
    folder: Annotated[Path, typer.Argument(help="Folder of files such as Dataset.ndjson[.gz].")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Load a folder of NDJSON, one file a class: all of it or nothing.

    Records are known by their identifier, so that loading twice changes nothing.
    """
    settings = settings_of(home)
    with (
        open_database(settings, progress=terminal.say) as engine,
        terminal.byte_progress() as report,
    ):
        give_way(engine)
        now, shelf = datetime.now(UTC), open_shelf(settings, engine)
        loaded = load(
            engine,
            folder,
            now=now,
            progress=report,
            beside=taking(engine, shelf, now=now),
            born=births.for_writers(shelf, now),
        )
    for name, keys in loaded.unknown.items():
        terminal.say(f"{name}: not in the data model, kept as they are: {', '.join(sorted(keys))}")
    if loaded.ignored:
        terminal.say(f"Not part of a catalogue, left alone: {', '.join(loaded.ignored)}")
    if as_json:
        terminal.show_json(
            {
                "rows": loaded.rows,
                "unknown": {name: sorted(keys) for name, keys in loaded.unknown.items()},
                "ignored": loaded.ignored,
            }
        )
    else:
        terminal.show_rows(["class", "rows"], list(loaded.rows.items()))


@app.command("dump")
def dump_command(
    folder: Annotated[Path, typer.Argument(help="Folder to write to; made when missing.")],
    home: Home = None,
    bare: Annotated[
        bool, typer.Option("--bare", help="Leave out stamps, so that equal catalogues are equal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the whole catalogue as sorted NDJSON, one file a class."""
    with open_database(settings_of(home), progress=terminal.say) as engine:
        counts = dump(engine, folder, bare=bare, beside=rows)
    if as_json:
        terminal.show_json(counts)
    else:
        terminal.show_rows(["class", "rows"], list(counts.items()))
