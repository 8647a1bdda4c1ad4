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
_PASSED: Final = 1 << 22
"""Bytes of blocks that are passed on, and not held in memory, before the next are asked for."""
_MOST: Final = 32
"""Pieces at once: each block holds a file open."""
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
        self._is_passed = False

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
            self._is_passed = PASSED_ON in scope.get("extensions", {})
            await self._send_blocks(send, gone)
        finally:
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _send_blocks(self, send: Send, gone: "asyncio.Future[None]") -> None:
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
                    await _send_piece(send, left.pop())
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
        """Return the next pieces, with about a block of memory; large ones are not copied."""
        found: list[bytes | Block] = []
        small: list[bytes] = []
        size = passed = 0
        try:
            for given in self._blocks:
                piece = given if self._is_passed else _read(given)
                if isinstance(piece, Block):
                    passed += len(piece)
                else:
                    size += len(piece)
                if isinstance(piece, bytes) and len(piece) < SMALL:
                    small.append(piece)
                else:
                    found += [b"".join(small), piece] if small else [piece]
                    small = []
                if size >= BLOCK or passed >= _PASSED or len(found) >= _MOST:
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


def _read(block: bytes | Block) -> bytes:
    if isinstance(block, bytes):
        return block
    with closing(block):
        return block.opened.read(block.offset, len(block))


async def _send_piece(send: Send, piece: bytes | Block) -> None:
    """Send a piece; a block was read for its checksum, so it is in memory.

    Raises
    ------
    Broken
        If the file is not any more what was read.
    """
    if isinstance(piece, bytes):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        return
    with closing(piece):
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
