"""A client that asks again as soon as it is answered, over connections that stay open.

    python benchmarks/hammering.py URL [CLIENTS [SECONDS]]

One process and one loop, with as little work as can be: it shares the machine with what it asks.
"""

import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

GULP = 1 << 20
PATIENCE_S = 120.0


@dataclass(slots=True)
class Rate:
    """What came of it: answers a second, megabytes a second, and how long answers took."""

    a_second: float
    megabytes: float
    median_ms: float
    p95_ms: float
    first: bytes = field(repr=False, default=b"")


@dataclass(slots=True)
class _Line:
    socket: socket.socket
    head: bytearray = field(default_factory=bytearray)
    due: int = -1
    got: int = 0
    began: float = 0.0


def hammer(urls: list[str], clients: int, seconds: float, headers: str = "") -> Rate:
    """Ask for `urls` in turn on so many connections; the first answer warms up."""
    parts = [urlsplit(url) for url in urls]
    asked = [
        f"GET {one.path}{'?' + one.query if one.query else ''} HTTP/1.1\r\n"
        f"Host: {one.netloc}\r\n{headers}\r\n".encode()
        for one in parts
    ]
    first = _one(parts[0].hostname or "", parts[0].port or 80, asked[0])
    turns = cycle(asked)
    selector = selectors.DefaultSelector()
    gulp = bytearray(GULP)
    for _ in range(clients):
        line = _Line(socket.create_connection((parts[0].hostname, parts[0].port)))
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _send(line, next(turns))
        line.socket.setblocking(False)
        selector.register(line.socket, selectors.EVENT_READ, line)
    took: list[float] = []
    received = 0
    started = time.perf_counter()
    end = started + seconds
    while (now := time.perf_counter()) < end or not took:
        for key, _ in selector.select(1):
            line = key.data
            size = line.socket.recv_into(gulp)
            if not size:
                raise SystemExit("A connection was closed.")
            received += size
            if _is_whole(line, gulp, size):
                took.append(time.perf_counter() - line.began)
                line.socket.setblocking(True)
                _send(line, next(turns))
                line.socket.setblocking(False)
        if now > started + PATIENCE_S:
            break
    spent = time.perf_counter() - started
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    took.sort()
    return Rate(
        len(took) / spent,
        received / spent / 1e6,
        took[len(took) // 2] * 1e3,
        took[int(len(took) * 0.95)] * 1e3,
        first,
    )


def _send(line: _Line, asked: bytes) -> None:
    line.due, line.got, line.began = -1, 0, time.perf_counter()
    line.head.clear()
    line.socket.sendall(asked)


def _is_whole(line: _Line, gulp: bytearray, size: int) -> bool:
    """Take what has come; whether it ends the answer."""
    if line.due >= 0:
        line.got += size
        return line.got >= line.due
    line.head += gulp[:size]
    end = line.head.find(b"\r\n\r\n")
    if end < 0:
        return False
    line.due, line.got = _length(bytes(line.head[:end])), len(line.head) - end - 4
    return line.got >= line.due


def _length(head: bytes) -> int:
    status, *lines = head.split(b"\r\n")
    if status.split(b" ")[1] not in {b"200", b"206", b"304"}:
        raise SystemExit(head.decode("latin-1"))
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit("An answer without a length.")


def _one(host: str, port: int, asked: bytes) -> bytes:
    """Return the body of one answer."""
    with socket.create_connection((host, port), timeout=PATIENCE_S) as line:
        line.sendall(asked)
        data = bytearray()
        while b"\r\n\r\n" not in data:
            data += line.recv(GULP)
        head, _, body = bytes(data).partition(b"\r\n\r\n")
        due = _length(head)
        rest = bytearray(body)
        while len(rest) < due:
            rest += line.recv(GULP)
    return bytes(rest)


if __name__ == "__main__":
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    print(hammer([sys.argv[1]], clients, float(sys.argv[3]) if len(sys.argv) > 3 else 3.0))
