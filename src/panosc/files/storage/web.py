"""Reading ranges by HTTP: from plain servers and from WebDAV, where a GET is a GET.

Connections are kept and shared by threads. A server may send readers on to hosts that the
settings name, as the doors of a dCache do to its pools; the password stays behind.
"""

import base64
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from panosc.files.storage.answers import Answer, Asked, error_of
from panosc.files.storage.facts import Facts, mark_of
from panosc.files.storage.judging import Deadline, JudgedBackend, refused
from panosc.files.storage.places import Store
from panosc.files.storage.trying import Transient

CONNECTIONS: Final = 16
HOPS: Final = 3
RENEWED: Final = 2**20
"""Bytes of a long answer that have to come within the time limit."""
_SUCCESS: Final = range(200, 300)
_SENT_ON: Final = frozenset({301, 302, 303, 307, 308})


class WebRemote:
    """One storage that is read by HTTP."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_closed = False
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(store.ca_file),
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=15.0,
            network_backend=JudgedBackend(store),
        )

    def close(self) -> None:
        """Close the connections, one that is just being made after its answer."""
        self._is_closed = True
        self._pool.close()

    def look(self, url: str, *, limit_s: float) -> Facts:
        """Return what the server tells of a file."""
        with self.asking("HEAD", url, {}, Deadline(limit_s)) as (response, headers):
            if response.status not in _SUCCESS:
                raise error_of(self._store, response.status)
            return self._facts(headers, _length(headers))

    @contextmanager
    def fetch(
        self, url: str, offset: int, size: int, *, limit_s: float, is_long: bool
    ) -> Iterator[Answer]:
        """Ask for a range."""
        asked = Asked(store=self._store, offset=offset, size=size)
        deadline = Deadline(limit_s)
        wanted = {"Range": asked.header}
        with self.asking("GET", url, wanted, deadline) as (response, headers):
            if response.status not in _SUCCESS:
                raise error_of(self._store, response.status)
            if headers.get("content-encoding", "identity").lower() != "identity":
                raise refused(self._store, "it packs its answers, which was not asked for")
            told = headers.get("content-range")
            whole = asked.whole_size(response.status, told, _length(headers))
            pieces = _pieces(response, deadline, renewed_s=limit_s if is_long else None)
            yield Answer(facts=self._facts(headers, whole), pieces=asked.exactly(pieces))

    def _facts(self, headers: httpx.Headers, size: int | None) -> Facts:
        told, tag = headers.get("last-modified"), headers.get("etag")
        return Facts(size=size, mark=mark_of(told, tag, use_etag=self._store.use_etag))

    @contextmanager
    def asking(
        self, method: str, url: str, wanted: dict[str, str], deadline: Deadline
    ) -> Iterator[tuple[httpcore.Response, httpx.Headers]]:
        """Ask, and ask again where the server sends us, as far as that is allowed."""
        address = self._store.web_address(url)
        for _ in range(HOPS):
            with self.ask(method, address, wanted, deadline) as response:
                headers = httpx.Headers(response.headers)
                if response.status not in _SENT_ON:
                    yield response, headers
                    return
                address = self._next(address, headers.get("location"))
        raise refused(self._store, "it sends readers on and on")

    @contextmanager
    def ask(
        self, method: str, address: str, wanted: dict[str, str], deadline: Deadline
    ) -> Iterator[httpcore.Response]:
        """Ask one address, once."""
        parts = httpx.URL(address)
        headers = {
            "Host": parts.netloc.decode("ascii"),
            "Accept-Encoding": "identity",
            "User-Agent": "panosc",
            **wanted,
            **self.credentials(method, address),
        }
        steps = dict.fromkeys(("connect", "read", "write"), deadline)
        try:
            with self._pool.stream(
                method,
                httpcore.URL(
                    scheme=parts.raw_scheme,
                    host=parts.raw_host,
                    port=parts.port,
                    target=parts.raw_path,
                ),
                headers=list(headers.items()),
                extensions={"timeout": {**steps, "pool": deadline.left()}},
            ) as response:
                try:
                    yield response
                finally:
                    if self._is_closed:
                        # the pool may have forgotten one that was not yet made when it closed
                        response.extensions["network_stream"].close()
        except (httpcore.TimeoutException, httpcore.PoolTimeout):
            raise Transient("it took too long to answer") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Transient(f"{str(error) or type(error).__name__}") from None

    def credentials(self, method: str, address: str) -> dict[str, str]:
        """Return what says who asks, to the storage itself and to nobody else."""
        if self._store.secret is None or not self._is_its_own(address):
            return {}
        if self._store.key is None:
            return {"Authorization": f"Bearer {self._store.secret}"}
        both = f"{self._store.key}:{self._store.secret}".encode()
        return {"Authorization": "Basic " + base64.b64encode(both).decode()}

    def _is_its_own(self, address: str) -> bool:
        return address.startswith(self._store.web_address(self._store.url))

    def _next(self, address: str, told: str | None) -> str:
        """Return where a server sends us on to, if the settings let it."""
        if not told:
            raise refused(self._store, "it sends readers on, and does not say where")
        target = urljoin(address, told).partition("#")[0]
        parts = urlsplit(target)
        host = (parts.hostname or "").rstrip(".")
        is_named = any(
            host == name or (name.startswith(".") and host.endswith(name))
            for name in self._store.redirect_hosts
        )
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and self._store.private)
        is_ours = self._is_its_own(target) and ".." not in target
        if parts.username is not None or not is_safe or not (is_ours or is_named):
            where = host[:100] or "nowhere"
            raise refused(
                self._store, f"it sends readers on to {where}, which is not in `redirect_hosts`"
            )
        return target


def _pieces(
    response: httpcore.Response, deadline: Deadline, *, renewed_s: float | None
) -> Iterator[bytes]:
    """Yield the body as it comes; a long one has to keep coming."""
    came = 0
    for piece in response.iter_stream():
        yield piece
        came += len(piece)
        if renewed_s is not None and came >= RENEWED:
            came = 0
            deadline.renew(renewed_s)


def _length(headers: httpx.Headers) -> int | None:
    told = headers.get("content-length", "")
    return int(told) if told.isdecimal() and len(told) < 20 else None  # noqa: PLR2004


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
