"""`panosc audit`: the audit trail, for a person to read or a program to follow."""

import sys
import time
from collections.abc import Iterator
from typing import Annotated

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.policy.audit import BLOCK, Event
from panosc.policy.decisions.watching import Chosen

PAUSE_S = 1.0
_COLUMNS = ("number", "time", "person", "event", "subject", "reason")


def audit(  # noqa: PLR0913, PLR0917 - the options of a command
    after: Annotated[int, typer.Option(min=0, help="Only lines above this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Go on as new lines come.")] = False,
    subject: Annotated[str | None, typer.Option(help="Only about this PID or account.")] = None,
    person: Annotated[str | None, typer.Option(help="Only what this account did.")] = None,
    event: Annotated[
        str | None, typer.Option(help="Only this event; may end in *, as in dataset.*")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print the audit trail, the oldest line first; --json prints one JSON object a line.

    A program that stopped goes on with --after and the last number it has.
    """
    chosen = Chosen(subject=subject, person=person, event=event)
    chosen.check()
    with open_database(settings_of(home), progress=terminal.say) as engine:
        if as_json:
            for block in _blocks(engine, chosen, after, follow=follow):
                sys.stdout.buffer.writelines(item.line() for item in block)
                sys.stdout.buffer.flush()
        elif follow:
            for block in _blocks(engine, chosen, after, follow=True):
                for row in map(_row, block):
                    typer.echo("\t".join("" if value is None else str(value) for value in row))
        else:
            _show(chosen.read(engine, after, BLOCK + 1, is_followed=False))


def _blocks(
    engine: sa.Engine, chosen: Chosen, after: int, *, follow: bool
) -> Iterator[list[Event]]:
    """Yield the lines above a number; with `follow` wait for more for ever."""
    while True:
        found = chosen.read(engine, after, BLOCK)
        if found:
            after = found[-1].number
            yield found
        elif follow:
            time.sleep(PAUSE_S)
        else:
            return


def _show(found: list[Event]) -> None:
    shown = found[:BLOCK]
    terminal.show_rows(_COLUMNS, [_row(item) for item in shown])
    if len(found) > BLOCK:
        terminal.say(f"There are more lines: go on with --after {shown[-1].number}.")


def _row(item: Event) -> list[str | int | None]:
    return [
        item.number,
        item.at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00"),
        item.person,
        item.event,
        item.subject,
        None if item.reason is None else " ".join(item.reason.split()),
    ]
