"""Clients that read slowly or go away: nothing piles up, nobody else waits, nothing stays open."""

import os
import socket
import time
from pathlib import Path

import pytest
from download_node import OPEN

SIZE = 400_000_000
CLIENTS = 8


@pytest.fixture(scope="module")
def large(node):
    """A node one of whose files is far larger than what may be in memory."""
    path = node.path(OPEN, "run-2.nxs")
    kept, status = path.read_bytes(), path.stat()
    os.truncate(path, SIZE)

    node.registered(path, SIZE, path.stat().st_mtime_ns)
    yield node
    path.write_bytes(kept)
    os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))
    node.registered(path, len(kept), status.st_mtime_ns)


def memory() -> int:
    """Return what is in memory of this process, which serves, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def asking(node, path: str) -> socket.socket:
    """Ask, and read nothing but the beginning."""
    host, _, port = node.address.removeprefix("http://").partition(":")
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    found.connect((host, int(port)))
    found.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    assert found.recv(12) == b"HTTP/1.1 200"
    return found


def opened(path: Path) -> int:
    """Return how often this process holds a file open."""
    count = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            count += one.readlink() == path
        except OSError:
            continue
    return count


def until(condition) -> bool:
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_memory_is_bounded_however_slow_the_clients_are(large):
    node, path = large, large.path(OPEN, "run-2.nxs")
    ways = (
        f"/datasets/{OPEN}/-/download?file=run-2.nxs",
        f"/datasets/{OPEN}/-/download?match=run",
    )
    node.get(f"/datasets/{OPEN}/-/download?file=run-1.nxs")
    before = memory()
    slow = [asking(node, ways[number % 2]) for number in range(CLIENTS)]
    try:
        assert until(lambda: opened(path) >= CLIENTS)
        time.sleep(0.5)
        # in an archive the block on its way, and the one being read, hold it by themselves
        assert opened(path) <= CLIENTS // 2 * (1 + 3)
        # two blocks each, and what the connection holds
        assert memory() - before < CLIENTS * 6_000_000
        began = time.monotonic()
        assert node.get(f"/datasets/{OPEN}/-/download?file=empty.txt").status_code == 200
        assert time.monotonic() - began < 5
    finally:
        for one in slow:
            one.close()
    assert until(lambda: opened(path) == 0)
