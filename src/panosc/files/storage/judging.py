"""Which hosts and addresses a storage may be read from: those that its settings name.

As in `identity.outbound` a host is resolved, every address is judged, and the connection goes to
an address that was judged. That a storage is `private` makes its own host trusted, no other.
"""

import ipaddress
import queue
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore
from typing_extensions import override

from panosc.domain.errors import Unreachable
from panosc.files.storage.places import Store
from panosc.files.storage.trying import Transient
from panosc.identity.outbound import is_public, resolved

IDLE_S: Final = 10.0
"""Longest that a storage may say nothing."""


def refused(store: Store, why: str) -> Unreachable:
    """Return the error for what must not be called, whatever else happens."""
    return Unreachable(
        f"The storage {store.name} is not read from: {why}.",
        hint="Who runs the node: look at the setting `storages`.",
    )


def addresses(store: Store, host: str, port: int, *, limit_s: float) -> list[str]:
    """Return the addresses of a host, all of them judged.

    Raises
    ------
    Unreachable
        If one is not public, and the storage is not said to be `private`.
    Transient
        If there are none.
    """
    found = _looked_up(host, port, limit_s)
    for text in found:
        if not is_fine(text, private=store.private):
            raise refused(
                store, f"{host} is not in the public internet, and it is not set as `private`"
            )
    return found


def is_fine(text: str, *, private: bool) -> bool:
    """Whether an address may be called."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if not private:
        return is_public(address)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    # not even a trusted name leads to the services of the machine it runs on
    return not (address.is_link_local or address.is_multicast or address.is_unspecified)


def _looked_up(host: str, port: int, limit_s: float) -> list[str]:
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolved(host, port))
        except Exception as error:
            answers.put(error)

    # the system's resolver keeps no time of its own
    threading.Thread(target=look_up, daemon=True).start()
    try:
        answer = answers.get(timeout=limit_s)
    except queue.Empty:
        raise Transient(f"the name {host} could not be resolved in time") from None
    if not answer or isinstance(answer, (OSError, UnicodeError)):
        raise Transient(f"the name {host} cannot be resolved")
    if isinstance(answer, Exception):
        raise answer
    return answer


class Deadline:
    """When a request has to be done; it stands where the HTTP library expects seconds."""

    def __init__(self, seconds: float) -> None:
        self.renew(seconds)

    def renew(self, seconds: float) -> None:
        """Give it so many seconds from now."""
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that one step may take.

        Raises
        ------
        Transient
            If none are left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise Transient("it took too long to answer")
        return min(left, IDLE_S)


class JudgedBackend(httpcore.NetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._inner = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Any = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        failure: Exception = httpcore.ConnectError("no address")
        for address in addresses(self._store, host, port, limit_s=_seconds(timeout)):
            try:
                stream = self._inner.connect_tcp(
                    address, port, _seconds(timeout), socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(stream)
        raise failure


class _Stream(httpcore.NetworkStream):
    """A connection whose steps are given a `Deadline` each, the one of their request."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    @override
    def read(self, max_bytes: int, timeout: Any = None) -> bytes:
        return self._stream.read(max_bytes, _seconds(timeout))

    @override
    def write(self, buffer: bytes, timeout: Any = None) -> None:
        self._stream.write(buffer, _seconds(timeout))

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: Any = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _seconds(timeout)))

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _seconds(timeout: Any) -> float:
    return timeout.left() if isinstance(timeout, Deadline) else IDLE_S
