"""An answer that is a part of a file as it lies on this machine's disk.

Where the server can (`PASSED_ON`), the operating system passes the bytes
on and this process never sees them. The last byte is held back until the file was found to be the
one that was opened: what changed meanwhile is broken off, never completed.
"""

import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

import anyio.to_thread
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from panosc.domain.errors import Unreadable
from panosc.files.storage.local import LocalSource

RawHeaders = Sequence[tuple[bytes, bytes]]
PASSED_ON: Final = "panosc.http.response.file"
"""The extension of ASGI, and the message, by which the server is asked to pass on a part of a file:
`file`, `offset`, `count`, `more_body`, and for the last part `last`, which is asked for the last
byte when all before it is on its way."""
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
    headers : sequence of pairs
        As they are sent, with names in lower case.
    """

    def __init__(
        self,
        source: LocalSource,
        offset: int,
        length: int,
        *,
        headers: RawHeaders,
    ) -> None:
        # what is made of headers elsewhere takes as long as sending
        self.status_code, self.body, self.background = 200, b"", None
        self.raw_headers = [*headers, (b"content-length", b"%d" % length)]
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
            is_passed = PASSED_ON in scope.get("extensions", {}) and self._end - self._offset > 1
            try:
                await (self._pass_on if is_passed else self._copy)(source, send)
            except Unreadable as error:
                # the server closes a connection whose answer was not ended
                _log.warning("Broken off: %s: %s", source.path, error.detail)

    async def _pass_on(self, source: LocalSource, send: Send) -> None:
        last = self._end - 1
        for start in range(self._offset, last, BLOCK):
            count = min(BLOCK, last - start)
            # the byte that is held back is looked for with those before it
            end = _at_hand(source.descriptor, start, count + 1)
            if not end:
                end = await anyio.to_thread.run_sync(_fetch, source, start, count + 1)
            is_last = start + count == last
            await send(
                {
                    "type": PASSED_ON,
                    "file": source.descriptor,
                    "offset": start,
                    "count": count,
                    "more_body": not is_last,
                    "last": partial(_unchanged, source, end) if is_last else None,
                }
            )

    async def _copy(self, source: LocalSource, send: Send) -> None:
        for start in range(self._offset, self._end, BLOCK):
            count = min(BLOCK, self._end - start)
            is_last = start + count == self._end
            body = await anyio.to_thread.run_sync(source.pread, start, count)
            if is_last:
                _unchanged(source, b"")
            await send({"type": "http.response.body", "body": body, "more_body": not is_last})


def _unchanged(source: LocalSource, end: bytes) -> bytes:
    """Return the end of an answer, unless the file is not any more what was opened."""
    if not source.is_same():
        raise Unreadable("The file changed while it was sent.", reason="changed")
    return end


def _at_hand(descriptor: int, offset: int, count: int) -> bytes:
    """Return the last byte of a part of a file that is in memory, as far as steps tell."""
    if _AT_HAND is None:
        return b""
    one = bytearray(1)
    found = 0
    try:
        for place in (*range(offset, offset + count - 1, _STEP), offset + count - 1):
            found = os.preadv(descriptor, [one], place, _AT_HAND)
    except OSError:
        return b""
    return bytes(one[:found])


def _fetch(source: LocalSource, offset: int, count: int) -> bytes:
    """Read a part into the memory of the operating system; return its last byte."""
    end = b""
    for piece in source.stream(offset, count):
        end = piece[-1:]
    return end
