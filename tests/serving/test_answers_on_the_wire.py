"""Answers as they leave: what a plain socket reads of them."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from app_serving import serving

KEPT_S = 3


class Odd(Response):
    """An answer whose head and body are as they are given."""

    def __init__(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(body)
        self.raw_headers = headers


@pytest.fixture
def go_on() -> threading.Event:
    """Lets an answer in pieces go on after the first."""
    return threading.Event()


@pytest.fixture
def node(go_on: threading.Event) -> Iterator[tuple[str, int]]:
    app = FastAPI()

    async def small(request: Request) -> Response:
        return Response(b"x" * int(request.query_params.get("size", "2")), media_type="a/b")

    async def nothing() -> Response:
        return Response(status_code=204)

    async def pieces() -> Response:
        async def made() -> AsyncIterator[bytes]:
            yield b"aaa"
            await asyncio.to_thread(go_on.wait, 30)
            yield b"bbb"
            yield b"ccc"

        return StreamingResponse(made())

    async def odd(request: Request) -> Response:
        kind = request.query_params["kind"]
        length = {"short": b"9", "long": b"2"}.get(kind, b"4")
        name = b"x y" if kind == "name" else b"X-Odd"
        value = b"a\r\nSet-Cookie: b" if kind == "value" else b"a"
        return Odd([(b"content-length", length), (name, value)], b"body")

    for path, route in (("/small", small), ("/nothing", nothing), ("/pieces", pieces)):
        app.add_api_route(path, route, methods=["GET", "HEAD"], response_model=None)
    app.add_api_route("/odd", odd, response_model=None)
    with serving(app, timeout_keep_alive=KEPT_S) as address:
        host, port = address.removeprefix("http://").split(":")
        yield host, int(port)


def asked(line: socket.socket, path: str, *more: str, method: str = "GET", at: str = "1.1") -> None:
    """Send a request."""
    lines = [f"{method} {path} HTTP/{at}", "Host: x", *more, "", ""]
    line.sendall("\r\n".join(lines).encode())


def rest(line: socket.socket) -> bytes:
    """Return all that comes until the end."""
    found = b""
    line.settimeout(30)
    while piece := line.recv(1 << 20):
        found += piece
    return found


def opened(node: tuple[str, int]) -> socket.socket:
    line = socket.create_connection(node)
    line.settimeout(10)
    return line


def test_head_and_body_of_a_short_answer_leave_together(node: tuple[str, int]) -> None:
    with opened(node) as line:
        for _ in range(5):
            asked(line, "/small")
            head, _, body = line.recv(1 << 16).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"content-length: 2" in head
            assert body == b"xx"


def test_long_bodies_and_none(node: tuple[str, int], go_on: threading.Event) -> None:
    go_on.set()
    with opened(node) as line:
        asked(line, "/small?size=3000000", "Connection: close")
        head, _, body = rest(line).partition(b"\r\n\r\n")
    assert (body, b"connection: close" in head) == (b"x" * 3_000_000, True)
    for path, method in (("/nothing", "GET"), ("/small", "HEAD"), ("/pieces", "HEAD")):
        with opened(node) as line:
            asked(line, path, "Connection: close", method=method)
            head, _, body = rest(line).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 20")
            assert body == b""


def test_pieces_come_as_they_are_made(node: tuple[str, int], go_on: threading.Event) -> None:
    with opened(node) as line:
        asked(line, "/pieces")
        first = line.recv(1 << 16)
        assert first.endswith(b"\r\n\r\n3\r\naaa\r\n")
        go_on.set()
        found = b""
        while not found.endswith(b"0\r\n\r\n"):
            found += line.recv(1 << 16)
    assert found == b"3\r\nbbb\r\n3\r\nccc\r\n0\r\n\r\n"


def test_requests_in_a_row_are_answered_in_a_row(
    node: tuple[str, int], go_on: threading.Event
) -> None:
    go_on.set()
    with opened(node) as line:
        asked(line, "/small?size=1")
        asked(line, "/pieces")
        asked(line, "/small?size=3", "Connection: close")
        found = rest(line)
    bodies = [one.partition(b"\r\n\r\n")[2] for one in found.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert bodies == [b"x", b"3\r\naaa\r\n3\r\nbbb\r\n3\r\nccc\r\n0\r\n\r\n", b"xxx"]


def test_version_1_0_is_closed(node: tuple[str, int]) -> None:
    with opened(node) as line:
        asked(line, "/small", at="1.0")
        head, _, body = rest(line).partition(b"\r\n\r\n")
    assert (body, b"connection: close" in head) == (b"xx", True)


@pytest.mark.parametrize("kind", ["short", "long", "name", "value"])
def test_what_is_no_answer_is_never_completed(
    node: tuple[str, int], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(node) as line:
        asked(line, f"/odd?kind={kind}")
        found = rest(line)
    assert b"Set-Cookie" not in found
    head, _, body = found.partition(b"\r\n\r\n")
    assert not head.startswith(b"HTTP/1.1 200") or (kind, body) == ("short", b"body")
    assert caplog.records
    with opened(node) as line:
        asked(line, "/odd?kind=fine", "Connection: close")
        assert rest(line).endswith(b"x-odd: a\r\nconnection: close\r\n\r\nbody")


def test_a_silent_connection_is_closed_and_a_used_one_is_not(node: tuple[str, int]) -> None:
    with opened(node) as line:
        for _ in range(4):
            asked(line, "/small")
            assert line.recv(1 << 16).endswith(b"xx")
            time.sleep(KEPT_S * 0.4)
        assert rest(line) == b""
