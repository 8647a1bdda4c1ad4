"""Sends an answer block by block: read in threads of its own, never ahead of who reads it.

At most two blocks are in memory, one on its way and one being read, however slow the client and
however large the answer. The event loop never waits for a disk, and other requests never for a
thread that does. What cannot be ended truthfully is broken off: the client sees a connection
that closed before its end, which every HTTP client takes for a failure.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import closing, suppress
from typing import Final

from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from panosc.data.downloads.opening import SMALL, Block, Broken
from panosc.data.untouched import PASSED_ON

BLOCK: Final = 1 << 20
"""Bytes that are read and sent at once."""
_log = logging.getLogger("panosc.downloads")


class Streamed(Response):
    """An answer of a known length that comes from an iterator of blocks, which it closes.

    Parameters
    ----------
    blocks : iterator of bytes or Block
        Pieces of up to `BLOCK` bytes, none of them empty; small ones are put together.
        Asked in a thread of `threads`. It may raise `Broken`.
    length : int
        Bytes in all; more or fewer break the connection.
    name : str
        What the log calls it.
    """

    def __init__(
        self,
        blocks: Iterator[bytes | Block],
        *,
        length: int,
        status: int,
        headers: Mapping[str, str],
        threads: Executor,
        name: str,
    ) -> None:
        super().__init__(status_code=status, headers=dict(headers))
        self.headers["Content-Length"] = str(length)
        self._blocks = blocks
        self._length = length
        self._threads = threads
        self._name = name

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, as long as somebody listens."""
        start: Message = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.raw_headers,
        }
        if scope["method"] == "HEAD":
            await self._ask(self._close)
            await send(start)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await send(start)
            is_passed = PASSED_ON in scope.get("extensions", {})
            await self._send_blocks(send, gone, is_passed=is_passed)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _send_blocks(
        self, send: Send, gone: "asyncio.Future[None]", *, is_passed: bool
    ) -> None:
        sent = 0
        left: list[bytes | Block] = []
        ahead = self._ask(self._next)
        try:
            while (block := await ahead) and not gone.done():
                sent += sum(map(len, block))
                if sent > self._length:
                    break
                left = block[::-1]
                ahead = self._ask(self._next)
                while left:
                    await _send_piece(send, left.pop(), is_passed=is_passed)
            if not gone.done() and sent == self._length:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif not gone.done():
                _log.error("Broken off: %s has not the length that was announced", self._name)
        except Broken as error:
            # nothing more is sent: the server closes a connection that was not ended
            _log.warning("Broken off: %s: %s", self._name, error)
        finally:
            # the iterator is closed by who is in it last
            with suppress(Broken, OSError):
                left += await asyncio.shield(ahead)
            _close_all(left)
            await asyncio.shield(self._ask(self._close))

    def _ask(
        self, work: Callable[[], list[bytes | Block]]
    ) -> "asyncio.Future[list[bytes | Block]]":
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _next(self) -> list[bytes | Block]:
        """Return the next pieces, together about a block; large ones are not copied."""
        found: list[bytes | Block] = []
        small: list[bytes] = []
        size = 0
        try:
            for piece in self._blocks:
                size += len(piece)
                if isinstance(piece, bytes) and len(piece) < SMALL:
                    small.append(piece)
                else:
                    found += [b"".join(small), piece] if small else [piece]
                    small = []
                if size >= BLOCK:
                    break
        except BaseException:
            _close_all(found)
            raise
        return [*found, b"".join(small)] if small else found

    def _close(self) -> list[bytes | Block]:
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
        return []


async def _send_piece(send: Send, piece: bytes | Block, *, is_passed: bool) -> None:
    """Send a piece, from where it lies if the server can: it was read, so it is in memory.

    Raises
    ------
    Broken
        If the file is not any more what was read.
    """
    if isinstance(piece, bytes):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        return
    with closing(piece):
        if not is_passed:
            await send({"type": "http.response.body", "body": piece.content, "more_body": True})
            return
        await send(
            {
                "type": PASSED_ON,
                "file": piece.opened.descriptor,
                "offset": piece.offset,
                "count": len(piece),
                "more_body": True,
            }
        )
        piece.opened.require_same()


def _close_all(pieces: list[bytes | Block]) -> None:
    for piece in pieces:
        if isinstance(piece, Block):
            piece.close()


async def _gone(receive: Receive) -> None:
    """Return when nobody listens any more."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Closing(Iterator[bytes | Block]):
    """Blocks of a generator; `close` closes it and what it reads from, to be called once."""

    def __init__(
        self, blocks: Generator[bytes | Block, None, None], close: Callable[[], None]
    ) -> None:
        self._blocks = blocks
        self._close = close

    @override
    def __next__(self) -> bytes | Block:
        """Return the next block."""
        return next(self._blocks)

    def close(self) -> None:
        """End it."""
        try:
            self._blocks.close()
        finally:
            self._close()
