"""Processes that read parts of files for asynchronous code, the quick ones apart from the slow.

Each does one task at a time, confined as `files.sandbox` says. What a task reads lies in memory
that the process shares with this one: numbers are neither pickled nor sent through a pipe. A task
whose process is killed is tried once more; tasks only read.
"""

import asyncio
import fcntl
import mmap
import os
import pickle
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from panosc.domain.errors import Busy, Unavailable
from panosc.files.apart.starting import start
from panosc.files.sandbox import FRAME_LIMIT, Outcome, Shared, Terms, shared_of
from panosc.files.workers import decode

Lane = Literal["quick", "slow"]
START_LIMIT_S: Final = 60.0
WAITING: Final = 256
"""Tasks of one lane that may wait; more are told to come again."""
NICE: Final = 10
"""How far a process of the slow lane stands back, as the operating system counts it."""
_HEAD: Final = 4
_GULP: Final = 2**18
Start: TypeAlias = Callable[[], Awaitable["_Reader"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one task: a value, and bytes where the task shared some."""

    outcome: Outcome
    body: bytes = b""


class Lanes:
    """Reading processes of two kinds; they start when they are first needed.

    Parameters
    ----------
    quick, slow : int
        How many of each.
    memory_mb : int
        Memory that one may take beyond what it starts with.
    time_limit_s : float
        Longest that one task may take, in seconds.
    area_bytes : int
        Most that one task may share.
    preload : sequence of str
        Modules that a process imports before its first task.
    """

    def __init__(
        self,
        *,
        quick: int,
        slow: int,
        memory_mb: int,
        time_limit_s: float,
        area_bytes: int,
        preload: Iterable[str] = (),
    ) -> None:
        self._terms = Terms(
            memory_mb=memory_mb,
            search_path=tuple(sys.path),
            preload=tuple(preload),
            area_bytes=area_bytes,
            limit_s=time_limit_s,
        )
        self.limit_s = time_limit_s
        self._lanes: dict[Lane, _Lane] = {
            "quick": _Lane(quick),
            "slow": _Lane(slow),
        }
        self._closed = False

    async def run(self, lane: Lane, function: str, *arguments: Any) -> Answer:
        """Do one task, a function spelt ``module:name``; what fails has a reason.

        Raises
        ------
        Busy
            If too many are waiting already.
        Unavailable
            If no process can be started, or the lanes have been closed.
        """
        frame = pickle.dumps([(function, arguments)], protocol=pickle.HIGHEST_PROTOCOL)
        found = self._lanes[lane]
        answer = Answer(outcome=Outcome(reason="crashed"))
        for _ in range(2):
            reader = await found.take(partial(self._start, lane))
            try:
                answer = await reader.do(frame, limit_s=self.limit_s)
            except BaseException:
                # the answer to what was given up would be taken for that of the next task
                reader.kill()
                raise
            finally:
                found.give(reader)
            if answer.outcome.reason != "crashed":
                break
        return answer

    async def _start(self, lane: Lane) -> "_Reader":
        if self._closed:
            raise Unavailable("The processes that read files have been stopped.")
        terms = replace(self._terms, nice=NICE if lane == "slow" else 0)
        starting = asyncio.ensure_future(asyncio.to_thread(_Reader, terms))
        try:
            reader = await asyncio.shield(starting)
        except OSError as error:
            raise Unavailable(f"A process to read files in cannot be started: {error}.") from error
        except asyncio.CancelledError:
            # it is being started all the same, and nobody will want it
            starting.add_done_callback(_end_unwanted)
            raise
        try:
            ready = await reader.receive(limit_s=START_LIMIT_S)
        except BaseException:
            reader.end()
            raise
        if ready.outcome.reason is not None:
            reader.end()
            raise Unavailable(
                f"A process to read files in cannot be started: {ready.outcome.detail}."
            )
        return reader

    def processes(self) -> list[int]:
        """Return the numbers of all that run."""
        return [reader.pid for lane in self._lanes.values() for reader in lane.readers]

    def close(self) -> None:
        """End all processes; what they were at has no answer."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close()


class _Lane:
    """The processes of one kind, and who waits for one."""

    def __init__(self, size: int) -> None:
        self._free = asyncio.Semaphore(size)
        self._waiting = 0
        self._idle: list[_Reader] = []
        self.readers: set[_Reader] = set()

    async def take(self, start: Start) -> "_Reader":
        """Return a process once one is free, starting one if there may be more; to be given back.

        Raises
        ------
        Busy
        """
        if self._waiting >= WAITING:
            raise Busy(
                "Too many people read data at this moment.",
                retry_after=2,
                hint="Try again, or ask for less at once.",
            )
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        if self._idle:
            # the one used last has its caches warm
            return self._idle.pop()
        try:
            found = await start()
        except BaseException:
            self._free.release()
            raise
        self.readers.add(found)
        return found

    def give(self, reader: "_Reader") -> None:
        """Take a process back, to be used again if it still lives."""
        if reader.is_alive():
            self._idle.append(reader)
        else:
            self.readers.discard(reader)
            reader.end()
        self._free.release()

    def close(self) -> None:
        self._idle.clear()
        for reader in self.readers:
            reader.end()
        self.readers.clear()


class _Reader:
    """One process, a socket to it, and the memory that both have."""

    def __init__(self, terms: Terms) -> None:
        ours, theirs = socket.socketpair()
        area = _area(terms.area_bytes)
        try:
            self._memory = mmap.mmap(area, terms.area_bytes, prot=mmap.PROT_READ)
            self._process = start(theirs.fileno(), theirs.fileno(), [area])
            self._socket = ours
            terms = replace(terms, area=self._process.area, parent=self._process.parent)
            first = pickle.dumps(terms, protocol=pickle.HIGHEST_PROTOCOL)
            ours.sendall(len(first).to_bytes(_HEAD, "big") + first)
            ours.setblocking(False)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(area)
        self.pid = self._process.pid
        self._killed = False
        self._worn = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._frame: asyncio.Future[bytes] | None = None
        self._heard = bytearray()

    def is_alive(self) -> bool:
        return not self._killed and not self._worn

    async def do(self, frame: bytes, *, limit_s: float) -> Answer:
        """Send a task and return what became of it."""
        told = len(frame).to_bytes(_HEAD, "big") + frame
        try:
            sent = self._socket.send(told)
            if sent < len(told):
                await asyncio.get_running_loop().sock_sendall(self._socket, told[sent:])
        except OSError:
            return self._died()
        return await self.receive(limit_s=limit_s)

    async def receive(self, *, limit_s: float) -> Answer:
        """Return the next answer; the process ends if there is none that makes sense in time."""
        began = time.monotonic()
        loop = self._listen()
        self._frame = loop.create_future()
        end = loop.call_later(limit_s, _late, self._frame)
        try:
            data = await self._frame
            outcome = shared_of(data) or decode(data)
        except TimeoutError:
            self.kill()
            taken = time.monotonic() - began
            return _failed("time-limit", f"reading it took longer than {taken:.0f} s")
        except (OSError, EOFError):
            return self._died()
        except Exception as error:
            # whatever a process says that a hostile file has taken over
            self.kill()
            return _failed("damaged", f"the answer made no sense: {error}")
        finally:
            end.cancel()
            self._frame = None
        if not isinstance(outcome, Outcome):
            self.kill()
            return _failed("damaged", "the answer made no sense")
        self._worn = outcome.worn
        body = b""
        if isinstance(outcome.value, Shared):
            if not 0 <= outcome.value.size <= len(self._memory):
                self.kill()
                return _failed("damaged", "the answer made no sense")
            body = self._memory[: outcome.value.size]
        return Answer(outcome=outcome, body=body)

    def _listen(self) -> asyncio.AbstractEventLoop:
        """Be told of all that the process says, from the first answer on until its end."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._hear)
        return self._loop

    def _hear(self) -> None:
        """Take what has come; most answers come whole, and one is all that is said."""
        failure: Exception | None = None
        try:
            more = self._socket.recv(_GULP)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            more, failure = b"", error
        self._heard += more
        size = len(self._heard)
        due = _HEAD + int.from_bytes(self._heard[:_HEAD], "big") if size >= _HEAD else size
        frame = self._frame
        if not more or due > FRAME_LIMIT or size > due or frame is None or frame.done():
            self.kill()
            self._deaf()
            if frame is not None and not frame.done():
                frame.set_exception(failure or EOFError())
        elif size == due > _HEAD:
            data, self._heard = bytes(self._heard[_HEAD:]), bytearray()
            frame.set_result(data)

    def _deaf(self) -> None:
        """Be told no more."""
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            loop.remove_reader(self._socket)

    def _died(self) -> Answer:
        self.kill()
        return _failed("crashed", "the process that read it has ended")

    def kill(self) -> None:
        """End the process at once."""
        self._killed = True
        self._process.kill()

    def end(self) -> None:
        """End the process and give back what belongs to it."""
        self.kill()
        self._deaf()
        self._process.wait()
        self._socket.close()
        self._memory.close()


def _late(frame: "asyncio.Future[bytes]") -> None:
    if not frame.done():
        frame.set_exception(TimeoutError())


def _end_unwanted(starting: "asyncio.Future[_Reader]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().end()


def _failed(reason: str, detail: str) -> Answer:
    return Answer(outcome=Outcome(reason=reason, detail=detail, worn=True))


def _area(size: int) -> int:
    """Return a descriptor of memory that another process can be given."""
    if hasattr(os, "memfd_create"):
        found = os.memfd_create("panosc", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.truncate(found, size)
        # a reader that made it smaller would end whoever reads there
        fcntl.fcntl(found, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        return found
    with tempfile.TemporaryFile() as file:
        found = os.dup(file.fileno())
    os.truncate(found, size)
    return found
