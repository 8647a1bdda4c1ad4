"""Everything about identity that the rest of the house uses, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.identity.keys import Keys, node_keys
from panosc.identity.resolving import Authenticator
from panosc.identity.sessions import SessionStore
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The services of identity, one for each concern."""

    keys: Keys
    sessions: SessionStore
    authenticate: Authenticator


def build(engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]) -> Identity:
    """Return the services of one node; nothing is asked of any provider yet."""
    sessions = SessionStore(engine, settings, clock)
    return Identity(
        keys=node_keys(settings),
        sessions=sessions,
        authenticate=Authenticator(settings, sessions),
    )
