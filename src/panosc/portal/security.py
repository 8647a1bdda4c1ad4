"""Headers that every answer of the node carries: what a browser and a cache may do with it.

An answer that depended on who asked is kept by nobody but, at most, the browser that asked.
"""

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.domain.access import ANYONE, Who
from panosc.settings import Settings

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
VIEWER_POLICY = CONTENT_POLICY.replace("img-src 'self' data:", "img-src 'self' data: blob:")
"""Of the page of the viewer alone, which shows pictures that a file holds."""
HEADERS: dict[str, str] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
OPEN_API = "/panosc-api"
"""What lies here, pages of any origin may read, but never with the cookies of who looks."""
_OPENED = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}
Pair = tuple[bytes, bytes]
_VARY = (b"vary", b"Cookie, Authorization")
_TWO_YEARS = "max-age=63072000"


class SecurityHeaders:
    """Adds `HEADERS` to what passes, unless the answer has its own."""

    def __init__(self, app: ASGIApp, settings: Settings | None = None) -> None:
        self._app = app
        added = dict(HEADERS)
        if settings is not None and (settings.base_url or "").startswith("https://"):
            added["Strict-Transport-Security"] = _TWO_YEARS
        self._added, self._opened = _raw(added), _raw(added | _OPENED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # made here, so that every copy of the scope shares it
        state = scope.setdefault("state", {})

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                raw = list(message.get("headers", ()))
                held = _limit_caching(raw, state.get("who"))
                is_open = scope["path"].startswith(OPEN_API)
                added = self._opened if is_open else self._added
                message["headers"] = raw + [pair for pair in added if pair[0] not in held]
            await send(message)

        await self._app(scope, receive, guarded)


def _raw(headers: dict[str, str]) -> list[Pair]:
    """Return headers as they are sent."""
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]


def _limit_caching(raw: list[Pair], who: Who | None) -> set[bytes]:
    """Add what caches may do; return the names of the answer's own headers."""
    names = {name.lower() for name, _ in raw}
    if who is None:
        return names
    if who == ANYONE and b"vary" not in names:
        # most answers; the rest is the same, written at length
        raw.append(_VARY)
        if b"cache-control" not in names:
            raw.append((b"cache-control", b"no-cache"))
        return names
    headers = MutableHeaders(raw=raw)
    named = {item.strip() for item in headers.get("vary", "").split(",")}
    for name in ("Cookie", "Authorization"):
        if name not in named:
            headers.add_vary_header(name)
    if who == ANYONE:
        # what is closed to anyone today may open tomorrow, and may be withdrawn
        headers.setdefault("Cache-Control", "no-cache")
    elif headers.get("cache-control") != "no-store":
        # a browser may ask again for what has a tag; on shared computers nothing else is kept
        kept = "no-cache" if "etag" in headers else "no-store"
        headers["Cache-Control"] = f"private, {kept}"
    return names


def install(app: FastAPI, settings: Settings | None = None) -> None:
    """Let every answer of `app` carry the headers; those of a failure get them in `problems`."""
    app.add_middleware(SecurityHeaders, settings=settings)
