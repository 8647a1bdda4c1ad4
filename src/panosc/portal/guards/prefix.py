"""Where an answer leads: to the public address of the node, which a proxy may give a path.

Pages write whole paths. Parts that do not know the public address, such as the framework, write
the paths that they see; those are made whole here.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.portal.guards.refusing import header
from panosc.settings import Settings

LOCATION = b"location"


class Prefix:
    """Lets every ``Location`` lead to where the outside finds it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._base = (settings.base_url or "").rstrip("/")
        self._root = urlsplit(self._base).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._base:
            await self._app(scope, receive, send)
            return
        seen = f"{scope['scheme']}://{header(scope, b'host') or ''}/"

        async def led(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    (name, self._public(value.decode("latin-1"), seen).encode("latin-1"))
                    if name.lower() == LOCATION
                    else (name, value)
                    for name, value in message.get("headers", ())
                ]
            await send(message)

        await self._app(scope, receive, led)

    def _public(self, target: str, seen: str) -> str:
        """Return where `target` is for the outside; `seen` is what the node takes for itself."""
        if target.startswith(f"{self._base}/"):
            return target
        if target.startswith(seen):
            return f"{self._base}/{target.removeprefix(seen)}"
        is_path = target.startswith("/") and not target.startswith("//")
        is_whole = f"{target}/".startswith(f"{self._root}/") or target.startswith(
            (f"{self._root}/", f"{self._root}?")
        )
        return self._root + target if is_path and not is_whole else target
