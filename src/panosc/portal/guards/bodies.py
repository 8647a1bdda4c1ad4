"""How large the body of a request may be: it is read, up to the limit, before the route is.

Routes that take a stream are named here and hold to a limit of their own.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.domain.errors import TooLarge
from panosc.portal.guards.refusing import header, refuse

LARGEST = 1_000_000
STREAMS = ("/api/v1/groups",)
_DIGITS = 20
_SAYS = frozenset({b"content-length", b"transfer-encoding"})


class Bodies:
    """Refuses what is larger than any form or description here."""

    def __init__(self, app: ASGIApp, *, largest: int = LARGEST) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _has_body(scope) or scope["path"] in STREAMS:
            await self._app(scope, receive, send)
            return
        length = (header(scope, b"content-length") or "")[:_DIGITS]
        is_large = length.isdecimal() and int(length) > self._largest
        body = b"" if is_large else await _read(receive, self._largest)
        if body is None:
            # whoever sent it is gone, in the middle: half a body is not acted upon
            return
        if is_large or len(body) > self._largest:
            error = TooLarge(
                f"The body of a request may have {self._largest:_} bytes here.".replace("_", " "),
                limit=self._largest,
                hint="Send less at once.",
            )
            await refuse(error, scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)


def _has_body(scope: Scope) -> bool:
    # a loop: with each request
    for name, _ in scope["headers"]:  # noqa: SIM110
        if name in _SAYS:
            return True
    return False


async def _read(receive: Receive, largest: int) -> bytes | None:
    """Return the body, or of a larger one a piece that is too large, too; None: it broke off."""
    body = bytearray()
    while len(body) <= largest:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            break
    return bytes(body)
