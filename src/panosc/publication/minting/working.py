"""All that one process does for the DOIs of a node: follow what changes, do what is due."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from typing_extensions import override

from panosc.catalogue.beside.leading import Work
from panosc.identity import outbound
from panosc.publication.exports.datacite_json import attributes
from panosc.publication.gathering import Gatherer
from panosc.publication.minting.account import needed
from panosc.publication.minting.asking import Minting
from panosc.publication.minting.datacite import DataCite
from panosc.publication.minting.following import Following
from panosc.publication.minting.rounds import Rounds, Terms
from panosc.publication.minting.telling import Teller
from panosc.settings import Settings

TIME_LIMIT_S: Final = 30.0
LONGEST_ANSWER: Final = 4 << 20


class Worker(Work):
    """Follows the feed, and registers what is due."""

    def __init__(self, following: Following, rounds: Rounds) -> None:
        self._following = following
        self._rounds = rounds

    @override
    def step(self, goes_on: Callable[[], bool]) -> bool:
        """Take up some of what has changed, then do what is due now."""
        has_more = self._following.step()
        return self._rounds.round(goes_on=goes_on) > 0 or has_more


@contextmanager
def worker(
    engine: sa.Engine,
    settings: Settings,
    minting: Minting,
    gatherer: Gatherer,
    *,
    terms: Terms | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> Iterator[Worker]:
    """Give what registers DOIs; the node has an account of DataCite."""
    account, clock = needed(settings), minting.clock
    with outbound.client(settings, timeout_s=time_limit_s, limit=LONGEST_ANSWER) as client:
        teller = Teller(gatherer, account, attributes, facility=settings.facility)
        rounds = Rounds(
            engine,
            DataCite(account, client),
            teller,
            terms or Terms(),
            prefix=account.prefix,
            clock=clock,
        )
        following = Following(engine, minting.find, prefix=account.prefix, clock=clock)
        yield Worker(following, rounds)
