"""From a request to who sent it: a token in the header, a signed link, or the session's cookie.

A credential is in one place only; a token in the address is refused. A bad token is an error,
a session that is over just leaves the caller a stranger.
"""

from collections.abc import Callable
from urllib.parse import parse_qsl

from fastapi import Request

from panosc.domain.access import ANYONE, Who
from panosc.domain.errors import Invalid, Unauthenticated
from panosc.identity.sessions import Found, SessionStore
from panosc.policy import asking
from panosc.settings import Settings

Reader = Callable[[str], Who | None]
"""Makes a caller of a credential; None when it is none of its kind.

Raises `Unauthenticated` when it is of its kind and not good."""
_LONGEST = 16_000
_IN_ADDRESS = frozenset({"access_token", "token", "id_token", "refresh_token"})


class Authenticator:
    """Finds out who sent a request; `policy.asking` calls it.

    Parameters
    ----------
    bearers : sequence of callables
        Asked in turn for what stands in ``Authorization: Bearer``.
    links : callable
        The readers (``link:…``) whose links this browser has opened.
    signed : callable
        The caller of a signed link, by the request.
    keep_fresh : callable
        Told of each session that is used; asks the provider again when it is time to.
    """

    def __init__(
        self,
        settings: Settings,
        sessions: SessionStore,
        *,
        bearers: tuple[Reader, ...] = (),
        links: Callable[[Request], frozenset[str]] = lambda _: frozenset(),
        signed: Callable[[Request], Who | None] = lambda _: None,
        keep_fresh: Callable[[Found], bool] = lambda _: True,
    ) -> None:
        self._terms = settings.terms_version
        self._sessions = sessions
        self._bearers = bearers
        self._links = links
        self._signed = signed
        self._keep_fresh = keep_fresh

    def __call__(self, request: Request) -> Who:
        """Return who sent `request`.

        Raises
        ------
        Unauthenticated
            If a token is not good.
        Invalid
            If a token stands in the address.
        """
        if not asking.may_show(request.scope):
            return ANYONE
        _refuse_token_in(request)
        header = request.headers.get("authorization")
        if header is not None:
            return self._bearer(header)
        links = self._links(request)
        if (linked := self._signed(request)) is not None:
            return linked
        found = self._session(request)
        if found is None:
            return Who(groups=links) if links else ANYONE
        asking.call(request, found.standing.name)
        return found.standing.who(
            via="session", links=links, is_admitted=found.standing.terms == self._terms
        )

    def _session(self, request: Request) -> Found | None:
        cookie = request.cookies.get(self._sessions.cookie)
        if not cookie:
            return None
        found = self._sessions.find(cookie)
        return found if found is not None and self._keep_fresh(found) else None

    def _bearer(self, header: str) -> Who:
        kind, _, text = header.partition(" ")
        if kind.lower() != "bearer" or not 0 < len(text) <= _LONGEST:
            raise Unauthenticated(
                "The Authorization header is not understood.",
                reason="invalid_request",
                hint="Send “Authorization: Bearer TOKEN”.",
            )
        for read in self._bearers:
            who = read(text.strip())
            if who is not None:
                return who
        raise Unauthenticated(
            "This token is not one of this node, nor of a provider that it trusts.",
            reason="invalid_token",
            hint="Make one on the page /account/tokens.",
        )


def _refuse_token_in(request: Request) -> None:
    query = request.scope.get("query_string", b"")
    if b"token" not in query:
        return
    names = {name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)}
    if names & _IN_ADDRESS:
        raise Invalid(
            "A token has no place in an address: addresses are logged and passed on.",
            field=min(names & _IN_ADDRESS),
            hint="Send it in the header “Authorization: Bearer TOKEN”. Revoke this one.",
        )
