"""`panosc token`: tokens for programs, made in a shell on the node without a browser."""

from datetime import UTC, datetime
from typing import Annotated

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.identity.services import AccountService
from panosc.identity.tokens import TokenService
from panosc.settings import Settings

app = typer.Typer(help="Tokens for programs, made on the node itself.", no_args_is_help=True)

_COLUMNS = ["id", "account", "name", "scopes", "expires", "used"]


@app.command("create")
def create(
    person: Annotated[
        str, typer.Option("--as", help="Account, or another name of it such as orcid:….")
    ],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[
        list[str], typer.Option(help="read, data, write, manage; may be repeated.")
    ] = ["read"],  # noqa: B006 - how typer takes a default
    days: Annotated[int, typer.Option(help="Days that it lasts, 1 to 366.")] = 30,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for an account and print it, this once: the node keeps no copy."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        owner = _accounts(engine).named(person)
        made = _tokens(engine, settings).create(
            OPERATOR, name=name, scopes=set(scope), days=days, owner=owner
        )
    if as_json:
        terminal.show_json(made.token.told() | {"token": made.secret})
        return
    terminal.say(
        f"For {owner} until {made.token.expires:%Y-%m-%d}. Keep it like a password: it is "
        "printed this once."
    )
    typer.echo(made.secret)


@app.command("list")
def show(
    person: Annotated[
        str | None, typer.Option("--as", help="Of this account alone, by any of its names.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List tokens that are not revoked, without their secrets."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        owner = None if person is None else _accounts(engine).named(person)
        found = [token.told() for token in _tokens(engine, settings).listed(OPERATOR, owner)]
    if as_json:
        terminal.show_json(found)
        return
    rows = [
        [", ".join(row[key]) if key == "scopes" else row[key] for key in _COLUMNS] for row in found
    ]
    terminal.show_rows(_COLUMNS, rows)


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="ID", help="Its id, as in the list.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a token, or the whole login of a program."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        ended = _tokens(engine, settings).revoke(OPERATOR, name)
    if as_json:
        terminal.show_json(ended.told())
    terminal.say(f"Revoked: {ended.name}, of {ended.account}.")


def _now() -> datetime:
    return datetime.now(UTC)


def _accounts(engine: sa.Engine) -> AccountService:
    return AccountService(engine, _now)


def _tokens(engine: sa.Engine, settings: Settings) -> TokenService:
    return TokenService(engine, settings, _now)
