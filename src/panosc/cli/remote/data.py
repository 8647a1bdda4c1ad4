"""`panosc data ls|get|slice`: files of a dataset at a node, what is in them, parts of it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from panosc.cli import terminal
from panosc.cli.options import AsJson
from panosc.cli.remote import writing
from panosc.cli.remote.reaching import Url, dataset_of
from panosc.client.data import cards
from panosc.client.data.arrays import Array
from panosc.client.data.groups import Group
from panosc.client.data.selecting import parse
from panosc.client.datasets import Dataset
from panosc.client.fetching.several import AT_ONCE, Options
from panosc.client.files import File
from panosc.domain.errors import NotFound, PanoscError

PARTLY = 3
app = typer.Typer(
    help="Files of a dataset at a node: list them, look into them, fetch them, or a part of one.",
    no_args_is_help=True,
)


class Form(StrEnum):
    """How values are written."""

    npy = "npy"
    csv = "csv"
    json = "json"


def _files(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a file."""
    try:
        with dataset_of(ctx.params["pid"], ctx.params.get("url")) as dataset:
            return [name for name in dataset.files if name.startswith(incomplete)]
    except (PanoscError, KeyError):
        return []


def _paths(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a path in a file."""
    folder = incomplete.rpartition("/")[0]
    try:
        with dataset_of(ctx.params["pid"], ctx.params.get("url")) as dataset:
            found = dataset.files[ctx.params["file"]][folder or "/"]
            names = found if isinstance(found, Group) else ()
            return [path for name in names if (path := f"{folder}/{name}").startswith(incomplete)]
    except (PanoscError, KeyError):
        return []


Pid = Annotated[str, typer.Argument(help="PID of the dataset, or the address of its page.")]
FileName = Annotated[str, typer.Argument(help="Name of the file.", autocompletion=_files)]
InFile = Annotated[
    str, typer.Argument(help="Path in the file, such as /entry/data.", autocompletion=_paths)
]


@app.command()
def ls(
    pid: Pid,
    file: Annotated[
        str | None,
        typer.Argument(help="Name of a file, to look into it.", autocompletion=_files),
    ] = None,
    path: InFile = "/",
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the files of a dataset; or what is in one of them, at a path."""
    with dataset_of(pid, url) as dataset:
        if file is None:
            _list_files(dataset, as_json=as_json)
            return
        found = _file(dataset, file)[path]
        if isinstance(found, Array):
            _show_array(found, as_json=as_json)
        else:
            _list_members(found, as_json=as_json)


@app.command()
def get(  # noqa: PLR0913, PLR0917 - the options of a command
    pid: Pid,
    match: Annotated[str, typer.Option(help="Which files, such as '*.nxs'.")] = "*",
    to: Annotated[Path, typer.Option(help="Folder for them.")] = Path(),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace other files that have their names.")
    ] = False,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="How many at a time.")] = AT_ONCE,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Fetch files of a dataset; each is checked. The same command goes on where one ended.

    Files that are there already are left alone. If some of them failed, the exit code is 3.
    """
    options = Options(overwrite=overwrite, at_once=at_once)
    with dataset_of(pid, url) as dataset:
        found = dataset.fetch(to, match=match, options=options)
    failed = [item.error for item in found if item.error is not None]
    if failed and len(failed) == len(found) == 1:
        raise failed[0]
    rows = [
        {
            "name": item.name,
            "state": item.state,
            "size": item.size,
            "path": str(item.path),
            "error": None if item.error is None else item.error.detail,
        }
        for item in found
    ]
    if as_json:
        terminal.show_json(rows)
    else:
        shown = ("name", "state", "size", "path")
        terminal.show_rows(shown, [[_plain(row[key]) for key in shown] for row in rows])
    for item in found:
        if item.error is not None:
            hint = f" {item.error.hint}" if item.error.hint else ""
            terminal.say(_plain(f"{item.name}: {item.error.detail}{hint}"))
    if failed:
        terminal.say(f"{len(failed)} of {len(found)} files failed.")
        raise typer.Exit(PARTLY if len(failed) < len(found) else failed[0].exit_code)


# a selection may begin with a minus, which is no option
@app.command(name="slice", context_settings={"ignore_unknown_options": True})
def slice_(  # noqa: PLR0913, PLR0917 - the options of a command
    pid: Pid,
    file: FileName,
    path: InFile,
    selection: Annotated[
        str, typer.Argument(help="Such as 0,10:20,::2 or -1,...; all of it without.")
    ] = "",
    form: Annotated[
        Form | None,
        typer.Option("--format", help="How values are written; else by the name of the file."),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print a part of an array, or write it to a file: only what is asked for is read."""
    key = parse(selection)
    wanted = Form.json if as_json else form
    with dataset_of(pid, url) as dataset:
        found = _file(dataset, file)[path]
        if not isinstance(found, Array):
            raise NotFound(f"{path} of {file} is a group.", hint="Look into it: panosc data ls.")
        if to is not None:
            suffix = to.suffix.lower().removeprefix(".")
            writing.to_file(found, key, to, form=wanted or suffix)
            terminal.say(f"Wrote {to}.")
        else:
            writing.to_terminal(found, key, form=wanted)


def _file(dataset: Dataset, name: str) -> File:
    try:
        return dataset.files[name]
    except KeyError:
        raise NotFound(
            f"{dataset.pid} has no file {name!r} that you may see.",
            hint=f"List them: panosc data ls {dataset.pid}",
        ) from None


def _list_files(dataset: Dataset, *, as_json: bool) -> None:
    shown = ("name", "size", "format", "sha256")
    rows = [{key: getattr(file, key) for key in shown} for file in dataset.files.values()]
    if as_json:
        terminal.show_json(rows)
    else:
        terminal.show_rows(shown[:3], [[_plain(row[key]) for key in shown[:3]] for row in rows])
    if not rows:
        terminal.say(f"There is no file of {dataset.pid} that you may see ({dataset.access}).")


def _list_members(group: Group, *, as_json: bool) -> None:
    shown = ("name", "kind", "shape", "type")
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "kind": told.get("kind"),
            "shape": told.get("shape"),
            "type": cards.type_of(told.get("type")) or None,
        }
        for name, told in group.listed.items()
    ]
    if as_json:
        terminal.show_json(rows)
        return
    for row in rows:
        row["shape"] = "×".join(map(str, row["shape"] or ())) or None
    terminal.show_rows(shown, [[_plain(row[key]) for key in shown] for row in rows])


def _show_array(array: Array, *, as_json: bool) -> None:
    facts = {
        "path": array.path,
        "shape": list(array.shape),
        "type": cards.type_of(array.told),
        "chunks": list(array.chunks) if array.chunks else None,
        "units": array.units,
    }
    if as_json:
        terminal.show_json(facts | {"attributes": dict(array.attrs)})
        return
    for name in ("shape", "chunks"):
        facts[name] = "×".join(map(str, facts[name] or ()))
    others = {f"@{key}": value for key, value in array.attrs.items() if key != "units"}
    rows = [[_plain(key), _plain(value)] for key, value in (facts | others).items()]
    terminal.show_rows(["what", "value"], rows)


def _plain(value: Any) -> Any:
    """Return a text of a stranger without what a terminal would obey."""
    if value is None or isinstance(value, int | float):
        return value
    return "".join(sign if sign.isprintable() else " " for sign in str(value))
