"""Parts of files that the operating system passes on, over real connections."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app_serving import serving
from panosc.data.untouched import PASSED_ON, Untouched
from panosc.files.storage.local import LocalSource

SIZE = 20_000_003
Send = Callable[[Request], Awaitable[Response]]


@pytest.fixture
def content(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def seen() -> list[bool]:
    """Whether the server offered to pass on, request by request."""
    return []


@pytest.fixture
def node(content: Path, seen: list[bool]) -> Iterator[str]:
    app = FastAPI()

    async def send(request: Request) -> Response:
        seen.append(PASSED_ON in request.scope.get("extensions", {}))
        start, stop = (int(word) for word in request.query_params["part"].split("-"))
        return Untouched(LocalSource(content), start, stop - start, headers=[])

    app.add_api_route("/part", send, methods=["GET", "HEAD"], response_model=None)
    with serving(app) as address:
        yield address


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, SIZE), (7, 8), (5, 5), (0, 4 << 20), (3, (8 << 20) + 4), (SIZE - 1, SIZE)],
)
def test_parts_arrive_as_they_lie(
    node: str, content: Path, seen: list[bool], start: int, stop: int
) -> None:
    told = httpx.get(f"{node}/part?part={start}-{stop}")
    assert told.status_code == 200
    assert hashlib.sha256(told.content).digest() == (
        hashlib.sha256(content.read_bytes()[start:stop]).digest()
    )
    assert seen == [hasattr(os, "RWF_NOWAIT")]


def test_a_connection_serves_many(node: str, content: Path) -> None:
    data = content.read_bytes()
    with httpx.Client() as client:
        for turn in range(48):
            start = turn * 399_989
            assert (
                client.get(f"{node}/part?part={start}-{start + 600_000}").content
                == (data[start : start + 600_000])
            )
            told = client.head(f"{node}/part?part=0-{SIZE}")
            assert (told.headers["Content-Length"], told.content) == (str(SIZE), b"")


def test_who_reads_slowly_gets_all_and_stops_nobody(node: str, content: Path) -> None:
    host, port = node.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.sendall(f"GET /part?part=0-{SIZE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.3)
        assert (
            httpx.get(f"{node}/part?part=0-100", timeout=5).content == (content.read_bytes()[:100])
        )
        digest, head = hashlib.sha256(), b""
        while b"\r\n\r\n" not in head:
            head += slow.recv(65_536)
        body = head.partition(b"\r\n\r\n")[2]
        digest.update(body)
        have = len(body)
        while have < SIZE:
            piece = slow.recv(1 << 20)
            assert piece, "it ended early"
            digest.update(piece)
            have += len(piece)
    assert digest.digest() == hashlib.sha256(content.read_bytes()).digest()


def test_who_leaves_in_the_middle_leaves_nothing_open(node: str, content: Path) -> None:
    def open_files() -> int:
        listed = Path("/proc/self/fd")
        # elsewhere what is open cannot be counted; that it serves on is seen below
        names = listed.iterdir() if listed.is_dir() else ()
        return sum(os.path.realpath(one) == str(content) for one in names)

    host, port = node.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port))) as hasty:
            hasty.sendall(f"GET /part?part=0-{SIZE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            hasty.recv(1000)
    until = time.monotonic() + 10
    while open_files() and time.monotonic() < until:
        time.sleep(0.05)
    assert open_files() == 0
    assert len(httpx.get(f"{node}/part?part=0-1000").content) == 1000


def test_what_changes_meanwhile_is_never_completed(node: str, content: Path) -> None:
    host, port = node.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.sendall(f"GET /part?part=0-{SIZE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = slow.recv(1000)
        with content.open("r+b") as file:
            file.seek(SIZE // 2)
            file.write(b"changed")
        have = len(head.partition(b"\r\n\r\n")[2])
        while piece := slow.recv(1 << 20):
            have += len(piece)
    assert have < SIZE


def test_what_is_cut_short_meanwhile_is_broken_off(node: str, content: Path) -> None:
    host, port = node.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        slow.sendall(f"GET /part?part=0-{SIZE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = slow.recv(1000)
        cut = threading.Thread(target=os.truncate, args=(content, SIZE // 2))
        cut.start()
        cut.join()
        have = len(head.partition(b"\r\n\r\n")[2])
        slow.settimeout(10)
        try:
            while piece := slow.recv(1 << 20):
                have += len(piece)
        except ConnectionResetError:
            pass
    assert have < SIZE
