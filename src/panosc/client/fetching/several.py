"""Many files at once, a few at a time; one that fails does not keep the others."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from panosc.client import progress
from panosc.client.fetching.one import Fetcher, Stopped, Wanted
from panosc.client.fetching.places import place
from panosc.client.http import Http
from panosc.client.patience import Patience
from panosc.domain.errors import Conflict, PanoscError

AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of one file."""

    name: str
    path: Path
    state: Literal["fetched", "there", "failed"]
    size: int | None = None
    error: PanoscError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How files are fetched."""

    overwrite: bool = False
    """Replace other files that have their names."""
    at_once: int = AT_ONCE
    show: bool | None = None
    """A bar of progress; None: where somebody looks."""
    patience: Patience = Patience()  # noqa: RUF009 - it does not change


def fetch_all(
    http: Http, wanted: Sequence[Wanted], folder: Path, options: Options
) -> tuple[Fetched, ...]:
    """Bring files beneath a folder; return what became of each, in their order."""
    stop = threading.Event()
    folder = folder.expanduser().absolute()
    names = [item.name for item in wanted]
    total = sum(item.size or 0 for item in wanted) or None
    lock = threading.Lock()
    with progress.shown(_words(names), total, wanted=options.show) as advance:

        def count(more: int) -> None:
            with lock:
                advance(more)

        def wait(seconds: float) -> None:
            stop.wait(seconds)

        fetcher = Fetcher(
            http=http,
            advance=count,
            is_stopped=stop.is_set,
            overwrite=options.overwrite,
            # whoever interrupts need not wait until it would be tried again
            patience=replace(options.patience, sleep=wait),
        )

        def one(item: Wanted) -> Fetched:
            return _one(fetcher, item, folder)

        return _in_threads(one, wanted, stop, options.at_once)


def fetch_one(http: Http, wanted: Wanted, path: Path, options: Options) -> Path:
    """Bring one file to a path, or into a folder that is there; return where it is.

    Raises
    ------
    PanoscError
    """
    path = path.expanduser().absolute()
    folder, name = (path, wanted.name) if path.is_dir() else (path.parent, path.name)
    with (
        progress.shown(wanted.name, wanted.size, wanted=options.show) as advance,
        place(folder, name) as there,
    ):
        fetcher = Fetcher(
            http=http, advance=advance, overwrite=options.overwrite, patience=options.patience
        )
        fetcher.fetch(wanted, there)
        return there.path


def _one(fetcher: Fetcher, item: Wanted, folder: Path) -> Fetched:
    path = folder
    try:
        with place(folder, item.name) as there:
            path = there.path
            state = fetcher.fetch(item, there)
    except PanoscError as error:
        return Fetched(name=item.name, path=path, state="failed", size=item.size, error=error)
    except Stopped:
        stopped = Conflict("It was interrupted.", hint="Run it again to go on.")
        return Fetched(name=item.name, path=path, state="failed", size=item.size, error=stopped)
    return Fetched(name=item.name, path=path, state=state, size=item.size)


def _in_threads(
    one: Callable[[Wanted], Fetched],
    wanted: Sequence[Wanted],
    stop: threading.Event,
    at_once: int,
) -> tuple[Fetched, ...]:
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        try:
            return tuple(pool.map(one, wanted))
        except BaseException:
            # also Ctrl-C: what is under way ends at its next piece, what waits does not begin
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _words(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} files"
