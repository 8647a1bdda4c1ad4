"""How a guard answers instead of the route: like any other error."""

from fastapi import Request
from starlette.types import Receive, Scope, Send

from panosc.domain.errors import PanoscError
from panosc.portal import problems


async def refuse(error: PanoscError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the request with `error`, as a page or as a problem."""
    answer = problems.respond(Request(scope), error)
    await answer(scope, receive, send)


def header(scope: Scope, name: bytes) -> str | None:
    """Return a header of the request, the first if there are several."""
    found: list[tuple[bytes, bytes]] = scope["headers"]
    for key, value in found:
        if key == name:
            return value.decode("latin-1")
    return None
