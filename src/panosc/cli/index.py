"""`panosc index`: how the search index stands, and building it anew."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typing_extensions import override

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.options import AsJson, Home, settings_of
from panosc.search.index.folder import Folder
from panosc.search.index.following import rebuild
from panosc.search.index.keeping.standing import Standing, standing

app = typer.Typer(help="The search index: how it stands, build it anew.", no_args_is_help=True)


@app.command("rebuild")
def rebuild_command(home: Home = None, as_json: AsJson = False) -> None:
    """Build the search index anew from the catalogue; the old one serves meanwhile.

    A running node does it when asked by this command, which waits for it.
    """
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        with _progress() as tell:
            rebuild(engine, settings, _now, tell=tell)
        _show(standing(Folder(settings.home), engine, _now()), as_json=as_json)


@app.command("status")
def status_command(home: Home = None, as_json: AsJson = False) -> None:
    """Tell what the search index holds, how far it is behind the catalogue, and what is wrong."""
    settings = settings_of(home)
    with open_database(settings, progress=terminal.say) as engine:
        _show(standing(Folder(settings.home), engine, _now()), as_json=as_json)


def _now() -> datetime:
    return datetime.now(UTC)


def _show(found: Standing, *, as_json: bool) -> None:
    if as_json:
        terminal.show_json(found.as_dict())
        return
    rows: list[tuple[str, object]] = [
        ("index", found.generation or "none"),
        ("state", _state(found)),
        ("used", "yes" if found.usable else "no: searches are answered by the database alone"),
        ("version", _version(found)),
        *((f"{name}s", number) for name, number in found.documents.items()),
        ("position", found.position),
        ("last change", found.newest),
        ("changes behind", found.behind),
        ("seconds behind", round(found.behind_s, 1)),
        ("bytes on disk", found.size_bytes),
        ("brought up to date", found.written),
        ("error", found.error),
        ("error since", found.error_since),
    ]
    terminal.show_rows(["what", "value"], rows)


def _state(found: Standing) -> str:
    if found.state == "building" and found.total:
        return f"building, {found.done} of {found.total} records"
    return {"none": "never written", "stopped": "nobody writes it; `panosc serve` does"}.get(
        found.state, found.state
    )


def _version(found: Standing) -> str:
    if found.schema_version in {None, found.needed_version}:
        return str(found.needed_version)
    return f"{found.schema_version}, but {found.needed_version} is needed"


class _Rate(ProgressColumn):
    """Records a second."""

    @override
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show a bar of records on a terminal; yields ``tell(done, total)``."""
    bar = Progress(
        TextColumn("records"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=terminal.err,
        transient=True,
        disable=not terminal.err.is_terminal,
    )
    with bar:
        task = bar.add_task("records", total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        yield tell
