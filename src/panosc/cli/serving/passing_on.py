"""Writes answers: few system calls for small ones, and no copy of what lies in a file.

A head waits for what follows it, as ASGI asks for, and goes out together with it. Where a scope
offers it (on Linux, without TLS), an answer may ask by `PASSED_ON` that a part of a file goes from
the disk's cache to the socket without a copy in this process: as ``http.response.zerocopysend`` of
ASGI, whose answers could not hold back their end. Whoever asks has seen to it that the bytes are in
memory, for nothing here waits for a disk; how fast the client takes them does not matter.
"""

import asyncio
import os
import socket
import ssl
import sys
from typing import Any, Final, Protocol

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from panosc.cli.serving.heads import line
from panosc.data.untouched import PASSED_ON

_OFFERED: Final[dict[str, dict[object, object]]] = {PASSED_ON: {}}
_AT_ONCE: Final = 1 << 22
"""Bytes of one call: then others have their turn."""
_SMALL: Final = 1 << 16
"""A body of up to so many bytes is sooner copied behind its head than sent for itself."""
_BODILESS: Final = frozenset({204, 304})


class Connected(Protocol):
    """What a cycle needs of its connection."""

    def line(self) -> socket.socket:
        """Return the connection's socket once more, of its own."""
        ...


class Cycle(RequestResponseCycle):
    """One request and its answer, parts of which may be passed on from a file."""

    connection: Connected
    _head = b""
    """What has not been written yet."""

    def offer(self, connection: Connected) -> None:
        """Tell the application that it may ask for files to be passed on, where it may."""
        self.connection = connection
        if sys.platform == "linux" and not isinstance(
            self.transport.get_extra_info("ssl_object"), ssl.SSLObject
        ):
            self.scope["extensions"] = _OFFERED

    @override
    async def send(self, message: Any) -> None:
        """Send a message; a part of a file has to fit the length that was announced."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"An answer does not begin with {kind!r}.")
            self._start(message)
        elif self.response_complete or kind not in {"http.response.body", PASSED_ON}:
            raise RuntimeError(f"There is no place for {kind!r} in this answer.")
        elif kind == PASSED_ON:
            await self._part(message)
        else:
            self._body(message.get("body", b""), has_more=message.get("more_body", False))

    def _start(self, message: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        status: int = message["status"]
        head = [STATUS_LINE[status]]
        is_closed = False
        for key, value in (*self.default_headers, *message.get("headers", ())):
            told, name = line(key, value)
            head.append(told)
            if name is None:
                continue
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                is_closed = True
        if not self.keep_alive and not is_closed:
            head.append(b"connection: close\r\n")
        is_sized = self.chunked_encoding is not None
        if not is_sized and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            head.append(b"transfer-encoding: chunked\r\n")
        head.append(b"\r\n")
        self._head = b"".join(head)

    def _body(self, body: bytes, *, has_more: bool) -> None:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            body = b""
        elif self.chunked_encoding:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body += b"" if has_more else b"0\r\n\r\n"
        elif len(body) > self.expected_content_length:
            raise RuntimeError("The answer is longer than was announced.")
        else:
            self.expected_content_length -= len(body)
        self._write(body)
        if has_more:
            return
        if self.expected_content_length:
            raise RuntimeError("The answer is shorter than was announced.")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _write(self, body: bytes) -> None:
        head, self._head = self._head, b""
        if head and len(body) > _SMALL:
            self.transport.writelines([head, body])
        elif head or body:
            self.transport.write(head + body)

    async def _part(self, message: Any) -> None:
        count = int(message["count"])
        if self.scope["method"] == "HEAD" or self.transport.is_closing():
            return
        if self.chunked_encoding is not False or count > self.expected_content_length:
            raise RuntimeError("Parts of files want an answer of a length that holds them.")
        self.expected_content_length -= count
        own = self.connection.line()
        if self._head and not self.transport.get_write_buffer_size():
            self._send_head(own)
        self._write(b"")
        await self._pass_on(own, int(message["file"]), int(message["offset"]), count)
        is_over = self.disconnected or self.transport.is_closing()
        if not is_over and (last := message.get("last")) is not None:
            self._body(last(), has_more=False)

    def _send_head(self, own: socket.socket) -> None:
        # not kept back until the first bytes of the file: the client would begin later
        try:
            sent = own.send(self._head)
        except BlockingIOError:
            return
        except ConnectionError:
            # the transport finds out for itself
            return
        self._head = self._head[sent:]

    async def _pass_on(self, own: socket.socket, file: int, offset: int, count: int) -> None:
        while count and not self.disconnected and not self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                # what was written before goes out at the end of this turn of the loop
                await asyncio.sleep(0)
                if self.transport.get_write_buffer_size():
                    await _writable(own)
                continue
            try:
                sent = os.sendfile(own.fileno(), file, offset, min(count, _AT_ONCE))
            except BlockingIOError:
                await _writable(own)
                continue
            except ConnectionError:
                return
            if not sent:
                # the file ends before: what was announced cannot be kept
                self.transport.abort()
                return
            offset += sent
            count -= sent
            if count:
                await asyncio.sleep(0)


async def _writable(line: socket.socket) -> None:
    """Return when more can be sent, or the other end has gone."""
    if line.fileno() < 0:
        return
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    # for itself: the loop waits for each descriptor in one way, and the connection may close
    with line.dup() as own:
        loop.add_writer(own.fileno(), _settle, ready)
        try:
            await ready
        finally:
            loop.remove_writer(own.fileno())


def _settle(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
