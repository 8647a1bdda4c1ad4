"""Which hosts and addresses may be called, and what of an answer is believed.

Pure but for the resolver: how a call is made is in `outbound` and `outbound.beyond`.
"""

import ipaddress
import queue
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence

import httpcore
import httpx

from panosc.settings import Settings

Resolver = Callable[[str, int], Sequence[str]]
"""Finds the addresses of a host; raises `OSError` when there are none."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
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


class Refused(Exception):
    """The call must not be made, or its answer not be read; the text says why.

    `reason` is a stable word for it: ``refused``, ``late``, ``unreachable``, ``too-large``,
    ``garbage``.
    """

    def __init__(self, why: str, *, reason: str = "refused") -> None:
        super().__init__(why)
        self.reason = reason


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


class Deadline:
    """When a call has to be over."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, never none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Refused("it took too long to answer", reason="late")
        return left


class Rules:
    """Which hosts and addresses may be called."""

    def __init__(
        self, settings: Settings, resolve: Resolver, *, trusted: Iterable[str] = ()
    ) -> None:
        named = (*settings.outbound_hosts, *trusted)
        self._named = frozenset(host.lower().rstrip(".") for host in named)
        self._dev_login = settings.dev_login
        self._resolve = resolve

    def check(self, url: httpx.URL) -> None:
        """Refuse an address by what is written in it."""
        if url.userinfo:
            raise Refused("its address holds a name or password")
        if url.scheme != "https" and not (url.scheme == "http" and self.is_trusted(url.host)):
            raise Refused("its address does not begin with https:")

    def addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        """Return the addresses of a host, all of them judged."""
        found = self._looked_up(host, port, deadline)
        for text in found:
            self._judge(host, ipaddress.ip_address(text.partition("%")[0]))
        return found

    def is_trusted(self, host: str) -> bool:
        """Whether a host may be in a private network, and be called without TLS."""
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
            raise Refused("it is not in the public internet, and not in `outbound_hosts`")

    def _looked_up(self, host: str, port: int, deadline: Deadline) -> list[str]:
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
            raise Refused("its name could not be resolved in time", reason="late") from None
        if not answer or isinstance(answer, (OSError, UnicodeError)):
            raise Refused("its name cannot be resolved", reason="unreachable")
        if isinstance(answer, Exception):
            raise answer
        return answer


def plain(response: httpcore.Response, body: bytes, limit: int) -> httpx.Response:
    """Return an answer, unpacked.

    Raises
    ------
    Refused
        If it is packed in another way than was asked for, or larger than `limit` bytes.
    """
    headers = httpx.Headers(response.headers)
    coding = headers.get("content-encoding", "identity").strip().lower()
    if body and coding != "identity":
        body = _unpacked(body, coding, limit)
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return httpx.Response(response.status, headers=headers, content=body)


def _unpacked(body: bytes, coding: str, limit: int) -> bytes:
    if coding not in {"gzip", "x-gzip"}:
        raise Refused("its answer is packed in a way that was not asked for", reason="garbage")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise Refused("its answer cannot be unpacked", reason="garbage") from None
    if len(plain) > limit:
        raise Refused(f"its answer is larger than {limit} bytes", reason="too-large")
    if not unpacker.eof or unpacker.unused_data:
        raise Refused("its answer cannot be unpacked", reason="garbage")
    return plain
