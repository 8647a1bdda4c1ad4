"""`panosc tape`: what is wanted from tape, what is mounted, and what is wrong."""

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.data.restoring.standing import whole

app = typer.Typer(help="Files on tape: what is wanted and mounted.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Files on tape: what is wanted and mounted."""


@app.command("status")
def status_command(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what is wanted from tape, which volumes are mounted or wait, and what is wrong."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine, engine.connect() as connection:
        found = whole(connection)
    if as_json:
        terminal.show_json({"tape": settings.tape, **found.as_dict()})
        return
    if settings.tape is None:
        terminal.say("This node has no tape system: the setting `tape` names none.")
    terminal.show_rows(["files", "count"], list(found.files.items()))
    rows = [
        (item.volume, item.state, item.files, item.size, item.since.isoformat(), item.message)
        for item in found.volumes
    ]
    terminal.show_rows(["volume", "state", "files", "bytes", "since", "message"], rows)
    for text in found.troubles:
        terminal.say(text)
