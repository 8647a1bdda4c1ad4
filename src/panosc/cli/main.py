"""The command `panosc`: its verbs put together, and errors turned into exit codes."""

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from panosc import __version__
from panosc.cli import catalogue, group, policy, terminal, token, user
from panosc.cli.audit import audit
from panosc.cli.config import config
from panosc.cli.ingest import ingest
from panosc.cli.remote.login import login, logout, whoami
from panosc.cli.serve import serve
from panosc.domain.errors import PanoscError

app = typer.Typer(
    help="Photon and Neutron Open Science Cloud: one node of it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(ingest)
app.add_typer(catalogue.app, name="catalogue")
app.add_typer(group.app, name="group")
app.add_typer(policy.app, name="policy")
app.add_typer(token.app, name="token")
app.add_typer(user.app, name="user")
app.command()(audit)
app.command()(login)
app.command()(logout)
app.command()(whoami)
app.command()(config)


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


def main() -> None:
    """Run the command line: exit 0 done, 1 failed, 2 bad use, 3 partly, 130 interrupted."""
    try:
        app()
    except PanoscError as error:
        terminal.complain(error)
        sys.exit(error.exit_code)
    except DBAPIError as error:
        terminal.err.print(f"The database failed: {error.orig}", style="red", markup=False)
        terminal.say("Nothing is half done. Run the same command again.")
        sys.exit(1)
    except KeyboardInterrupt:
        terminal.say("Interrupted. Nothing is half done; run the same command again to go on.")
        sys.exit(130)
