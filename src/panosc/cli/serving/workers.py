"""Several web processes on one socket: started, started again when they die, stopped together.

Each is a new program, not a fork: threads and connections of the leader are none of theirs.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from panosc.cli.serving.web import grace_s
from panosc.cli.serving.worker import Handover
from panosc.domain.errors import Unavailable
from panosc.portal.operating.board import retire
from panosc.settings import Settings

CONNECTIONS, MOST, LEAST = 60, 30, 4
"""To the database: of all web processes together, and of each."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 10.0
SOUND_S = 10.0
"""A process that answered and ran longer was well; another one is started at once."""
TRIES = 3
"""How often a first process may fail to start before the node gives up."""
PATIENCE_S = 5.0
LOOK_S = 1.0
STOPPING = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True, kw_only=True)
class _Worker:
    """A place for a process, and the process that has it."""

    slot: int
    process: "subprocess.Popen[bytes] | None" = None
    status: int = -1
    since: float = 0.0
    is_ready: bool = False
    failures: int = 0
    due: float = 0.0


class Workers:
    """The web processes of a node.

    Parameters
    ----------
    settings : Settings
        Say how many there are.
    listener : socket
        Bound; closed here when they are to stop, so that nobody connects any more.
    board : int
        Descriptor of what they share.
    tell : callable
        Told when one of them dies.
    """

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        *,
        board: int,
        tell: Callable[[str], None],
    ) -> None:
        self._settings, self._listener, self._board, self._tell = settings, listener, board, tell
        self._workers = [_Worker(slot=slot) for slot in range(settings.workers)]
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._was_ready = False

    def run(self, ready: Callable[[], None]) -> None:
        """Keep them running until a signal comes; tell once when all of them answer.

        Raises
        ------
        Unavailable
            If they do not start.
        """
        with self._woken():
            try:
                while not self._signals:
                    self._start_those_due()
                    self._wait(self._pause())
                    if not self._was_ready and all(worker.is_ready for worker in self._workers):
                        self._was_ready = True
                        ready()
            finally:
                self._stop()

    @contextmanager
    def _woken(self) -> Iterator[None]:
        """Let signals end a wait."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        self._selector.register(reader, selectors.EVENT_READ, None)

        def count(_number: int, _frame: FrameType | None) -> None:
            self._signals += 1
            with suppress(BlockingIOError):
                os.write(writer, b"s")

        before = {number: signal.signal(number, count) for number in STOPPING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._selector.close()
            os.close(reader)
            os.close(writer)

    def _pause(self) -> float:
        due = [worker.due for worker in self._workers if worker.process is None]
        return max(min([LOOK_S, *(moment - time.monotonic() for moment in due)]), 0)

    def _wait(self, seconds: float) -> None:
        """Take what comes from the processes, or a signal, within some seconds."""
        for key, _ in self._selector.select(seconds):
            said = os.read(key.fd, 64)
            worker: _Worker | None = key.data
            if worker is not None and said:
                worker.is_ready = True
            elif worker is not None:
                self._bury(worker)
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is not None:
                self._bury(worker)

    def _start_those_due(self) -> None:
        for worker in self._workers:
            if worker.process is None and worker.due <= time.monotonic():
                self._start(worker)

    def _start(self, worker: _Worker) -> None:
        settings = self._settings
        reader, status = os.pipe()
        given = Handover(
            settings=settings,
            listener=self._listener.fileno(),
            board=self._board,
            status=status,
            slot=worker.slot,
            slots=settings.workers,
            connections=max(min(CONNECTIONS // settings.workers, MOST), LEAST),
        )
        try:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [
                    *(sys.executable, "-P", "-m", "panosc.cli.serving.worker"),
                    *(str(settings.home), str(worker.slot + 1)),
                ],
                stdin=subprocess.PIPE,
                pass_fds=[given.listener, given.board, status],
            )
        finally:
            os.close(status)
        worker.process, worker.status, worker.since = process, reader, time.monotonic()
        worker.is_ready = False
        self._selector.register(reader, selectors.EVENT_READ, worker)
        if process.stdin is not None:
            # it may have died already: that is seen by its status
            with suppress(BrokenPipeError):
                given.write(process.stdin)

    def _bury(self, worker: _Worker) -> None:
        """Take note of the end of a process; when to start another one."""
        if worker.process is None:
            return
        code = worker.process.wait()
        retire(self._board, worker.slot)
        answered = worker.is_ready
        self._forget(worker)
        if self._signals:
            return
        ran = time.monotonic() - worker.since
        # one that never answered is not sound, however long it took to fail
        worker.failures = 0 if answered and ran > SOUND_S else worker.failures + 1
        pause = min(FIRST_PAUSE_S * 2 ** max(worker.failures - 1, 0), LONGEST_PAUSE_S)
        worker.due = time.monotonic() + pause
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        if not self._was_ready and worker.failures >= TRIES:
            raise Unavailable(
                f"The web processes do not start: number {worker.slot + 1} {how}.",
                hint="What it said stands above. `--workers 1` serves in one process.",
            )
        self._tell(f"Web process {worker.slot + 1} {how}; another one is started.")

    def _forget(self, worker: _Worker) -> None:
        self._selector.unregister(worker.status)
        os.close(worker.status)
        if worker.process is not None and worker.process.stdin is not None:
            with suppress(OSError):
                worker.process.stdin.close()
        worker.process, worker.status, worker.is_ready = None, -1, False

    def _stop(self) -> None:
        """Let all of them finish what they are at, for as long as `grace_s`; then end them."""
        already = self._signals = max(self._signals, 1)
        self._listener.close()
        for worker in self._workers:
            if worker.process is not None and worker.process.stdin is not None:
                with suppress(OSError):
                    worker.process.stdin.close()
        until = time.monotonic() + grace_s(self._settings) + PATIENCE_S
        while any(worker.process for worker in self._workers):
            left = until - time.monotonic()
            # a second signal means now
            if left <= 0 or self._signals > already:
                break
            self._wait(min(left, LOOK_S))
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()
                self._bury(worker)
