"""Whether a request that changes something was meant by whoever sends it (CSRF).

A browser adds cookies to what any page makes it send. So a request with cookies that may
change something has to come from a page of this node: the browser says so in
``Sec-Fetch-Site`` or, where it does not know that header, in ``Origin``. Pages can forge
neither. A request with a token in ``Authorization`` is meant: no page has that token.

``/auth/backchannel`` and ``/oauth/`` are called by machines of other origins. They look at no
cookie, and so nothing is to be gained by sending one there.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from panosc.domain.errors import Forbidden
from panosc.portal.guards.refusing import header, refuse
from panosc.settings import Settings

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITHOUT_COOKIES = ("/auth/backchannel", "/oauth/")
_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int | None]


class Forgery:
    """Refuses what a page of another origin makes a browser send."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._public = origin_of(settings.base_url or "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._is_meant(scope):
            await self._app(scope, receive, send)
            return
        error = Forbidden(
            "This request did not come from a page of this node, so it is not carried out.",
            hint="Open the page here and send it again. Programs: send a token in the header "
            "“Authorization: Bearer TOKEN” and no cookies.",
        )
        await refuse(error, scope, receive, send)

    def _is_meant(self, scope: Scope) -> bool:
        if scope["method"] not in UNSAFE or scope["path"].startswith(WITHOUT_COOKIES):
            return True
        if header(scope, b"cookie") is None or header(scope, b"authorization") is not None:
            return True
        site = header(scope, b"sec-fetch-site")
        if site is not None:
            return site in {"same-origin", "none"}
        return self._is_own(header(scope, b"origin"), header(scope, b"host"))

    def _is_own(self, origin: str | None, host: str | None) -> bool:
        sent = origin_of(origin or "")
        if sent is None:
            return False
        if self._public is not None and sent[1] == self._public[1]:
            return sent == self._public
        # the scheme is not known behind a proxy
        return sent == origin_of(f"{sent[0]}://{host}")


def origin_of(address: str) -> Origin | None:
    """Return scheme, host and port of an address; None when it has none, such as ``null``.

    Examples
    --------
    >>> origin_of("https://Node.example/x"), origin_of("null")
    (('https', 'node.example', 443), None)
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]
