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
_TWO_YEARS = "max-age=63072000"


class SecurityHeaders:
    """Adds `HEADERS` to what passes, unless the answer has its own."""

    def __init__(self, app: ASGIApp, settings: Settings | None = None) -> None:
        self._app = app
        self._added = dict(HEADERS)
        if settings is not None and (settings.base_url or "").startswith("https://"):
            self._added["Strict-Transport-Security"] = _TWO_YEARS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # made here, so that every copy of the scope shares it
        state = scope.setdefault("state", {})

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                _limit_caching(headers, state.get("who"))
                is_open = scope["path"].startswith(OPEN_API)
                for name, value in (self._added | (_OPENED if is_open else {})).items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        await self._app(scope, receive, guarded)


def _limit_caching(headers: MutableHeaders, who: Who | None) -> None:
    if who is None:
        return
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


def install(app: FastAPI, settings: Settings | None = None) -> None:
    """Let every answer of `app` carry the headers; those of a failure get them in `problems`."""
    app.add_middleware(SecurityHeaders, settings=settings)
