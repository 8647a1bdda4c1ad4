"""`panosc policy`: check documents, show those in force, explain a dataset, try another policy."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
import yaml

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.domain.access import OPERATOR
from panosc.domain.errors import PanoscError
from panosc.policy.explaining import Explaining, Explanation
from panosc.policy.opening.simulating import Amount, Opening, Simulating, Simulation
from panosc.policy.shelf import Shelf, example, examples, files_of, named, open_shelf, read_shelf
from panosc.policy.written.checking import check_file, document_of
from panosc.settings import Settings

app = typer.Typer(help="The data policy: check, show, explain, try out.", no_args_is_help=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _names() -> list[str]:
    """Complete a name: what is in force at the default home, and the examples."""
    try:
        in_force = [document.name for document in read_shelf(Settings()).in_force]
    except (PanoscError, ValueError):
        in_force = []
    return [*in_force, *examples()]


def _complete(incomplete: str) -> list[str]:
    return [name for name in _names() if name.startswith(incomplete)]


@contextmanager
def _opened(home: Path | None) -> Iterator[tuple[sa.Engine, Shelf]]:
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        yield engine, open_shelf(settings, engine)


@app.command("check")
def check_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Policy documents; those of the node when none is given."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check policy documents and name every fault, with its line; exit code 2 if there is one."""
    paths = files or files_of(settings_of(home))
    checked = [(path, check_file(path)) for path in paths]
    faults = [fault for _, item in checked for fault in item.faults]
    if as_json:
        terminal.show_json(
            [
                {
                    "file": str(path),
                    "policy": item.document.name if item.document else None,
                    "faults": [
                        {"line": fault.line, "path": fault.path, "message": fault.message}
                        for fault in item.faults
                    ],
                }
                for path, item in checked
            ]
        )
    else:
        good = [[item.document.name, str(path)] for path, item in checked if item.document]
        if good:
            terminal.show_rows(["policy", "file"], good)
        for fault in faults:
            terminal.say(str(fault))
    if faults:
        raise typer.Exit(2)


@app.command("show")
def show_command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="ID, ID@VERSION or example; all in force without it.", autocompletion=_complete
        ),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Print a policy as YAML; older versions too, by their whole name."""
    settings = settings_of(home)
    if name is None:
        documents = list(read_shelf(settings).in_force)
    elif "@" in name:
        with _opened(home) as (engine, shelf):
            documents = [shelf.finder(engine)(name)]
    else:
        documents = [named(settings, name)]
    if as_json:
        terminal.show_json([document.as_json() for document in documents])
        return
    for document in documents:
        text = yaml.safe_dump(document.as_json(), sort_keys=False, allow_unicode=True, width=100)
        terminal.out.print(f"---\n{text}", end="", markup=False)


@app.command("list")
def list_command(home: Home = None, as_json: AsJson = False) -> None:
    """List the policies in force, the versions before them, and the examples."""
    with _opened(home) as (engine, shelf), engine.connect() as connection:
        rows = [
            [
                item.document.name,
                "in force" if item.is_in_force else "earlier",
                item.document.policy.effective_from.isoformat(),
                item.document.policy.title,
                str(shelf.paths.get(item.document.name, "")),
            ]
            for item in shelf.versions(connection)
        ]
    known = {row[0] for row in rows}
    for name in examples():
        document = document_of(example(name))
        if document.name not in known:
            rows.append(
                [
                    name,
                    "example",
                    document.policy.effective_from.isoformat(),
                    document.policy.title,
                    "",
                ]
            )
    columns = ["policy", "state", "effective from", "title", "file"]
    if as_json:
        terminal.show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        terminal.show_rows(columns, rows)


@app.command("explain")
def explain_command(
    pid: Annotated[str, typer.Argument(help="Identifier of a dataset.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say why a dataset is closed, embargoed or open, until when, and who may open it."""
    with _opened(home) as (engine, shelf):
        found = Explaining(engine, shelf, _now).explain(OPERATOR, pid)
    if as_json:
        terminal.show_json(found)
    else:
        terminal.show_rows(["what", "is"], _told(found))


@app.command("simulate")
def simulate_command(
    file: Annotated[Path, typer.Argument(help="The policy document to try.")],
    since: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day (UTC); today when not given."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="Day after the last; three months later."),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Say what would open in a period if another policy decided, beside what opens as it is."""
    document = document_of(file)
    with _opened(home) as (engine, _):
        found = Simulating(engine, _now).simulate(
            OPERATOR,
            document,
            since=None if since is None else since.replace(tzinfo=UTC),
            until=None if until is None else until.replace(tzinfo=UTC),
        )
    if as_json:
        terminal.show_json(found)
        return
    columns = ["what", "datasets now", "bytes now", "datasets then", "bytes then"]
    terminal.show_rows(columns, _compared(found))


def _told(found: Explanation) -> list[list[Any]]:
    rows: list[list[Any]] = [["dataset", found.pid], ["title", found.title]]
    rows.append(["state", found.state])
    rows += [["because", reason] for reason in found.reasons]
    rows += [["since", _day(found.since)]] if found.since else []
    rows += [["opens", _day(found.until)]] if found.until else []
    rows += [["policy", found.policy]] if found.policy else []
    rows.append(["class of data", found.data_class])
    rows += [["group", found.group]] if found.group else []
    for item in found.readers:
        names = f": {', '.join(item.names)}" if item.names else ""
        rows.append([f"seen by {item.role.replace('_', ' ')}", f"{item.number}{names}"])
    rows += [["shared with", found.shared_with]] if found.shared_with else []
    for doing in found.can_do:
        roles = " or ".join(role.replace("_", " ") for role in doing.roles)
        terms = f" ({doing.terms})" if doing.terms else ""
        rows.append([f"may {doing.act}", f"{roles}{terms}"])
    return rows


def _compared(found: Simulation) -> list[list[Any]]:
    period = f"opens from {_day(found.since)} to {_day(found.until)}"
    rows = [_row(period, found.present, found.other)]
    rows += [_opening(f"  in {item.name}", item) for item in found.by_month]
    rows += [_opening(f"  of {item.name}", item) for item in found.by_proposal]
    for what, amount in (
        ("would open earlier", found.earlier),
        ("would open later", found.later),
        ("would open as before", found.same),
        ("open already, cannot change", found.already_open),
    ):
        rows.append([what, None, None, amount.datasets, amount.bytes])
    return rows


def _opening(what: str, item: Opening) -> list[Any]:
    return _row(what, item.present, item.other)


def _row(what: str, present: Amount, other: Amount) -> list[Any]:
    return [what, present.datasets, present.bytes, other.datasets, other.bytes]


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
