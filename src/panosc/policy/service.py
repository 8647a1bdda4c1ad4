"""Everything about the policy that the rest of the house uses, put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.domain.access import RULES
from panosc.policy import births
from panosc.policy.budgets import Allowance, Budgets
from panosc.policy.decisions.acts import Acts
from panosc.policy.decisions.petitions import Limits, Petitions
from panosc.policy.decisions.sharing import Sharing
from panosc.policy.explaining import Explaining
from panosc.policy.opening.simulating import Simulating
from panosc.policy.shelf import Shelf, open_shelf
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The services of the policy, one for each concern."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    shelf: Shelf
    budgets: Budgets
    explaining: Explaining
    simulating: Simulating
    acts: Acts
    sharing: Sharing
    petitions: Petitions


def build(engine: sa.Engine, settings: Settings, clock: Callable[[], datetime]) -> Policy:
    """Return the services of one node, its policies read and kept.

    Raises
    ------
    Invalid, Conflict
        If a document is none, or not what it was.
    """
    shelf = open_shelf(settings, engine)
    find = shelf.finder(engine)

    def rules_of(policy: str | None) -> Mapping[str, frozenset[str]]:
        return RULES if policy is None else find(policy).rules

    def limits_of(policy: str | None) -> Limits:
        if policy is None:
            return Limits()
        embargo = find(policy).embargo
        return Limits(
            each=embargo.extension.max_years_each,
            total=embargo.extension.max_total_years,
            first=embargo.default_years,
        )

    told: list[tuple[object, Mapping[str, Allowance]]] = []

    def allowances() -> Mapping[str, Allowance]:
        # asked with each request, and nearly always of the same document
        document = shelf.current(clock())
        for known, allowed in told:
            if known is document:
                return allowed
        found = {
            name: Allowance(requests_per_day=one.requests_per_day, bytes_per_day=one.bytes_per_day)
            for name, one in document.user_classes.items()
        }
        told[:] = [(document, found)]
        return found

    acts = Acts(engine, clock, rules_of, births.for_extensions(shelf))
    sharing = Sharing(acts)
    return Policy(
        engine=engine,
        clock=clock,
        shelf=shelf,
        budgets=Budgets(engine, clock, allowances),
        explaining=Explaining(engine, shelf, clock),
        simulating=Simulating(engine, clock),
        acts=acts,
        sharing=sharing,
        petitions=Petitions(acts, sharing, limits_of),
    )
