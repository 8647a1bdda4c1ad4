"""A pool of processes that read strangers' files, so that nothing else can be harmed.

Each task is a function by name and its arguments. A task that takes too long, too much
memory or the whole process down fails alone, with a reason; the next one meets a new
process. What a worker may do is `files.sandbox`.
"""

import contextlib
import io
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass, replace
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from panosc.domain.errors import Unavailable
from panosc.files.apart.starting import start
from panosc.files.sandbox import FRAME_LIMIT, Outcome, Terms, write_frame

BATCH = 16
"""Most tasks in one message, and half of those that one worker has before it."""
IN_FLIGHT_BYTES = 32_768
"""Less than a pipe holds, so that sending never waits for a worker that waits for us."""
START_LIMIT_S = 60.0
LOOK_AHEAD = 128
"""Tasks of one worker that may be ahead of the one whose turn it is."""
PIPE_BYTES = 2**20
_STOPPED = "The processes that read files have been stopped."


class _Ticket:
    """One task and what became of it."""

    __slots__ = ("arguments", "function", "outcome", "size")

    def __init__(self, function: str, arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments
        self.size = len(pickle.dumps((function, arguments)))
        self.outcome: Outcome | None = None


class _Answers(pickle.Unpickler):
    """Reads answers: plain values and dataclasses of modules that are loaded already.

    A worker that a hostile file has taken over must not be able to run code here.
    """

    @override
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        found = getattr(sys.modules.get(module_name), global_name, None)
        is_ours = module_name.startswith("panosc.") and is_dataclass(found)
        if isinstance(found, type) and (is_ours or found in {datetime, timezone}):
            return found
        raise pickle.UnpicklingError(f"a worker answered with {module_name}.{global_name}")


def decode(data: bytes) -> Any:
    """Return what a worker says in `data`: plain values and dataclasses of loaded modules.

    Raises
    ------
    UnpicklingError
        Or whatever else damaged or hostile bytes lead to.
    """
    return _Answers(io.BytesIO(data)).load()


class _Died(Exception):
    """The process has ended; `reason` and `detail` are for the task it was at."""

    def __init__(self, *, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Process:
    """One worker process and the pipes to it; used by one thread."""

    def __init__(self, terms: Terms) -> None:
        source, self._in = os.pipe()
        self._out, sink = os.pipe()
        try:
            self._process = start(source, sink)
        except BaseException:
            os.close(self._in)
            os.close(self._out)
            raise
        finally:
            os.close(source)
            os.close(sink)
        self._grow()
        self._buffer = bytearray()
        self._poll = select.poll()
        self._poll.register(self._out, select.POLLIN)
        self.send(replace(terms, parent=self._process.parent))

    def _grow(self) -> None:
        if sys.platform == "linux":
            import fcntl  # noqa: PLC0415 - Linux alone can make a pipe larger

            with contextlib.suppress(OSError):
                fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def send(self, content: object) -> None:
        """Send one frame; a dead process is noticed when its answer is read."""
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._in, content)

    def receive(self, *, limit_s: float) -> Outcome:
        """Return the next answer; raise `_Died` when the process ends or is late."""
        deadline = time.monotonic() + limit_s
        while (answer := self._next()) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                self._process.kill()
                raise _Died(
                    reason="time-limit", detail=f"reading it took longer than {limit_s:g} s"
                )
            data = os.read(self._out, PIPE_BYTES)
            if not data:
                raise _Died(reason="crashed", detail=self._how_it_ended())
            self._buffer += data
        return answer

    def _next(self) -> Outcome | None:
        if len(self._buffer) < 4:  # noqa: PLR2004
            return None
        end = 4 + int.from_bytes(self._buffer[:4], "big")
        if end > FRAME_LIMIT:
            self._process.kill()
            raise _Died(reason="too-large", detail="what was read of it is too large")
        if len(self._buffer) < end:
            return None
        data = bytes(self._buffer[4:end])
        del self._buffer[:end]
        try:
            answer = decode(data)
        except Exception as error:
            self._process.kill()
            raise _Died(
                reason="crashed", detail=f"the worker's answer made no sense: {error}"
            ) from error
        if not isinstance(answer, Outcome):
            self._process.kill()
            raise _Died(reason="crashed", detail="the worker's answer made no sense")
        return answer

    def _how_it_ended(self) -> str:
        code = self._process.wait()
        if code is None:
            return "the process that read it has ended"
        if code < 0:
            return f"the process that read it was ended by {signal.Signals(-code).name}"
        return f"the process that read it ended with code {code}"

    def close(self) -> None:
        """End the process, which holds nothing that could be lost, and its pipes."""
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def kill(self) -> None:
        """End the process at once; who waits for its answer learns of it."""
        self._process.kill()


class Pool:
    """Worker processes under a memory and a time limit; to be closed or used by ``with``.

    Parameters
    ----------
    workers : int
        Number of processes; they start with the first task.
    memory_mb : int
        Memory that one may take beyond what it starts with.
    time_limit_s : float
        Longest that one task may take, in seconds.
    preload : sequence of str
        Modules that a worker imports before its first task.
    ahead : str, optional
        Function, spelt ``module:name``, that a worker tells of the tasks it has been sent: a list
        of their arguments. What it raises is passed over.
    """

    def __init__(
        self,
        *,
        workers: int,
        memory_mb: int,
        time_limit_s: float,
        preload: Iterable[str] = (),
        ahead: str | None = None,
    ) -> None:
        self._terms = Terms(
            memory_mb=memory_mb,
            search_path=tuple(sys.path),
            preload=tuple(preload),
            ahead=ahead,
            limit_s=time_limit_s,
        )
        self._limit_s = time_limit_s
        self._workers = workers
        self._waiting: deque[_Ticket] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._closing = False
        self._broken: str | None = None
        self._processes: set[_Process] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all workers; tasks that nobody took are dropped."""
        with self._changed:
            self._closing = True
            self._waiting.clear()
            for process in self._processes:
                process.kill()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def run(self, function: str, *arguments: Any) -> Outcome:
        """Return what becomes of one task, a function spelt ``module:name``."""
        return self._wait(self._submit(function, arguments))

    def map_in_order(
        self, function: str, arguments: Iterable[tuple[Any, ...]]
    ) -> Iterator[Outcome]:
        """Yield the outcome of every task in the order given, working ahead a bounded way."""
        ahead = LOOK_AHEAD * self._workers
        pending: deque[_Ticket] = deque()
        try:
            for item in arguments:
                pending.append(self._submit(function, item))
                while pending and (len(pending) >= ahead or pending[0].outcome is not None):
                    yield self._wait(pending.popleft())
            while pending:
                yield self._wait(pending.popleft())
        finally:
            with self._changed:
                for ticket in pending:
                    if ticket in self._waiting:
                        self._waiting.remove(ticket)

    def _submit(self, function: str, arguments: tuple[Any, ...]) -> _Ticket:
        ticket = _Ticket(function, arguments)
        with self._changed:
            if self._closing:
                raise Unavailable(_STOPPED)
            self._waiting.append(ticket)
            self._changed.notify()
            if len(self._waiting) > self._idle and len(self._threads) < self._workers:
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
        return ticket

    def _wait(self, ticket: _Ticket) -> Outcome:
        with self._changed:
            while ticket.outcome is None:
                if self._closing or self._broken:
                    raise Unavailable(self._broken or _STOPPED)
                self._changed.wait()
            return ticket.outcome

    def _take(self, flight: deque[_Ticket]) -> list[_Ticket]:
        """Return tasks to send to a worker that has `flight` before it; waits if it has none."""
        with self._changed:
            self._idle += 1
            while not flight and not self._waiting and not self._closing:
                self._changed.wait()
            self._idle -= 1
            fresh: list[_Ticket] = []
            room = IN_FLIGHT_BYTES - sum(ticket.size for ticket in flight)
            # a share for each worker: the last tasks must not queue behind one of them
            share = max(1, min(BATCH, len(self._waiting) // self._workers))
            while self._waiting and len(fresh) < share and len(flight) <= BATCH:
                room -= self._waiting[0].size
                if room < 0 and (flight or fresh):
                    break
                fresh.append(self._waiting.popleft())
            return fresh

    def _answer(self, ticket: _Ticket, outcome: Outcome) -> None:
        with self._changed:
            ticket.outcome = outcome
            self._changed.notify_all()

    def _serve(self) -> None:
        """Keep one worker busy: the thread lives as long as the pool, and its worker with it."""
        process: _Process | None = None
        flight: deque[_Ticket] = deque()
        while True:
            fresh = self._take(flight)
            if self._closing:
                break
            flight.extend(fresh)
            if process is None:
                process = self._start()
                if process is None:
                    break
                fresh = list(flight)
            outcome = self._exchange(process, fresh)
            if outcome.worn:
                self._end(process)
                process = None
            self._answer(flight.popleft(), outcome)
        if process is not None:
            self._end(process)

    def _exchange(self, process: _Process, fresh: list[_Ticket]) -> Outcome:
        """Send what is new and return the next answer."""
        if fresh:
            process.send([(item.function, item.arguments) for item in fresh])
        try:
            return process.receive(limit_s=self._limit_s)
        except _Died as death:
            return Outcome(reason=death.reason, detail=death.detail, worn=True)

    def _start(self) -> _Process | None:
        """Return a new worker; without one no file is to blame, so the whole pool stops."""
        process = None
        try:
            process = _Process(self._terms)
            with self._changed:
                self._processes.add(process)
            process.receive(limit_s=START_LIMIT_S)
        except (OSError, Unavailable, _Died) as error:
            if process is not None:
                self._end(process)
            with self._changed:
                self._broken = f"A process to read files in cannot be started: {error}."
                self._changed.notify_all()
            return None
        return process

    def _end(self, process: _Process) -> None:
        with self._changed:
            self._processes.discard(process)
        process.close()
