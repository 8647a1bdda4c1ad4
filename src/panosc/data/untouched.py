"""An answer that is a part of a file as it lies on this machine's disk.

Where the server can (`http.response.zerocopysend` of ASGI), the operating system passes the bytes
on and this process never sees them. The last byte is held back until the file was found to be the
one that was opened: what changed meanwhile is broken off, never completed.
"""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Final

import anyio.to_thread
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from panosc.domain.errors import Unreadable
from panosc.files.storage.local import LocalSource

PASSED_ON: Final = "http.response.zerocopysend"
BLOCK: Final = 1 << 22
"""Bytes that are fetched into memory at once."""
_STEP: Final = 1 << 17
"""What the operating system reads ahead: where one byte is at hand its neighbours are."""
_log = logging.getLogger(__name__)
_AT_HAND: Final[int | None] = getattr(os, "RWF_NOWAIT", None) if sys.platform == "linux" else None


class Untouched(Response):
    """A part of an open file, which it closes.

    Parameters
    ----------
    source : LocalSource
    offset, length : int
        In bytes; the file has them.
    """

    def __init__(
        self,
        source: LocalSource,
        offset: int,
        length: int,
        *,
        status: int = 200,
        headers: Mapping[str, str],
        media_type: str | None = None,
    ) -> None:
        told = {**headers, "Content-Length": str(length)}
        super().__init__(status_code=status, headers=told, media_type=media_type)
        self._source = source
        self._offset = offset
        self._end = offset + length

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._source as source:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            if scope["method"] == "HEAD" or self._offset == self._end:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            try:
                await self._send(source, send, is_passed=PASSED_ON in scope.get("extensions", {}))
            except Unreadable as error:
                # the server closes a connection whose answer was not ended
                _log.warning("Broken off: %s: %s", source.path, error.detail)

    async def _send(self, source: LocalSource, send: Send, *, is_passed: bool) -> None:
        last = self._end - 1
        for start in range(self._offset, last, BLOCK):
            count = min(BLOCK, last - start)
            if not is_passed:
                body = await anyio.to_thread.run_sync(source.pread, start, count)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                continue
            if not _is_at_hand(source.descriptor, start, count):
                await anyio.to_thread.run_sync(_fetch, source, start, count)
            await send(
                {
                    "type": PASSED_ON,
                    "file": source.descriptor,
                    "offset": start,
                    "count": count,
                    "more_body": True,
                }
            )
        if _is_at_hand(source.descriptor, last, 1):
            end = _end(source, last)
        else:
            end = await anyio.to_thread.run_sync(_end, source, last)
        await send({"type": "http.response.body", "body": end, "more_body": False})


def _is_at_hand(descriptor: int, offset: int, count: int) -> bool:
    """Whether a part of a file is in memory, as far as one byte in each step tells."""
    if _AT_HAND is None:
        return False
    one = [bytearray(1)]
    try:
        for place in (*range(offset, offset + count, _STEP), offset + count - 1):
            os.preadv(descriptor, one, place, _AT_HAND)
    except OSError:
        return False
    return True


def _fetch(source: LocalSource, offset: int, count: int) -> None:
    """Read a part into the memory of the operating system."""
    for _ in source.stream(offset, count):
        pass


def _end(source: LocalSource, last: int) -> bytes:
    """Return the last byte of a file that is what it was when it was opened."""
    found = source.pread(last, 1)
    if not source.is_same():
        raise Unreadable("The file changed while it was sent.", reason="changed")
    return found
