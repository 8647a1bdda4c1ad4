"""An HTTP server of one content that may be told to lie, to stall or to send readers on."""

import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Headers = dict[str, str]


class RangeServer(ThreadingHTTPServer):
    """Serves `data` at every path; `manner` is how it goes wrong, ``times`` how often."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, data: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.data = data
        self.etag = '"one"'
        self.modified = "Mon, 23 Nov 2026 00:00:00 GMT"
        self.manner = "well"
        self.times = 10**9
        self.target = ""
        self.password: str | None = None
        self.asked: list[tuple[str, str, Headers]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RangeServer

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        server = self.server
        server.asked.append((self.command, self.path, dict(self.headers)))
        manner = "well"
        if server.times > 0 and server.manner != "well":
            server.times -= 1
            manner = server.manner
        if server.password and self.headers.get("Authorization") != server.password:
            return self._say(401, {}, b"no")
        if self.path.endswith("missing"):
            return self._say(404, {}, b"no")
        return getattr(self, f"_{manner.replace(' ', '_')}")()

    def _say(
        self, status: int, headers: Headers, body: bytes, *, length: int | None = None
    ) -> None:
        self.send_response(status)
        told = {"ETag": self.server.etag, "Last-Modified": self.server.modified, **headers}
        told.setdefault("Content-Length", str(len(body) if length is None else length))
        for name, value in told.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.wfile.flush()

    def _asked_for(self) -> tuple[int, int]:
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        return int(first), int(last)

    def _part(self, first: int, last: int, body: bytes, **how: Any) -> None:
        told = f"bytes {first}-{last}/{len(self.server.data)}"
        self._say(206, {"Content-Range": told}, body, **how)

    def _well(self) -> None:
        if self.headers.get("Range") is None:
            return self._say(200, {}, self.server.data)
        first, last = self._asked_for()
        if first >= len(self.server.data):
            return self._say(416, {}, b"")
        return self._part(first, last, self.server.data[first : last + 1])

    def _ignoring(self) -> None:
        self._say(200, {}, self.server.data)

    def _other_range(self) -> None:
        first, last = self._asked_for()
        self._part(first + 1, last + 1, self.server.data[first + 1 : last + 2])

    def _longer(self) -> None:
        first, last = self._asked_for()
        self._part(first, last + 5, self.server.data[first : last + 6])

    def _longer_than_told(self) -> None:
        first, last = self._asked_for()
        self._part(first, last, self.server.data[first : last + 6])

    def _chunked_longer(self) -> None:
        first, last = self._asked_for()
        body = self.server.data[first : last + 6]
        told = f"bytes {first}-{last}/{len(self.server.data)}"
        framed = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        how = {"Content-Range": told, "Transfer-Encoding": "chunked", "Content-Length": ""}
        self._say(206, how, framed)

    def _shorter(self) -> None:
        first, last = self._asked_for()
        body = self.server.data[first : last + 1]
        self._part(first, last, body[: len(body) // 2], length=len(body))
        self.close_connection = True

    def _shorter_and_well_framed(self) -> None:
        first, last = self._asked_for()
        self._part(first, last, self.server.data[first:last])

    def _packed(self) -> None:
        first, last = self._asked_for()
        told = f"bytes {first}-{last}/{len(self.server.data)}"
        body = self.server.data[first : last + 1]
        self._say(206, {"Content-Range": told, "Content-Encoding": "gzip"}, body)

    def _several_ranges(self) -> None:
        self._say(206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x--")

    def _no_range_told(self) -> None:
        first, last = self._asked_for()
        self._say(206, {}, self.server.data[first : last + 1])

    def _failing(self) -> None:
        self._say(503, {}, b"come back")

    def _hanging_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _silent(self) -> None:
        time.sleep(30)
        self.close_connection = True

    def _dripping(self) -> None:
        first, last = self._asked_for()
        self._part(first, last, b"", length=last + 1 - first)
        for _ in range(300):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.1)
        self.close_connection = True

    def _sending_on(self) -> None:
        self._say(302, {"Location": self.server.target}, b"")


@contextmanager
def serving(data: bytes, *, tls: ssl.SSLContext | None = None) -> Iterator[RangeServer]:
    server = RangeServer(data)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        socketserver.TCPServer.server_close(server)
