"""Whether a request is meant for this node: its Host has to be a name of ours.

A page of a stranger can make its own name lead to this machine (DNS rebinding) and would then
be of the same origin as the node. It needs a name for that: an address of numbers is safe.
"""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from panosc.domain.errors import Misdirected
from panosc.portal.guards.refusing import header, refuse
from panosc.settings import Settings

_LONGEST = 100


class Hosts:
    """Refuses requests under names that are not the node's.

    On loopback these are loopback's own and that of the public address; elsewhere that of the
    public address and bare IP addresses. A node that listens to the network and was told no
    public address cannot know its names, and takes any.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._is_loopback = is_loopback(settings.host)
        public = name_of(urlsplit(settings.base_url or "").netloc)
        self._takes_any = public is None and not self._is_loopback
        self._names = {name for name in (public, settings.host.lower()) if name}
        # few names, asked with each request
        self._is_ours = lru_cache(maxsize=256)(self._judge)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._is_ours(header(scope, b"host")):
            await self._app(scope, receive, send)
            return
        given = (header(scope, b"host") or "")[:_LONGEST]
        error = Misdirected(
            f"This node does not answer to the name {given!r}.",
            hint="Use its public address. Its operator gives it by the setting base_url.",
        )
        await refuse(error, scope, receive, send)

    def _judge(self, host: str | None) -> bool:
        if self._takes_any:
            return True
        name = name_of(host or "")
        if name is None:
            return False
        if name in self._names or is_loopback(name):
            return True
        return not self._is_loopback and _is_address(name)


def name_of(host: str) -> str | None:
    """Return the name in a Host header, without port and in lower case; None if it is none.

    Examples
    --------
    >>> name_of("Node.example:8000"), name_of("[::1]:80"), name_of("a@b"), name_of("a:b")
    ('node.example', '::1', None, None)
    """
    if not host or set(host) & set("/\\@?# \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        # looking at the port checks it
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname


@lru_cache(maxsize=4096)
def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine itself, whatever any name server says."""
    if name in {"localhost", "localhost."}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
