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
    who = ANYONE if authenticate is None else authenticate(request)
    request.state.who = who
    return who


def asked(request: Request) -> Who | None:
    """Return whom `who_asks` found; None where it was not asked or failed."""
    return getattr(request.state, "who", None)


def call(request: Request, name: str | None) -> None:
    """Keep how the person who sent the request is called, for the pages."""
    request.state.signed_in_name = name


def called(request: Request) -> str | None:
    """Return how the person who sent the request is called."""
    return getattr(request.state, "signed_in_name", None)
