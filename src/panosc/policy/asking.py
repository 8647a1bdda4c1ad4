"""Who sends a request: the dependency of every route.

How that is found out - sessions, tokens, links - is `identity`, which `app` plugs in here.
"""

from collections.abc import Callable

from fastapi import FastAPI, Request

from panosc.domain.access import ANYONE, Who

Authenticate = Callable[[Request], Who]
"""Finds out who sent a request; raises `Unauthenticated` for a credential that is none."""


def install(app: FastAPI, authenticate: Authenticate) -> None:
    """Let every route of `app` learn who asks from `authenticate`."""
    app.state.authenticate = authenticate


def who_asks(request: Request) -> Who:
    """Return who sent the request; anyone where no login is installed."""
    authenticate: Authenticate | None = getattr(request.app.state, "authenticate", None)
    return ANYONE if authenticate is None else authenticate(request)
