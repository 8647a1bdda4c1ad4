"""One process's web server: uvicorn as this node wants it."""

import math
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio.to_thread
import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from panosc.settings import Settings

LONGEST_REQUEST = 1 << 20
"""Bytes of a request's head: an address may hold a whole filter."""
WAITING = 2048
"""Connections that the kernel keeps while nobody takes them."""
KEPT_S = 75
"""How long a silent connection is kept: longer than proxies keep theirs, so that they end it."""
SPARE_S = 5
"""What a request may take at the end beside its questions."""
THREADS = 40


def grace_s(settings: Settings) -> int:
    """Return how long requests that have begun may go on when the node stops."""
    return math.ceil(settings.query_time_limit_s) + SPARE_S


class Web(uvicorn.Server):
    """Answers on a socket until it is told to stop by a signal, or by `should_exit`.

    Parameters
    ----------
    app : FastAPI
    settings : Settings
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
            # a long filter is answered with its fault, not cut off
            h11_max_incomplete_event_size=LONGEST_REQUEST,
            # as many as one turn takes: more would leave the other processes without any
            backlog=1,
            timeout_keep_alive=KEPT_S,
            timeout_graceful_shutdown=grace_s(settings),
        )
        super().__init__(config)
        self._started, self._obeyed, self._threads = started, obeyed, threads

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then tell."""
        anyio.to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(WAITING)
        self._started()

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
