"""From where a request comes: the peer, or what a trusted proxy says of it.

``X-Forwarded-For`` can be written by anyone; each proxy adds its peer at the right. So it is
read from there, and the first address that is not of a trusted proxy is the client.
"""

import ipaddress
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from panosc.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MOST = 32
_NETWORK_BITS = 64


class Clients:
    """Writes the address of the client into the request's state."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._trusted = [ipaddress.ip_network(text) for text in settings.trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            # made here, so that every copy of the scope shares it
            scope.setdefault("state", {})["client"] = self.client(scope)
        await self._app(scope, receive, send)

    def client(self, scope: Scope) -> str:
        """Return the address; an IPv6 client has a network of them, which counts as one."""
        address = str((scope.get("client") or ("",))[0])
        if not self._trusted:
            return _told(address)
        peer = read(address)
        lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
        said = b",".join(lines).decode("latin-1").split(",")[-_MOST:]
        while self._is_trusted(peer) and said:
            further = read(said.pop().strip())
            if further is None:
                break
            peer = further
        return _named(peer)

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def client_of(scope: Scope) -> str:
    """Return the address that `Clients` found."""
    return str(scope.get("state", {}).get("client", "unknown"))


def read(text: str) -> Address | None:
    """Return an address, an IPv4 one also where it comes as IPv6; None for other texts."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0].removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _named(peer: Address | None) -> str:
    return "unknown" if peer is None else written(peer)


@lru_cache(maxsize=4096)
def _told(address: str) -> str:
    return _named(read(address))


def written(address: Address) -> str:
    """Return what stands for an address wherever something is counted.

    Examples
    --------
    >>> written(ipaddress.ip_address("2001:db8:1:2:3::4")), written(ipaddress.ip_address("::1"))
    ('2001:db8:1:2::/64', '::1')
    """
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return str(address)
    return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))
