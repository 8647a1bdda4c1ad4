"""Catalogues on loopback that misbehave, each in one way; none of them is real.

They speak as much of the PaNOSC search API as it takes, from its documents: a list of records at
``/NAME/Datasets``. What they do wrongly is what facilities' servers have been seen to do.
"""

import json
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cloud.standins.running import QuietServer, running
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Records = list[dict[str, Any]]


class Providers:
    """What they answer, and how often each was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.delays: dict[str, float] = {}
        self.once: dict[str, float] = {}
        self.broken: set[str] = set()
        self.refused: set[str] = set()
        self.records: dict[str, Records] = {}
        self.ended = threading.Event()
        self.base = ""
        self.secure = ""
        """Where one is whose certificate nobody has reason to trust."""

    def url(self, name: str) -> str:
        """Where one of them is."""
        return f"{self.base}/{name}"

    def answer(self, name: str, handler: BaseHTTPRequestHandler) -> None:
        """Answer as that one does."""
        self.asked[name] = self.asked.get(name, 0) + 1
        self.ended.wait(self.once.pop(name, self.delays.get(name, 0.0)))
        if name in self.refused:
            handler.send_error(400, "no such field")
            return
        if name in self.broken:
            handler.send_error(500, "broken")
            return
        special: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
            "hanging": lambda _: (self.ended.wait(30), None)[1],
            "closing": _close,
            "garbage": lambda one: _send(one, b"<html>Service Unavailable</html>"),
            "huge": self._pour,
        }
        if name in special:
            special[name](handler)
            return
        records = self.records.get(name, [])
        # a PID is all that they filter by, in whatever words they are asked for it
        given = parse_qs(urlsplit(handler.path).query).get("filter", ["{}"])[0]
        wanted = json.loads(given).get("where", {}).get("pid")
        if wanted is not None:
            records = [one for one in records if str(one.get("pid")) in _texts(wanted)]
        _send(handler, json.dumps(records).encode())

    def _pour(self, handler: BaseHTTPRequestHandler) -> None:
        """Send a gigabyte, or as much of it as is taken."""
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        piece = b'{"pid":"' + b"x" * 65_536 + b'"},'
        handler.wfile.write(b"[")
        while not self.ended.is_set():
            handler.wfile.write(piece)


def _texts(value: Any) -> set[str]:
    """Return all texts and numbers in a condition, as texts."""
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    return set().union(*map(_texts, value)) if isinstance(value, list) else {str(value)}


def _send(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _close(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'[{"pid":"a"},')
    handler.close_connection = True


@contextmanager
def misbehaving() -> Iterator[Providers]:
    """Serve all of them."""
    providers = Providers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                providers.answer(self.path.split("/")[1], self)
            except OSError:
                # whoever asked has gone
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(QuietServer):
        # where more call at once, Linux has each wait for a second
        request_queue_size = 128

    plain, secure = (Server(("127.0.0.1", 0), Handler) for _ in range(2))
    secure.socket = _untrusted().wrap_socket(
        secure.socket, server_side=True, do_handshake_on_connect=False
    )
    providers.base = f"http://127.0.0.1:{plain.server_port}"
    providers.secure = f"https://127.0.0.1:{secure.server_port}"
    with running(plain), running(secure):
        try:
            yield providers
        finally:
            providers.ended.set()


def _untrusted() -> ssl.SSLContext:
    """Return a server's context with a certificate that it has signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    with tempfile.NamedTemporaryFile() as both:
        both.write(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(pem)
        )
        both.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both.name)
    return context
