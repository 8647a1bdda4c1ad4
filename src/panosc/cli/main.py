"""The command `panosc`: its verbs put together, and errors turned into exit codes."""

import sys
from typing import Annotated

import typer

from panosc import __version__
from panosc.cli import terminal
from panosc.cli.lazily import LazyGroup
from panosc.domain.errors import PanoscError

app = typer.Typer(
    cls=LazyGroup,
    help="Photon and Neutron Open Science Cloud: one node of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before the verb."""


def _database_errors() -> tuple[type[Exception], ...]:
    """Return what a database failure looks like; nothing where none was used."""
    exceptions = sys.modules.get("sqlalchemy.exc")
    return () if exceptions is None else (exceptions.DBAPIError,)


def main() -> None:
    """Run the command line: exit 0 done, 1 failed, 2 bad use, 3 partly, 130 interrupted."""
    try:
        app()
    except PanoscError as error:
        terminal.complain(error)
        sys.exit(error.exit_code)
    except _database_errors() as error:
        reason = getattr(error, "orig", error)
        terminal.err.print(f"The database failed: {reason}", style="red", markup=False)
        terminal.say("Nothing is half done. Run the same command again.")
        sys.exit(1)
    except KeyboardInterrupt:
        terminal.say("Interrupted. Nothing is half done; run the same command again to go on.")
        sys.exit(130)
