"""How far it is, while something large is read: a bar on a terminal, a line in a notebook.

Nothing is shown where nobody looks: in a pipe, a log, a program.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

Advance = Callable[[int], None]
"""Called with how many bytes more there are."""
_EVERY_S = 0.5


@contextmanager
def shown(what: str, total: int | None, *, wanted: bool | None = None) -> Iterator[Advance]:
    """Give what is to be called as bytes come; `wanted` None leaves it to where it runs."""
    if wanted is False:
        yield lambda _: None
    elif _is_notebook():
        with _line(what, total) as advance:
            yield advance
    elif wanted or sys.stderr.isatty():
        with _bar(what, total) as advance:
            yield advance
    else:
        yield lambda _: None


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Advance]:
    try:
        from rich.console import Console  # noqa: PLC0415 - when something is shown
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )
    except ImportError:
        with _line(what, total) as advance:
            yield advance
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(_plain(what), total=total)
        yield lambda more: bar.advance(task, more)


@contextmanager
def _line(what: str, total: int | None) -> Iterator[Advance]:
    done, next_at = 0, monotonic() + _EVERY_S

    def tell(end: str) -> None:
        whole = f" of {size(total)}" if total else ""
        sys.stderr.write(f"\r{_plain(what)}: {size(done)}{whole}   {end}")
        sys.stderr.flush()

    def advance(more: int) -> None:
        nonlocal done, next_at
        done += more
        if monotonic() >= next_at:
            next_at = monotonic() + _EVERY_S
            tell("")

    yield advance
    tell("\n")


def size(count: int) -> str:
    """Return a number of bytes for people.

    Examples
    --------
    >>> size(999), size(18_400_000_000)
    ('999 B', '18.4 GB')
    """
    if count < 1000:  # noqa: PLR2004
        return f"{count} B"
    told = ((count / 1000**power, unit) for power, unit in enumerate(("kB", "MB", "GB"), start=1))
    # 999.95 would be told as 1000.0
    value, unit = next((one for one in told if one[0] < 999.95), (count / 1000**4, "TB"))  # noqa: PLR2004
    return f"{value:.1f} {unit}"


def _plain(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[-60:]


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None
