"""Other catalogues for a node to ask, which differ as facilities' own are seen to differ.

Not real ones: each speaks as much of the PaNOSC search API as its documents say and a question
needs - find with ``where.pid``, ``order`` and ``limit``, files as a relation - and does one thing
of its own, which its record of behaviour names.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cloud.standins.running import running


@dataclass
class Peer:
    """How one behaves; what it was asked is in `heard`: path, headers."""

    records: list[dict[str, Any]] = field(default_factory=list)
    delay_s: float = 0.0
    status: int = 200
    body: bytes | None = None
    filters: bool = True
    """Whether it heeds a condition at all."""
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)


class Peers:
    """All of them, by name, at one address."""

    def __init__(self) -> None:
        self.base = ""
        self.by_name: dict[str, Peer] = {}
        self.ended = threading.Event()

    def url(self, name: str) -> str:
        """Where one of them is."""
        return f"{self.base}/{name}/api"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer as that one does."""
        parts = urlsplit(handler.path)
        peer = self.by_name[parts.path.split("/")[1]]
        peer.heard.append((handler.path, dict(handler.headers)))
        self.ended.wait(peer.delay_s)
        body = peer.body if peer.body is not None else _found(peer, parts.path, parts.query)
        handler.send_response(peer.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _found(peer: Peer, path: str, query: str) -> bytes:
    asked = json.loads(parse_qs(query).get("filter", ["{}"])[0])
    model = path.split("/")[3]
    found = [one for one in peer.records if one.get("is", "Datasets") == model]
    if peer.filters:
        found = [one for one in found if _fits(one, asked.get("where", {}))]
    orders = asked.get("order", [])
    for order in reversed([orders] if isinstance(orders, str) else orders):
        name, _, way = order.partition(" ")
        found.sort(key=lambda one: str(one.get(name, "")), reverse=way == "DESC")
    found = found[: asked.get("limit") or None]
    return json.dumps([{k: v for k, v in one.items() if k != "is"} for one in found]).encode()


def _fits(record: dict[str, Any], where: dict[str, Any]) -> bool:
    pid = where.get("pid")
    wanted = pid.get("eq", pid.get("inq")) if isinstance(pid, dict) else pid
    if wanted is None:
        return True
    return str(record.get("pid")) in (wanted if isinstance(wanted, list) else [str(wanted)])


@contextmanager
def serving_peers() -> Iterator[Peers]:
    """Serve all of them."""
    peers = Peers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                peers.answer(self)
            except OSError:
                # whoever asked has gone
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peers.base = f"http://127.0.0.1:{server.server_port}"
    with running(server):
        try:
            yield peers
        finally:
            peers.ended.set()
