"""Everything about the policy that the rest of the house uses, put together."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.domain.access import RULES
from panosc.policy.budgets import Budgets
from panosc.policy.decisions.acts import Acts
from panosc.policy.decisions.petitions import Limits, Petitions
from panosc.policy.decisions.sharing import Sharing
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The services of the policy, one for each concern."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    budgets: Budgets
    acts: Acts
    sharing: Sharing
    petitions: Petitions


def build(engine: sa.Engine, _settings: Settings, clock: Callable[[], datetime]) -> Policy:
    """Return the services of one node."""
    acts = Acts(engine, clock, lambda _policy: RULES)
    sharing = Sharing(acts)
    return Policy(
        engine=engine,
        clock=clock,
        budgets=Budgets(engine, clock),
        acts=acts,
        sharing=sharing,
        petitions=Petitions(acts, sharing, lambda _policy: Limits()),
    )
