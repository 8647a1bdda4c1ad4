"""Who sends a request: the dependency of every route.

How that is found out - sessions, tokens, links - is `identity`, which `app` plugs in here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request

from panosc.domain.access import ANYONE, Who
from panosc.policy.requiring import require, require_session

__all__ = [
    "asked",
    "call",
    "called",
    "install",
    "may_show",
    "payer",
    "require",
    "require_session",
    "who_asks",
]

Authenticate = Callable[[Request], Who]
"""Finds out who sent a request; raises `Unauthenticated` for a credential that is none."""


Admit = Callable[[Who, str], str | None]
"""Counts a request of a caller from an address; returns who pays for the answer, or raises
`OverBudget`."""
FREE = (
    "/-/",
    "/static/",
    "/login",
    "/logout",
    "/auth/",
    "/oauth/",
    "/device",
    "/account",
    "/.well-known/",
)
"""What anyone may ask for, whose budget is used up."""
_SHOWN = frozenset({b"authorization", b"cookie"})
_FREE_PAGES = frozenset({"/api/v1/me", "/privacy", "/policy"})


def install(app: FastAPI, authenticate: Authenticate, admit: Admit | None = None) -> None:
    """Let every route of `app` learn who asks from `authenticate`, and count with `admit`."""
    app.state.asking = (authenticate, admit)


def may_show(scope: Mapping[str, Any]) -> bool:
    """Whether a request may say who sends it; where it does not, that needs no look-up."""
    query = scope.get("query_string", b"")
    if b"signed" in query or b"token" in query:
        return True
    # a loop: with each request
    for name, _ in scope["headers"]:  # noqa: SIM110
        if name in _SHOWN:
            return True
    return False


def who_asks(request: Request) -> Who:
    """Return who sent the request; anyone where no login is installed."""
    scope = request.scope
    authenticate: Authenticate | None
    admit: Admit | None
    authenticate, admit = getattr(scope["app"].state, "asking", (None, None))
    who = ANYONE if authenticate is None else authenticate(request)
    state = scope.setdefault("state", {})
    state["who"] = who
    path = scope["path"]
    if admit is not None and not path.startswith(FREE) and path not in _FREE_PAGES:
        state["payer"] = admit(who, state.get("client", "unknown"))
    return who


def payer(scope: Mapping[str, Any]) -> str | None:
    """Return whose budget pays for the answer; None where nothing is counted."""
    found: str | None = scope.get("state", {}).get("payer")
    return found


def asked(request: Request) -> Who | None:
    """Return whom `who_asks` found; None where it was not asked or failed."""
    return getattr(request.state, "who", None)


def call(request: Request, name: str | None) -> None:
    """Keep how the person who sent the request is called, for the pages."""
    request.state.signed_in_name = name


def called(request: Request) -> str | None:
    """Return how the person who sent the request is called."""
    return getattr(request.state, "signed_in_name", None)
