"""A web process: ``python -m panosc.cli.serving.worker HOME NUMBER``, started by `workers`.

What it needs comes through its standard input, which stays open: when it ends, the process that
started this one is gone or wants this one to stop.
"""

import os
import pickle
import signal
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from typing import IO

from panosc.catalogue.database import open_database
from panosc.cli import terminal
from panosc.cli.serving import logs
from panosc.cli.serving.web import THREADS, Web, grace_s, settle
from panosc.domain.errors import PanoscError
from panosc.portal.operating.board import Board
from panosc.settings import Settings

READY = b"r"
_LENGTH = struct.Struct("=Q")
_PATIENCE_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a web process is given: settings, and numbers of descriptors."""

    settings: Settings
    listener: int
    board: int
    status: int
    slot: int
    slots: int
    connections: int

    def write(self, file: IO[bytes]) -> None:
        """Send it; it holds secrets, and goes to nobody but the process at the other end."""
        data = pickle.dumps(self)
        file.write(_LENGTH.pack(len(data)) + data)
        file.flush()


def read(file: IO[bytes]) -> Handover:
    """Return what `Handover.write` sent."""
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    found: Handover = pickle.loads(file.read(length))  # noqa: S301 - of our own parent
    return found


class _Parent:
    """Waits for the end of the process that started this one."""

    def __init__(self, file: IO[bytes], patience_s: float) -> None:
        self._file, self._patience_s = file, patience_s
        self._web: Web | None = None
        self._has_ended = threading.Event()
        threading.Thread(target=self._wait, name="parent", daemon=True).start()

    def stops(self, web: Web) -> None:
        """Let `web` be stopped."""
        self._web = web
        if self._has_ended.is_set():
            web.should_exit = True

    def _wait(self) -> None:
        self._file.read()
        self._has_ended.set()
        if self._web is None:
            # nothing has been begun
            os._exit(0)
        self._web.should_exit = True
        threading.Event().wait(self._patience_s)
        os._exit(1)


def run(given: Handover, file: IO[bytes]) -> None:
    """Answer until told to stop."""
    from panosc.app import create_app  # noqa: PLC0415 - it takes a second

    settings = given.settings
    os.set_inheritable(given.status, False)
    parent = _Parent(file, grace_s(settings) + _PATIENCE_S)
    listener = socket.socket(fileno=given.listener)
    with listener, open_database(settings, connections=given.connections) as engine:
        board = Board(given.board, slots=given.slots, slot=given.slot)
        web = Web(
            create_app(settings, engine, board=board),
            settings,
            board,
            started=lambda: (os.write(given.status, READY), None)[1],
            obeyed=(signal.SIGTERM,),
            threads=min(THREADS, given.connections),
        )
        parent.stops(web)
        settle()
        web.run(sockets=[listener])


def main() -> None:
    """Be a web process."""
    # whoever presses Ctrl-C means the process that started this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.install()
    file = sys.stdin.buffer
    given = read(file)
    try:
        run(given, file)
    except PanoscError as error:
        terminal.complain(error)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
