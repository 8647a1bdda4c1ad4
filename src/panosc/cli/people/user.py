"""`panosc user`: the accounts of the node, and services of beamlines."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.identity.personal.erasing import Erasure
from panosc.identity.services import Account, AccountService

app = typer.Typer(help="Accounts of people and services.", no_args_is_help=True)

Person = Annotated[str, typer.Argument(help="Account, or another name of it such as orcid:….")]
_COLUMNS = ["account", "kind", "name", "orcid", "class", "instrument", "locked", "seen"]


@app.command("list")
def show(home: Home = None, as_json: AsJson = False) -> None:
    """List all accounts of the node."""
    with open_database(settings_of(home), progress=terminal.say) as engine:
        _print(AccountService(engine, _now).listed(OPERATOR), as_json=as_json)


@app.command("add-service")
def add_service(
    name: Annotated[str, typer.Argument(help="Its name; the account is svc-NAME.")],
    instrument: Annotated[str, typer.Option(help="PID of the instrument that it belongs to.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add the account of a program at one instrument; panosc token create gives it a token."""
    with open_database(settings_of(home), progress=terminal.say) as engine:
        added = AccountService(engine, _now).add_service(OPERATOR, name, instrument=instrument)
    _print([added], as_json=as_json)


@app.command("lock")
def lock(person: Person, home: Home = None, as_json: AsJson = False) -> None:
    """Lock an account: its sessions and tokens are dead at once, and it cannot sign in."""
    _lock(person, home=home, is_locked=True, as_json=as_json)


@app.command("unlock")
def unlock(person: Person, home: Home = None, as_json: AsJson = False) -> None:
    """Open a locked account again."""
    _lock(person, home=home, is_locked=False, as_json=as_json)


@app.command("erase")
def erase(
    person: Person,
    reason: Annotated[str, typer.Option(help="Who asked for it, and when.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    home: Home = None,
) -> None:
    """Erase what is kept on a person. Their data and what they made stay; it cannot be undone."""
    with open_database(settings_of(home), progress=terminal.say) as engine:
        name = AccountService(engine, _now).named(person)
        if not yes:
            typer.confirm(f"Erase the account {name} for good?", abort=True, err=True)
        Erasure(engine, _now).erase(OPERATOR, name, reason=reason)
    terminal.say(f"{name} is erased. Signing in again makes a new account.")


def _lock(person: str, *, home: Home, is_locked: bool, as_json: bool) -> None:
    with open_database(settings_of(home), progress=terminal.say) as engine:
        accounts = AccountService(engine, _now)
        changed = accounts.lock(OPERATOR, accounts.named(person), is_locked=is_locked)
    _print([changed], as_json=as_json)


def _now() -> datetime:
    return datetime.now(UTC)


def _print(accounts: Iterable[Account], *, as_json: bool) -> None:
    rows = [
        [
            item.id,
            item.kind,
            item.name,
            item.orcid,
            item.user_class,
            item.instrument,
            "yes" if item.is_locked else "",
            item.seen.isoformat(),
        ]
        for item in accounts
    ]
    if as_json:
        terminal.show_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        terminal.show_rows(_COLUMNS, rows)
