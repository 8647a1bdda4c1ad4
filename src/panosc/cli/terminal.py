"""How the commands speak: tables on a terminal, TSV in a pipe, JSON when asked, errors once."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from panosc.domain.errors import Invalid, PanoscError

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str) -> None:
    """Tell a person what happened: on standard error, which is not the result."""
    err.print(text, markup=False)


def show_json(value: Any) -> None:
    """Print `value` as JSON."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SORT_KEYS
    sys.stdout.buffer.write(orjson.dumps(value, option=options, default=str))
    sys.stdout.flush()


def show_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows: a table on a terminal, tab-separated values in a pipe."""
    if not out.is_terminal:
        for row in (columns, *rows):
            sys.stdout.write("\t".join(_cell(value) for value in row) + "\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and isinstance(rows[0][index], int | float)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value, group=True) for value in row))
    out.print(table, markup=False)


def _cell(value: Any, *, group: bool = False) -> str:
    if value is None:
        return ""
    if group and isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return " ".join(str(value).split())


def complain(error: PanoscError) -> None:
    """Say what went wrong and what to do: title, detail, hint."""
    place = f" ({error.field})" if isinstance(error, Invalid) and error.field else ""
    err.print(f"{error.title}: {error.detail}{place}", style="red", markup=False)
    if error.hint is not None:
        err.print(error.hint, markup=False)


@contextmanager
def byte_progress() -> Iterator[Any]:
    """Show a bar of bytes read on a terminal; yields ``report(what, done, total)``."""
    bar = Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task("reading", total=None)

        def report(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield report
