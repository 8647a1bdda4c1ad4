"""Publications of one node: what is to be said of its records, in which formats.

Everything is as `who` may know it; what is sent to others asks as nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from panosc.catalogue.beside.leading import beside
from panosc.policy.shelf import Shelf
from panosc.publication import identifiers
from panosc.publication.fair.service import Fairness
from panosc.publication.gathering import Gatherer, Sources
from panosc.publication.minting.asking import Minting
from panosc.publication.minting.queue import POST
from panosc.publication.minting.working import worker
from panosc.publication.packages.making import Packages
from panosc.publication.plans.service import Plans
from panosc.publication.record import Organisation, Term
from panosc.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Publications:
    """The services of publication, one for each concern."""

    engine: sa.Engine
    clock: Callable[[], datetime]
    settings: Settings
    gatherer: Gatherer
    minting: Minting
    packages: Packages
    fairness: Fairness
    plans: Plans

    @contextmanager
    def registering(self) -> Iterator[None]:
        """Register DOIs beside whatever the block does; without an account nothing is done."""
        if self.minting.account is None:
            yield
            return
        with (
            worker(self.engine, self.settings, self.minting, self.gatherer) as work,
            beside(self.engine, POST, work),
        ):
            yield


def build(
    engine: sa.Engine,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    shelf: Shelf,
    term: Callable[[str, str | None, str | None], Term],
) -> Publications:
    """Return the services of one node.

    Parameters
    ----------
    shelf : Shelf
        The policies: they say which licence data have.
    term : callable
        PID, name and PaNET id of a technique → the term.
    """
    find = shelf.finder(engine)

    def licence(policy: str | None, kind: str | None) -> str | None:
        document = shelf.current(clock()) if policy is None else find(policy)
        classes = document.scope.data_classes
        return {"reduced": classes.reduced, "simulated": classes.results}.get(
            kind or "raw", classes.raw
        ).licence

    facility = Organisation(name=settings.facility, ror=identifiers.ror(settings.facility_ror))
    minting = Minting(engine, settings, clock, find)
    mints = None if minting.account is None else minting.account.prefix
    sources = Sources(facility=facility, term=term, licence=licence, mints=mints)
    gatherer = Gatherer(engine, clock, sources)
    return Publications(
        engine=engine,
        clock=clock,
        settings=settings,
        gatherer=gatherer,
        fairness=Fairness(engine=engine, gatherer=gatherer),
        plans=Plans(engine=engine, clock=clock, settings=settings, gatherer=gatherer, shelf=shelf),
        minting=minting,
        packages=Packages(engine, gatherer, minting, pid_prefix=settings.pid_prefix),
    )
