"""One process's web server: uvicorn as this node wants it.

It takes connections itself, for the kernel gives them to whichever process is awake: one would
have all that are opened at once, and they stay open.
"""

import asyncio
import functools
import gc
import math
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from panosc.cli.serving.protocol import Protocol
from panosc.portal.operating.board import Board
from panosc.settings import Settings

WAITING = 2048
"""Connections that the kernel keeps while nobody takes them."""
KEPT_S = 75
"""How long a silent connection is kept: longer than proxies keep theirs, so that they end it."""
SPARE_S = 5
"""What a request may take at the end beside its questions."""
THREADS = 40
TURN_S, TURNS = 0.002, 5
"""How long, and how often, a process leaves a connection to one that has fewer."""
FULL_PAUSE_S = 0.5
YOUNG = 20_000
"""Objects more than before, after which garbage is looked for."""


def grace_s(settings: Settings) -> int:
    """Return how long requests that have begun may go on when the node stops."""
    return math.ceil(settings.query_time_limit_s) + SPARE_S


def settle() -> None:
    """Look for garbage less often, and never again among what is there from the start.

    What requests allocate is freed as they end. To walk through all modules, routes and the
    ontology for it, many times a second, would take longer than to answer.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)


class Web(uvicorn.Server):
    """Answers on a socket until it is told to stop by a signal, or by `should_exit`.

    Parameters
    ----------
    app : FastAPI
    settings : Settings
    board : Board
        Where the processes tell how many connections they have.
    started : callable
        Told once this process answers.
    obeyed : tuple of int
        Signals that stop it.
    threads : int
        Requests that are worked on at once.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: Settings,
        board: Board,
        *,
        started: Callable[[], None],
        obeyed: tuple[signal.Signals, ...],
        threads: int = THREADS,
    ) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            # which proxies are believed is a setting of the node
            proxy_headers=False,
            http=Protocol,
            loop="uvloop",
            # messages of any kind but HTTP are not spoken
            ws="none",
            timeout_keep_alive=KEPT_S,
            timeout_graceful_shutdown=grace_s(settings),
        )
        super().__init__(config)
        self._board = board
        self._started, self._obeyed, self._threads = started, obeyed, threads
        self._left, self._opening = 0, 0
        self._tasks: set[asyncio.Task[None]] = set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        anyio.to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup([])
        for listener in sockets or ():
            listener.setblocking(False)
            listener.listen(WAITING)
            self._listen(listener)
        self._started()

    @override
    async def on_tick(self, counter: int) -> bool:
        """Tell the others how it stands, ten times a second."""
        self._board.tell_load(self._load())
        return await super().on_tick(counter)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and finish those that there are."""
        for listener in sockets or ():
            asyncio.get_running_loop().remove_reader(listener)
        await super().shutdown(sockets)

    def _load(self) -> int:
        return len(self.server_state.connections) + self._opening

    def _listen(self, listener: socket.socket) -> None:
        if not self.should_exit:
            take = functools.partial(self._take, listener)
            asyncio.get_running_loop().add_reader(listener, take)

    def _pause(self, listener: socket.socket, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        loop.call_later(seconds, self._listen, listener)

    def _take(self, listener: socket.socket) -> None:
        """Take one connection, or leave it to a process that has fewer for a moment."""
        load = self._load()
        self._board.tell_load(load)
        if load > self._board.least_load() and self._left < TURNS:
            self._left += 1
            self._pause(listener, TURN_S)
            return
        self._left = 0
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # no descriptor is free
            self._pause(listener, FULL_PAUSE_S)
            return
        connection.setblocking(False)
        self._opening += 1
        task = asyncio.get_running_loop().create_task(self._open(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        protocol: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        make = functools.partial(
            protocol,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
        )
        try:
            with suppress(OSError):
                await loop.connect_accepted_socket(make, connection)
        finally:
            self._opening -= 1

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal; it has been obeyed then, and is not raised again."""
        before = {number: signal.signal(number, self.handle_exit) for number in self._obeyed}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
