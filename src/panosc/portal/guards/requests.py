"""Every request gets an id, an end of its time and a place in the numbers; slow ones are logged.

Outermost of the guards: whatever stands behind it knows the id by `domain.underway`, and each
answer carries it as ``X-Request-Id``. What people are called, and any credential, stays out of
the log: of a question only that of a search is written, without what might be a secret.
"""

import logging
import random
import re
import time
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.domain import underway
from panosc.domain.underway import Underway
from panosc.portal.guards.refusing import header
from panosc.portal.operating.numbers import OTHER, Numbers, Route
from panosc.settings import Settings

WELL_FORMED = re.compile(r"[A-Za-z0-9_.:-]{8,64}")
_ASKS = ("/search", "/suggest", "/panosc-api", "/techniques", "/instruments")
_SECRET = re.compile(
    "token|signed|code|state|secret|passw|session|mail|orcid|person|^key$", re.IGNORECASE
)
_LONGEST = 2000
_FAILED = 500
_CHANCE = random.Random()  # noqa: S311 - nobody has anything from guessing the id of a request
_log = logging.getLogger("panosc.slow")


class Requests:
    """Names, times and counts each request.

    Parameters
    ----------
    numbers : Numbers
        Where to count.
    """

    def __init__(self, app: ASGIApp, settings: Settings, numbers: Numbers) -> None:
        self._app = app
        self._numbers = numbers
        self._limit_s = settings.query_time_limit_s
        self._slow_s = settings.slow_query_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        asked = Underway(id=_name(scope), deadline=began + self._limit_s)
        underway.begin(asked)
        # made here, so that every copy of the scope shares it
        scope.setdefault("state", {})["request_id"] = asked.id
        status, answered = _FAILED, 0.0

        async def named(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], time.monotonic()
                # what is answered in pieces takes as long as whoever reads it
                asked.lift()
                own = (b"x-request-id", asked.id.encode())
                message["headers"] = [*message.get("headers", ()), own]
            await send(message)

        self._numbers.begun()
        try:
            await self._app(scope, receive, named)
        finally:
            seconds = (answered or time.monotonic()) - began
            self._numbers.ended(_route(scope), status, seconds)
            if seconds >= self._slow_s:
                self._numbers.slow()
                _tell(scope, status, seconds)


def _name(scope: Scope) -> str:
    """Return the id that the request came with, if it can be one, or a new one."""
    given = header(scope, b"x-request-id") or ""
    return given if WELL_FORMED.fullmatch(given) else f"{_CHANCE.getrandbits(64):016x}"


def _route(scope: Scope) -> Route:
    path = getattr(scope.get("route"), "path", None)
    return OTHER if path is None else (scope["method"], path)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    method, path = _route(scope)
    _log.warning(
        "Slow: %s %s took %.3f s",
        method,
        path,
        seconds,
        extra={
            "route": path,
            "method": method,
            "status": status,
            "seconds": round(seconds, 3),
            "question": _question(scope),
        },
    )


def _question(scope: Scope) -> str | None:
    """Return the query of a search, without values of names that might be secrets."""
    query = scope.get("query_string", b"").decode("latin-1")
    if not query or not str(scope["path"]).startswith(_ASKS):
        return None
    pairs = parse_qsl(query[: 4 * _LONGEST], keep_blank_values=True)
    told = [(name, "…" if _SECRET.search(name) else value) for name, value in pairs]
    return urlencode(told)[:_LONGEST]
