"""The guards together, in the order in which a request meets them."""

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from panosc.policy.budgets import Budgets
from panosc.portal import security
from panosc.portal.guards import describing
from panosc.portal.guards.bodies import Bodies
from panosc.portal.guards.clients import Clients
from panosc.portal.guards.counting import Counting
from panosc.portal.guards.forgery import Forgery
from panosc.portal.guards.hosts import Hosts
from panosc.portal.guards.limits import Limits
from panosc.portal.guards.prefix import Prefix
from panosc.portal.guards.requests import Requests
from panosc.portal.operating.board import Board
from panosc.portal.operating.numbers import Numbers
from panosc.settings import Settings


def install(
    app: FastAPI,
    settings: Settings,
    *,
    budgets: Budgets,
    clock: Callable[[], datetime],
    board: Board,
    numbers: Numbers,
) -> None:
    """Put all guards in front of `app`; the one that is added last is met first."""
    describing.install(app, settings.base_url)
    app.add_middleware(Counting, budgets=budgets)
    app.add_middleware(Bodies)
    app.add_middleware(Forgery, settings=settings)
    app.add_middleware(Limits, settings=settings, clock=clock, board=board)
    app.add_middleware(Hosts, settings=settings)
    app.add_middleware(Clients, settings=settings)
    security.install(app, settings)
    app.add_middleware(Prefix, settings=settings)
    app.add_middleware(Requests, settings=settings, numbers=numbers)
