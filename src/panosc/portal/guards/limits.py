"""How often one client may ask, and how many bad credentials it may try.

Counted by address, together with the other web processes of the node. Nobody is locked out of
an account: that would be a way to lock out others. What people may use in a day is
`policy.budgets`.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from panosc.domain.errors import Busy, TooMany
from panosc.portal.guards.clients import client_of
from panosc.portal.guards.hosts import is_loopback
from panosc.portal.guards.refusing import header, refuse
from panosc.portal.operating.board import Board
from panosc.portal.operating.windows import Windows
from panosc.settings import Settings

DEFAULT = 600
"""Requests a minute and client, unless a site says otherwise."""
STRICTER = 10
"""Where credentials are handled, a client may ask so many times less often."""
LEAST = 10
MINUTE_S = 60
GUESSES, LOCKED_S = 10, 600
"""So many bad credentials in so many seconds lock a client out for the rest of them."""
_CREDENTIALS = ("/login", "/auth/", "/oauth/", "/share/")
_OPEN = ("/static/", "/-/")
_HARVESTS = "/oai"
"""Where OAI-PMH is spoken: its harvesters wait when they are answered 503, not 429."""


class Limits:
    """Refuses clients that ask too often, or guess.

    Without a limit in the settings, clients on this machine itself have none.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        clock: Callable[[], datetime],
        board: Board | None = None,
    ) -> None:
        self._app = app
        self._given = settings.rate_limit
        self._has_proxies = bool(settings.trusted_proxies)
        self._asked = Windows(clock, area=None if board is None else board.asked)
        self._guessed = Windows(clock, area=None if board is None else board.guessed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._is_free(scope):
            await self._app(scope, receive, send)
            return
        error = self._too_many(scope) or self._locked_out(scope)
        if error is not None:
            await refuse(error, scope, receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._look(scope, message["status"])
            await send(message)

        await self._app(scope, receive, watched)

    def _is_free(self, scope: Scope) -> bool:
        # a proxy on this machine that nobody named brings clients from elsewhere
        is_brought = not self._has_proxies and header(scope, b"x-forwarded-for") is not None
        is_here = self._given is None and is_loopback(client_of(scope)) and not is_brought
        return is_here or str(scope["path"]).startswith(_OPEN)

    def _too_many(self, scope: Scope) -> TooMany | Busy | None:
        limit = DEFAULT if self._given is None else self._given
        if not limit:
            return None
        kind = "any"
        if _handles_credentials(scope):
            kind, limit = "credentials", max(limit // STRICTER, LEAST)
        number, seconds = self._asked.count(f"{kind} {client_of(scope)}", MINUTE_S)
        if number <= limit:
            return None
        refusal = Busy if scope["path"] == _HARVESTS else TooMany
        return refusal(
            f"You may ask {limit} times a minute here.",
            retry_after=seconds,
            hint=f"Try again in {seconds} seconds.",
        )

    def _locked_out(self, scope: Scope) -> TooMany | None:
        if not _shown(scope):
            return None
        number, seconds = self._guessed.seen(client_of(scope))
        if number < GUESSES:
            return None
        return TooMany(
            f"{GUESSES} credentials from your address were not good.",
            retry_after=seconds,
            hint=f"Check the one you use, and try again in {seconds} seconds.",
        )

    def _look(self, scope: Scope, status: int) -> None:
        shown = _shown(scope)
        if not shown or not _was_bad(scope, status):
            return
        # the same one again is a mistake, not a guess; it is not kept as it is
        tried = hashlib.blake2b(f"{client_of(scope)} {shown}".encode(), digest_size=16)
        number, _ = self._guessed.count(tried.hexdigest(), LOCKED_S)
        if number == 1:
            self._guessed.count(client_of(scope), LOCKED_S)


def _is_form_of_device(scope: Scope) -> bool:
    return bool(scope["method"] == "POST" and scope["path"].startswith("/device"))


def _handles_credentials(scope: Scope) -> bool:
    return bool(scope["path"].startswith(_CREDENTIALS)) or _is_form_of_device(scope)


def _shown(scope: Scope) -> str | None:
    """Return what distinguishes the credential of a request; None when there is none."""
    if (token := header(scope, b"authorization")) is not None:
        return f"token {token}"
    if scope["path"].startswith("/share/"):
        return str(scope["path"])
    if _is_form_of_device(scope):
        # the code is in the body, which has not been read: each counts
        return f"device {secrets.token_hex(8)}"
    query = scope.get("query_string", b"")
    return f"link {query!r}" if b"signed=" in query else None


def _was_bad(scope: Scope, status: int) -> bool:
    if scope["path"].startswith("/share/"):
        return status in {401, 403, 404, 410}
    if _is_form_of_device(scope):
        return status in {400, 404, 410, 422}
    # a signed link that is not good is refused by 403
    is_link = header(scope, b"authorization") is None
    return status == (403 if is_link else 401)
