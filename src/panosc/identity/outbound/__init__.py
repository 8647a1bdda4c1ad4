"""The one way by which the node calls out: to public addresses only, short answers, in time.

A host is resolved once, every address it has is judged, and the connection goes to an address
that was judged, so that a name cannot point elsewhere a moment later. It neither follows
redirects (each is judged anew if a caller asks for it) nor heeds proxies of the environment.
"""

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpcore
import httpx
from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.identity.outbound.rules import (
    Deadline,
    Refused,
    Resolver,
    Rules,
    is_public,
    plain,
    resolved,
)
from panosc.settings import Settings

__all__ = ["DEFAULT_LIMIT", "Resolver", "client", "default_tls", "is_public", "resolved"]

DEFAULT_LIMIT = 1 << 20
"""Bytes that an answer may have, before and after it is unpacked."""
_PIECE = 1 << 14


class _Stream(httpcore.NetworkStream):
    """A connection on which every step ends by the one deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], self._deadline.left())

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Stream(inner, self._deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, rules: Rules, deadline: Deadline) -> None:
        self._rules = rules
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in self._rules.addresses(host.lower().rstrip("."), port, self._deadline):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._deadline.left(), socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream, self._deadline)
        raise failure


class _Transport(httpx.BaseTransport):
    """One connection for each call, and the whole answer in memory when it is handed on."""

    def __init__(self, rules: Rules, *, timeout_s: float, limit: int, tls: ssl.SSLContext) -> None:
        self._rules = rules
        self._timeout_s = timeout_s
        self._limit = limit
        self._tls = tls

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host.lower().rstrip(".") or "?"
        try:
            self._rules.check(request.url.copy_with(host=host))
            return self._answer(request)
        except Refused as error:
            reason = str(error)
        except httpcore.TimeoutException:
            reason = "it took too long to answer"
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            reason = f"it cannot be reached: {str(error) or type(error).__name__}"
        raise Upstream(
            f"{host} was not used: {reason}.",
            provider=host,
            hint="Try again later; if it stays so, tell those who run this node.",
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        url, deadline = request.url, Deadline(self._timeout_s)
        call = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.read(),
        )
        with httpcore.ConnectionPool(
            ssl_context=self._tls, network_backend=_Backend(self._rules, deadline)
        ) as pool:
            response = pool.handle_request(call)
            try:
                body = self._read(response)
            finally:
                response.close()
        return plain(response, body, self._limit)

    def _read(self, response: httpcore.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_stream():
            body += piece
            if len(body) > self._limit:
                raise Refused(f"its answer is larger than {self._limit} bytes")
        return bytes(body)


class _Client(httpx.Client):
    """A client to which an address that is none is a failure of whoever gave it."""

    @override
    def build_request(self, method: str, url: httpx.URL | str, **parts: Any) -> httpx.Request:
        try:
            return super().build_request(method, url, **parts)
        except httpx.InvalidURL as error:
            raise Upstream(
                f"An address cannot be used: {error}.",
                provider="?",
                hint="Look at the addresses that the provider's discovery document gives.",
            ) from None


@cache
def default_tls() -> ssl.SSLContext:
    """Return whom to trust when nothing else is said: read once, for it takes some 30 ms."""
    # the authorities that come with httpx, and those that the machine's owner trusts
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def client(
    settings: Settings,
    *,
    timeout_s: float = 5.0,
    limit: int = DEFAULT_LIMIT,
    resolve: Resolver = resolved,
    tls: ssl.SSLContext | None = None,
) -> httpx.Client:
    """Return a client for calls to other services; close it after use.

    Every failure, whether refused here or met on the way, is an `Upstream` that names the host.
    An answer of any status is handed on as it is.

    Parameters
    ----------
    settings : Settings
        ``outbound_hosts`` may be in private networks and be called without TLS; with
        ``dev_login`` so may loopback, by its usual names.
    timeout_s : float
        Seconds for one call as a whole: resolving, connecting, asking and the last byte.
    limit : int
        Bytes of an answer's body, packed and unpacked.
    resolve : callable
        Finds the addresses of a host.
    tls : SSLContext, optional
        Whom to trust; the usual authorities when not given.
    """
    transport = _Transport(
        Rules(settings, resolve),
        timeout_s=timeout_s,
        limit=limit,
        tls=tls or default_tls(),
    )
    return _Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=timeout_s,
        headers={"Accept-Encoding": "gzip", "User-Agent": "panosc"},
    )
