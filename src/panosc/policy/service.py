"""Everything about the policy that the rest of the house uses, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The services of the policy, one for each concern."""

    engine: sa.Engine
    clock: Callable[[], datetime]


def build(engine: sa.Engine, _settings: Settings, clock: Callable[[], datetime]) -> Policy:
    """Return the services of one node."""
    return Policy(engine=engine, clock=clock)
