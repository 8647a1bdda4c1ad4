"""`panosc doi`: have DOIs registered, see how they stand, try again, and a stand-in of DataCite."""

import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.domain.errors import Invalid, PanoscError
from panosc.policy.shelf import open_shelf
from panosc.publication.minting.asking import Minting
from panosc.publication.minting.datacite import STATES
from panosc.publication.minting.queue import Line
from panosc.publication.minting.standin import StandIn
from panosc.settings import Settings

if TYPE_CHECKING:
    from panosc.publication.record import Model

app = typer.Typer(help="DOIs of datasets and documents at DataCite.", no_args_is_help=True)
_COLUMNS = ["doi", "pid", "state", "wanted", "tries", "due", "message"]
_PARTLY = 3


@app.callback()
def _group() -> None:
    """DOIs of datasets and documents at DataCite."""


@app.command("mint")
def mint(
    pids: Annotated[list[str] | None, typer.Argument(metavar="PID…", help="Datasets.")] = None,
    document: Annotated[
        list[str] | None, typer.Option(metavar="PID", help="A document; may be repeated.")
    ] = None,
    state: Annotated[str, typer.Option(help="draft, registered or findable.")] = "findable",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Queue DOIs of records, or another state of them; a node that serves registers them."""
    wanted: list[tuple[Model, str]] = [("Dataset", pid) for pid in pids or ()]
    wanted += [("Document", pid) for pid in document or ()]
    if not wanted:
        raise Invalid(
            "No record is named.", field="PID", hint="Name datasets, or documents by --document."
        )
    chosen = next((name for name in STATES if name == state), None)
    if chosen is None:
        raise Invalid(
            f"There is no state {state!r} of a DOI.",
            field="state",
            hint=f"Use one of {', '.join(STATES)}.",
        )
    settings = settings_of(home)
    lines: list[Line] = []
    failed: list[PanoscError] = []
    with open_database(settings, progress=terminal.say) as engine:
        minting = _minting(engine, settings)
        for model, pid in wanted:
            try:
                lines.append(minting.mint(OPERATOR, model, pid, state=chosen))
            except PanoscError as error:
                if len(wanted) == 1:
                    raise
                terminal.complain(error)
                failed.append(error)
    if as_json:
        terminal.show_json([_told(line) for line in lines])
    else:
        terminal.show_rows(["doi", "pid", "wanted"], [(x.doi, x.pid, x.wanted) for x in lines])
    if failed:
        raise typer.Exit(_PARTLY if lines else failed[0].exit_code)


@app.command("status")
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Tell how many DOIs are in which state, and which of them wait or need a person."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        found = _minting(engine, settings).standing(OPERATOR)
    if as_json:
        terminal.show_json(
            {
                "account": settings.datacite_account,
                "prefix": settings.doi_prefix,
                "running": found.is_led,
                "counts": found.counts,
                "unfinished": [_told(line) for line in found.lines],
            }
        )
        return
    if settings.datacite_account is None:
        terminal.say("This node has no account at DataCite: its PIDs are stable, and local to it.")
    elif not found.is_led:
        terminal.say("No process registers DOIs now: `panosc serve` does.")
    terminal.show_rows(["state", "count"], list(found.counts.items()))
    rows = [[_told(line)[name] for name in _COLUMNS] for line in found.lines]
    if rows:
        terminal.show_rows(_COLUMNS, rows)


@app.command("retry")
def retry(home: Home = None, as_json: AsJson = False) -> None:
    """Try at once again what waits after a fault, or was refused and put right since."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        count = _minting(engine, settings).retry(OPERATOR)
    if as_json:
        terminal.show_json({"retried": count})
        return
    terminal.say(f"{count} DOIs are tried again.")


@app.command("stand-in")
def stand_in(
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
) -> None:
    """Run a stand-in of DataCite for trying out: it registers nothing; Ctrl-C stops it."""
    with StandIn(port=port).running() as running:
        terminal.say("This is not DataCite: what it has ends with it. Settings of a node for it:")
        typer.echo(f'datacite_url = "{running.url}"')
        typer.echo(f'datacite_account = "{running.account}"')
        typer.echo(f'datacite_password = "{running.password}"')
        typer.echo('outbound_hosts = ["127.0.0.1"]')
        threading.Event().wait()


def _minting(engine: sa.Engine, settings: Settings) -> Minting:
    find = open_shelf(settings, engine).finder(engine)
    return Minting(engine, settings, lambda: datetime.now(UTC), find)


def _told(line: Line) -> dict[str, Any]:
    return asdict(line)
