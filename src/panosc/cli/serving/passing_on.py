"""Bytes of files that go from the disk's cache to the socket without a copy in this process.

An answer may ask for it by the extension ``http.response.zerocopysend`` of ASGI, where a scope
offers it: on Linux, without TLS. Whoever asks has seen to it that the bytes are in memory, for
nothing here waits for a disk; how fast the client takes them does not matter.
"""

import asyncio
import os
import ssl
import sys
from typing import Any, Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

EXTENSION: Final = "http.response.zerocopysend"
_OFFERED: Final[dict[str, dict[object, object]]] = {EXTENSION: {}}
_AT_ONCE: Final = 1 << 22
"""Bytes of one call: then others have their turn."""


class Cycle(RequestResponseCycle):
    """One request and its answer, parts of which may be passed on from a file."""

    def offer(self) -> None:
        """Tell the application that it may ask for it, where it may."""
        if sys.platform == "linux" and not isinstance(
            self.transport.get_extra_info("ssl_object"), ssl.SSLObject
        ):
            self.scope["extensions"] = _OFFERED

    @override
    async def send(self, message: Any) -> None:
        """Send a message; a part of a file has to fit the length that was announced."""
        if message["type"] != EXTENSION:
            await super().send(message)
            return
        count = int(message["count"])
        if self.disconnected or self.scope["method"] == "HEAD":
            return
        if self.chunked_encoding is not False or count > self.expected_content_length:
            raise RuntimeError("Parts of files want an answer of a length that holds them.")
        self.expected_content_length -= count
        await self._pass_on(int(message["file"]), int(message["offset"]), count)

    async def _pass_on(self, file: int, offset: int, count: int) -> None:
        whole = self.transport.get_extra_info("socket")
        # of our own: the loop waits for each descriptor in one way, and that of the connection
        # is another's once it is closed
        own = os.dup(whole.fileno())
        try:
            while count and not self.disconnected and not self.transport.is_closing():
                if self.transport.get_write_buffer_size():
                    # what was written before goes out at the end of this turn of the loop
                    await asyncio.sleep(0)
                    if self.transport.get_write_buffer_size():
                        await _writable(own)
                    continue
                try:
                    sent = os.sendfile(own, file, offset, min(count, _AT_ONCE))
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
        finally:
            os.close(own)


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(descriptor, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(descriptor)


def _settle(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
