"""HTTP/1.1 as it comes over a connection: parsed by llhttp, with an end to what a head may be."""

import os
import socket
from typing import cast

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from panosc.cli.serving.passing_on import Cycle

LONGEST_HEAD = 1 << 20
"""Bytes of a request's head: an address may hold a whole filter."""

LONGEST_PARSED = (1 << 16) - 1
"""Bytes of an address that llhttp takes apart."""


class Protocol(HttpToolsProtocol):
    """One connection; a head without an end is refused before it takes all memory."""

    _unended = 0
    _line: socket.socket | None = None
    _idle_since: float | None = None
    """When the last answer ended, if no request has come since."""

    def line(self) -> socket.socket:
        """Return the connection's socket once more, of its own; closed with the connection."""
        if self._line is None:
            own = self.transport.get_extra_info("socket")
            self._line = socket.socket(fileno=os.dup(own.fileno()))
            self._line.setblocking(False)
        return self._line

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        super().connection_lost(exc)
        if self._line is not None:
            self._line.close()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    @override
    def on_response_complete(self) -> None:
        """Go on with the next request, or begin to wait for it."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait(self.timeout_keep_alive)

    @override
    def _unset_keepalive_if_required(self) -> None:
        # one timer goes on through many requests: it costs as much as reading one
        self._idle_since = None

    @override
    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wait(left)
        else:
            super().timeout_keep_alive_handler()

    def _wait(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    @override
    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        self._unended += len(data)
        super().data_received(data)
        if self._unended > LONGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    @override
    def on_headers_complete(self) -> None:
        """Begin to answer; what a query of more than 64 kB asks is known as well."""
        self._end()
        whole = self.url
        path, mark, query = whole.partition(b"?")
        is_long = len(whole) > LONGEST_PARSED and bool(mark)
        if is_long:
            self.url = path
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            # made there, and begun in the next turn of the loop
            self.cycle.__class__ = Cycle
            cast("Cycle", self.cycle).offer(self)
        if is_long:
            self.url = whole
            self.scope["query_string"] = query.partition(b"#")[0]

    @override
    def on_body(self, body: bytes) -> None:
        """Pass on a part of the body."""
        self._end()
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """Note that the request has ended."""
        self._end()
        super().on_message_complete()

    def _end(self) -> None:
        self._unended = 0
