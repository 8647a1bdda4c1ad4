"""The policy over HTTP for programs: ``/api/v1``. Pages for people are `portal`."""

from fastapi import APIRouter

from panosc.policy.routes import published, rest
from panosc.policy.service import Policy


def router(policy: Policy) -> APIRouter:
    """Return the routes of the policy."""
    routes = APIRouter()
    for part in (rest.router(policy), published.router(policy)):
        routes.routes.extend(part.routes)
    return routes
