"""HTTP/1.1 as it comes over a connection: parsed by llhttp, with an end to what a head may be."""

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
            cast("Cycle", self.cycle).offer()
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
