"""Identity over HTTP for programs: ``/api/v1`` and ``/oauth``. Pages for people are `portal`."""

from fastapi import APIRouter

from panosc.identity.routes import groups, oauth, rest
from panosc.identity.service import Identity
from panosc.settings import Settings


def router(identity: Identity, settings: Settings) -> APIRouter:
    """Return the routes of identity."""
    routes = APIRouter()
    routes.include_router(rest.router(identity))
    routes.include_router(groups.router(identity))
    routes.include_router(oauth.router(identity, settings))
    return routes
