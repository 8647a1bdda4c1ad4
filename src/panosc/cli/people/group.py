"""`panosc group`: groups of the user office, guests, and roles in the whole node."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from panosc.catalogue.database import open_database
from panosc.catalogue.loading import Beside
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.identity.groups.importing import Imported
from panosc.identity.groups.keeping import GroupStore
from panosc.identity.groups.reading import moment
from panosc.policy import births
from panosc.policy.shelf import Shelf, open_shelf

app = typer.Typer(help="Groups, their members, roles in this node.", no_args_is_help=True)
Person = Annotated[str, typer.Argument(help="Account, ORCID iD or other name, such as uo:42.")]
Role = Annotated[str | None, typer.Option(help="pi, team, local_contact, guest, steward …")]


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _opened(home: Path | None) -> Iterator[GroupStore]:
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        yield GroupStore(engine, _now, births.for_groups(open_shelf(settings, engine)))


def taking(engine: sa.Engine, shelf: Shelf, *, now: datetime) -> Beside:
    """Return what takes the groups of a catalogue over when it is loaded."""
    store = GroupStore(engine, lambda: now, births.for_groups(shelf))

    def take(connection: sa.Connection, paths: Sequence[Path]) -> Mapping[str, int]:
        done = store.load(connection, paths, who=OPERATOR)
        _tell_apart(done)
        return {"Group": done.groups, "GroupMember": done.members}

    return take


@app.command("import")
def import_command(
    files: Annotated[
        list[Path], typer.Argument(help="Files such as Group.ndjson[.gz] or teams.json.")
    ],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take over groups and members from the user office: all of it or nothing.

    A group in the files has exactly the members of the files; who left is no longer in it.
    Guests and roles that were given here stay. The same files again change nothing.
    """
    with _opened(home) as store:
        done = store.take_files(OPERATOR, files)
    _tell_apart(done)
    counts = {
        "groups": done.groups,
        "changed": len(done.changed),
        "members added": done.added,
        "members removed": done.removed,
        "names merged": done.names,
    }
    if as_json:
        terminal.show_json({**counts, "apart": [list(pair) for pair in done.apart]})
    else:
        terminal.show_rows(["what", "count"], list(counts.items()))


@app.command("list")
def list_command(home: Home = None, as_json: AsJson = False) -> None:
    """List all groups with their dates and how many belong to them now."""
    with _opened(home) as store:
        found = store.listed(OPERATOR)
    names = ("name", "title", "access_type", "starts", "ends", "members")
    _show(names, [[getattr(item, name) for name in names] for item in found], as_json=as_json)


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="Name of the group; node for the whole node.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show who is in a group, in which role, until when, and who says so."""
    with _opened(home) as store:
        found, members = store.shown(OPERATOR, name)
    names = ("person", "account", "role", "until", "source")
    if found.title:
        terminal.say(found.title)
    _show(names, [[getattr(item, name) for name in names] for item in members], as_json=as_json)


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(help="Name of the group; node for the whole node.")],
    person: Person,
    role: Role = "guest",
    until: Annotated[
        str | None, typer.Option(help="Last day, such as 2026-12-31; for ever without.")
    ] = None,
    home: Home = None,
) -> None:
    """Make someone a member: a guest, or steward, director, administrator of the group node."""
    end = moment({"until": until}, "until", ends=True)
    with _opened(home) as store:
        added = store.add(OPERATOR, name, person, role=role or "guest", until=end)
    terminal.say(f"{added.person} is now {added.role} in {added.group}.")
    if added.account is None:
        terminal.say("Nobody has signed in under this name yet; it waits for them.")


@app.command("remove")
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of the group; node for the whole node.")],
    person: Person,
    role: Role = None,
    home: Home = None,
) -> None:
    """Take back what was given by `add`; without --role all of it."""
    with _opened(home) as store:
        store.remove(OPERATOR, name, person, role=role)
    terminal.say(f"{person} has nothing from this node in {name} any more.")


def _tell_apart(done: Imported) -> None:
    for first, second in done.apart:
        terminal.say(
            f"{second} is said to be the same person as {first}, but both have an account of "
            "their own: left apart. One of them has to link the identity of the other."
        )


def _show(names: Sequence[str], rows: list[list[Any]], *, as_json: bool) -> None:
    if as_json:
        terminal.show_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        terminal.show_rows(names, rows)
