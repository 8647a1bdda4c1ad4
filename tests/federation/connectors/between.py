"""A server between a connector and its catalogue, which spoils the answers when told to."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cloud.standins.running import running
from typing_extensions import override

HUGE = 10 * 2**20
_DEEP = b"[" * 900 + b"]" * 900
_HOPS = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}
Spoil = Callable[[bytes], bytes]


class Between(ThreadingHTTPServer):
    """Passes requests on, or spoils the answers.

    Attributes
    ----------
    fault : str
        ``""``, or one of `FAULTS` and `ODDITIES`.
    after : int
        So many requests more are passed on before the fault begins.
    asked : list of str
        Method and target of each request.
    """

    daemon_threads = True

    def __init__(self, to: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.to = urlsplit(to)
        self.fault = ""
        self.after = 0
        self.spoil: Spoil = spoilt
        self.asked: list[str] = []
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        """The address that a connector is given."""
        return f"http://127.0.0.1:{self.server_address[1]}{self.to.path.rstrip('/')}"

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        # who asked has gone away, which is what some tests are about
        return


FAULTS = ("hang", "breaks off", "garbage", "page", "500", "huge")
"""After these nothing can be used: `Upstream`, and nothing else."""
ODDITIES = ("deep", "null", "list", "object", "text", "wrong types", "lists for all", "gone")
"""After these a connector may make the best of it, or raise `Upstream`."""
_BODIES = {
    "garbage": b"\x00\xff{not json, not xml",
    "page": b"<!doctype html><html><body><h1>Sign in</h1></body></html>",
    "huge": b'["' + b"x" * HUGE + b'"]',
    "deep": _DEEP,
    "null": b"null",
    "list": b'[null, 7, "x", [], {}]',
    "object": b"{}",
    "text": b'"yes"',
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece, which is not delayed
    server: Between

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return

    def _answer(self) -> None:
        server = self.server
        server.asked.append(f"{self.command} {self.path}")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = server.fault
        if fault and server.after > 0:
            server.after -= 1
            fault = ""
        if fault == "hang":
            server.is_over.wait(10)
            self.close_connection = True
        elif fault in {"500", "gone"}:
            self._send(500 if fault == "500" else 404, b'{"error": "it broke"}')
        elif fault in _BODIES:
            kind = "text/html" if fault == "page" else "application/json"
            self._send(200, _BODIES[fault], kind)
        else:
            self._pass_on(body, fault)

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - names of http.server

    def _pass_on(self, body: bytes, fault: str) -> None:
        to = self.server.to
        call = http.client.HTTPConnection(to.hostname or "", to.port, timeout=30)
        try:
            call.request(self.command, self.path, body or None, dict(self.headers))
            answer = call.getresponse()
            content = answer.read()
        finally:
            call.close()
        if fault == "wrong types":
            content = self.server.spoil(content)
        elif fault == "lists for all":
            content = spoilt(content, other=lambda _: [1, {"a": None}])
        headers = [item for item in answer.getheaders() if item[0].lower() not in _HOPS]
        self._send(answer.status, content, headers=headers, is_cut=fault == "breaks off")

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json",
        *,
        headers: list[tuple[str, str]] | None = None,
        is_cut: bool = False,
    ) -> None:
        self.send_response(status)
        for name, value in [("Content-Type", kind)] if headers is None else headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + (10 if is_cut else 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if is_cut:
            self.close_connection = True


def _turned(value: Any) -> Any:
    """Return another type than that of a value."""
    if isinstance(value, bool) or value is None:
        return "perhaps"
    if isinstance(value, str):
        return {"was": 1.5}
    return "-1e999" if isinstance(value, int | float) else value


def spoilt(body: bytes, *, other: Callable[[Any], Any] = _turned) -> bytes:
    """Return JSON with another type in the place of each value; what is no JSON reversed."""

    def turn(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turn(item) for key, item in value.items()}
        if isinstance(value, list):
            return [turn(item) for item in value]
        return other(value)

    try:
        return json.dumps(turn(json.loads(body))).encode()
    except ValueError:
        return body[::-1]


@contextmanager
def between(to: str) -> Iterator[Between]:
    """Serve, on a free port of this machine, what the server at `to` answers."""
    server = Between(to)
    with running(server):
        try:
            yield server
        finally:
            server.is_over.set()
