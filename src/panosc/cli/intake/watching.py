"""`panosc ingest --watch`: folders are watched until somebody ends it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.domain.errors import Conflict
from panosc.ingest.report import printable
from panosc.ingest.service import Request
from panosc.ingest.watching.service import watcher_of
from panosc.ingest.watching.watcher import Done, Watcher
from panosc.settings import Settings


def watch(
    settings: Settings,
    request: Request,
    *,
    heartbeat: Path | None = None,
    as_json: bool = False,
) -> None:
    """Watch the roots of `request`, and print one line for each batch, until SIGINT or SIGTERM.

    Raises
    ------
    Conflict
        If another watcher has one of the roots.
    """
    for root in request.roots:
        if not root.exists():
            terminal.say(f"{printable(str(root))} is not there; waiting for it.")
    totals = {"files": 0, "gone": 0, "registered": 0, "quarantined": 0}

    def tell(done: Done) -> None:
        for name in totals:
            totals[name] += getattr(done, name)
        _show(done, as_json=as_json)

    with (
        open_database(settings, progress=terminal.say) as engine,
        watcher_of(
            engine,
            settings,
            request,
            clock=lambda: datetime.now(UTC),
            file=heartbeat,
            tell=tell,
        ) as watcher,
    ):
        taken = watcher.acquire()
        if taken is not None:
            raise Conflict(
                f"Another watcher has {printable(taken)}, or a folder in or above it.",
                hint="One watcher is enough for a folder; GET /api/v1/ingest/watchers lists them.",
            )
        terminal.say(f"Watching {', '.join(printable(path) for path in watcher.paths)}.")
        with _ended_by_signals(watcher):
            watcher.run()
    if as_json:
        _line({"ended": datetime.now(UTC), **totals})
    else:
        terminal.say(
            f"Ended: {totals['files']} files taken, {totals['registered']} datasets registered, "
            f"{totals['quarantined']} files set aside, {totals['gone']} gone."
        )


@contextmanager
def _ended_by_signals(watcher: Watcher) -> Iterator[None]:
    """Let the first signal end it after its batch, and the second at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        watcher.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _show(done: Done, *, as_json: bool) -> None:
    if as_json:
        _line(
            {
                "at": done.at,
                "files": done.files,
                "gone": done.gone,
                "registered": done.registered,
                "quarantined": done.quarantined,
                "waiting": done.waiting,
                "backlog": done.backlog,
                "lagS": round(done.lag_s, 1),
            }
        )
        return
    words = [f"{done.files} files", f"{done.registered} datasets"]
    words += [f"{done.gone} gone"] if done.gone else []
    words += [f"{done.quarantined} set aside"] if done.quarantined else []
    words += [f"{done.waiting} waiting"] if done.waiting else []
    words += [f"{done.backlog} to come"] if done.backlog else []
    sys.stdout.write(f"{done.at:%Y-%m-%d %H:%M:%S}  {', '.join(words)}\n")
    sys.stdout.flush()


def _line(content: dict[str, Any]) -> None:
    sys.stdout.buffer.write(
        orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z)
    )
    sys.stdout.flush()
