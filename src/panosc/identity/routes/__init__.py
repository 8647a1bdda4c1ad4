"""Identity over HTTP for programs: ``/api/v1`` and ``/oauth``. Pages for people are `portal`."""

from fastapi import APIRouter

from panosc.identity.routes import groups, oauth, rest
from panosc.identity.service import Identity
from panosc.settings import Settings


def router(identity: Identity, settings: Settings) -> APIRouter:
    """Return the routes of identity."""
    routes = APIRouter()
    for part in (rest.router(identity), groups.router(identity), oauth.router(identity, settings)):
        routes.routes.extend(part.routes)
    return routes
