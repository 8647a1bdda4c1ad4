"""The one way by which the node calls out: to public addresses only, short answers, in time.

A host is resolved once, every address it has is judged, and the connection goes to an address
that was judged, so that a name cannot point elsewhere a moment later. It neither follows
redirects (each is judged anew if a caller asks for it) nor heeds proxies of the environment.
"""

import ipaddress
import queue
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore
import httpx
from typing_extensions import override

from panosc.domain.errors import Upstream
from panosc.settings import Settings

Resolver = Callable[[str, int], Sequence[str]]
"""Finds the addresses of a host; raises `OSError` when there are none."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
DEFAULT_LIMIT = 1 << 20
"""Bytes that an answer may have, before and after it is unpacked."""
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(block)
    for block in (
        # what `is_global` lets pass, or did in some releases of Python
        "192.0.0.0/24",
        "192.88.99.0/24",
        # addresses that lead to an IPv4 address or are for documents
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PIECE = 1 << 14


class _RefusedError(Exception):
    """The call must not be made, or its answer not be read; the text says why."""


def is_public(address: Address) -> bool:
    """Tell whether an address belongs to the public internet and to nothing else."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_V6:
        return False
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in block for block in _NOT_PUBLIC if block.version == address.version)


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver knows for a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, never none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _RefusedError("it took too long to answer")
        return left


class _Rules:
    """Which hosts and addresses may be called."""

    def __init__(self, settings: Settings, resolve: Resolver) -> None:
        self._named = frozenset(host.lower().rstrip(".") for host in settings.outbound_hosts)
        self._dev_login = settings.dev_login
        self._resolve = resolve

    def check(self, url: httpx.URL) -> None:
        """Refuse an address by what is written in it."""
        if url.userinfo:
            raise _RefusedError("its address holds a name or password")
        if url.scheme != "https" and not (url.scheme == "http" and self._is_trusted(url.host)):
            raise _RefusedError("its address does not begin with https:")

    def addresses(self, host: str, port: int, deadline: _Deadline) -> list[str]:
        """Return the addresses of a host, all of them judged."""
        found = self._looked_up(host, port, deadline)
        for text in found:
            self._judge(host, ipaddress.ip_address(text.partition("%")[0]))
        return found

    def _is_trusted(self, host: str) -> bool:
        return host in self._named or (self._dev_login and host in _LOOPBACK_NAMES)

    def _judge(self, host: str, address: Address) -> None:
        if host in self._named:
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
                address = address.ipv4_mapped
            # not even a trusted name leads to the services of the machine it runs on
            is_fine = not (address.is_link_local or address.is_multicast or address.is_unspecified)
        elif self._dev_login and host in _LOOPBACK_NAMES:
            is_fine = address.is_loopback
        else:
            is_fine = is_public(address)
        if not is_fine:
            raise _RefusedError("it is not in the public internet, and not in `outbound_hosts`")

    def _looked_up(self, host: str, port: int, deadline: _Deadline) -> list[str]:
        answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(list(self._resolve(host, port)))
            except Exception as error:
                answers.put(error)

        # the system's resolver keeps no time of its own
        threading.Thread(target=look_up, daemon=True).start()
        try:
            answer = answers.get(timeout=deadline.left())
        except queue.Empty:
            raise _RefusedError("its name could not be resolved in time") from None
        if not answer or isinstance(answer, (OSError, UnicodeError)):
            raise _RefusedError("its name cannot be resolved")
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Stream(httpcore.NetworkStream):
    """A connection on which every step ends by the one deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: _Deadline) -> None:
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

    def __init__(self, rules: _Rules, deadline: _Deadline) -> None:
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

    def __init__(self, rules: _Rules, *, timeout_s: float, limit: int, tls: ssl.SSLContext) -> None:
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
        except _RefusedError as error:
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
        url, deadline = request.url, _Deadline(self._timeout_s)
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
        return _plain(response, body, self._limit)

    def _read(self, response: httpcore.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_stream():
            body += piece
            if len(body) > self._limit:
                raise _RefusedError(f"its answer is larger than {self._limit} bytes")
        return bytes(body)


def _plain(response: httpcore.Response, body: bytes, limit: int) -> httpx.Response:
    headers = httpx.Headers(response.headers)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if body and coding != "identity":
        body = _unpacked(body, coding, limit)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return httpx.Response(response.status, headers=headers, content=body)


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    if coding not in {"gzip", "x-gzip"}:
        raise _RefusedError("its answer is packed in a way that was not asked for")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise _RefusedError("its answer cannot be unpacked") from None
    if len(plain) > limit:
        raise _RefusedError(f"its answer is larger than {limit} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise _RefusedError("its answer cannot be unpacked")
    return plain


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


def _default_tls() -> ssl.SSLContext:
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
        _Rules(settings, resolve),
        timeout_s=timeout_s,
        limit=limit,
        tls=tls or _default_tls(),
    )
    return _Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=timeout_s,
        headers={"Accept-Encoding": "gzip", "User-Agent": "panosc"},
    )
